/**
 * A rig of the real kernel: two threads in one address space, each with an IPC buffer, and 68 KiB
 * of memory that both see. The kernel counts its entries and switches, but neither copies nor
 * look-ups: those the programs tell, call by call.
 */

import {
  INIT_SLOT_VSPACE,
  IPC_BUFFER_BYTES,
  OBJECT_4K_PAGE,
  PAGE_MAP,
  REG_A0,
  REG_A1,
  REG_A2,
  REG_A6,
  REG_A7,
  REG_T0,
  RIGHT_READ,
  RIGHT_WRITE,
  SCHED_CONTEXT_UNBIND,
  TCB_SET_IPC_BUFFER,
} from '../../kernel/abi.ts';
import type { UserContext, UserThread } from '../../kernel/user.ts';
import { assert } from '../../memory/assert.ts';
import type { Ram } from '../../memory/ram.ts';
import { bootRig, type RigThread, setRegister } from '../kernel-rig.ts';
import { type IpcRig, Meter, prioritiesOf, type RigClock, type Workload } from './rig.ts';

export const QUEUES_AT = 0x50_0000;
export const DATA_AT = 0x50_1000;
const SHARED_PAGES = 17;
const SHARED_BYTES = SHARED_PAGES * 4096;
const SENDER_BUFFER_AT = 0x54_0000;
const RECEIVER_BUFFER_AT = 0x54_1000;
const SENDER_ENTRY = 0x20_0000;
const RECEIVER_ENTRY = 0x20_1000;
const EXECUTE_NEVER = 1;

/** What the programs tell of their system calls. */
export class Tally {
  copies = 0;
  bytesCopied = 0;
  lookups = 0;
}

/** One side's thread, and where its memory lies. */
export interface Sel4Side {
  readonly thread: UserThread;
  readonly tally: Tally;
  readonly ram: Ram;
  /** Offset in RAM of the shared memory, which begins at {@link QUEUES_AT}. */
  readonly sharedAt: number;
}

export interface Sel4RigOptions {
  readonly clock: RigClock;
  readonly workload: Workload;
  /** Makes the objects that the two use. */
  readonly prepare: (rig: RigThread) => void;
  /** A server without a scheduling context of its own runs on its caller's. */
  readonly server: 'active' | 'passive';
  readonly sender: (side: Sel4Side, meter: Meter) => UserContext;
  readonly receiver: (side: Sel4Side, meter: Meter) => UserContext;
}

export function sel4Rig(options: Sel4RigOptions): IpcRig {
  const meter = new Meter();
  const tally = new Tally();
  const priorities = prioritiesOf(options.workload);
  const start =
    (make: Sel4RigOptions['sender']) =>
    (thread: UserThread): UserContext =>
      make(sideOf(thread, tally), meter);
  const { kernel, run } = bootRig({
    clock: options.clock,
    images: [
      { entry: SENDER_ENTRY, image: { name: 'sender', start: start(options.sender) } },
      { entry: RECEIVER_ENTRY, image: { name: 'receiver', start: start(options.receiver) } },
    ],
    body: (rig) => {
      mapPages(rig, QUEUES_AT, SHARED_PAGES);
      options.prepare(rig);
      const receiver = makeThread(rig, RECEIVER_ENTRY, {
        priority: priorities.receiver,
        bufferAt: RECEIVER_BUFFER_AT,
      });
      const sender = makeThread(rig, SENDER_ENTRY, {
        priority: priorities.sender,
        bufferAt: SENDER_BUFFER_AT,
      });
      rig.lowerOwnPriority();
      rig.resume(receiver.tcb);
      // It outranks this thread, so it waits for its first message by now.
      if (options.server === 'passive') rig.must(receiver.schedContext, SCHED_CONTEXT_UNBIND, []);
      rig.resume(sender.tcb);
    },
  });
  const { counters, state } = kernel;
  return {
    meter,
    run,
    now: () => state.machine.now(),
    counts: () => ({
      copies: tally.copies,
      bytesCopied: tally.bytesCopied,
      lookups: tally.lookups,
      kernelBytes: 0,
      kernelEntries: counters.kernelEntries,
      switches: counters.contextSwitches,
      pageMappings: 0,
    }),
    peakBytes: () => 0,
  };
}

function mapPages(rig: RigThread, vaddr: number, count: number): number {
  let first = 0;
  for (let i = 0; i < count; i += 1) {
    const frame = rig.make(OBJECT_4K_PAGE);
    if (i === 0) first = frame;
    const rights = RIGHT_READ | RIGHT_WRITE;
    rig.must(frame, PAGE_MAP, [vaddr + i * 4096, rights, EXECUTE_NEVER], [INIT_SLOT_VSPACE]);
  }
  return first;
}

function makeThread(
  rig: RigThread,
  entry: number,
  { priority, bufferAt }: { priority: number; bufferAt: number },
): { tcb: number; schedContext: number } {
  const made = rig.makeThread(entry, priority);
  rig.must(made.tcb, TCB_SET_IPC_BUFFER, [bufferAt], [mapPages(rig, bufferAt, 1)]);
  return made;
}

function sideOf(thread: UserThread, tally: Tally): Sel4Side {
  const shared = thread.mapping(QUEUES_AT, SHARED_BYTES, 'write');
  assert(shared?.kind === 'ram', 'the memory that both sides see is in one piece');
  assert(thread.mapping(SENDER_BUFFER_AT, IPC_BUFFER_BYTES, 'write') !== undefined, 'mapped');
  return { thread, tally, ram: shared.memory.ram, sharedAt: shared.at };
}

/**
 * What a system call has in its registers. Made once by each program, so that a call allocates
 * nothing.
 */
export interface Sel4Call {
  sys: number;
  /** Register a0. */
  readonly cptr: number;
  /** Register a1. */
  info: number;
  /** Message register 0. */
  word: number;
  /** Register a6. */
  readonly reply: number;
  /** Register t0. */
  readonly dest: number;
}

/** Fields that are left out are 0. */
export function makeCall(call: Partial<Sel4Call>): Sel4Call {
  return { sys: 0, cptr: 0, info: 0, word: 0, reply: 0, dest: 0, ...call };
}

/** Makes a system call as the last act of a program's turn. */
export function trapLast(thread: UserThread, call: Sel4Call): void {
  const { regs } = thread;
  setRegister(regs, REG_A7, call.sys);
  setRegister(regs, REG_A0, call.cptr);
  setRegister(regs, REG_A1, call.info);
  setRegister(regs, REG_A2, call.word);
  setRegister(regs, REG_A6, call.reply);
  setRegister(regs, REG_T0, call.dest);
  thread.trapLast();
}
