/**
 * The driver's initial thread: builds the test process out of untypeds, starts it and waits for its
 * report.
 */

import { assert } from '../../../memory/assert.ts';
import * as abi from '../../../kernel/abi.ts';
import type { BootInfo } from '../../../kernel/boot-info.ts';
import type { ThreadAnswer, ThreadStep, Word } from '../../../kernel/system-call.ts';
import * as calls from './calls.ts';
import { ok } from './check.ts';
import { TIMER_IRQ } from './machine.ts';
import * as slots from './slots.ts';

/** Untypeds by size: the one that the test gets, and the one that its process is made of. */
export const TEST_UNTYPED_BITS = 23;
const PROCESS_UNTYPED_BITS = 22;
const SPARE_UNTYPED_BITS = 21;
const DEVICE_UNTYPED_BITS = 16;
const REPORT_BADGE = 1;
const FAULT_BADGE = 2;

class ProcessBuilder {
  readonly #bootInfo: BootInfo;
  readonly #testUntypedBits: number;
  #nextSlot: number;
  #cnode = 0;

  constructor(bootInfo: BootInfo, testUntypedBits: number) {
    this.#bootInfo = bootInfo;
    this.#testUntypedBits = testUntypedBits;
    this.#nextSlot = bootInfo.empty.start;
  }

  /** @returns the slots of the process's thread and of the endpoint that gets its report */
  *build(): ThreadStep<{ tcb: number; report: number; reply: number }> {
    const bits = slots.PROCESS_CNODE_BITS;
    this.#cnode = yield* this.#make(abi.OBJECT_CNODE, bits);
    const vspace = yield* this.#make(abi.OBJECT_PAGE_TABLE);
    yield* ok(calls.invoke(abi.INIT_SLOT_ASID_POOL, abi.ASID_POOL_ASSIGN, [], [vspace]));
    for (let level = 0; level < 2; level += 1) {
      const table = yield* this.#make(abi.OBJECT_PAGE_TABLE);
      yield* ok(calls.mapTable(table, vspace, slots.PROCESS_VADDR));
    }
    const frame = yield* this.#make(abi.OBJECT_4K_PAGE);
    yield* ok(calls.mapPage(frame, vspace, slots.PROCESS_VADDR));
    const tcb = yield* this.#make(abi.OBJECT_TCB);
    const sc = yield* this.#make(abi.OBJECT_SCHED_CONTEXT, 8);
    const report = yield* this.#make(abi.OBJECT_ENDPOINT);
    const reply = yield* this.#make(abi.OBJECT_REPLY);

    const faults = this.#takeSlot();
    yield* ok(calls.mint(faults, report, FAULT_BADGE));
    yield* this.#configure(tcb, sc, vspace, frame, faults);
    yield* this.#give(slots.SLOT_CNODE, this.#cnode, slots.DEPTH - bits);
    yield* this.#give(slots.SLOT_TCB, tcb);
    yield* this.#give(slots.SLOT_VSPACE, vspace);
    yield* this.#give(slots.SLOT_IPC_BUFFER, frame);
    yield* this.#give(slots.SLOT_SCHED_CONTEXT, sc);
    yield* this.#give(slots.SLOT_REPLY, yield* this.#make(abi.OBJECT_REPLY));
    yield* this.#give(slots.SLOT_REPORT, report, REPORT_BADGE);
    yield* this.#giveAuthority();
    return { tcb, report, reply };
  }

  *#configure(
    tcb: number,
    sc: number,
    vspace: number,
    frame: number,
    faults: number,
  ): ThreadStep<void> {
    const sched = this.#bootInfo.schedControl.start;
    const slice = [slots.TIME_SLICE_US, slots.TIME_SLICE_US, 0, 0, 0];
    yield* ok(calls.invoke(sched, abi.SCHED_CONTROL_CONFIGURE_FLAGS, slice, [sc]));
    const guard = slots.DEPTH - slots.PROCESS_CNODE_BITS;
    const spaces = [this.#cnode, vspace, frame];
    const mrs = [guard, 0, slots.PROCESS_VADDR];
    yield* ok(calls.invoke(tcb, abi.TCB_CONFIGURE, mrs, spaces));
    const caps = [abi.INIT_SLOT_TCB, sc, faults];
    const priorities = [255, slots.OUR_PRIORITY];
    yield* ok(calls.invoke(tcb, abi.TCB_SET_SCHED_PARAMS, priorities, caps));
    yield* ok(calls.invoke(tcb, abi.TCB_SET_TLS_BASE, [slots.PROCESS_VADDR]));
  }

  *#giveAuthority(): ThreadStep<void> {
    const bits = slots.PROCESS_CNODE_BITS;
    const timer = [TIMER_IRQ, slots.SLOT_TIMER_HANDLER, bits];
    yield* ok(
      calls.invoke(abi.INIT_SLOT_IRQ_CONTROL, abi.IRQ_ISSUE_IRQ_HANDLER, timer, [this.#cnode]),
    );
    yield* this.#move(slots.SLOT_IRQ_CONTROL, abi.INIT_SLOT_IRQ_CONTROL);
    yield* this.#give(slots.SLOT_ASID_CONTROL, abi.INIT_SLOT_ASID_CONTROL);
    yield* this.#give(slots.SLOT_ASID_POOL, abi.INIT_SLOT_ASID_POOL);
    yield* this.#give(slots.SLOT_DOMAIN, abi.INIT_SLOT_DOMAIN);
    yield* this.#give(slots.SLOT_SCHED_CONTROL, this.#bootInfo.schedControl.start);
    yield* this.#move(slots.SLOT_UNTYPED, this.#untyped(this.#testUntypedBits, 'no'));
    yield* this.#move(slots.SLOT_SPARE_UNTYPED, this.#untyped(SPARE_UNTYPED_BITS, 'no'));
    yield* this.#move(slots.SLOT_DEVICE_UNTYPED, this.#untyped(DEVICE_UNTYPED_BITS, 'yes'));
  }

  *#make(type: number, bits = 0): ThreadStep<number> {
    const slot = this.#takeSlot();
    yield* ok(calls.retype(this.#untyped(PROCESS_UNTYPED_BITS, 'no'), type, bits, slot));
    return slot;
  }

  *#give(index: number, slot: number, badge: Word = 0): ThreadStep<void> {
    yield* ok(calls.mintInto(this.#cnode, slots.PROCESS_CNODE_BITS, index, slot, badge));
  }

  *#move(index: number, slot: number): ThreadStep<void> {
    const mrs = [index, slots.PROCESS_CNODE_BITS, slot, slots.DEPTH];
    yield* ok(calls.invoke(this.#cnode, abi.CNODE_MOVE, mrs, [abi.INIT_SLOT_CNODE]));
  }

  #takeSlot(): number {
    this.#nextSlot += 1;
    return this.#nextSlot - 1;
  }

  #untyped(sizeBits: number, isDevice: 'yes' | 'no'): number {
    const found = this.#bootInfo.untypedList.find(
      (untyped) => untyped.sizeBits === sizeBits && untyped.isDevice === isDevice,
    );
    assert(found !== undefined, 'the test machine has the untypeds that a process is made of');
    return found.slot;
  }
}

/** @returns undefined when the process has reported success, or what happened instead */
export function* runProcess(
  bootInfo: BootInfo,
  entry: number,
  testUntypedBits: number,
): ThreadStep<string | undefined> {
  const { tcb, report, reply } = yield* new ProcessBuilder(bootInfo, testUntypedBits).build();
  yield* ok(calls.writeRegisters(tcb, 1, [entry]));
  const answer: ThreadAnswer = yield calls.recv(report, reply);
  if (answer.badge === REPORT_BADGE) return undefined;
  return `the test process faulted: type ${answer.label}, [${answer.mrs.join()}]`;
}
