/**
 * The dispatcher: it lets the current thread's program run, enters the kernel when the program
 * traps or throws, and runs threads of higher priority nested on the JavaScript stack. See
 * "Nesting" in the README.
 */

import * as assertions from '../memory/assert.ts';
import { AssertionFailure, RunFailure } from '../memory/assert.ts';
import { Configured } from '../memory/configured.ts';
import { MemoryFault } from '../memory/region.ts';
import { FLOAT_ZERO } from '../memory/small-integer.ts';
import type { BootInfo } from './boot-info.ts';
import { TCB_FLAG_FPU_DISABLED } from './abi.ts';
import { goOnAtPc, handleFault, pcOf, setPc } from './ipc/fault.ts';
import * as fastPath from './fastpath.ts';
import * as interrupts from './objects/irq.ts';
import type { Fault } from './ipc/fault-record.ts';
import { fetchFault, machineFault, memoryFault, userException } from './ipc/fault-record.ts';
import { RUNNING, type Tcb } from './objects/objects.ts';
import { NO_EXCEPTION, Processor } from './processor.ts';
import { bestReadyOf, isSchedulable, schedEnqueue } from './sched/ready-queue.ts';
import { completeYieldTo } from './sched/sched-context.ts';
import * as scheduling from './sched/schedule.ts';
import { isAtRest, switchSchedContext, switchToThread } from './sched/schedule.ts';
import { NS_PER_TICK } from './state.ts';
import type { KernelCounters, KernelState } from './state.ts';
import { handleSyscall } from './syscall.ts';
import { PC_IN_PROGRAM, PC_SPAN, PC_SYSTEM_CALL, suspend } from './sched/thread.ts';
import type { HartThread, MachineCode, ProgramImage } from './user.ts';
import {
  CalledOutside,
  ThreadUnwound,
  USER_EXCEPTION_FRAME_LOST,
  USER_EXCEPTION_PROGRAM,
  UserException,
} from './user.ts';
import { allows, translate, vspaceOf } from './memory/vspace.ts';

// Folded constants, of functions, too: docs/hot-code.md.
const assert: typeof assertions.assert = assertions.assert;
const { tryFastPath } = fastPath;
const { handleInterrupt } = interrupts;
const { checkBudget, checkBudgetRestart, nextWakeUp, schedule, updateTimestamp } = scheduling;
const IN_SYSTEM_CALL = PC_SYSTEM_CALL;
const IS_RUNNING = RUNNING;
/** Nested frames at most: one per thread, and far fewer in any sane system. */
const NESTING_MAX = 512;
/** How long a caller's frame is kept on the stack for a callee that does not answer. */
const PATIENCE_NS = 1_000_000_000;
/** Machine code that runs beyond the end of a run looks up this often. */
const NESTED_SLICE_NS = 1_000_000;
/** A thread that runs machine code has no program text of its own here. */
const MACHINE_CODE: ProgramImage = {
  name: 'machine code',
  start: () => {
    throw new AssertionFailure('machine code is started by the kernel itself');
  },
};
/** A program that makes system calls for so long beyond the end of a run is asked about outside. */
const OVERDUE_NS = 50_000_000;
/**
 * Readings of the clock during one wait: a clock that stands still would be waited for without end.
 */
const WAIT_CALLS_MAX = 2_000_000_000;

export interface KernelOptions {
  readonly state: KernelState;
  readonly bootInfo: BootInfo;
  /** Programs by the pc at which they start. */
  readonly images: ReadonlyMap<number, ProgramImage>;
  /** Of `BootOptions`: none unless told. */
  readonly linkedAt?: number | undefined;
  /** Told of every error that a program has thrown, before it becomes a fault. */
  readonly onProgramError?: ((threadName: string, error: unknown) => void) | undefined;
  /**
   * Where the entry of the program that runs is written for whoever watches from another thread;
   * nowhere unless told.
   */
  readonly runningEntry?: Int32Array | undefined;
  /**
   * Asked now and then about a program that does not come to an end while it makes system calls;
   * 'unwind' ends the run.
   */
  readonly onOverdue?: ((nowNs: number) => 'go on' | 'unwind') | undefined;
  /**
   * Told of a thread that has been made to fault for what its program did where nobody had called
   * it: the run has more to do.
   */
  readonly onOutside?: ((threadName: string, error: unknown) => void) | undefined;
  /** Makes the body of a thread whose pc lies in memory that it may execute. */
  readonly machineCode?: ((thread: HartThread) => MachineCode | undefined) | undefined;
}

/** A running kernel. */
export class Kernel extends Configured<KernelOptions> {
  readonly state: KernelState = this.options.state;
  readonly bootInfo: BootInfo = this.options.bootInfo;
  readonly counters: KernelCounters = this.options.state.counters;
  readonly #images: ReadonlyMap<number, ProgramImage> = this.options.images;
  readonly #linkedAt: number = this.options.linkedAt ?? 0;
  readonly #onProgramError: ((threadName: string, error: unknown) => void) | undefined =
    this.options.onProgramError;
  readonly #machineCode: ((thread: HartThread) => MachineCode | undefined) | undefined =
    this.options.machineCode;
  readonly #runningEntry: Int32Array = this.options.runningEntry ?? new Int32Array(1);
  #depth = 0;
  /** How often a program has been let run; wraps. */
  #calls = 0;
  #untilNs = FLOAT_ZERO;
  /** In ticks: from here on {@link KernelOptions.onOverdue} is asked. */
  #overdueAt = Infinity;
  /**
   * Threads that have started a TypeScript program, by name: who is to fault for what it has left
   * behind.
   */
  readonly #named = new Map<string, Tcb>();
  /** Every frame is to be left, for the run is to end. */
  #isEnding = false;

  /**
   * Runs threads until none is runnable or the machine's time has reached `untilNs`.
   *
   * @returns 'idle' when no thread can run before an interrupt or the kernel's own deadline
   * (`machine.setDeadline`), 'deadline' when there is more to do
   */
  run(untilNs: number): 'idle' | 'deadline' {
    this.#untilNs = untilNs;
    return this.runOn();
  }

  /**
   * Whether no thread will ever run unless an interrupt comes; cheap enough to ask whenever all is
   * idle.
   */
  get isAtRest(): boolean {
    return isAtRest(this.state);
  }

  /**
   * Runs on to the time that {@link run} was given last: passing a time allocates, and the live
   * loop does so often.
   */
  readonly runOn = (): 'idle' | 'deadline' => {
    const k = this.state;
    assert(this.#depth === 0, 'the kernel is not run from inside a program');
    this.#isEnding = false;
    this.#overdueAt = (this.#untilNs + OVERDUE_NS) / NS_PER_TICK;
    // An interrupt charges the time that has passed, and wakes who is due, as the timer does. That
    // a run has been cut here is nothing that machine code notices.
    if (!k.machine.irqPending && (k.current.machineCode === null || this.#isTimerDue())) {
      this.#timerEntry();
    }
    for (;;) {
      if (this.#isEnding) return 'deadline';
      if (k.machine.irqPending) {
        this.#interruptEntry();
        continue;
      }
      const current = k.current;
      if (current === k.idleThread) {
        const wakeUpNs = nextWakeUp(k);
        if (wakeUpNs > k.machine.now()) {
          k.machine.setDeadline(wakeUpNs);
          return 'idle';
        }
        this.#timerEntry();
      } else if (k.machine.now() >= this.#untilNs) {
        k.machine.setDeadline(this.#untilNs);
        return 'deadline';
      } else {
        this.#runThread(current);
        // Devices that work between runs need not wait for a thread that does not.
        const isLong = current.machineCode !== null && k.current === current;
        if (isLong && k.machine.nextEventAt() <= k.machine.now()) return 'deadline';
      }
    }
  };

  // -------------------------------------------------------------------------------- kernel entries

  /** Executes the system call that the current thread's registers hold. */
  readonly #systemCall = (tcb: Tcb): void => {
    const k = this.state;
    k.counters.kernelEntries += 1;
    if (k.costs.kernelEntry !== 0) k.machine.charge(k.costs.kernelEntry);
    if (tcb.machineCode === null) {
      tcb.regs[0] = tcb.entryPc + IN_SYSTEM_CALL;
      tcb.regs[1] = 0;
    }
    updateTimestamp(k);
    if (!checkBudgetRestart(k)) {
      schedule(k);
    } else if (!k.hasFastPath || !tryFastPath(k)) {
      handleSyscall(k);
      schedule(k);
    }
    if (k.onExit !== null) k.onExit();
    if (k.machine.irqPending) this.#interruptEntry();
  };

  readonly #interruptEntry = (): void => {
    const k = this.state;
    do {
      k.counters.kernelEntries += 1;
      k.machine.charge(k.costs.interrupt);
      updateTimestamp(k);
      checkBudget(k);
      handleInterrupt(k);
      schedule(k);
      if (k.onExit !== null) k.onExit();
    } while (k.machine.irqPending);
  };

  /**
   * The kernel's own timer, or nothing at all: time is charged and threads whose refill is due wake
   * up.
   */
  readonly #timerEntry = (): void => {
    const k = this.state;
    updateTimestamp(k);
    checkBudget(k);
    schedule(k);
    if (k.onExit !== null) k.onExit();
    if (k.machine.irqPending) this.#interruptEntry();
  };

  /**
   * The fault is delivered even if the budget is spent: a program cannot throw the same error
   * again.
   */
  #faultEntry(tcb: Tcb, fault: Fault): void {
    const k = this.state;
    k.counters.kernelEntries += 1;
    k.machine.charge(k.costs.fault);
    updateTimestamp(k);
    handleFault(k, tcb, fault);
    schedule(k);
    if (k.onExit !== null) k.onExit();
  }

  // --------------------------------------------------------------------------------------- threads

  readonly #runThread = (tcb: Tcb): void => {
    const isUsual = tcb.phase === IS_RUNNING && tcb.processor !== null && tcb.yieldTo === null;
    if (isUsual && !(tcb.processor as Processor).hasLostFrame) this.#runProgram(tcb);
    else if (this.#activate(tcb)) this.#runProgram(tcb);
  };

  /**
   * Makes the current thread ready to go on.
   *
   * @returns whether its program may run; if not, the kernel was entered and another thread may be
   * current
   */
  #activate(tcb: Tcb): boolean {
    const k = this.state;
    if (tcb.yieldTo !== null) completeYieldTo(k, tcb);
    const processor = tcb.processor as Processor | null;
    if (processor === null) return this.#start(tcb);
    if (processor.hasLostFrame) {
      processor.hasLostFrame = false;
      setPc(tcb, tcb.entryPc + PC_IN_PROGRAM);
      k.counters.framesLost += 1;
      this.#faultEntry(tcb, userException(USER_EXCEPTION_FRAME_LOST, 0));
      return false;
    }
    if (tcb.state === 'running') return true;
    if (tcb.machineCode !== null) {
      tcb.state = 'running';
      goOnAtPc(tcb);
      return true;
    }
    const offset = pcOf(tcb) - tcb.entryPc;
    if (offset <= 0 || offset >= PC_SPAN) return this.#start(tcb);
    tcb.state = 'running';
    if (offset !== PC_SYSTEM_CALL) return true;
    this.#systemCall(tcb);
    return false;
  }

  /**
   * Finds what the thread's pc is: an instruction, when the thread may execute it there, or else a
   * TypeScript program's place. Where there is neither, the thread has fetched an instruction in
   * vain.
   */
  #start(tcb: Tcb): boolean {
    assert(!tcb.hasFrame, 'a program starts when the frame of its predecessor is gone');
    const pc = pcOf(tcb);
    if (this.#machineCode !== undefined && this.#startMachineCode(tcb, pc)) return true;
    const again = this.#entryMeant(tcb, pc);
    const image = this.#images.get(again);
    tcb.context = null;
    tcb.processor = null;
    if (image === undefined) {
      this.#faultEntry(tcb, fetchFault(pc));
      return false;
    }
    tcb.state = 'running';
    // A small integer, where it is one: it is written at each system call (docs/hot-code.md).
    tcb.entryPc = (again | 0) === again ? again | 0 : again;
    tcb.name = tcb.name === '' ? image.name : tcb.name;
    setPc(tcb, again + PC_IN_PROGRAM);
    tcb.processor = new Processor(this, tcb, image);
    this.#named.set(tcb.name, tcb);
    return true;
  }

  /**
   * Its own program's entry, for a pc within that program; and for the address that all programs
   * are linked to, where a parent that knows of machine code alone restarts each of its children.
   */
  #entryMeant(tcb: Tcb, pc: number): number {
    if (pc > tcb.entryPc && pc < tcb.entryPc + PC_SPAN) return tcb.entryPc;
    return pc === this.#linkedAt && this.#images.has(tcb.firstPc) ? tcb.firstPc : pc;
  }

  #mayExecute(tcb: Tcb, pc: number): boolean {
    const root = vspaceOf(this.state, tcb);
    const found = root === null ? undefined : translate(root, pc);
    return found !== undefined && allows(found.entry, 'execute');
  }

  /**
   * From now on the thread's registers are those that its instructions use; it stays with machine
   * code to its end.
   *
   * @returns false when there is nothing at this pc that it may execute
   */
  #startMachineCode(tcb: Tcb, pc: number): boolean {
    if (!this.#mayExecute(tcb, pc)) return false;
    const processor = new Processor(this, tcb, MACHINE_CODE);
    const context = this.#machineCode?.(processor);
    if (context === undefined) return false;
    context.registers.set(tcb.regs);
    tcb.regs = context.registers;
    processor.regs = context.registers;
    context.allowFloatingPoint((tcb.flags & TCB_FLAG_FPU_DISABLED) === 0);
    tcb.machineCode = context;
    tcb.context = context;
    tcb.processor = processor;
    tcb.state = 'running';
    goOnAtPc(tcb);
    return true;
  }

  /** Lets the program run up to its last trap, or until it throws. */
  readonly #runProgram = (tcb: Tcb): void => {
    const processor = tcb.processor as Processor;
    this.#depth += 1;
    assert(this.#depth <= NESTING_MAX, 'threads are nested within bounds');
    tcb.hasFrame = true;
    this.#runningEntry[0] = tcb.entryPc;
    this.#calls = (this.#calls + 1) | 0;
    processor.call = this.#calls;
    processor.hasTrapped = false;
    try {
      const context = tcb.context ?? processor.image.start(processor);
      if (tcb.processor === processor) {
        if (tcb.context === null) tcb.context = context;
        context.resume();
      }
    } catch (error) {
      this.#leaveFrame(tcb);
      if (error instanceof RunFailure) throw error;
      this.#onThrown(tcb, processor, error);
      return;
    }
    this.#leaveFrame(tcb);
    if (tcb.processor !== processor || processor.isUnwound) {
      processor.isUnwound = false;
    } else if (processor.hasTrapped) {
      this.#systemCall(tcb);
    } else if (tcb.machineCode === null) {
      this.#timerEntry();
    } else {
      this.#afterMachineCode(tcb, processor);
    }
  };

  /**
   * Machine code has ended without a system call: with an exception, or because something is due,
   * or the run is over.
   */
  #afterMachineCode(tcb: Tcb, processor: Processor): void {
    const cause = processor.exception;
    if (cause !== NO_EXCEPTION) {
      processor.exception = NO_EXCEPTION;
      this.#faultEntry(tcb, machineFault(cause, processor.exceptionLow, processor.exceptionHigh));
    } else if (this.state.machine.irqPending) {
      this.#interruptEntry();
    } else if (this.#isTimerDue()) {
      this.#timerEntry();
    }
  }

  #leaveFrame(tcb: Tcb): void {
    tcb.hasFrame = false;
    this.#depth -= 1;
  }

  #onThrown(tcb: Tcb, processor: Processor, error: unknown): void {
    // What a program says that has been deleted, restarted or unwound concerns nobody any more.
    if (tcb.processor !== processor) return;
    if (processor.isUnwound) {
      processor.isUnwound = false;
      return;
    }
    assert(this.state.current === tcb, 'the program that throws is the one that runs');
    if (error instanceof UserException) {
      this.#faultEntry(tcb, userException(error.number, error.code));
      return;
    }
    if (!(error instanceof MemoryFault && processor.isExact)) {
      setPc(tcb, tcb.entryPc + PC_IN_PROGRAM);
    }
    if (error instanceof MemoryFault) {
      this.#faultEntry(tcb, memoryFault(error));
      return;
    }
    this.#onProgramError?.(tcb.name, error);
    this.#faultEntry(tcb, userException(USER_EXCEPTION_PROGRAM, 0));
  }

  // --------------------------------------------------------------------------------------- nesting

  /** The trap instruction: see `UserThread.trap`. */
  readonly trap = (tcb: Tcb, processor: Processor): void => {
    if (tcb.processor !== processor || processor.isUnwound) throw new ThreadUnwound();
    const k = this.state;
    if (k.current !== tcb || !tcb.hasFrame) this.#calledOutside(tcb);
    assert(!processor.hasTrapped, 'a program makes its last call last');
    this.#systemCall(tcb);
    if (k.currentTime >= this.#overdueAt) this.#askOutside(processor);
    if (k.current === tcb && tcb.phase === IS_RUNNING && tcb.yieldTo === null) return;
    this.#runUntilCurrent(tcb, processor);
    this.#runningEntry[0] = tcb.entryPc;
    if (tcb.processor !== processor || processor.isUnwound) throw new ThreadUnwound();
  };

  readonly demandRunning = (tcb: Tcb): void => {
    if (this.state.current !== tcb || !tcb.hasFrame) this.#calledOutside(tcb);
  };

  /**
   * @throws CalledOutside to whoever calls, in the name of whoever it is that runs; if nobody does,
   * it is the thread's fault
   */
  #calledOutside(tcb: Tcb): never {
    const { current } = this.state;
    if (this.#depth > 0)
      throw new CalledOutside(`${current.name} makes a call that is ${tcb.name}'s`);
    const error = new CalledOutside(
      `${tcb.name} makes a call outside of its entry points: these end when they return, ` +
        'and nothing is to go on behind them (a promise, a timer)',
    );
    this.#failOutside(tcb, error);
    throw error;
  }

  /**
   * Makes an error a fault of a thread that does not run: code of its program ran where the kernel
   * has not called it.
   *
   * @returns false when there is no such thread
   */
  failThread(name: string, error: unknown): boolean {
    const tcb = this.#named.get(name);
    if (tcb !== undefined) this.#failOutside(tcb, error);
    return tcb !== undefined;
  }

  /** The name of the thread whose program runs, undefined when none does. */
  get running(): string | undefined {
    return this.#depth === 0 ? undefined : this.state.current.name;
  }

  /**
   * The thread whose program has been under way the longest, for the others run on top of it, and
   * which call of it that is.
   */
  get underWay(): { readonly thread: string; readonly call: number } | undefined {
    const framed = [...this.#named.values()].filter((tcb) => tcb.hasFrame);
    const lowest = framed.sort((a, b) => a.priority - b.priority)[0];
    return lowest === undefined
      ? undefined
      : { thread: lowest.name, call: (lowest.processor as Processor).call };
  }

  #failOutside(tcb: Tcb, error: unknown): void {
    assert(this.#depth === 0, 'no program runs');
    if (tcb.state === 'inactive' || tcb.fault !== null) return;
    this.options.onOutside?.(tcb.name, error);
    suspend(this.state, tcb);
    setPc(tcb, tcb.entryPc + PC_IN_PROGRAM);
    this.#faultEntry(tcb, userException(USER_EXCEPTION_PROGRAM, 0));
  }

  /**
   * A program has long been due to come to an end; whoever watches knows whether it is to be cut.
   */
  #askOutside(processor: Processor): void {
    const k = this.state;
    if (this.options.onOverdue?.(k.machine.now()) === 'unwind') {
      this.#isEnding = true;
      loseFrame(processor);
      throw new ThreadUnwound();
    }
    this.#overdueAt = k.currentTime + OVERDUE_NS / NS_PER_TICK;
  }

  /** Time passes in the middle of a program: see `UserThread.pass`. */
  pass(tcb: Tcb, processor: Processor, durationNs: number): void {
    if (tcb.processor !== processor || processor.isUnwound) throw new ThreadUnwound();
    const k = this.state;
    assert(k.current === tcb && !processor.hasTrapped, 'time passes for the program that runs');
    k.machine.charge(durationNs);
    this.#timerEntry();
    if (k.current === tcb && tcb.state === 'running') return;
    this.#runUntilCurrent(tcb, processor);
    if (tcb.processor !== processor || processor.isUnwound) throw new ThreadUnwound();
  }

  /**
   * Runs others on top of the thread's frame until the thread may go on, or its frame has to be
   * left.
   */
  readonly #runUntilCurrent = (tcb: Tcb, processor: Processor): void => {
    const k = this.state;
    let sinceNs = -1;
    for (;;) {
      if (this.#isFrameDead(tcb, processor)) return;
      if (this.#isEnding) return loseFrame(processor);
      const current = k.current;
      if (current === tcb) {
        if (this.#activate(tcb)) return;
      } else if (current !== k.idleThread && !current.hasFrame) {
        if (this.#isStarving(current)) return loseFrame(processor);
        this.#runThread(current);
      } else {
        if (sinceNs < 0) sinceNs = k.machine.now();
        if (!this.#runSomeoneElse(tcb, sinceNs)) return loseFrame(processor);
      }
    }
  };

  /** Whether the frame must be unwound: its thread was deleted, stopped, or restarted elsewhere. */
  #isFrameDead(tcb: Tcb, processor: Processor): boolean {
    if (tcb.processor !== processor) return true;
    if (tcb.state === 'inactive') {
      processor.isUnwound = true;
      setPc(tcb, tcb.entryPc + PC_IN_PROGRAM);
      return true;
    }
    if (tcb.state !== 'restart') return false;
    const offset = pcOf(tcb) - tcb.entryPc;
    if (offset > 0 && offset < PC_SPAN) return false;
    tcb.processor = null;
    tcb.context = null;
    return true;
  }

  /**
   * The thread that should run has a frame further down the stack, or there is none: the top of the
   * stack, another thread without a frame, or time has to help.
   *
   * @returns false when nothing can: the frame on top has to go
   */
  #runSomeoneElse(top: Tcb, sinceNs: number): boolean {
    const k = this.state;
    const other =
      isSchedulable(top) && top.domain === k.currentDomain
        ? top
        : bestReadyOf(k, ({ hasFrame }) => !hasFrame);
    if (other !== null) {
      this.#switchNow(other);
      return true;
    }
    const wakeUpNs = nextWakeUp(k);
    const isPatient = top.isInReleaseQueue || k.machine.now() - sinceNs < PATIENCE_NS;
    if (wakeUpNs === Infinity || !isPatient) return false;
    this.#waitUntil(wakeUpNs);
    this.#timerEntry();
    return true;
  }

  /**
   * Machine code that never waits keeps the frame below it on the stack, and with it the whole run.
   * A while after the run should have ended, it is the frame that goes.
   */
  #isStarving(current: Tcb): boolean {
    if (current.machineCode === null) return false;
    return this.state.machine.now() - this.#untilNs >= PATIENCE_NS;
  }

  /**
   * Virtual time jumps; host time is waited for, which devices and the host's event loop have to
   * bear.
   */
  #waitUntil(atNs: number): void {
    const machine = this.state.machine;
    const waitNs = atNs - machine.now();
    if (waitNs > 0) machine.charge(waitNs);
    for (let calls = 0; machine.now() < atNs && !machine.irqPending; calls += 1) {
      assert(calls < WAIT_CALLS_MAX, 'the clock goes on while the kernel waits');
    }
  }

  /** Gives the processor to a ready thread although another is the best. */
  #switchNow(tcb: Tcb): void {
    const k = this.state;
    if (isSchedulable(k.current)) schedEnqueue(k, k.current);
    switchToThread(k, tcb);
    switchSchedContext(k);
  }

  /**
   * When the kernel's own timer would ring: the current budget ends, or another thread's refill is
   * due.
   */
  #timerAt(): number {
    const k = this.state;
    const sc = k.currentSchedContext;
    const ticks = (sc.refillAmount[sc.refillHead] as number) - k.consumed;
    const budgetEnd = (k.currentTime + Math.max(0, ticks)) * NS_PER_TICK;
    return Math.min(budgetEnd, nextWakeUp(k));
  }

  #isTimerDue(): boolean {
    return this.#timerAt() <= this.state.machine.now();
  }

  /**
   * When the thread that runs has to stop at the latest. Nested on a frame, it does not stop at the
   * end of the run.
   */
  preemptionAt(): number {
    const now = this.state.machine.now();
    const end = this.#untilNs > now ? this.#untilNs : now + NESTED_SLICE_NS;
    return Math.min(this.#timerAt(), end);
  }

  /**
   * Lets time pass for work of the running program, up to the next thing that would interrupt it.
   * @returns what is left
   */
  spend(durationNs: number): number {
    const k = this.state;
    const now = k.machine.now();
    // A run whose time is over goes on as long as another frame lies below this one.
    const runEnd = this.#depth > 1 ? Infinity : this.#untilNs;
    const end = Math.min(now + durationNs, this.#timerAt(), runEnd);
    const spent = Math.min(durationNs, Math.max(NS_PER_TICK, end - now));
    k.machine.charge(spent);
    return durationNs - spent;
  }
}

/**
 * The thread's frame goes, although it waits for an answer; it is told when it next has the
 * processor.
 */
function loseFrame(processor: Processor): void {
  processor.isUnwound = true;
  processor.hasLostFrame = true;
}
