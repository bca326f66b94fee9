/**
 * The scheduler alone, for kernels other than ours: threads with priorities and time slices, on the
 * same machine, with the same costs and counters. The models of `ipc-models/` stand on it, so that
 * what differs between two kernels in a measurement is their IPC.
 *
 *     enter() → the caller's system call, which blocks and wakes threads → leave() → `current` runs next
 */

import type { CostTable } from '../cost.ts';
import type { Machine } from '../machine.ts';
import { SchedContext, Tcb } from '../objects/objects.ts';
import { KernelState, MIN_REFILLS, TICKS_PER_US } from '../state.ts';
import type { UserContext } from '../user.ts';
import {
  isRunnable,
  possibleSwitchTo,
  rescheduleRequired,
  schedEnqueue,
  setThreadState,
} from './ready-queue.ts';
import {
  checkBudget,
  checkBudgetRestart,
  schedule,
  switchSchedContext,
  switchToThread,
  updateTimestamp,
} from './schedule.ts';
import { refillNew } from './sporadic.ts';
import { setPriority } from './thread.ts';

/** As long as a time slice is, in microseconds: long enough that no measurement meets its end. */
const SLICE_US = 1_000_000;

/** A thread as the scheduler knows it: registers, priority, state. */
export type ScheduledThread = Tcb;

export interface ScheduledThreadOptions {
  readonly name: string;
  /** 0 to 255, the highest first. */
  readonly priority: number;
}

export class ThreadScheduler {
  readonly machine: Machine;
  readonly costs: CostTable;
  readonly counters: KernelState['counters'];
  readonly #k: KernelState;

  constructor(machine: Machine, costs: CostTable) {
    const k = new KernelState({
      machine,
      costs,
      workUnitsMax: 100,
      fastPath: 'off',
      longestCharge: Infinity,
    });
    const idle = k.idleSchedContext;
    idle.refillMax = 1;
    idle.refillCount = 1;
    idle.refillAmount[0] = Infinity;
    idle.tcb = k.idleThread;
    this.machine = machine;
    this.costs = costs;
    this.counters = k.counters;
    this.#k = k;
  }

  /** Makes a thread that nobody has woken yet. */
  makeThread(options: ScheduledThreadOptions): ScheduledThread {
    const tcb = new Tcb(0);
    const sc = new SchedContext(0, 8);
    refillNew(this.#k, sc, MIN_REFILLS, SLICE_US * TICKS_PER_US, 0);
    sc.tcb = tcb;
    tcb.schedContext = sc;
    tcb.priority = options.priority;
    tcb.name = options.name;
    return tcb;
  }

  /** The body of the thread that runs; null when none can. */
  get current(): UserContext | null {
    const { current, idleThread } = this.#k;
    return current === idleThread ? null : current.context;
  }

  // -------------------------------------------------------------------------------- a kernel entry

  /** Begins: time that has passed is charged to whoever ran. */
  enter(): void {
    updateTimestamp(this.#k);
  }

  /**
   * @returns whether the thread's turn has not ended; else it makes its system call again in its
   * next turn
   */
  mayGoOn(): boolean {
    return checkBudgetRestart(this.#k);
  }

  /** As {@link mayGoOn}, for a look from outside at a thread that makes no system call. */
  endTurnThatIsOver(): void {
    checkBudget(this.#k);
  }

  /** Ends: decides who runs next. */
  leave(): void {
    schedule(this.#k);
  }

  // --------------------------------------------------------------------------------------- threads

  setState(thread: ScheduledThread, state: ScheduledThread['state']): void {
    setThreadState(this.#k, thread, state);
  }

  /** The thread may run from now on, and runs next if it is the best. */
  wake(thread: ScheduledThread): void {
    setThreadState(this.#k, thread, 'running');
    possibleSwitchTo(this.#k, thread);
  }

  /** Gives the processor to a thread at once, whoever else is ready: as classic L4 kernels do. */
  switchDirectly(thread: ScheduledThread): void {
    const k = this.#k;
    thread.state = 'running';
    const before = k.current;
    if (isRunnable(before) && before !== k.idleThread) schedEnqueue(k, before);
    // Whoever was chosen to run next is ready, and has to wait.
    rescheduleRequired(k);
    switchToThread(k, thread);
    k.action = 'resume';
    switchSchedContext(k);
  }

  setPriority(thread: ScheduledThread, priority: number): void {
    const k = this.#k;
    if (isRunnable(thread) && thread !== k.current) return setPriority(k, thread, priority);
    // Of the current thread only this, for it may yet block in the same kernel entry.
    thread.priority = priority;
    if (thread === k.current) rescheduleRequired(k);
  }
}
