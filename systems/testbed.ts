/**
 * A testbed: board, kernel and system description put together. This is where the compiler checks
 * that the board is a machine for the kernel.
 *
 *     const testbed = createTestbed({ system, clock: 'virtual', wires: ({ ram }) => ({ net: … }) });
 *     testbed.runUntilQuiet();          // virtual: until nothing is left to happen
 *     testbed.runSlice(1_000_000);      // live: for `host/event-loop.ts` to drive
 *
 * Under the virtual clock a run depends on the description, the wires and the seed alone.
 */

import { type Board, GOLDFISH_RTC_PLACE } from '../board/board.ts';
import { Random } from '../board/random.ts';
import type { Kernel } from '../kernel/boot.ts';
import { DEFAULT_COSTS } from '../kernel/cost.ts';
import { assert } from '../memory/assert.ts';
import type { ReadonlyRegion } from '../memory/region.ts';
import { flatten, type SystemDescription } from '../microkit/model.ts';
import { DebugOutput } from '../microkit/runtime/debug-output.ts';
import { PdImage } from '../microkit/runtime/image.ts';
import type { HartContext } from '../microkit/runtime/machine-code.ts';
import type { MachineDomain } from '../microkit/runtime/machine-program.ts';
import { plansOf } from '../microkit/runtime/machine-program.ts';
import { attachDevices, type Wires } from './attached-devices.ts';
import { ChargedMachine } from './charged-machine.ts';
import type { ProgramCounterNames } from './counter-names.ts';
import type { WitnessedSystem } from './device-witness.ts';
import { exceptionText } from './exception-text.ts';
import { attachMappedI2c } from './i2c-devices.ts';
import { guardedObserver, type TestbedObserver } from './observer.ts';
import type { RunCosts } from './run-costs.ts';
import { countDomains, type RunCounters } from './run-counters.ts';
import { makeBoard } from './testbed-board.ts';
import { bootKernel, type BootStatus, finishBoot } from './testbed-boot.ts';
import { makeImages, NO_IMAGES } from './testbed-images.ts';
import type { TestbedOptions } from './testbed-options.ts';
import type { Traffic, TrafficMeter } from './traffic.ts';
import { WorkMeter } from './work-meter.ts';

export type { HartCounters, RunCounters } from './run-counters.ts';
export { TestbedError } from './testbed-error.ts';
export type { TestbedOptions, WireParts } from './testbed-options.ts';
export type { BlockPlug, Wires } from './attached-devices.ts';

/**
 * How long domains may take to come to rest after boot. What they do takes no more virtual time
 * than it takes on a board; but an idle domain that spins never rests, and executes each nanosecond
 * of it.
 */
const SETTLE_NS = { virtual: 20_000_000, host: 1_000_000_000 };

interface Charged {
  readonly machine: ChargedMachine;
  readonly meter: WorkMeter;
}

/** @throws TestbedError when the system cannot be built on this board */
export function createTestbed(options: TestbedOptions): Testbed {
  return new Testbed(options);
}

export class Testbed {
  readonly system: SystemDescription;
  readonly board: Board;
  readonly kernel: Kernel;
  readonly random: Random;
  readonly wires: Wires;
  readonly #images: readonly (PdImage | MachineDomain)[];
  readonly #debug: DebugOutput;
  readonly #counterNames: ProgramCounterNames;
  readonly #charged: Charged | undefined;
  readonly #traffic: TrafficMeter;
  /** The domain that has the interrupt of the board's clock. */
  readonly #alarmDriver: string | undefined;
  #outcome: 'idle' | 'deadline' = 'deadline';

  constructor(given: TestbedOptions) {
    const observer = guardedObserver(given.observer ?? SILENT);
    const options = { ...given, observer };
    this.system = options.system;
    this.#alarmDriver = domainWithIrq(options.system, GOLDFISH_RTC_PLACE.irq);
    this.#counterNames = options.counters ?? {};
    this.board = makeBoard(options, () => this.#witnessed(options));
    this.random = new Random(options.seed ?? 0);
    this.wires =
      options.wires?.({ ram: this.board.ram, board: this.board, random: this.random }) ?? {};
    // Ours first: a page that a user's device wants as well is then that device's mistake.
    this.#traffic = attachDevices(this.board, this.wires);
    this.board.guardDevices();
    options.attachDevices?.(this.board);
    attachMappedI2c(this.board, options.system);
    this.board.fillVirtioSlots();
    this.#debug = new DebugOutput((pd, line) => observer.log(pd, line));
    this.#images = makeImages(options, this.board, observer);
    const status: BootStatus = { kind: 'building', line: '', lack: undefined };
    this.#charged = this.#chargePrograms(options.costs);
    this.kernel = bootKernel(
      {
        board: this.board,
        machine: this.#charged?.machine ?? this.board,
        costs: options.costs?.kernel ?? DEFAULT_COSTS,
        system: this.system,
        plans: plansOf(options.images ?? NO_IMAGES),
        status,
        observer,
        debug: this.#debug,
        fastPath: options.fastPath ?? 'on',
        instrument: options.instrument,
        onCreate: options.onCreate,
        watched: {
          ...options.watched,
          onOutside: (name, error) => this.#failedOutside(name, error, observer),
        },
      },
      this.#images,
    );
    options.onBoot?.(this.kernel);
    finishBoot(this.kernel, this.board, this.system.name, status);
  }

  now(): number {
    return this.board.now();
  }

  /** What a broken rule is told with: nothing of it is there before boot. */
  #witnessed({ system, observer }: TestbedOptions): WitnessedSystem | undefined {
    const { kernel } = this as Partial<Testbed>;
    if (kernel === undefined) return undefined;
    return {
      system,
      board: this.board,
      images: this.#images,
      runningThread: () => kernel.state.current.name,
      lineOf: (program, address) =>
        program.image.hasLines ? observer?.lineOf?.(program, address) : undefined,
    };
  }

  /**
   * The hart of a domain that runs machine code: undefined for others, and before it has started.
   */
  hartOf(pd: string): HartContext | undefined {
    const image = this.#images.find(({ name }) => name === pd);
    return image?.kind === 'machine code' ? image.hart : undefined;
  }

  /** A region as a domain sees it, undefined before it runs. */
  inspect(pd: string, region: string): ReadonlyRegion | undefined {
    return this.#images.find(({ name }) => name === pd)?.inspect(region);
  }

  /** Shows lines that programs have begun to print and not ended: the run is over. */
  flushOutput(): void {
    this.#debug.flushAll();
  }

  /** When something is to happen next without the processor; `Infinity` when never. */
  nextEventAt(): number {
    return this.board.nextEventAt();
  }

  /**
   * Whether the processor had nothing left to do when the last run ended, and no interrupt waits.
   */
  get isIdle(): boolean {
    return this.#outcome === 'idle' && !this.board.irqPending;
  }

  /**
   * Whether nothing will ever happen again unless the host brings something. A domain schedule that
   * goes round without work is no event, and neither is the tick of a watchdog that would find
   * nothing: see `awaitsTime` in `microkit/pd.ts`.
   */
  get isQuiet(): boolean {
    if (!this.isIdle || !this.kernel.isAtRest) return false;
    return this.board.isAtRest || (this.board.hasOnlyAlarmAhead && !this.#isTimeAwaited());
  }

  /**
   * Live: when it has to be run next unless the host brings something. A watchdog's tick that would
   * find nothing need not be in time.
   */
  nextNeededAt(): number {
    return this.isQuiet ? Infinity : this.nextEventAt();
  }

  #isTimeAwaited(): boolean {
    return this.#images.some((image) => {
      const answer = image instanceof PdImage ? image.awaitsTime() : undefined;
      return answer ?? image.name === this.#alarmDriver;
    });
  }

  /**
   * Runs the processor until it has nothing left to do, and waits for no event: after boot, every
   * program's `init`. Gives up after {@link SETTLE_NS}, because domains that keep each other busy
   * never come to rest.
   */
  settle(): void {
    const endNs = this.board.now() + SETTLE_NS[this.board.clock.kind];
    do {
      this.#outcome = this.kernel.run(endNs);
      this.#endOnFailure();
    } while (!this.isIdle && this.board.now() < endNs);
  }

  #failedOutside(name: string, error: unknown, observer: TestbedObserver): void {
    const image = this.#images.find((each) => each.name === name);
    if (image !== undefined) image.counters.exceptions += 1;
    observer.log(name, exceptionText(error));
    this.#outcome = 'deadline'; // there is more to do
    observer.stirred?.();
  }

  /** A program has caught what a device model threw: the run ends all the same. */
  #endOnFailure(): void {
    const { failure } = this.board;
    if (failure !== undefined) throw failure;
  }

  /**
   * Virtual time: runs until `atNs`.
   *
   * @returns 'quiet' when nothing was left to happen before that
   */
  runUntil(atNs: number): 'time' | 'quiet' {
    assert(this.board.clock.kind === 'virtual', 'host time cannot be run to');
    for (;;) {
      this.#outcome = this.kernel.run(atNs);
      this.#endOnFailure();
      if (this.board.now() >= atNs) return 'time';
      if (this.board.irqPending) continue;
      if (atNs === Infinity && this.isQuiet) return 'quiet';
      if (this.board.advance(atNs) === 'quiet') {
        return this.board.now() >= atNs && atNs !== Infinity ? 'time' : 'quiet';
      }
    }
  }

  /** Virtual time: runs until nothing is left to happen. */
  runUntilQuiet(): void {
    this.runUntil(Infinity);
  }

  /**
   * Live: runs kernel and devices until nothing is left to do, or the slice is over.
   *
   * @returns 'idle' when nothing happens before {@link nextNeededAt} unless the host brings
   * something
   */
  runSlice(sliceNs: number): 'idle' | 'busy' {
    const { board } = this;
    const endNs = board.beginSlice(sliceNs);
    board.turn();
    this.#outcome = this.kernel.run(endNs);
    while (!board.isSliceOver()) {
      if (this.isIdle && !board.isDue()) {
        this.#endOnFailure();
        board.handOver();
        return 'idle';
      }
      board.turn();
      this.#outcome = this.kernel.runOn();
    }
    this.#endOnFailure();
    board.handOver();
    return 'busy';
  }

  counters(): RunCounters {
    const counted = countDomains(this.#images, this.#counterNames);
    const kernel = { ...this.kernel.counters };
    const run = { timeNs: this.board.now(), kernel, ...counted };
    if (this.#charged === undefined) return run;
    const { machine, meter } = this.#charged;
    return { ...run, busyNs: machine.busyNs, work: { ...meter.work } };
  }

  /** What devices have moved since power-on; a device of a user's own is not among them. */
  traffic(): readonly Traffic[] {
    return this.#traffic.read();
  }

  #chargePrograms(costs: RunCosts | undefined): Charged | undefined {
    if (costs === undefined || this.board.clock.kind === 'host') return undefined;
    const meter = new WorkMeter({ costs, images: this.#images, counters: this.#counterNames });
    return { machine: new ChargedMachine(this.board, meter), meter };
  }
}

function domainWithIrq(system: SystemDescription, irq: number): string | undefined {
  return flatten(system).find(({ pd }) => pd.irqs.some((each) => 'irq' in each && each.irq === irq))
    ?.pd.name;
}

const SILENT: TestbedObserver = { log: () => undefined };
