/**
 * What a random program finds: threads, endpoints, memory and page tables, all in the initial
 * thread's CSpace.
 */

import {
  INIT_SLOT_CNODE,
  INIT_SLOT_IRQ_CONTROL,
  INIT_SLOT_TCB,
  INIT_SLOT_VSPACE,
  IRQ_ISSUE_IRQ_HANDLER,
  IRQ_SET_IRQ_HANDLER,
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
  PAGE_TABLE_MAP,
  SCHED_CONTROL_CONFIGURE_FLAGS,
  TCB_CONFIGURE,
  TCB_SET_SCHED_PARAMS,
  TCB_WRITE_REGISTERS,
} from '../../../kernel/abi.ts';
import type { BootInfo } from '../../../kernel/boot-info.ts';
import type { ThreadStep } from '../../../kernel/system-call.ts';
import { largestUntyped, SetupCalls, startRegisters } from '../../../kernel/oracle/setup-calls.ts';

export const FUZZ_ENTRY = 0x2_0000;
export const FUZZ_THREADS = 3;
/** Slots from here on are what {@link furnish} makes; see the list below. */
export const FUZZ_SLOTS = {
  untyped: 40,
  endpoint: 42,
  notification: 44,
  reply: 46,
  cnode: 49,
  frame: 50,
  pageTable: 53,
  tcb: 56,
  schedContext: 60,
  irqHandler: 64,
  free: 66,
  end: 128,
} as const;

const BUFFERS = 0x40_0000;
const PAGE = 4096;

export function* furnish(bootInfo: BootInfo): ThreadStep<void> {
  const s = FUZZ_SLOTS;
  const calls = new SetupCalls(bootInfo, 'what a random program finds');
  const memory = largestUntyped(bootInfo);
  const make = (type: number, bits: number, slot: number, count: number): ThreadStep<void> =>
    calls.makeInside(INIT_SLOT_CNODE, memory, type, bits, slot, count);
  yield* make(OBJECT_UNTYPED, 14, s.untyped, 2);
  yield* make(OBJECT_ENDPOINT, 0, s.endpoint, 2);
  yield* make(OBJECT_NOTIFICATION, 0, s.notification, 2);
  yield* make(OBJECT_REPLY, 0, s.reply, 3);
  yield* make(OBJECT_CNODE, 4, s.cnode, 1);
  yield* make(OBJECT_4K_PAGE, 0, s.frame, 3);
  yield* make(OBJECT_PAGE_TABLE, 0, s.pageTable, 3);
  yield* make(OBJECT_TCB, 0, s.tcb, 4);
  yield* make(OBJECT_SCHED_CONTEXT, 8, s.schedContext, 4);
  const far = 0x40_0000_0000 / 4;
  yield* calls.call(s.pageTable, PAGE_TABLE_MAP, [far, 0], [INIT_SLOT_VSPACE]);
  yield* calls.call(
    INIT_SLOT_IRQ_CONTROL,
    IRQ_ISSUE_IRQ_HANDLER,
    [1, s.irqHandler, 64],
    [INIT_SLOT_CNODE],
  );
  yield* calls.call(s.irqHandler, IRQ_SET_IRQ_HANDLER, [], [s.notification]);
  for (let i = 0; i < FUZZ_THREADS; i += 1) yield* startThread(calls, bootInfo, i);
}

function* startThread(calls: SetupCalls, bootInfo: BootInfo, i: number): ThreadStep<void> {
  const s = FUZZ_SLOTS;
  const tcb = s.tcb + i;
  const buffer = BUFFERS + i * PAGE;
  // Round robin, a small budget, and a sporadic one.
  const [budget, period, flags] = [
    [5_000, 5_000, 0],
    [100, 1_000, 0],
    [50, 400, 1],
  ][i] as [number, number, number];
  const sched = bootInfo.schedControl.start;
  const params = [budget, period, 3, 7 + i, flags];
  yield* calls.call(sched, SCHED_CONTROL_CONFIGURE_FLAGS, params, [s.schedContext + i]);
  yield* calls.call(s.frame + i, PAGE_MAP, [buffer, 3, 0], [INIT_SLOT_VSPACE]);
  const guard = 64 - bootInfo.initThreadCNodeSizeBits;
  const spaces = [INIT_SLOT_CNODE, INIT_SLOT_VSPACE, s.frame + i];
  yield* calls.call(tcb, TCB_CONFIGURE, [guard, 0, buffer], spaces);
  const sc = [INIT_SLOT_TCB, s.schedContext + i, i === 0 ? s.endpoint : 0];
  yield* calls.call(tcb, TCB_SET_SCHED_PARAMS, [200, 100 + i * 20], sc);
  yield* calls.call(tcb, TCB_WRITE_REGISTERS, startRegisters(FUZZ_ENTRY + i * 64, buffer), []);
}
