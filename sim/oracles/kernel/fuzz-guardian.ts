/**
 * A guardian for long random programs: the initial thread keeps a CSpace of its own, gives the
 * hostile threads another with capabilities to nearly everything, and puts right what they have
 * done to themselves whenever all of them are stuck.
 */

import {
  CNODE_COPY,
  CNODE_MINT,
  CNODE_MOVE,
  DOMAIN_SET_SET,
  INIT_SLOT_ASID_CONTROL,
  INIT_SLOT_ASID_POOL,
  INIT_SLOT_CNODE,
  INIT_SLOT_DOMAIN,
  INIT_SLOT_IRQ_CONTROL,
  INIT_SLOT_TCB,
  INIT_SLOT_VSPACE,
  OBJECT_4K_PAGE,
  OBJECT_CNODE,
  OBJECT_ENDPOINT,
  OBJECT_NOTIFICATION,
  OBJECT_PAGE_TABLE,
  OBJECT_REPLY,
  OBJECT_SCHED_CONTEXT,
  OBJECT_TCB,
  OBJECT_UNTYPED,
  PAGE_MAP,
  RIGHTS_ALL,
  SCHED_CONTEXT_UNBIND,
  SCHED_CONTROL_CONFIGURE_FLAGS,
  SYS_CALL,
  SYS_RECV,
  TCB_CONFIGURE,
  TCB_SET_SCHED_PARAMS,
  TCB_SUSPEND,
  TCB_WRITE_REGISTERS,
  UNTYPED_RETYPE,
} from '../../../kernel/abi.ts';
import { assert } from '../../../memory/assert.ts';
import type { BootInfo } from '../../../kernel/boot-info.ts';
import type { ThreadBody, ThreadStep, Word } from '../../../kernel/system-call.ts';
import { FUZZ_ENTRY, FUZZ_SLOTS, FUZZ_THREADS } from './fuzz-setup.ts';

export const IDLER_ENTRY = 0x3_0000;
const RADIX = 7;
const DEPTH = 64;
const BUFFERS = 0x40_0000;
const PAGE = 4096;
const REGISTERS = 32;
const IDLER = FUZZ_THREADS;
/**
 * Budget and period in us, and flags, of each thread: round robin, constant bandwidth, sporadic.
 */
const TIMES = [
  [5_000, 5_000, 0],
  [100, 1_000, 0],
  [50, 400, 1],
  [5_000, 5_000, 0],
] as const;

/** Slots of the guardian's own CSpace. */
const OWN = { cnode: 40, faults: 41, reply: 42, tcb: 44, schedContext: 48, frame: 52, memory: 60 };

/** What the guardian is told of the programs. */
export interface Ward {
  /** System calls that the hostile threads have made so far. */
  steps(): number;
  isDone(): boolean;
}

/** After this many starts that were enough, everything is put right all the same. */
const STARTS_MAX = 12;
/** A start after which the threads make fewer calls than this was not enough. */
const STEPS_MIN = 2;

export function* guard(bootInfo: BootInfo, ward: Ward): ThreadBody {
  const memory = bootInfo.untypedList
    .filter(({ isDevice }) => isDevice === 'no')
    .toSorted((one, other) => other.sizeBits - one.sizeBits)[0];
  assert(memory !== undefined, 'the machine has memory');
  yield* prepare(memory.slot);
  while (!ward.isDone()) {
    yield* furnish(memory.slot, bootInfo.schedControl.start);
    for (let i = 0; i <= IDLER; i += 1) yield* start(bootInfo, i);
    for (let starts = 0; starts < STARTS_MAX; starts += 1) {
      const before = ward.steps();
      yield* awaitStuck();
      if (ward.isDone()) return;
      if (ward.steps() - before < STEPS_MIN) break;
      // Now and then two threads stay where they are, without time of their own: servers, should
      // they be receiving.
      const lending = starts % 2 === 1;
      for (let i = 0; i <= IDLER; i += 1) {
        if (lending && (i === 1 || i === 2)) {
          yield* call(OWN.schedContext + i, SCHED_CONTEXT_UNBIND, [], []);
        } else {
          yield* restart(i);
        }
      }
    }
  }
}

/** Faults of the hostile threads come here, too; the idler's says that all of them are stuck. */
function* awaitStuck(): ThreadStep<void> {
  for (;;) {
    const fault = yield { kind: 'call', sys: SYS_RECV, cptr: OWN.faults, reply: OWN.reply };
    if (fault.label === 3 && fault.mrs[2] === IDLER_EXCEPTION) return;
  }
}

export const IDLER_EXCEPTION = 77;

export function* idlerBody(): ThreadBody {
  yield { kind: 'exception', number: IDLER_EXCEPTION, code: 0 };
}

function* prepare(memory: number): ThreadStep<void> {
  yield* make(memory, OBJECT_CNODE, RADIX, OWN.cnode, 1);
  yield* make(memory, OBJECT_ENDPOINT, 0, OWN.faults, 1);
  yield* make(memory, OBJECT_REPLY, 0, OWN.reply, 1);
  yield* make(memory, OBJECT_TCB, 0, OWN.tcb, 4);
  yield* make(memory, OBJECT_SCHED_CONTEXT, 8, OWN.schedContext, 4);
  yield* make(memory, OBJECT_4K_PAGE, 0, OWN.frame, 4);
  for (let i = 0; i <= IDLER; i += 1) {
    yield* call(OWN.frame + i, PAGE_MAP, [BUFFERS + i * PAGE, 3, 0], [INIT_SLOT_VSPACE]);
  }
}

/** Puts into the hostile CSpace what is not there any more; what is, stays. */
function* furnish(memory: number, sched: number): ThreadStep<void> {
  const s = FUZZ_SLOTS;
  const guard = 64 - RADIX;
  yield* call(OWN.cnode, CNODE_MINT, [2, RADIX, OWN.cnode, DEPTH, RIGHTS_ALL, guard], ROOT);
  yield* copy(1, OWN.tcb);
  yield* copy(3, INIT_SLOT_VSPACE);
  yield* call(OWN.cnode, CNODE_MOVE, [4, RADIX, INIT_SLOT_IRQ_CONTROL, DEPTH], ROOT);
  yield* copy(5, INIT_SLOT_ASID_CONTROL);
  yield* copy(6, INIT_SLOT_ASID_POOL);
  yield* copy(11, INIT_SLOT_DOMAIN);
  yield* copy(14, OWN.schedContext);
  yield* copy(16, sched);
  for (let i = 0; i < FUZZ_THREADS; i += 1) {
    yield* copy(s.tcb + i, OWN.tcb + i);
    yield* copy(s.schedContext + i, OWN.schedContext + i);
    yield* copy(s.frame + i, OWN.frame + i);
  }
  // New objects are made of what the guardian has left, as long as it lasts.
  const wanted: readonly (readonly [type: number, bits: number, slot: number])[] = [
    [OBJECT_UNTYPED, 13, s.untyped],
    [OBJECT_UNTYPED, 12, s.untyped + 1],
    [OBJECT_ENDPOINT, 0, s.endpoint],
    [OBJECT_ENDPOINT, 0, s.endpoint + 1],
    [OBJECT_NOTIFICATION, 0, s.notification],
    [OBJECT_NOTIFICATION, 0, s.notification + 1],
    [OBJECT_REPLY, 0, s.reply],
    [OBJECT_REPLY, 0, s.reply + 1],
    [OBJECT_REPLY, 0, s.reply + 2],
    [OBJECT_CNODE, 4, s.cnode],
    [OBJECT_PAGE_TABLE, 0, s.pageTable],
    [OBJECT_PAGE_TABLE, 0, s.pageTable + 1],
    [OBJECT_TCB, 0, s.tcb + 3],
    [OBJECT_SCHED_CONTEXT, 9, s.schedContext + 3],
  ];
  for (const [type, bits, slot] of wanted) {
    yield* call(memory, UNTYPED_RETYPE, [type, bits, 0, 0, slot, 1], [OWN.cnode]);
  }
}

/**
 * Gives a thread its spaces, its time and its program back. Refusals do not matter: the next round
 * tries again.
 */
function* start(bootInfo: BootInfo, i: number): ThreadStep<void> {
  const tcb = OWN.tcb + i;
  const sc = OWN.schedContext + i;
  const buffer = BUFFERS + i * PAGE;
  const [budget, period, flags] = TIMES[i] as (typeof TIMES)[0];
  const guard = 64 - RADIX;
  yield* call(tcb, TCB_SUSPEND, [], []);
  yield* call(INIT_SLOT_DOMAIN, DOMAIN_SET_SET, [0], [tcb]);
  yield* call(sc, SCHED_CONTEXT_UNBIND, [], []);
  const sched = bootInfo.schedControl.start;
  yield* call(sched, SCHED_CONTROL_CONFIGURE_FLAGS, [budget, period, 3, 7 + i, flags], [sc]);
  yield* call(tcb, TCB_CONFIGURE, [guard, 0, buffer], [OWN.cnode, INIT_SLOT_VSPACE, OWN.frame + i]);
  const priority = i === IDLER ? 1 : 100 + i * 20;
  const params = [INIT_SLOT_TCB, sc, i === IDLER || i === 0 ? OWN.faults : 0];
  yield* call(tcb, TCB_SET_SCHED_PARAMS, [200, priority], params);
  yield* restart(i);
}

/** Begins a thread's program again, whatever it waits for. */
function restart(i: number): ThreadStep<void> {
  const entry = i === IDLER ? IDLER_ENTRY : FUZZ_ENTRY + i * 64;
  const buffer = BUFFERS + i * PAGE;
  const registers = [entry, ...Array.from({ length: REGISTERS - 2 }, () => 0), buffer];
  return call(OWN.tcb + i, TCB_WRITE_REGISTERS, [1, REGISTERS, ...registers], []);
}

const ROOT = [INIT_SLOT_CNODE];

function copy(index: number, source: number): ThreadStep<void> {
  return call(OWN.cnode, CNODE_COPY, [index, RADIX, source, DEPTH, RIGHTS_ALL], ROOT);
}

function make(
  memory: number,
  type: number,
  bits: number,
  slot: number,
  count: number,
): ThreadStep<void> {
  return call(memory, UNTYPED_RETYPE, [type, bits, 0, 0, slot, count], ROOT);
}

function* call(
  cptr: number,
  label: number,
  mrs: readonly Word[],
  caps: readonly number[],
): ThreadStep<void> {
  yield { kind: 'call', sys: SYS_CALL, cptr, label, mrs, caps };
}
