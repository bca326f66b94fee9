/**
 * What the models have in common, and share with our kernel: its threads and scheduler, its cost
 * table, the board's clock and RAM. A model (POSIX, Mach, L4, QNX) adds the system calls.
 *
 *     program resume() → trap → systemCall() → model.systemCall(thread) → schedule() → the next program
 *
 * Programs run one after the other, each up to its next system call: there is no nesting, as there
 * is in `kernel/kernel.ts`.
 */

import {
  type CostTable,
  type Machine,
  type ScheduledThread,
  ThreadScheduler,
} from '../kernel/public.ts';
import { assert } from '../memory/assert.ts';
import { MemoryFault } from '../memory/region.ts';
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
  /** RAM and a clock; its devices are not looked at. */
  readonly machine: Machine;
  readonly costs: CostTable;
}

export interface SpawnOptions {
  readonly task: Task;
  readonly priority: number;
  readonly start: (thread: ModelThread) => Program;
}

const HEAP_AT = PAGE_BYTES;
const HEAP_BYTES = 2 * 2 ** 20;

export class ModelKernel {
  /** With the clock, and the counters that all kernels share. */
  readonly scheduler: ThreadScheduler;
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
    const { machine, costs } = options;
    const { ram } = machine;
    this.scheduler = new ThreadScheduler(machine, costs);
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
    const { task, priority } = options;
    const tcb: ScheduledThread = this.scheduler.makeThread({ name: task.name, priority });
    const thread = new ModelThread(this.threads.length + 1, tcb, task);
    tcb.context = thread;
    this.threads.push(thread);
    thread.load(options.start(thread));
    this.wake(thread);
    return thread;
  }

  // --------------------------------------------------------------------------------------- running

  /** Runs threads until none can go on or the time has come. */
  run(untilNs: number): 'idle' | 'deadline' {
    const { scheduler } = this;
    scheduler.enter();
    scheduler.endTurnThatIsOver();
    scheduler.leave();
    for (;;) {
      const { current } = scheduler;
      if (current === null) {
        if (!this.#waitForTimeout(untilNs)) return 'idle';
      } else if (this.now() >= untilNs) {
        return 'deadline';
      } else {
        this.#runThread(current as ModelThread);
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
    const { scheduler } = this;
    const { costs, counters, machine } = scheduler;
    counters.kernelEntries += 1;
    if (costs.kernelEntry !== 0) machine.charge(costs.kernelEntry);
    scheduler.enter();
    if (this.#nextTimeoutNs !== Infinity) this.#expire();
    if (scheduler.mayGoOn()) (this.#model as Model).systemCall(thread);
    scheduler.leave();
  }

  #end(thread: ModelThread): void {
    this.scheduler.setState(thread.tcb, 'inactive');
    (this.#model as Model).ended(thread);
    this.scheduler.leave();
  }

  /** A store to a page that is copied on writing: the kernel is entered, the thread goes on. */
  #writeFault(): void {
    const { costs, counters, machine } = this.scheduler;
    counters.kernelEntries += 1;
    counters.faults += 1;
    machine.charge(costs.fault);
  }

  // -------------------------------------------------------------------------------- for the models

  /** The thread waits; with a queue, in it. The answer comes from whoever wakes it. */
  block(thread: ModelThread, state: BlockedState, queue: WaitQueue | null): void {
    this.scheduler.setState(thread.tcb, state);
    if (queue !== null) queue.enqueue(thread);
  }

  /** The thread goes on; its answer is in its registers. */
  wake(thread: ModelThread): void {
    thread.timeoutAtNs = Infinity;
    if (thread.waitQueue !== null) thread.waitQueue.remove(thread);
    this.scheduler.wake(thread.tcb);
  }

  /** Gives the processor to a thread at once, whoever else is ready: as classic L4 kernels do. */
  switchDirectly(thread: ModelThread): void {
    thread.timeoutAtNs = Infinity;
    if (thread.waitQueue !== null) thread.waitQueue.remove(thread);
    this.scheduler.switchDirectly(thread.tcb);
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
    this.scheduler.setPriority(tcb, priority);
    if (waitQueue === null) return;
    waitQueue.remove(thread);
    waitQueue.enqueue(thread);
  }

  now(): number {
    return this.scheduler.machine.now();
  }

  /**
   * @returns a string of a task's, which ends with a zero; undefined when it is not mapped or
   * longer than `lengthMax`
   */
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

  // -------------------------------------------------------------------------------- waits that end

  /** Nobody can run before a wait ends: virtual time goes there. @returns whether anyone's did */
  #waitForTimeout(untilNs: number): boolean {
    const { scheduler } = this;
    const { machine } = scheduler;
    const at = this.#nextTimeoutNs;
    if (at === Infinity || at >= untilNs) return false;
    machine.charge(Math.max(0, at - machine.now()));
    if (machine.now() < at) return false;
    scheduler.enter();
    this.#expire();
    scheduler.leave();
    return true;
  }

  #expire(): void {
    const now = this.scheduler.machine.now();
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
