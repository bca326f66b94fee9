/**
 * Kernel objects, capabilities and capability slots: seL4's `structures`. Data only; what is done
 * with them lies in one file per object type.
 *
 * A kernel object is a TypeScript object that occupies its true size at a physical address inside
 * an untyped: nothing else may lie in `[paddr, paddr + 2^sizeBits)`. A capability is an immutable
 * value in a slot; only an untyped's `freeIndex` changes in place, so every slot owns its
 * `UntypedCap`.
 */

import { smallInteger } from '../../memory/small-integer.ts';
import type { Fault } from '../ipc/fault-record.ts';
import {
  TCB_BITS,
  ENDPOINT_BITS,
  NOTIFICATION_BITS,
  REPLY_BITS,
  SLOT_BITS,
  PAGE_TABLE_BITS,
  ASID_POOL_BITS,
} from './object-sizes.ts';
import type { PageTable, AsidPool } from '../memory/page-table.ts';
import type { MachineCode, UserContext, UserThread } from '../user.ts';

// ------------------------------------------------------------------------------------ capabilities

export interface NullCap {
  readonly kind: 'null';
}
export interface UntypedCap {
  readonly kind: 'untyped';
  readonly base: number;
  readonly sizeBits: number;
  readonly isDevice: boolean;
  /** Bytes from the start that are in use or dirty; a multiple of 16. */
  freeIndex: number;
}
export interface EndpointCap {
  readonly kind: 'endpoint';
  readonly endpoint: Endpoint;
  readonly badgeLow: number;
  readonly badgeHigh: number;
  /** `RIGHT_…` bits: write is send, read is receive. */
  readonly rights: number;
}
export interface NotificationCap {
  readonly kind: 'notification';
  readonly notification: Notification;
  readonly badgeLow: number;
  readonly badgeHigh: number;
  /** `RIGHT_…` bits: write is signal, read is wait. */
  readonly rights: number;
}
export interface ReplyCap {
  readonly kind: 'reply';
  readonly reply: Reply;
  readonly canGrant: boolean;
}
export interface CNodeCap {
  readonly kind: 'cnode';
  readonly cnode: CNode;
  readonly guardLow: number;
  readonly guardHigh: number;
  readonly guardSize: number;
}
export interface ThreadCap {
  readonly kind: 'thread';
  readonly tcb: Tcb;
}
export interface SchedContextCap {
  readonly kind: 'schedContext';
  readonly schedContext: SchedContext;
}
export interface SchedControlCap {
  readonly kind: 'schedControl';
}
export interface IrqControlCap {
  readonly kind: 'irqControl';
}
export interface IrqHandlerCap {
  readonly kind: 'irqHandler';
  readonly irq: number;
}
export interface DomainCap {
  readonly kind: 'domain';
}
export interface FrameCap {
  readonly kind: 'frame';
  readonly base: number;
  readonly sizeBits: number;
  readonly vmRights: number;
  readonly isDevice: boolean;
  /** 0 when not mapped. */
  readonly mappedAsid: number;
  readonly mappedAddress: number;
}
export interface PageTableCap {
  readonly kind: 'pageTable';
  readonly table: PageTable;
  readonly isMapped: boolean;
  readonly mappedAsid: number;
  readonly mappedAddress: number;
}
export interface AsidControlCap {
  readonly kind: 'asidControl';
}
export interface AsidPoolCap {
  readonly kind: 'asidPool';
  readonly pool: AsidPool;
}
/** What is left of a CNode or TCB that is being deleted: its first `count` slots. */
export interface ZombieCap {
  readonly kind: 'zombie';
  readonly object: CNode | Tcb;
  readonly count: number;
}

export type Cap =
  | NullCap
  | EndpointCap
  | NotificationCap
  | ReplyCap
  | CNodeCap
  | UntypedCap
  | ThreadCap
  | SchedContextCap
  | SchedControlCap
  | IrqControlCap
  | IrqHandlerCap
  | DomainCap
  | FrameCap
  | PageTableCap
  | AsidControlCap
  | AsidPoolCap
  | ZombieCap;

export const NULL_CAP: NullCap = { kind: 'null' };

// ------------------------------------------------------------------------------------------- slots

/**
 * A capability slot with its node in the mapping database: the derivation tree, as a list in
 * preorder.
 */
export class Slot {
  cap: Cap = NULL_CAP;
  mdbPrev: Slot | null = null;
  mdbNext: Slot | null = null;
  /** The original capability to the object: others may be derived from it. */
  revocable = false;
  firstBadged = false;
}

/**
 * Slots that nobody has looked at yet; a copy of an array without holes is one, too, and soon made.
 */
const RADIX_COPIED = 13;
const NO_SLOTS: readonly undefined[] = Array.from({ length: 1 << RADIX_COPIED }, () => undefined);

/**
 * 2^radix slots. They come into being when they are first looked at: a large CNode is mostly empty.
 */
export class CNode {
  readonly kind = 'cnode';
  readonly paddr: number;
  readonly radix: number;
  readonly slots: (Slot | undefined)[];

  constructor(paddr: number, radix: number) {
    this.paddr = paddr;
    this.radix = smallInteger(radix);
    this.slots = radix <= RADIX_COPIED ? NO_SLOTS.slice(0, 1 << radix) : [];
  }

  /** @param index below 2^radix */
  slotAt(index: number): Slot {
    return this.slots[index] ?? this.#fill(index);
  }

  #fill(index: number): Slot {
    const slot = new Slot();
    this.slots[index] = slot;
    return slot;
  }
}

// ------------------------------------------------------------------------------------- IPC objects

/**
 * States are words to whoever reads them, and numbers in the fields themselves: a comparison of
 * numbers takes two instructions, one of words six, and storing a word a write barrier
 * (docs/hot-code.md).
 */
export const IDLE = 0;
/** Of an endpoint. */
export const SENDING = 1;
export const RECEIVING = 2;
/** Of a notification. */
export const WAITED_FOR = 1;
export const ACTIVE = 2;

export class Endpoint {
  readonly kind = 'endpoint';
  readonly paddr: number;
  /** {@link state}, as a number. */
  phase: 0 | 1 | 2 = IDLE;
  /** Threads that wait, highest priority first, then first come first. */
  head: Tcb | null = null;
  tail: Tcb | null = null;

  constructor(paddr: number) {
    this.paddr = paddr;
  }

  get state(): 'idle' | 'send' | 'receive' {
    if (this.phase === IDLE) return 'idle';
    return this.phase === SENDING ? 'send' : 'receive';
  }

  set state(state: 'idle' | 'send' | 'receive') {
    if (state === 'idle') this.phase = IDLE;
    else this.phase = state === 'send' ? SENDING : RECEIVING;
  }
}

export class Notification {
  readonly kind = 'notification';
  readonly paddr: number;
  /** {@link state}, as a number. */
  phase: 0 | 1 | 2 = IDLE;
  head: Tcb | null = null;
  tail: Tcb | null = null;
  /** Badges signalled since the word was last taken, or-ed. */
  wordLow = 0;
  wordHigh = 0;
  boundTcb: Tcb | null = null;
  schedContext: SchedContext | null = null;

  constructor(paddr: number) {
    this.paddr = paddr;
  }

  get state(): 'idle' | 'waiting' | 'active' {
    if (this.phase === IDLE) return 'idle';
    return this.phase === WAITED_FOR ? 'waiting' : 'active';
  }

  set state(state: 'idle' | 'waiting' | 'active') {
    if (state === 'idle') this.phase = IDLE;
    else this.phase = state === 'waiting' ? WAITED_FOR : ACTIVE;
  }
}

/**
 * What a call leaves at the callee, and one link of the chain along which a scheduling context was
 * lent.
 */
export class Reply {
  readonly kind = 'reply';
  readonly paddr: number;
  /** The thread that waits for this reply, or the receiver that has provided it. */
  tcb: Tcb | null = null;
  /** The call below this one on the same scheduling context. */
  prev: Reply | null = null;
  /** The call above, unless this is the newest one: then `schedContext` is what was lent. */
  next: Reply | null = null;
  schedContext: SchedContext | null = null;

  constructor(paddr: number) {
    this.paddr = paddr;
  }
}

// ------------------------------------------------------------------------------ known capabilities

/** {@link KnownTarget.generation} of what is to be looked up again. */
export const NEVER_KNOWN = -1;

/** What a pointer leads to, as {@link KnownTarget.kind}. */
export const TARGET_UNUSUAL = 0;
export const TARGET_NOTIFICATION = 1;
export const TARGET_ENDPOINT = 2;
export const TARGET_IRQ = 3;

/**
 * What a pointer of a thread has led to last: it does so as long as `capGeneration` is the same
 * (`known-caps.ts`).
 */
export class KnownTarget {
  /** What `capGeneration` was when it was looked up. */
  generation = NEVER_KNOWN;
  /** The pointer's low half, signed; its high half is 0. */
  low = 0;
  kind: 0 | 1 | 2 | 3 = TARGET_UNUSUAL;
  /** Each of these is of its own kind alone: behind another one it may be a former target's. */
  notification: Notification | null = null;
  endpoint: Endpoint | null = null;
  irq = 0;
  /**
   * Of the capability to a notification or an endpoint: what a receiver is told. Halves, signed, so
   * that they are small integers.
   */
  badgeLow = 0;
  badgeHigh = 0;
}

/** Whether a wait provides a reply object: a compared number. */
export const WITHOUT_REPLY = 0;
export const WITH_REPLY = 1;

/** The same of the two pointers of a wait. */
export class KnownWait {
  /** What `capGeneration` was when they were looked up. */
  generation = NEVER_KNOWN;
  /** The pointers' low halves, signed; their high halves are 0. */
  low = 0;
  replyLow = 0;
  hasReply: 0 | 1 = WITHOUT_REPLY;
  /** Of these one at most: both `null` when this is no wait that the fast path knows. */
  endpoint: Endpoint | null = null;
  notification: Notification | null = null;
  /** Beside an endpoint, of a call that provides one. */
  reply: Reply | null = null;
}

/** Of one thread: a place for each use of a pointer, since the uses alternate. */
export class KnownCaps {
  /** Whom Send, NBSend and Call go to. */
  readonly target = new KnownTarget();
  /** Whom the send of NBSendRecv goes to, before its thread waits. */
  readonly deferred = new KnownTarget();
  /** Where any receiving call waits, and the reply object that it provides. */
  readonly wait = new KnownWait();
}

// ----------------------------------------------------------------------------------------- threads

/**
 *     inactive --resume--> restart --activate--> running --system call--> blockedOn… --partner--> running
 *        ^                    ^                     |                          |
 *        +----- suspend ------+---- preempted ------+                          +-- cancelled --> restart or inactive
 */
const THREAD_STATES = [
  'inactive',
  'running',
  'restart',
  'blockedOnReceive',
  'blockedOnSend',
  'blockedOnReply',
  'blockedOnNotification',
  'idle',
] as const;
export type ThreadState = (typeof THREAD_STATES)[number];

// Of those that the fast path knows, the numbers: places in the list above.
export const INACTIVE = 0;
export const RUNNING = 1;
export const RESTART = 2;
export const BLOCKED_ON_RECEIVE = 3;
export const BLOCKED_ON_REPLY = 5;
export const BLOCKED_ON_NOTIFICATION = 6;

/** Slots of a TCB, in the order in which a zombie of it counts them. */
export const TCB_CTABLE = 0;
export const TCB_VTABLE = 1;
export const TCB_BUFFER = 2;
export const TCB_FAULT_HANDLER = 3;
export const TCB_TIMEOUT_HANDLER = 4;
export const TCB_SLOTS = 5;

export class Tcb {
  readonly kind = 'tcb';
  readonly paddr: number;
  readonly ctable = new Slot();
  readonly vtable = new Slot();
  readonly buffer = new Slot();
  readonly faultHandler = new Slot();
  readonly timeoutHandler = new Slot();
  /** For the fast path. */
  readonly known = new KnownCaps();
  /**
   * The register file: see `REG_…` in `abi.ts`. Machine code brings one of its own, which its
   * instructions use.
   */
  regs: Uint32Array = new Uint32Array(64);

  /** {@link state}, as a number. */
  phase: number = INACTIVE;
  /** Where it is blocked, and what it sends with. Meaningful in the states blockedOn… only. */
  blockedOn: Endpoint | Notification | null = null;
  reply: Reply | null = null;
  sendBadgeLow = 0;
  sendBadgeHigh = 0;
  sendRights = 0;
  sendIsCall = false;

  /** In the ready queue of its domain and priority. */
  isQueued = false;
  isInReleaseQueue = false;
  /** Links of the one queue it is in: ready, release, endpoint or notification. */
  queueNext: Tcb | null = null;
  queuePrev: Tcb | null = null;

  fault: Fault | null = null;
  domain = 0;
  maxPriority = 0;
  priority = 0;
  schedContext: SchedContext | null = null;
  yieldTo: SchedContext | null = null;
  boundNotification: Notification | null = null;
  ipcBufferLow = 0;
  ipcBufferHigh = 0;

  /** The program that runs on it: `null` before its first activation and after its death. */
  context: UserContext | null = null;
  processor: UserThread | null = null;
  /** The body again, when it executes instructions: such a thread's pc is real. */
  machineCode: MachineCode | null = null;
  /** `TCB_FLAG_…` */
  flags = 0;
  /** The pc at which the program started; of no meaning for machine code. */
  entryPc = 0;
  /** The pc that it was given first: the entry of the program that it was made for. */
  firstPc = 0;
  /** Whether `context.resume()` is on the JavaScript stack. */
  hasFrame = false;
  name = '';

  constructor(paddr: number) {
    this.paddr = paddr;
  }

  get state(): ThreadState {
    return THREAD_STATES[this.phase] as ThreadState;
  }

  set state(state: ThreadState) {
    if (state === 'running') this.phase = RUNNING;
    else if (state === 'restart') this.phase = RESTART;
    else this.phase = THREAD_STATES.indexOf(state);
  }

  /** @param index `TCB_CTABLE` … `TCB_TIMEOUT_HANDLER` */
  slotAt(index: number): Slot {
    switch (index) {
      case TCB_CTABLE:
        return this.ctable;
      case TCB_VTABLE:
        return this.vtable;
      case TCB_BUFFER:
        return this.buffer;
      case TCB_FAULT_HANDLER:
        return this.faultHandler;
      default:
        return this.timeoutHandler;
    }
  }
}

// ----------------------------------------------------------------------------- scheduling contexts

const SCHED_CONTEXT_HEADER_BYTES = 96;
const REFILL_BYTES = 16;

/**
 * A right to processor time: `budget` in every `period`, as a queue of refills. All times in ticks.
 */
export class SchedContext {
  readonly kind = 'schedContext';
  readonly paddr: number;
  readonly sizeBits: number;
  /** 0 for round robin. */
  period = 0;
  consumed = 0;
  tcb: Tcb | null = null;
  /** The newest call made with this scheduling context: head of the call stack. */
  reply: Reply | null = null;
  notification: Notification | null = null;
  badgeLow = 0;
  badgeHigh = 0;
  yieldFrom: Tcb | null = null;
  isSporadic = false;
  /** Refills in use at most; 0 before it is configured. */
  refillMax = 0;
  refillHead = 0;
  refillCount = 0;
  readonly refillTime: Float64Array;
  readonly refillAmount: Float64Array;

  constructor(paddr: number, sizeBits: number) {
    this.paddr = paddr;
    this.sizeBits = sizeBits;
    const refills = refillsThatFit(sizeBits);
    this.refillTime = new Float64Array(refills);
    this.refillAmount = new Float64Array(refills);
  }
}

/** @returns how many refills a scheduling context of 2^sizeBits bytes has room for */
export function refillsThatFit(sizeBits: number): number {
  return Math.floor((2 ** sizeBits - SCHED_CONTEXT_HEADER_BYTES) / REFILL_BYTES);
}

export type KernelObject =
  | Tcb
  | Endpoint
  | Notification
  | CNode
  | SchedContext
  | Reply
  | PageTable
  | AsidPool;

/** @returns log2 of the bytes that an object occupies */
export function objectBits(object: KernelObject): number {
  switch (object.kind) {
    case 'tcb':
      return TCB_BITS;
    case 'endpoint':
      return ENDPOINT_BITS;
    case 'notification':
      return NOTIFICATION_BITS;
    case 'cnode':
      return object.radix + SLOT_BITS;
    case 'schedContext':
      return object.sizeBits;
    case 'reply':
      return REPLY_BITS;
    case 'pageTable':
      return PAGE_TABLE_BITS;
    case 'asidPool':
      return ASID_POOL_BITS;
    default:
      return object satisfies never;
  }
}
