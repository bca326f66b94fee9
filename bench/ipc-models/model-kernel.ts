/**
 * What the models have in common, and share with our kernel: its threads and scheduler, its cost table, the board's clock and
 * RAM. A model (POSIX, Mach, L4, QNX) adds the system calls.
 *
 *     program resume() → trap → systemCall() → model.systemCall(thread) → schedule() → the next program
 *
 * Programs run one after the other, each up to its next system call: there is no nesting, as there is in `kernel/kernel.ts`.
 */

import type { Board } from '../../board/board.ts';
import type { CostTable } from '../../kernel/cost.ts';
import { SchedContext, Tcb } from '../../kernel/objects/objects.ts';
import {
  isRunnable,
  possibleSwitchTo,
  rescheduleRequired,
  schedEnqueue,
  setThreadState,
} from '../../kernel/sched/ready-queue.ts';
import {
  checkBudget,
  checkBudgetRestart,
  schedule,
  switchSchedContext,
  switchToThread,
  updateTimestamp,
} from '../../kernel/sched/schedule.ts';
import { refillNew } from '../../kernel/sched/sporadic.ts';
import { KernelState, MIN_REFILLS, TICKS_PER_US } from '../../kernel/state.ts';
import { setPriority } from '../../kernel/sched/thread.ts';
import { assert } from '../../memory/assert.ts';
import { MemoryFault } from '../../memory/region.ts';
import { AddressSpace } from './address-space.ts';
import { type ModelCounters, newCounters } from './counters.ts';
import { FramePool, PAGE_BYTES } from './frames.ts';
import { KernelHeap } from './heap.ts';
import { ModelThread, type Program, type Task, type WaitQueue } from './model-thread.ts';

/** The system calls of one kind of kernel. */
export interface Model {
  /** Executes the system call in the thread's registers. */
  systemCall(thread: ModelThread): void;
  /** The thread has waited as long as it wanted to: it is to be answered and woken. */
  timedOut(thread: ModelThread): void;
  /** The thread has ended, by itself or by a fault. */
  ended(thread: ModelThread): void;
}

export type BlockedState = 'blockedOnSend' | 'blockedOnReceive' | 'blockedOnReply';

export interface ModelKernelOptions {
  readonly board: Board;
  readonly costs: CostTable;
}

export interface SpawnOptions {
  readonly task: Task;
  readonly priority: number;
  readonly start: (thread: ModelThread) => Program;
}

const HEAP_AT = PAGE_BYTES;
const HEAP_BYTES = 2 * 2 ** 20;
const SLICE_US = 1_000_000;

export class ModelKernel {
  /** Scheduler, clock and the counters that all kernels share. */
  readonly k: KernelState;
  readonly counters: ModelCounters = newCounters();
  readonly heap: KernelHeap;
  readonly frames: FramePool;
  readonly threads: ModelThread[] = [];
  /** Faults of programs, which stop them. */
  readonly faults: MemoryFault[] = [];
  readonly #tasks: Task[] = [];
  #model: Model | null = null;
  /** The earliest time at which a wait is over. */
  #nextTimeoutNs = Infinity;

  constructor(options: ModelKernelOptions) {
    const { board, costs } = options;
    this.k = new KernelState({ machine: board, costs, workUnitsMax: 100, fastPath: 'off' });
    const idle = this.k.idleSchedContext;
    idle.refillMax = 1;
    idle.refillCount = 1;
    idle.refillAmount[0] = Infinity;
    idle.tcb = this.k.idleThread;
    const { ram } = board;
    this.heap = new KernelHeap({ ram, at: HEAP_AT, sizeBytes: HEAP_BYTES });
    const at = HEAP_AT + HEAP_BYTES;
    this.frames = new FramePool({ ram, at, sizeBytes: ram.sizeBytes - at });
  }

  install(model: Model): void {
    assert(this.#model === null, 'a kernel follows one model');
    this.#model = model;
  }

  makeTask(name: string, uid = 0): Task {
    const space = new AddressSpace({
      frames: this.frames,
      counters: this.counters,
      onWriteFault: () => this.#writeFault(),
    });
    const task: Task = { pid: this.#tasks.length + 1, uid, name, space };
    this.#tasks.push(task);
    return task;
  }

  /** Makes a thread that is ready to run. */
  spawn(options: SpawnOptions): ModelThread {
    const { k } = this;
    const tcb = new Tcb(0);
    const sc = new SchedContext(0, 8);
    refillNew(k, sc, MIN_REFILLS, SLICE_US * TICKS_PER_US, 0);
    sc.tcb = tcb;
    tcb.schedContext = sc;
    tcb.priority = options.priority;
    tcb.name = options.task.name;
    const thread = new ModelThread(this.threads.length + 1, tcb, options.task);
    tcb.context = thread;
    this.threads.push(thread);
    thread.load(options.start(thread));
    this.wake(thread);
    return thread;
  }

  // ------------------------------------------------------------------------------------------ running

  /** Runs threads until none can go on or the time has come. */
  run(untilNs: number): 'idle' | 'deadline' {
    const { k } = this;
    updateTimestamp(k);
    checkBudget(k);
    schedule(k);
    for (;;) {
      const current = k.current;
      if (current === k.idleThread) {
        if (!this.#waitForTimeout(untilNs)) return 'idle';
      } else if (k.machine.now() >= untilNs) {
        return 'deadline';
      } else {
        this.#runThread(current.context as ModelThread);
      }
    }
  }

  #runThread(thread: ModelThread): void {
    if (thread.tcb.state === 'restart') {
      // Its turn had ended when it made this system call.
      thread.tcb.state = 'running';
      this.#systemCall(thread);
      return;
    }
    try {
      thread.resume();
    } catch (error) {
      if (!(error instanceof MemoryFault)) throw error;
      this.faults.push(error);
      thread.hasTrapped = false;
    }
    if (thread.hasTrapped) this.#systemCall(thread);
    else this.#end(thread);
  }

  #systemCall(thread: ModelThread): void {
    const { k } = this;
    k.counters.kernelEntries += 1;
    if (k.costs.kernelEntry !== 0) k.machine.charge(k.costs.kernelEntry);
    updateTimestamp(k);
    if (this.#nextTimeoutNs !== Infinity) this.#expire();
    if (checkBudgetRestart(k)) (this.#model as Model).systemCall(thread);
    schedule(k);
  }

  #end(thread: ModelThread): void {
    setThreadState(this.k, thread.tcb, 'inactive');
    (this.#model as Model).ended(thread);
    schedule(this.k);
  }

  /** A store to a page that is copied on writing: the kernel is entered, the thread goes on. */
  #writeFault(): void {
    const { k } = this;
    k.counters.kernelEntries += 1;
    k.counters.faults += 1;
    k.machine.charge(k.costs.fault);
  }

  // ------------------------------------------------------------------------------------------ for the models

  /** The thread waits; with a queue, in it. The answer comes from whoever wakes it. */
  block(thread: ModelThread, state: BlockedState, queue: WaitQueue | null): void {
    setThreadState(this.k, thread.tcb, state);
    if (queue !== null) queue.enqueue(thread);
  }

  /** The thread goes on; its answer is in its registers. */
  wake(thread: ModelThread): void {
    thread.timeoutAtNs = Infinity;
    if (thread.waitQueue !== null) thread.waitQueue.remove(thread);
    setThreadState(this.k, thread.tcb, 'running');
    possibleSwitchTo(this.k, thread.tcb);
  }

  /** Gives the processor to a thread at once, whoever else is ready: as classic L4 kernels do. */
  switchDirectly(thread: ModelThread): void {
    const { k } = this;
    thread.timeoutAtNs = Infinity;
    if (thread.waitQueue !== null) thread.waitQueue.remove(thread);
    thread.tcb.state = 'running';
    const before = k.current;
    if (isRunnable(before) && before !== k.idleThread) schedEnqueue(k, before);
    // Whoever was chosen to run next is ready, and has to wait.
    rescheduleRequired(k);
    switchToThread(k, thread.tcb);
    k.action = 'resume';
    switchSchedContext(k);
  }

  /** The wait of a blocked thread ends at this time. */
  setTimeout(thread: ModelThread, atNs: number): void {
    thread.timeoutAtNs = atNs;
    if (atNs < this.#nextTimeoutNs) this.#nextTimeoutNs = atNs;
  }

  /** Changes a priority, and with it the thread's place wherever it waits. */
  setPriority(thread: ModelThread, priority: number): void {
    const { tcb, waitQueue } = thread;
    if (tcb.priority === priority) return;
    if (isRunnable(tcb) && tcb !== this.k.current) return setPriority(this.k, tcb, priority);
    // Of the current thread only this, for it may yet block in the same kernel entry.
    tcb.priority = priority;
    if (tcb === this.k.current) rescheduleRequired(this.k);
    if (waitQueue === null) return;
    waitQueue.remove(thread);
    waitQueue.enqueue(thread);
  }

  now(): number {
    return this.k.machine.now();
  }

  /** @returns a string of a task's, which ends with a zero; undefined when it is not mapped or longer than `lengthMax` */
  readPath(task: Task, vaddr: number, lengthMax: number): string | undefined {
    let path = '';
    for (let i = 0; i <= lengthMax; i += 1) {
      const at = task.space.locateByte(vaddr + i);
      if (at < 0) return undefined;
      const code = this.frames.ram.u8[at] as number;
      if (code === 0) return path;
      path += String.fromCharCode(code);
    }
    return undefined;
  }

  // ------------------------------------------------------------------------------------------ waits that end

  /** Nobody can run before a wait ends: virtual time goes there. @returns whether anyone's did */
  #waitForTimeout(untilNs: number): boolean {
    const { machine } = this.k;
    const at = this.#nextTimeoutNs;
    if (at === Infinity || at >= untilNs) return false;
    machine.charge(Math.max(0, at - machine.now()));
    if (machine.now() < at) return false;
    updateTimestamp(this.k);
    this.#expire();
    schedule(this.k);
    return true;
  }

  #expire(): void {
    const now = this.k.machine.now();
    if (now < this.#nextTimeoutNs) return;
    this.#nextTimeoutNs = Infinity;
    for (const thread of this.threads) {
      if (thread.timeoutAtNs <= now) {
        thread.timeoutAtNs = Infinity;
        (this.#model as Model).timedOut(thread);
      } else if (thread.timeoutAtNs < this.#nextTimeoutNs) {
        this.#nextTimeoutNs = thread.timeoutAtNs;
      }
    }
  }
}
