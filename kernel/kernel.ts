/**
 * The dispatcher: it lets the current thread's program run, enters the kernel when the program traps or throws, and runs
 * threads of higher priority nested on the JavaScript stack. See "Nesting" in the README.
 */

import { assert, AssertionFailure } from '../memory/assert.ts';
import { Configured } from '../memory/configured.ts';
import { MemoryFault } from '../memory/region.ts';
import { FLOAT_ZERO } from '../memory/small-integer.ts';
import type { BootInfo } from './boot-info.ts';
import { handleFault, pcOf, setPc } from './ipc/fault.ts';
import { tryFastPath } from './fastpath.ts';
import { handleInterrupt } from './objects/irq.ts';
import type { Fault } from './ipc/fault-record.ts';
import { memoryFault, userException } from './ipc/fault-record.ts';
import type { Tcb } from './objects/objects.ts';
import { Processor } from './processor.ts';
import { isSchedulable, schedEnqueue } from './sched/ready-queue.ts';
import { completeYieldTo } from './sched/sched-context.ts';
import {
  checkBudget,
  checkBudgetRestart,
  isAtRest,
  nextWakeUp,
  schedule,
  switchSchedContext,
  switchToThread,
  updateTimestamp,
} from './sched/schedule.ts';
import { NS_PER_TICK, PRIORITIES } from './state.ts';
import type { KernelCounters, KernelState } from './state.ts';
import { handleSyscall } from './syscall.ts';
import { PC_IN_PROGRAM, PC_SPAN, PC_SYSTEM_CALL } from './sched/thread.ts';
import type { ProgramImage } from './user.ts';
import {
  ThreadUnwound,
  USER_EXCEPTION_FRAME_LOST,
  USER_EXCEPTION_PROGRAM,
  UserException,
} from './user.ts';

/** Declared here, V8 folds it into the code of every kernel entry; what is imported it looks up at each use. */
const IN_SYSTEM_CALL = PC_SYSTEM_CALL;
/** Nested frames at most: one per thread, and far fewer in any sane system. */
const NESTING_MAX = 512;
/** How long a caller's frame is kept on the stack for a callee that does not answer. */
const PATIENCE_NS = 1_000_000_000;
/** Readings of the clock during one wait: a clock that stands still would be waited for without end. */
const WAIT_CALLS_MAX = 2_000_000_000;

export interface KernelOptions {
  readonly state: KernelState;
  readonly bootInfo: BootInfo;
  /** Programs by the pc at which they start. */
  readonly images: ReadonlyMap<number, ProgramImage>;
  /** Told of every error that a program has thrown, before it becomes a fault. */
  readonly onProgramError?: ((threadName: string, error: unknown) => void) | undefined;
}

/** A running kernel. */
export class Kernel extends Configured<KernelOptions> {
  readonly state: KernelState = this.options.state;
  readonly bootInfo: BootInfo = this.options.bootInfo;
  readonly counters: KernelCounters = this.options.state.counters;
  readonly #images: ReadonlyMap<number, ProgramImage> = this.options.images;
  readonly #onProgramError: ((threadName: string, error: unknown) => void) | undefined =
    this.options.onProgramError;
  #depth = 0;
  #untilNs = FLOAT_ZERO;

  /**
   * Runs threads until none is runnable or the machine's time has reached `untilNs`.
   *
   * @returns 'idle' when no thread can run before an interrupt or the kernel's own deadline (`machine.setDeadline`),
   * 'deadline' when there is more to do
   */
  run(untilNs: number): 'idle' | 'deadline' {
    this.#untilNs = untilNs;
    return this.runOn();
  }

  /** Whether no thread will ever run unless an interrupt comes; cheap enough to ask whenever all is idle. */
  get isAtRest(): boolean {
    return isAtRest(this.state);
  }

  /** Runs on to the time that {@link run} was given last: passing a time allocates, and the live loop does so often. */
  readonly runOn = (): 'idle' | 'deadline' => {
    const k = this.state;
    assert(this.#depth === 0, 'the kernel is not run from inside a program');
    // An interrupt charges the time that has passed, and wakes who is due, as the timer does.
    if (!k.machine.irqPending) this.#timerEntry();
    for (;;) {
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
      }
    }
  };

  // -------------------------------------------------------------------------------------------- kernel entries

  /** Executes the system call that the current thread's registers hold. */
  readonly #systemCall = (tcb: Tcb): void => {
    const k = this.state;
    k.counters.kernelEntries += 1;
    if (k.costs.kernelEntry !== 0) k.machine.charge(k.costs.kernelEntry);
    tcb.regs[0] = tcb.entryPc + IN_SYSTEM_CALL;
    tcb.regs[1] = 0;
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

  /** The kernel's own timer, or nothing at all: time is charged and threads whose refill is due wake up. */
  readonly #timerEntry = (): void => {
    const k = this.state;
    updateTimestamp(k);
    checkBudget(k);
    schedule(k);
    if (k.onExit !== null) k.onExit();
    if (k.machine.irqPending) this.#interruptEntry();
  };

  /** The fault is delivered even if the budget is spent: a program cannot throw the same error again. */
  #faultEntry(tcb: Tcb, fault: Fault): void {
    const k = this.state;
    k.counters.kernelEntries += 1;
    k.machine.charge(k.costs.fault);
    updateTimestamp(k);
    handleFault(k, tcb, fault);
    schedule(k);
    if (k.onExit !== null) k.onExit();
  }

  // -------------------------------------------------------------------------------------------- threads

  readonly #runThread = (tcb: Tcb): void => {
    const isUsual = tcb.state === 'running' && tcb.processor !== null && tcb.yieldTo === null;
    if (isUsual && !(tcb.processor as Processor).hasLostFrame) this.#runProgram(tcb);
    else if (this.#activate(tcb)) this.#runProgram(tcb);
  };

  /**
   * Makes the current thread ready to go on.
   *
   * @returns whether its program may run; if not, the kernel was entered and another thread may be current
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
    const offset = pcOf(tcb) - tcb.entryPc;
    if (offset <= 0 || offset >= PC_SPAN) return this.#start(tcb);
    tcb.state = 'running';
    if (offset !== PC_SYSTEM_CALL) return true;
    this.#systemCall(tcb);
    return false;
  }

  /** Finds the program at the thread's pc; without one the thread has fetched an instruction where there is none. */
  #start(tcb: Tcb): boolean {
    assert(!tcb.hasFrame, 'a program starts when the frame of its predecessor is gone');
    const pc = pcOf(tcb);
    const again = pc > tcb.entryPc && pc < tcb.entryPc + PC_SPAN ? tcb.entryPc : pc;
    const image = this.#images.get(again);
    tcb.context = null;
    tcb.processor = null;
    if (image === undefined) {
      this.#faultEntry(tcb, { kind: 'vm', address: pc, isInstruction: true, status: 1 });
      return false;
    }
    tcb.state = 'running';
    tcb.entryPc = again;
    tcb.name = tcb.name === '' ? image.name : tcb.name;
    setPc(tcb, again + PC_IN_PROGRAM);
    tcb.processor = new Processor(this, tcb, image);
    return true;
  }

  /** Lets the program run up to its last trap, or until it throws. */
  readonly #runProgram = (tcb: Tcb): void => {
    const processor = tcb.processor as Processor;
    this.#depth += 1;
    assert(this.#depth <= NESTING_MAX, 'threads are nested within bounds');
    tcb.hasFrame = true;
    processor.hasTrapped = false;
    try {
      const context = tcb.context ?? processor.image.start(processor);
      if (tcb.processor === processor) {
        tcb.context = context;
        context.resume();
      }
    } catch (error) {
      this.#leaveFrame(tcb);
      if (error instanceof AssertionFailure) throw error;
      this.#onThrown(tcb, processor, error);
      return;
    }
    this.#leaveFrame(tcb);
    if (tcb.processor !== processor || processor.isUnwound) {
      processor.isUnwound = false;
    } else if (processor.hasTrapped) {
      this.#systemCall(tcb);
    } else {
      this.#timerEntry();
    }
  };

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

  // -------------------------------------------------------------------------------------------- nesting

  /** The trap instruction: see `UserThread.trap`. */
  readonly trap = (tcb: Tcb, processor: Processor): void => {
    if (tcb.processor !== processor || processor.isUnwound) throw new ThreadUnwound();
    const k = this.state;
    assert(
      k.current === tcb && !processor.hasTrapped,
      'the program that traps is the one that runs',
    );
    this.#systemCall(tcb);
    if (k.current === tcb && tcb.state === 'running' && tcb.yieldTo === null) return;
    this.#runUntilCurrent(tcb, processor);
    if (tcb.processor !== processor || processor.isUnwound) throw new ThreadUnwound();
  };

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

  /** Runs others on top of the thread's frame until the thread may go on, or its frame has to be left. */
  readonly #runUntilCurrent = (tcb: Tcb, processor: Processor): void => {
    const k = this.state;
    let sinceNs = -1;
    for (;;) {
      if (this.#isFrameDead(tcb, processor)) return;
      const current = k.current;
      if (current === tcb) {
        if (this.#activate(tcb)) return;
      } else if (current !== k.idleThread && !current.hasFrame) {
        this.#runThread(current);
      } else {
        if (sinceNs < 0) sinceNs = k.machine.now();
        if (!this.#runSomeoneElse(tcb, sinceNs)) {
          processor.isUnwound = true;
          processor.hasLostFrame = true;
          return;
        }
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
   * The thread that should run has a frame further down the stack, or there is none: the top of the stack, another
   * thread without a frame, or time has to help.
   *
   * @returns false when nothing can: the frame on top has to go
   */
  #runSomeoneElse(top: Tcb, sinceNs: number): boolean {
    const k = this.state;
    const other =
      isSchedulable(top) && top.domain === k.currentDomain ? top : this.#bestWithoutFrame();
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

  /** Virtual time jumps; host time is waited for, which devices and the host's event loop have to bear. */
  #waitUntil(atNs: number): void {
    const machine = this.state.machine;
    const waitNs = atNs - machine.now();
    if (waitNs > 0) machine.charge(waitNs);
    for (let calls = 0; machine.now() < atNs && !machine.irqPending; calls += 1) {
      assert(calls < WAIT_CALLS_MAX, 'the clock goes on while the kernel waits');
    }
  }

  #bestWithoutFrame(): Tcb | null {
    const k = this.state;
    for (let priority = PRIORITIES - 1; priority >= 0; priority -= 1) {
      let tcb = k.readyHead[k.currentDomain * PRIORITIES + priority] as Tcb | null;
      for (; tcb !== null; tcb = tcb.queueNext) if (!tcb.hasFrame) return tcb;
    }
    return null;
  }

  /** Gives the processor to a ready thread although another is the best. */
  #switchNow(tcb: Tcb): void {
    const k = this.state;
    if (isSchedulable(k.current)) schedEnqueue(k, k.current);
    switchToThread(k, tcb);
    switchSchedContext(k);
  }

  /** Lets time pass for work of the running program, up to the next thing that would interrupt it. @returns what is left */
  spend(durationNs: number): number {
    const k = this.state;
    const now = k.machine.now();
    const sc = k.currentSchedContext;
    const ticks = (sc.refillAmount[sc.refillHead] as number) - k.consumed;
    const budgetEnd = (k.currentTime + Math.max(0, ticks)) * NS_PER_TICK;
    const end = Math.min(now + durationNs, budgetEnd, nextWakeUp(k), this.#untilNs);
    const spent = Math.min(durationNs, Math.max(NS_PER_TICK, end - now));
    k.machine.charge(spent);
    return durationNs - spent;
  }
}
