/**
 * A thread of a model: the TCB that the scheduler knows, the task whose memory it sees, and the
 * program that runs on it; and the queues in which threads wait.
 *
 * System calls have their number in a7, arguments in a0 … a5 and results in a0 and a1, as on the
 * seL4 side.
 */

import { REG_A0, REG_A7, type ScheduledThread, type UserContext } from '../kernel/public.ts';
import { assert } from '../memory/assert.ts';
import type { AddressSpace } from './address-space.ts';

/** An address space and who owns it. */
export interface Task {
  /** From 1 on. */
  readonly pid: number;
  readonly uid: number;
  readonly name: string;
  readonly space: AddressSpace;
}

/** What runs on a thread. */
export interface Program {
  /**
   * Runs up to the next system call, which it leaves in the registers (`ModelThread.trap`); without
   * one it has ended.
   */
  resume(): void;
}

export class ModelThread implements UserContext {
  readonly tcb: ScheduledThread;
  readonly task: Task;
  /** From 1 on; the same in all tasks. */
  readonly id: number;
  /** A system call is in the registers. */
  hasTrapped = false;

  /** Links of the one queue it waits in. */
  waitQueue: WaitQueue | null = null;
  waitNext: ModelThread | null = null;
  waitPrev: ModelThread | null = null;
  /** When its wait is over at the latest, in nanoseconds. */
  timeoutAtNs = Infinity;
  #program: Program | null = null;

  constructor(id: number, tcb: ScheduledThread, task: Task) {
    this.id = id;
    this.tcb = tcb;
    this.task = task;
  }

  load(program: Program): void {
    this.#program = program;
  }

  resume(): void {
    this.hasTrapped = false;
    this.#program?.resume();
  }

  // ---------------------------------------------------------------------------- the program's side

  trap(number: number, a0 = 0, a1 = 0, a2 = 0, a3 = 0, a4 = 0, a5 = 0): void {
    const { regs } = this.tcb;
    regs[REG_A7 << 1] = number;
    regs[REG_A0 << 1] = a0;
    regs[(REG_A0 + 1) << 1] = a1;
    regs[(REG_A0 + 2) << 1] = a2;
    regs[(REG_A0 + 3) << 1] = a3;
    regs[(REG_A0 + 4) << 1] = a4;
    regs[(REG_A0 + 5) << 1] = a5;
    this.hasTrapped = true;
  }

  /** The result of the last system call; negative is an error in most interfaces. */
  get result(): number {
    return (this.tcb.regs[REG_A0 << 1] as number) | 0;
  }

  get secondResult(): number {
    return this.tcb.regs[(REG_A0 + 1) << 1] as number;
  }

  // ----------------------------------------------------------------------------- the kernel's side

  get callNumber(): number {
    return this.tcb.regs[REG_A7 << 1] as number;
  }

  /** @param index 0 … 5; they stay as they are while the thread is blocked */
  argument(index: number): number {
    return this.tcb.regs[(REG_A0 + index) << 1] as number;
  }

  answer(value: number, second = 0): void {
    const { regs } = this.tcb;
    regs[REG_A0 << 1] = value;
    regs[(REG_A0 + 1) << 1] = second;
  }
}

// ----------------------------------------------------------------------------------------- waiting

/** `priority`: highest first, then first come first. */
export type WaitOrder = 'fifo' | 'lifo' | 'priority';

/** Threads that wait for one thing, in the order in which they get it. */
export class WaitQueue {
  head: ModelThread | null = null;
  tail: ModelThread | null = null;
  readonly #order: WaitOrder;

  constructor(order: WaitOrder) {
    this.#order = order;
  }

  enqueue(thread: ModelThread): void {
    assert(thread.waitQueue === null, 'a thread waits for one thing at a time');
    const before = this.#placeOf(thread);
    const after = before === null ? this.head : before.waitNext;
    thread.waitPrev = before;
    thread.waitNext = after;
    if (before === null) this.head = thread;
    else before.waitNext = thread;
    if (after === null) this.tail = thread;
    else after.waitPrev = thread;
    thread.waitQueue = this;
  }

  /** @returns the first, no longer in the queue; null when nobody waits */
  take(): ModelThread | null {
    const first = this.head;
    if (first !== null) this.remove(first);
    return first;
  }

  remove(thread: ModelThread): void {
    assert(thread.waitQueue === this, 'the thread waits here');
    const { waitPrev, waitNext } = thread;
    if (waitPrev === null) this.head = waitNext;
    else waitPrev.waitNext = waitNext;
    if (waitNext === null) this.tail = waitPrev;
    else waitNext.waitPrev = waitPrev;
    thread.waitPrev = null;
    thread.waitNext = null;
    thread.waitQueue = null;
  }

  /** @returns behind whom the thread goes, null for the front */
  #placeOf(thread: ModelThread): ModelThread | null {
    if (this.#order === 'fifo') return this.tail;
    if (this.#order === 'lifo') return null;
    let before = this.tail;
    while (before !== null && before.tcb.priority < thread.tcb.priority) before = before.waitPrev;
    return before;
  }
}
