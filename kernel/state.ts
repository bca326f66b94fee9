/**
 * The kernel's global state: seL4's `kernelstate`. One object per kernel instance, handed to every
 * function as `k`. There is no other kernel memory: all else lies in objects that were made by
 * retype.
 */

import { Configured } from '../memory/configured.ts';
import type { Ram } from '../memory/ram.ts';
import { FLOAT_ZERO } from '../memory/small-integer.ts';
import type { CostTable } from './cost.ts';
import type { Machine } from './machine.ts';
import type { Fault, LookupFailure } from './ipc/fault-record.ts';
import type { KernelObject } from './objects/objects.ts';
import type { AsidPool } from './memory/page-table.ts';
import { LOOKUP_INVALID_ROOT } from './ipc/fault-record.ts';
import type { Utilisation } from './sched/utilisation.ts';
import { SchedContext, Slot, Tcb } from './objects/objects.ts';

/** 10 MHz: ticks are 100 ns. */
export const TICKS_PER_US = 10;
export const NS_PER_TICK = 100;
/** Twice the kernel's worst-case execution time of 10 us. */
export const MIN_BUDGET_US = 20;
export const MIN_BUDGET = MIN_BUDGET_US * TICKS_PER_US;
export const KERNEL_WCET = 10 * TICKS_PER_US;
/** The longest period, in us, as a 64-bit word. */
export const MAX_PERIOD_US_LOW = 0x3333_3333;
export const MAX_PERIOD_US_HIGH = 0x0333_3333;
export const MIN_REFILLS = 2;

export const PRIORITIES = 256;
export const DOMAINS = 16;
export const DOMAIN_SCHEDULE_ENTRIES = 100;
/** 2^56 - 1 ticks. */
export const DOMAIN_DURATION_MAX = 2 ** 56;
export const ASID_POOLS = 128;
export const ASID_LOW_BITS = 9;

export const STATUS_OK = 0;
/** The invocation was refused: `k.error` says why. */
export const STATUS_ERROR = 1;
/** The invocation was preempted: it will be made again. */
export const STATUS_PREEMPTED = 2;
/** A lookup failed: `k.lookup` says how. */
export const STATUS_LOOKUP_FAULT = 3;
export type Status = 0 | 1 | 2 | 3;

export const IRQ_INACTIVE = 0;
export const IRQ_SIGNAL = 1;
/** The kernel's own timer. */
export const IRQ_TIMER = 2;

/**
 * Why an invocation is refused; which fields count depends on `type`, an error number of `abi.ts`.
 */
export interface InvocationError {
  type: number;
  /** Number of the argument or capability at fault. */
  number: number;
  rangeMin: number;
  rangeMaxLow: number;
  rangeMaxHigh: number;
  memoryLeft: number;
  lookupWasSource: boolean;
}

/** Counts of the running kernel, for benchmarks and reports. */
export interface KernelCounters {
  kernelEntries: number;
  contextSwitches: number;
  notificationsSent: number;
  interrupts: number;
  ipcCalls: number;
  faults: number;
  /** Frames that were unwound although their thread was alive: see the README. */
  framesLost: number;
}

export interface DomainScheduleEntry {
  domain: number;
  /** In ticks; 0 with domain 0 marks the end. */
  duration: number;
}

export interface KernelStateOptions {
  readonly machine: Machine;
  readonly costs: CostTable;
  /** Work units between preemption points; 100 in seL4. */
  readonly workUnitsMax: number;
  readonly fastPath: 'on' | 'off';
  /** In ticks: see {@link KernelState.longestCharge}. */
  readonly longestCharge: number;
}

export class KernelState extends Configured<KernelStateOptions> {
  readonly machine: Machine = this.options.machine;
  readonly ram: Ram = this.options.machine.ram;
  readonly u32: Uint32Array<SharedArrayBuffer> = this.options.machine.ram.u32;
  readonly costs: CostTable = this.options.costs;
  readonly counters: KernelCounters = {
    kernelEntries: 0,
    contextSwitches: 0,
    notificationsSent: 0,
    interrupts: 0,
    ipcCalls: 0,
    faults: 0,
    framesLost: 0,
  };

  readonly idleThread: Tcb = new Tcb(0);
  readonly idleSchedContext: SchedContext = new SchedContext(0, 7);
  current: Tcb = this.idleThread;
  currentSchedContext: SchedContext = this.idleSchedContext;
  /** What `schedule()` has to do: go on, choose from the queues, or switch to `candidate`. */
  action: 'resume' | 'choose' | 'switch' = 'resume';
  candidate: Tcb | null = null;
  /** The queues are indexed by domain * 256 + priority. */
  readonly readyHead = emptyQueues();
  readonly readyTail = emptyQueues();
  /** One byte of bits per domain: which of its eight words of `readyBits` are not zero. */
  readonly readyWords = new Uint32Array(DOMAINS);
  readonly readyBits = new Uint32Array(DOMAINS * 8);
  releaseHead: Tcb | null = null;

  /** When the clock was read last. */
  currentNs = FLOAT_ZERO;
  /** The same in ticks. */
  currentTime = FLOAT_ZERO;
  consumed = FLOAT_ZERO;
  /**
   * The most that is charged for the time between two looks at the clock. Under the host clock such
   * a time may be as long as the host likes: it was elsewhere, and nobody used the processor. On
   * hardware the timer ends a turn within its budget.
   */
  readonly longestCharge: number = this.options.longestCharge;
  reprogram = false;

  currentDomain = 0;
  /** Ticks left to the current domain; Infinity for entry 0 as made at boot. */
  domainTime = Infinity;
  domainIndex = 0;
  domainStart = 0;
  readonly domainSchedule: DomainScheduleEntry[] = [];

  /**
   * The flags that threads may have: none without a floating-point unit, which is there for machine
   * code.
   */
  threadFlagsMask = 0;
  /** Whether there are the system calls of seL4's benchmark configuration: for machine code. */
  hasBenchmarkCalls = false;

  workUnits = 0;
  readonly workUnitsMax: number = this.options.workUnitsMax;
  readonly hasFastPath: boolean = this.options.fastPath === 'on';

  readonly irqState: Uint8Array = new Uint8Array(this.options.machine.irqMax + 1);
  /** Slot i holds the notification capability to signal for interrupt i. */
  readonly irqSlots: Slot[] = [];
  /**
   * Goes up whenever a capability may have changed anywhere, or which notification a thread is
   * bound to.
   */
  capGeneration = 0;
  /** Goes up whenever a mapping changes, or which address space a thread has. */
  mappingGeneration = 0;
  readonly asidTable: (AsidPool | null)[] = Array.from({ length: ASID_POOLS }, () => null);

  // What a system call in progress works on.
  readonly error: InvocationError = {
    type: 0,
    number: 0,
    rangeMin: 0,
    rangeMaxLow: 0,
    rangeMaxHigh: 0,
    memoryLeft: 0,
    lookupWasSource: false,
  };
  readonly lookup: LookupFailure = {
    type: LOOKUP_INVALID_ROOT,
    bitsLeft: 0,
    bitsFound: 0,
    guardLow: 0,
    guardHigh: 0,
  };
  /**
   * The slots of the extra capabilities of the message in hand; `null` from the first that is
   * missing.
   */
  readonly extraCaps: [Slot | null, Slot | null, Slot | null] = [null, null, null];
  /** The cptr whose lookup failed. */
  faultCptrLow = 0;
  faultCptrHigh = 0;
  /** Bits of the address that `resolveAddressBits` left. */
  bitsRemaining = 0;
  /**
   * Index into `u32` of the current thread's IPC buffer, -1 without one; set while an invocation is
   * decoded.
   */
  bufferAt = -1;

  /** Counts the use of the processor once a thread has asked for it. */
  utilisation: Utilisation | null = null;

  /** Kernel objects made by retype since boot. */
  objectsMade = 0;
  /** Told of every object that is made: for checks and dumps. */
  onCreate: ((object: KernelObject) => void) | null = null;
  /** Called at the end of every kernel entry: for checks. */
  onExit: (() => void) | null = null;
  /** Told of a fault that no handler gets: the thread stops. */
  onUnhandledFault: ((tcb: Tcb, fault: Fault) => void) | null = null;
  /** Where DebugPutChar goes. */
  onDebugChar: ((tcb: Tcb, code: number) => void) | null = null;

  constructor(options: KernelStateOptions) {
    super(options);
    this.idleThread.state = 'idle';
    this.idleThread.name = 'idle';
    this.idleThread.schedContext = this.idleSchedContext;
    const irqs = options.machine.irqMax + 1;
    for (let irq = 0; irq < irqs; irq += 1) this.irqSlots.push(new Slot());
    for (let i = 0; i < DOMAIN_SCHEDULE_ENTRIES; i += 1) {
      this.domainSchedule.push({ domain: 0, duration: 0 });
    }
    this.domainSchedule[0] = { domain: 0, duration: DOMAIN_DURATION_MAX };
  }
}

/** Copied for each kernel, which is faster than making them. */
const EMPTY_QUEUES: readonly null[] = Array.from({ length: DOMAINS * PRIORITIES }, () => null);

function emptyQueues(): (Tcb | null)[] {
  return EMPTY_QUEUES.slice();
}
