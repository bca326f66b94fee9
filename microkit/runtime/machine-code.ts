/**
 * The body of a thread that executes instructions: where `riscv/`, which knows no kernel, and
 * `kernel/`, which knows no instruction, are joined.
 *
 *     resume ─▶ slice ─▶ system call ─▶ trapLast         the kernel has the registers
 *                │  ├──▶ exception ───▶ raiseLast        ... and makes a fault of it
 *                │  └──▶ interrupt pending, or the kernel's time has come: back without a trap
 *                └─────── another slice, when something else of the board has happened
 *
 * A slice is as many instructions as fit in the time until something happens. Under the virtual
 * clock an instruction takes time by the cost table, and everything that happens does so at its own
 * time, between the two instructions where it falls: a register of a device is read or written at
 * the time of the instruction that does it. Under the host clock time passes by itself, and slices
 * are as long as a quarter of a millisecond took before.
 */

import { REGISTER_COUNT } from '../../kernel/abi.ts';
import { type HartThread, type MachineCode, USER_EXCEPTION_ENDLESS } from '../../kernel/user.ts';
import { assert } from '../../memory/assert.ts';
import { Configured } from '../../memory/configured.ts';
import { hex } from '../../memory/hex.ts';
import type { Ram } from '../../memory/ram.ts';
import { FLOAT_ZERO } from '../../memory/small-integer.ts';
import { AddressSpace, type CodeExtent } from '../../riscv/address-space.ts';
import type { Engine, EngineOptions } from '../../riscv/engine.ts';
import { BRANCHES, EXIT, HART, HART_BYTES, type Outside, type Run } from '../../riscv/hart.ts';
import { CallCounter } from './call-counter.ts';
import type { MachineCosts } from './machine-costs.ts';
import type { PdCounters } from './observer.ts';

/** A jump that was taken. */
export interface RecentBranch {
  readonly target: number;
  /** Of translated code, which records nothing but calls, of functions that call others. */
  readonly isCall: boolean;
}

/** An observer that looks at a hart now and then. The hart does the same with and without it. */
export interface HartSampling {
  /** How many of its own instructions a hart executes between two looks. */
  readonly everyInstructions: number;
  /**
   * @param hart with all its registers as they are before its next instruction, or at a system call
   */
  readonly sample: (hart: HartContext, pd: string) => void;
}

/**
 * A request that the engine be entered anew at some instruction, made by whoever is that engine.
 */
export interface HartPause {
  /** Count of executed instructions at which the engine is entered anew. This ends no slice. */
  at: number;
}

/**
 * How a hart knows the time. 'virtual': by the cost of its instructions. A function reads the
 * host's clock, in ns, because what `HartThread.now` answers may be as old as the board's turn,
 * which a loop without system calls never ends by itself.
 */
export type HartClock = 'virtual' | (() => number);

export interface HartContextOptions {
  readonly thread: HartThread;
  readonly ram: Ram;
  readonly clock: HartClock;
  readonly costs: MachineCosts;
  readonly counters: PdCounters;
  readonly makeEngine: (options: Pick<EngineOptions, 'ram' | 'at' | 'space'>) => Engine;
  /** Where the image has code, in memory that it may write, too. */
  readonly codeExtent?: CodeExtent | undefined;
  /** For profiles. */
  readonly sampling?: (HartSampling & { readonly pd: string }) | undefined;
  /** For debuggers. */
  readonly pause?: HartPause | undefined;
  /** Receives one line about what the program did wrong. */
  readonly log: (text: string) => void;
}

/** Instructions of a slice at most, well within the 32 bits that count them down. */
const SLICE_MAX = 100_000_000;
/**
 * Instructions that a program may execute between two kernel entries where they cost no time; after
 * as many it counts as caught in an endless loop.
 */
export const ENDLESS_INSTRUCTIONS = 100_000_000;
/** Under the host clock: how long a slice is to take, and the fewest instructions of one. */
const HOST_SLICE_NS = 250_000;
const HOST_SLICE_MIN = 1_000;
const HOST_SLICE_FIRST = 20_000;
/** Who reads registers of devices more often between two kernel entries polls one. */
const READS_UNPOLLED = 4;
const TWO_TO_32 = 2 ** 32;

const ECALL = EXIT.ecall;
const LIMIT = EXIT.limit;
const REMAINING = HART.remaining >>> 2;
const TRAP_VALUE = HART.trapValue >>> 2;
const CLOCK = HART.clock >>> 2;
const CLOCK_STEP = HART.clockStep >>> 2;
const FLOATING_POINT = HART.hasFloatingPoint >>> 2;
const WORDS = (REGISTER_COUNT + 1) << 1;

export class HartContext extends Configured<HartContextOptions> implements MachineCode, Outside {
  /** Offset of the hart's block in RAM: see `riscv/hart.ts`. */
  readonly hartAt: number = this.options.ram.takeStaging(HART_BYTES);
  /** The block as words of 32 bits. */
  readonly #hart: Int32Array = this.options.ram.i32.subarray(
    this.hartAt >>> 2,
    (this.hartAt + HART_BYTES) >>> 2,
  );
  readonly registers: Uint32Array = this.options.ram.u32.subarray(
    this.hartAt >>> 2,
    (this.hartAt >>> 2) + WORDS,
  );
  readonly #thread: HartThread = this.options.thread;
  readonly #isVirtual: boolean = this.options.clock === 'virtual';
  readonly #hostNow: () => number = hostTimeOf(this.options.clock);
  readonly #instructionNs: number = this.options.costs.instruction;
  readonly #deviceNs: number = this.options.costs.deviceAccess;
  /**
   * Nanoseconds an instruction, for engines that keep the time themselves; -1 when they cannot,
   * because time passes by itself or in fractions.
   */
  readonly #clockStep: number =
    this.#isVirtual && Number.isInteger(this.#instructionNs) ? this.#instructionNs : -1;
  readonly #calls: CallCounter = new CallCounter(this.options.counters);
  readonly #log: (text: string) => void = this.options.log;
  /** Instructions executed and accounted for. */
  executed = FLOAT_ZERO;
  /** Time that they took, and their accesses to devices; under the virtual clock. */
  userNs = FLOAT_ZERO;
  /** Since the last system call or exception. */
  #sinceEntry = FLOAT_ZERO;
  /** Reads of devices since the last system call or exception. */
  #readsSinceEntry = 0;
  /** `remaining` when it was last looked at: what it is less now has been executed since. */
  #granted = 0;
  /** Fractions of a nanosecond that are still to be charged: time goes by whole ones. */
  #owedNs = FLOAT_ZERO;
  /** When the kernel wants the processor back; as long as this is resumed. */
  #preemptionAt = FLOAT_ZERO;
  #hostSlice = HOST_SLICE_FIRST;
  /** When so many instructions are executed, somebody wants to look. */
  #sampleAt: number = this.options.sampling?.everyInstructions ?? Infinity;
  readonly #pause: HartPause = this.options.pause ?? { at: Infinity };
  readonly #engine: Engine;

  constructor(options: HartContextOptions) {
    super(options);
    this.executed = 0;
    this.userNs = 0;
    this.#hart.fill(0);
    this.#hart[CLOCK_STEP] = this.#clockStep;
    const { ram, makeEngine, codeExtent } = options;
    this.#engine = makeEngine({
      ram,
      at: this.hartAt,
      space: new AddressSpace(ram, this, codeExtent),
    });
  }

  allowFloatingPoint(isAllowed: boolean): void {
    this.#hart[FLOATING_POINT] = isAllowed ? 1 : 0;
  }

  resume(): void {
    const thread = this.#thread;
    this.#calls.onResume(this.registers);
    this.#preemptionAt = thread.preemptionAt();
    for (;;) {
      const exit = this.#isVirtual ? this.#runVirtual() : this.#runHost();
      if (exit === ECALL) {
        this.#sinceEntry = 0;
        this.#readsSinceEntry = 0;
        this.#calls.onCall(this.registers);
        thread.trapLast();
        return;
      }
      if (exit !== LIMIT) {
        this.#sinceEntry = 0;
        this.#readsSinceEntry = 0;
        const hart = this.#hart;
        thread.raiseLast(exit, u32(hart, TRAP_VALUE), u32(hart, TRAP_VALUE + 1));
        return;
      }
      if (!this.#isVirtual || thread.isInterruptPending) return;
      if (this.#sinceEntry >= ENDLESS_INSTRUCTIONS && this.#instructionNs === 0) {
        this.#raiseEndless();
        return;
      }
      if (thread.now() >= this.#preemptionAt) return;
    }
  }

  // ---------------------------------------------------------------------------------------- slices

  #runVirtual(): number {
    return this.#execute(this.#instructionsUntilNext());
  }

  /**
   * @returns as many instructions as begin before something happens that the program may notice;
   * one at least
   */
  #instructionsUntilNext(): number {
    if (this.#instructionNs === 0) return ENDLESS_INSTRUCTIONS - this.#sinceEntry;
    const thread = this.#thread;
    const end = Math.min(this.#preemptionAt, thread.nextEventAt());
    const count = Math.ceil((end - thread.now() - this.#owedNs) / this.#instructionNs);
    return Math.max(1, Math.min(count, SLICE_MAX));
  }

  #runHost(): number {
    const thread = this.#thread;
    const since = thread.now();
    const granted = this.#hostSlice;
    const end = this.executed + granted;
    let exit: number;
    let isPaused: boolean;
    do {
      const { at } = this.#pause;
      const sampleAt = this.#sampleAt;
      exit = this.#execute(end - this.executed);
      isPaused = this.#sampleAt > sampleAt || this.executed === at;
      // An observer ends no slice.
    } while (exit === LIMIT && isPaused && this.executed < end);
    if (exit === LIMIT) {
      const elapsed = this.#hostNow() - since;
      if (elapsed < HOST_SLICE_NS / 2) this.#hostSlice = Math.min(2 * granted, SLICE_MAX);
      else if (elapsed > HOST_SLICE_NS) this.#hostSlice = Math.max(granted >>> 1, HOST_SLICE_MIN);
    }
    return exit;
  }

  /** @param instructions at most */
  #execute(instructions: number): number {
    const pauseIn = this.#pause.at - this.executed;
    const most = pauseIn > 0 ? Math.min(instructions, pauseIn) : instructions;
    this.#grant(Math.min(most, this.#sampleAt - this.executed));
    const exit = this.#engine.run();
    this.#settle();
    // What is done at once may take it past several.
    while (this.executed >= this.#sampleAt) this.#sample();
    return exit;
  }

  #sample(): void {
    const { sampling } = this.options;
    assert(sampling !== undefined, 'a hart stops to be looked at when somebody looks');
    this.#sampleAt += sampling.everyInstructions;
    sampling.sample(this, sampling.pd);
  }

  #grant(instructions: number): void {
    const count = instructions | 0;
    this.#granted = count;
    this.#hart[REMAINING] = count;
    this.#setClock();
  }

  /** Tells the engines when the next instruction begins, all before it being accounted for. */
  #setClock(): void {
    const step = this.#clockStep;
    if (step < 0) return;
    const ns = this.#thread.now() + this.#granted * step;
    this.#hart[CLOCK] = ns % TWO_TO_32;
    this.#hart[CLOCK + 1] = ns / TWO_TO_32;
  }

  /** Accounts for what has been executed, and lets its time pass. */
  #settle(): void {
    const remaining = this.#hart[REMAINING] as number;
    const executed = this.#granted - remaining;
    this.#granted = remaining;
    this.executed += executed;
    this.#sinceEntry += executed;
    if (!this.#isVirtual) return;
    const cost = this.#owedNs + executed * this.#instructionNs;
    const passing = Math.floor(cost);
    this.#owedNs = cost - passing;
    this.userNs += passing;
    if (passing > 0) this.#thread.charge(passing);
  }

  /**
   * Called while the engine runs, by whom it calls out to: it returns after the instruction that is
   * under way, and is entered again. This ends no slice.
   */
  pauseHere(): void {
    this.#settle();
    this.#grant(0);
  }

  /**
   * A program whose instructions cost no time lets nobody else run: it is caught in a loop, and
   * faults with the place.
   */
  #raiseEndless(): void {
    this.#sinceEntry = 0;
    const loop = this.recentBranches().map(({ target }) => target);
    const where =
      loop.length === 0
        ? 'without a branch'
        : `between ${hex(Math.min(...loop))} and ${hex(Math.max(...loop))}`;
    this.#log(
      `${ENDLESS_INSTRUCTIONS.toLocaleString('en')} instructions without a system call, ` +
        `which take no time here: a loop ${where}; --cost gives instructions a time`,
    );
    this.#thread.raiseLast(USER_EXCEPTION_ENDLESS, 0, 0);
  }

  /**
   * A register as a number, in the order of the user context; values from 2^53 on lose their lowest
   * bits.
   */
  registerAsNumber(index: number): number {
    const { registers } = this;
    return (registers[2 * index + 1] as number) * TWO_TO_32 + (registers[2 * index] as number);
  }

  /**
   * A word of the thread's memory as a number, as above; undefined where it has no RAM, and across
   * pages.
   */
  wordAt(vaddr: number): number | undefined {
    if (vaddr % 8 !== 0) return undefined;
    const run = this.#thread.runAt(vaddr);
    if (run === undefined || run.at < 0 || !run.isReadable) return undefined;
    const { u32 } = this.options.ram;
    const at = (run.at + (vaddr - run.vaddr)) / 4;
    return (u32[at + 1] as number) * TWO_TO_32 + (u32[at] as number);
  }

  /** @returns where the last jumps and taken branches went, the newest last; at most 16 */
  recentBranches(): readonly RecentBranch[] {
    const hart = this.#hart;
    const written = u32(hart, HART.branchCount >>> 2);
    const count = Math.min(written, BRANCHES);
    return Array.from({ length: count }, (_, i) => {
      const entry = (HART.branches >>> 2) + 2 * ((written - count + i) % BRANCHES);
      const low = u32(hart, entry);
      return { target: u32(hart, entry + 1) * TWO_TO_32 + (low & ~1), isCall: (low & 1) === 1 };
    });
  }

  // --------------------------------------------------------------------------------------- outside

  runAt(vaddr: number): Run | undefined {
    return this.#thread.runAt(vaddr);
  }

  generation(): number {
    return this.#thread.mappingGeneration;
  }

  readDevice(run: Run, offset: number, width: number): number {
    this.#reachDevice();
    const value = deviceOf(run).read(offset, width);
    // Who polls a device under the host clock is who it waits for: it gets its turn now.
    if (this.#isPolling() && this.#thread.nextEventAt() <= this.#thread.now()) this.#grant(0);
    else this.#stopIfDue();
    return value;
  }

  #isPolling(): boolean {
    if (this.#isVirtual) return false;
    this.#readsSinceEntry += 1;
    return this.#readsSinceEntry > READS_UNPOLLED;
  }

  writeDevice(run: Run, offset: number, value: number, width: number): void {
    this.#reachDevice();
    deviceOf(run).write(offset, value, width);
    this.#stopIfDue();
  }

  nowNs(): number {
    this.#settle();
    return this.#thread.now();
  }

  /** The time of an access is that of its instruction, and the access takes some itself. */
  #reachDevice(): void {
    this.#settle();
    if (!this.#isVirtual || this.#deviceNs === 0) return;
    this.userNs += this.#deviceNs;
    this.#thread.charge(this.#deviceNs);
    this.#setClock();
  }

  /**
   * Time has passed, and a device may have more to do than before: the slice ends no later than
   * what happens next.
   */
  #stopIfDue(): void {
    if (this.#thread.isInterruptPending) {
      this.#grant(0);
    } else if (this.#isVirtual) {
      const count = this.#instructionsUntilNext();
      if (count < this.#granted) this.#grant(count);
    }
  }
}

function hostTimeOf(clock: HartClock): () => number {
  return clock === 'virtual' ? () => 0 : clock;
}

function deviceOf({ device }: Run): NonNullable<Run['device']> {
  assert(device !== undefined, 'an engine asks for devices only where there is one');
  return device;
}

function u32(words: Int32Array, index: number): number {
  return (words[index] as number) >>> 0;
}
