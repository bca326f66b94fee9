/**
 * A kernel with nothing on it but the benchmark: the initial thread is a program that makes system
 * calls in straight line and measures itself. It runs at priority 100, so that threads above it can
 * be made.
 */

import { Board } from '../board/board.ts';
import { HostClock } from '../board/host-clock.ts';
import { VirtualClock } from '../board/virtual-clock.ts';
import { hostNow } from '../host/host-time.ts';
import {
  INIT_SLOT_CNODE,
  INIT_SLOT_TCB,
  INIT_SLOT_VSPACE,
  NO_ERROR,
  OBJECT_CNODE,
  OBJECT_SCHED_CONTEXT,
  OBJECT_TCB,
  REG_A0,
  REG_A1,
  REG_A6,
  REG_A7,
  SCHED_CONTROL_CONFIGURE_FLAGS,
  SYS_WAIT,
  TCB_CONFIGURE,
  TCB_RESUME,
  TCB_SET_PRIORITY,
  TCB_SET_SCHED_PARAMS,
  TCB_WRITE_REGISTERS,
  UNTYPED_RETYPE,
} from '../kernel/abi.ts';
import type { BootInfo } from '../kernel/boot-info.ts';
import { boot, type Kernel, type LoadedImage } from '../kernel/boot.ts';
import { DEFAULT_COSTS, NO_COSTS } from '../kernel/cost.ts';
import type { UserContext, UserThread } from '../kernel/user.ts';
import { Ram } from '../memory/ram.ts';
import { SystemCalls } from '../microkit/system-calls.ts';

export const RIG_PRIORITY = 100;
const DEPTH = 64;
const RAM_BYTES = 64 * 2 ** 20;
const SLICE_US = 1_000_000;

/** The benchmark's side of the initial thread. */
export class RigThread {
  readonly thread: UserThread;
  readonly calls: SystemCalls;
  readonly bootInfo: BootInfo;
  /** The largest untyped of RAM. */
  readonly #untyped: number;
  #nextSlot: number;

  constructor(thread: UserThread, bootInfo: BootInfo) {
    this.thread = thread;
    this.bootInfo = bootInfo;
    this.calls = new SystemCalls(thread, bootInfo.ipcBufferVaddr);
    this.#nextSlot = bootInfo.empty.start;
    const memory = bootInfo.untypedList.filter(({ isDevice }) => isDevice === 'no');
    const largest = memory.toSorted((one, other) => other.sizeBits - one.sizeBits)[0];
    if (largest === undefined) throw new Error('the machine of the benchmark has no memory');
    this.#untyped = largest.slot;
  }

  /** Invokes, and insists on success. */
  must(cptr: number, label: number, words: readonly number[], caps: readonly number[] = []): void {
    // No closures: what a client does between two system calls is measured with them.
    for (let i = 0; i < words.length; i += 1) this.calls.setWord(i, words[i] as number);
    for (let i = 0; i < caps.length; i += 1) this.calls.setCap(i, caps[i] as number);
    const error = this.calls.invoke(cptr, label, caps.length, words.length);
    if (error !== NO_ERROR) throw new Error(`invocation ${label} of ${cptr}: error ${error}`);
  }

  takeSlot(): number {
    this.#nextSlot += 1;
    return this.#nextSlot - 1;
  }

  /** Makes one object. @returns its slot */
  make(type: number, bits = 0, untyped = this.#untyped): number {
    const slot = this.takeSlot();
    this.retype(untyped, type, bits, INIT_SLOT_CNODE, slot, 1);
    return slot;
  }

  retype(
    untyped: number,
    type: number,
    bits: number,
    cnode: number,
    offset: number,
    count: number,
  ): void {
    this.must(untyped, UNTYPED_RETYPE, [type, bits, 0, 0, offset, count], [cnode]);
  }

  /** A CNode with a guard that makes a cptr of 64 bits of it: for invocation only. */
  makeCNode(radix: number): number {
    return this.make(OBJECT_CNODE, radix);
  }

  /**
   * @returns the slots of a thread and its scheduling context; it starts at `entry` when it is
   * resumed
   */
  makeThread(entry: number, priority: number): { tcb: number; schedContext: number } {
    const tcb = this.make(OBJECT_TCB);
    const schedContext = this.make(OBJECT_SCHED_CONTEXT, 8);
    const control = this.bootInfo.schedControl.start;
    this.must(
      control,
      SCHED_CONTROL_CONFIGURE_FLAGS,
      [SLICE_US, SLICE_US, 0, 0, 0],
      [schedContext],
    );
    this.must(tcb, TCB_CONFIGURE, [0, 0, 0], [INIT_SLOT_CNODE, INIT_SLOT_VSPACE, 0]);
    const params = [INIT_SLOT_TCB, schedContext, 0];
    this.must(tcb, TCB_SET_SCHED_PARAMS, [priority, priority], params);
    this.must(tcb, TCB_WRITE_REGISTERS, [0, 1, entry], []);
    return { tcb, schedContext };
  }

  resume(tcb: number): void {
    this.must(tcb, TCB_RESUME, []);
  }

  lowerOwnPriority(): void {
    this.must(INIT_SLOT_TCB, TCB_SET_PRIORITY, [RIG_PRIORITY], [INIT_SLOT_TCB]);
  }

  /** Depth of the root CNode's cptrs. */
  get depth(): number {
    return DEPTH;
  }
}

/**
 * Boots and runs `body` as the initial thread, and whatever it starts, until nobody has anything to
 * do.
 */
export function runRig(
  body: (rig: RigThread) => void,
  images: readonly LoadedImage[] = [],
  rootCNodeSizeBits = 12,
): Kernel {
  const { kernel, run } = bootRig({ body, images, rootCNodeSizeBits, clock: 'host' });
  run(Infinity);
  return kernel;
}

export interface RigOptions {
  readonly body: (rig: RigThread) => void;
  readonly images: readonly LoadedImage[];
  readonly rootCNodeSizeBits?: number;
  /** Host time passes by itself: nothing is charged. */
  readonly clock: 'host' | 'virtual';
}

export interface BootedRig {
  readonly kernel: Kernel;
  readonly board: Board;
  /** Runs until this time of the rig's clock; throws what a program has thrown. */
  readonly run: (untilNs: number) => void;
}

export function bootRig(options: RigOptions): BootedRig {
  const { body, images, rootCNodeSizeBits = 12, clock } = options;
  const ram = new Ram({ sizeBytes: RAM_BYTES });
  const boardClock = clock === 'host' ? new HostClock(hostNow) : new VirtualClock();
  const board = new Board({ ram, clock: boardClock });
  let failure: unknown;
  const kernel = boot({
    machine: board,
    rootCNodeSizeBits,
    images,
    costs: clock === 'host' ? NO_COSTS : DEFAULT_COSTS,
    rootTask: (bootInfo) => ({
      name: 'benchmark',
      start: (thread) => new Once(thread, () => body(new RigThread(thread, bootInfo))),
    }),
    onProgramError: (_, error) => {
      failure = error;
    },
  });
  const run = (untilNs: number): void => {
    kernel.run(untilNs);
    if (failure !== undefined) throw failure;
  };
  return { kernel, board, run };
}

/** Runs a body once; then waits on nothing, for good. */
class Once implements UserContext {
  readonly #thread: UserThread;
  readonly #body: () => void;

  constructor(thread: UserThread, body: () => void) {
    this.#thread = thread;
    this.#body = body;
  }

  resume(): void {
    this.#body();
    setRegister(this.#thread.regs, REG_A0, 0);
    setRegister(this.#thread.regs, REG_A7, SYS_WAIT);
    this.#thread.trapLast();
  }
}

/** A thread that answers: each time it runs, it makes the same system call again. */
export class Responder implements UserContext {
  readonly #thread: UserThread;
  readonly #sys: number;
  readonly #cptr: number;
  readonly #reply: number;
  #next: number;

  /** @param first the system call that it starts with */
  constructor(
    thread: UserThread,
    options: { first: number; sys: number; cptr: number; reply: number },
  ) {
    this.#thread = thread;
    this.#next = options.first;
    this.#sys = options.sys;
    this.#cptr = options.cptr;
    this.#reply = options.reply;
  }

  resume(): void {
    const regs = this.#thread.regs;
    setRegister(regs, REG_A0, this.#cptr);
    setRegister(regs, REG_A1, 0);
    setRegister(regs, REG_A6, this.#reply);
    regs[REG_A7 << 1] = this.#next;
    regs[(REG_A7 << 1) + 1] = -1;
    this.#next = this.#sys;
    this.#thread.trapLast();
  }
}

export function setRegister(regs: Uint32Array, register: number, value: number): void {
  regs[register << 1] = value;
  regs[(register << 1) + 1] = value < 0 ? -1 : 0;
}
