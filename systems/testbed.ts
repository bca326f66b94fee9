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

import { Board, type BoardOptions, GOLDFISH_RTC_PLACE } from '../board/board.ts';
import type { DeviceRules } from '../board/device.ts';
import { HostClock } from '../board/host-clock.ts';
import { LintLog } from '../board/lint.ts';
import { Random } from '../board/random.ts';
import { VirtualClock } from '../board/virtual-clock.ts';
import { hostNow } from '../host/event-loop.ts';
import { boot, type BootOptions, type Kernel, type KernelCounters } from '../kernel/boot.ts';
import { type CostTable, DEFAULT_COSTS, NO_COSTS } from '../kernel/cost.ts';
import type { Machine } from '../kernel/machine.ts';
import type { HartThread, MachineCode } from '../kernel/user.ts';
import type { KernelObject } from '../kernel/objects/objects.ts';
import { assert } from '../memory/assert.ts';
import { Ram, RAM_BASE } from '../memory/ram.ts';
import type { ReadonlyRegion } from '../memory/region.ts';
import type { ImagePlans } from '../microkit/elf/plan.ts';
import {
  type BootObserver,
  initialiser,
  rootCNodeSizeBits,
} from '../microkit/initialiser/initialiser.ts';
import type { BoardLack } from '../microkit/initialiser/root-task.ts';
import { flatten, regionsByName, type SystemDescription } from '../microkit/model.ts';
import { monitorImage } from '../microkit/monitor/monitor.ts';
import type { Program } from '../microkit/pd.ts';
import { describeHart } from '../microkit/runtime/hart-report.ts';
import { DebugOutput } from '../microkit/runtime/debug-output.ts';
import type { DomainImage } from '../microkit/runtime/domain-image.ts';
import { PdImage } from '../microkit/runtime/image.ts';
import {
  DEFAULT_MACHINE_COSTS,
  type HartContext,
  type HartSampling,
} from '../microkit/runtime/machine-code.ts';
import {
  type HartCoverage,
  type HartDebugger,
  type HartMachine,
  MachineImage,
  type MachinePrograms,
  plansOf,
  type BulkCalls,
} from '../microkit/runtime/machine-image.ts';
import type { EngineKind } from '../riscv/engine.ts';
import { Translations } from '../riscv/translator/translations.ts';
import type { PdCounters } from '../microkit/runtime/observer.ts';
import { entryAddress, freshEntryAddress, IMAGE_BASE } from '../microkit/slots.ts';
import { Counters, readCounters } from '../queues/counters.ts';
import { attachDevices, type Wires } from './attached-devices.ts';
import { ChargedMachine } from './charged-machine.ts';
import { deviceWitness, type WitnessedSystem } from './device-witness.ts';
import { attachMappedI2c } from './i2c-devices.ts';
import { exceptionText } from './exception-text.ts';
import type { RunCosts } from './run-costs.ts';
import type { ProgramCounterNames } from './counter-names.ts';
import { guardedObserver, type TestbedObserver } from './observer.ts';
import type { Instrument } from './trace/observer.ts';
import type { Traffic, TrafficMeter } from './traffic.ts';
import { statsRegion, type Work, WorkMeter } from './work-meter.ts';

export type { BlockPlug, Wires } from './attached-devices.ts';

const RAM_BYTES = 0x800_0000;
/**
 * As the board has it, less what the staging area needs: pages that nobody touches cost nothing.
 */
const RAM_BYTES_MAX = 0x7000_0000;
/** RAM and staging together: see `memory/ram.ts`. */
const MEMORY_BYTES_MAX = 0x7fff_0000;
const STAGING_BYTES = 0x100_0000;
/** Boot is run in steps of this long, so that it can be seen to end. */
const BOOT_STEP_NS = 1_000_000;
/**
 * How long domains may take to come to rest after boot. What they do takes no more virtual time
 * than it takes on a board; but an idle domain that spins never rests, and executes each nanosecond
 * of it.
 */
const SETTLE_NS = { virtual: 20_000_000, host: 1_000_000_000 };

/**
 * Under the host clock: what a domain pays for one stretch, at most. A slice of machine code is a
 * quarter of it, and most handlers take far less. What is longer is the host's: a translation,
 * other processes. A domain that has 100 µs of each 400 µs would pay for a second of that with
 * four.
 */
const LONGEST_CHARGE_NS = 2_000_000;

/** What a wire is made of. */
export interface WireParts {
  readonly ram: Ram;
  readonly board: Board;
  readonly random: Random;
}

export interface TestbedOptions {
  readonly system: SystemDescription;
  readonly clock: 'virtual' | 'host';
  /** Seeds everything that draws numbers; 0 unless told. */
  readonly seed?: number;
  readonly wires?: (parts: WireParts) => Wires;
  /** Puts further devices on the board. */
  readonly attachDevices?: (board: Board) => void;
  readonly observer?: TestbedObserver;
  /**
   * Programs by domain name, in place of what the description has, or where it names a path only.
   */
  readonly programs?: ReadonlyMap<string, Program>;
  /** Machine code by domain name: these domains run it, and no TypeScript program. */
  readonly images?: MachinePrograms;
  /** What executes machine code: makes no difference but in speed; 'auto' unless told. */
  readonly engine?: EngineKind;
  /** What calls of an image's `memcpy` and its like are: 'at once' unless told. */
  readonly bulk?: BulkCalls;
  /**
   * What devices do when a driver breaks a rule that they can do without: 'lenient' unless told.
   */
  readonly rules?: DeviceRules;
  /** Kept from testbed to testbed, images need not be translated again. */
  readonly translations?: Translations;
  /** Looks at machine code now and then, for profiles. */
  readonly sampling?: HartSampling;
  /** Executes machine code in place of the usual engines, and may hold the run: see `debug/`. */
  readonly debugger?: HartDebugger;
  /** Notes what machine code executes; then `bulk` is to be 'executed'. */
  readonly coverage?: HartCoverage;
  /** Names of the counters that programs keep in their `stats` regions. */
  readonly counters?: ProgramCounterNames;
  /**
   * The kernel's fast path makes no difference but in speed: 'off' to follow the general path,
   * which is the specification.
   */
  readonly fastPath?: 'on' | 'off';
  /** Observes the run: see `trace/`. */
  readonly instrument?: Instrument;
  /**
   * Virtual clock: what work costs, programs' work too; the kernel's alone, and standard, unless
   * told. Of no effect under the host clock, where time passes by itself.
   */
  readonly costs?: RunCosts;
  /**
   * Told of the kernel before it runs: programs run their `init` while the testbed is being made.
   */
  readonly onBoot?: (kernel: Kernel) => void;
  /** For whoever watches the run from another thread: see `KernelOptions`. */
  readonly watched?: Pick<BootOptions, 'runningEntry' | 'onOverdue'>;
  /** Told of every kernel object made, from the initial thread's on: for dumps. */
  readonly onCreate?: (object: KernelObject) => void;
  /**
   * Bytes of RAM; a multiple of 64 KiB. Unless told, 128 MiB, or 1792 MiB for a system with machine
   * code or with memory at addresses above that.
   */
  readonly ramBytes?: number;
  /**
   * Bytes of the staging area behind RAM, for disks in memory for instance; a multiple of 64 KiB,
   * 16 MiB unless told.
   */
  readonly stagingBytes?: number;
  /** The memory itself, in place of both sizes: as after power-on, so new or cleared. */
  readonly ram?: Ram;
}

/** What a run has counted. Plain data: under the virtual clock the same run gives the same JSON. */
export interface RunCounters {
  /** Time since power-on. */
  readonly timeNs: number;
  readonly kernel: Readonly<KernelCounters>;
  readonly pds: Readonly<Record<string, Readonly<PdCounters>>>;
  /**
   * Of domains that run machine code: instructions, and under the virtual clock the time that they
   * took.
   */
  readonly harts?: Readonly<Record<string, HartCounters>>;
  /** What programs have counted, in their `stats` regions or in private. */
  readonly programs: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /**
   * Copies of packets or blocks by programs: the sums of their counters `copies` and `bytesCopied`.
   */
  readonly copies: number;
  readonly bytesCopied: number;
  /**
   * With a cost table: how long the processor was not idle, and what programs' work was charged
   * for.
   */
  readonly busyNs?: number;
  readonly work?: Readonly<Work>;
}

export interface HartCounters {
  readonly instructions: number;
  /** Time in user mode; 0 under the host clock, where nobody knows. */
  readonly userNs: number;
}

interface Charged {
  readonly machine: ChargedMachine;
  readonly meter: WorkMeter;
}

/** The system cannot be run; the message is one line for the user. */
export class TestbedError extends Error {
  override readonly name = 'TestbedError';
  /** What the board would need more of, if that is what is wrong. */
  readonly lack: BoardLack | undefined;

  constructor(message: string, lack?: BoardLack) {
    super(message);
    this.lack = lack;
  }
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
  readonly #images: readonly (PdImage | MachineImage)[];
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
    this.#finishBoot(status);
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
    return image instanceof MachineImage ? image.hart : undefined;
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
   * @returns 'idle' when nothing happens before {@link nextEventAt} unless the host brings
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
    const pds: Record<string, PdCounters> = {};
    const programs: Record<string, Record<string, number>> = {};
    let copies = 0;
    let bytesCopied = 0;
    for (const image of this.#images) {
      pds[image.name] = { ...image.counters };
      const read = this.#readStats(image);
      if (read === undefined) continue;
      programs[image.name] = read;
      copies += read['copies'] ?? 0;
      bytesCopied += read['bytesCopied'] ?? 0;
    }
    const kernel = { ...this.kernel.counters };
    const harts = this.#countHarts();
    const run = { timeNs: this.board.now(), kernel, pds, ...harts, programs, copies, bytesCopied };
    if (this.#charged === undefined) return run;
    const { machine, meter } = this.#charged;
    return { ...run, busyNs: machine.busyNs, work: { ...meter.work } };
  }

  /** What devices have moved since power-on; a device of a user's own is not among them. */
  traffic(): readonly Traffic[] {
    return this.#traffic.read();
  }

  #countHarts(): Pick<RunCounters, 'harts'> {
    const machines = this.#images.filter((image) => image instanceof MachineImage);
    if (machines.length === 0) return {};
    const counted = machines.map(({ name, hart }): [string, HartCounters] => [
      name,
      { instructions: hart?.executed ?? 0, userNs: hart?.userNs ?? 0 },
    ]);
    return { harts: Object.fromEntries(counted) };
  }

  #chargePrograms(costs: RunCosts | undefined): Charged | undefined {
    if (costs === undefined || this.board.clock.kind === 'host') return undefined;
    const meter = new WorkMeter({ costs, images: this.#images, counters: this.#counterNames });
    return { machine: new ChargedMachine(this.board, meter), meter };
  }

  #readStats(image: DomainImage): Record<string, number> | undefined {
    const names = this.#counterNames[image.name];
    const region = statsRegion(image.config);
    const stats = names === undefined || region === undefined ? undefined : image.inspect(region);
    if (names !== undefined && stats !== undefined) return readCounters(names, stats);
    const counted = image instanceof PdImage ? image.counted : undefined;
    return Counters.countersOf(counted);
  }

  #finishBoot(status: BootStatus): void {
    while (status.kind === 'building') {
      const outcome = this.kernel.run(this.board.now() + BOOT_STEP_NS);
      if (outcome === 'idle' && status.kind === 'building') {
        throw new TestbedError('the initialiser stopped before the system was built');
      }
    }
    if (status.kind === 'failed') {
      const size = `${this.board.ram.sizeBytes / 2 ** 20} MiB of RAM`;
      const where = status.lack === 'memory' ? ` in the board's ${size}` : '';
      throw new TestbedError(
        `system '${this.system.name}' cannot be built: ${status.line}${where}`,
        status.lack,
      );
    }
  }
}

function domainWithIrq(system: SystemDescription, irq: number): string | undefined {
  return flatten(system).find(({ pd }) => pd.irqs.some((each) => 'irq' in each && each.irq === irq))
    ?.pd.name;
}

const SILENT: TestbedObserver = { log: () => undefined };

interface BootStatus {
  kind: 'building' | 'built' | 'failed';
  line: string;
  lack: BoardLack | undefined;
}

function makeBoard(options: TestbedOptions, witnessed: () => WitnessedSystem | undefined): Board {
  const ram = options.ram ?? makeMemory(options);
  const clock = options.clock === 'virtual' ? new VirtualClock() : new HostClock(hostNow);
  const { costs, instrument, observer } = options;
  const witness = deviceWitness(witnessed);
  const lint = new LintLog({ witness, onFirst: (entry) => observer?.noted?.(entry) });
  const boardOptions: BoardOptions = {
    ram,
    clock,
    lint,
    ...(options.rules === undefined ? {} : { rules: options.rules }),
    ...(costs === undefined ? {} : { deviceLatencyNs: costs.deviceLatencyNs }),
  };
  return instrument?.makeBoard(boardOptions) ?? new Board(boardOptions);
}

function makeMemory(options: TestbedOptions): Ram {
  const stagingBytes = options.stagingBytes ?? STAGING_BYTES;
  return new Ram({
    sizeBytes: options.ramBytes ?? ramBytesFor(options, stagingBytes),
    stagingBytes,
    // Whoever watches or disturbs a run is to find each step.
    batches: options.instrument === undefined ? 'wasm' : 'steps',
  });
}

/** Programs in TypeScript need little, and RAM that is small is easier to look through. */
function ramBytesFor({ system, images }: TestbedOptions, stagingBytes: number): number {
  const isAbove = system.regions.some(
    ({ physAddr = 0n, size }) =>
      physAddr >= BigInt(RAM_BASE) && physAddr + size > BigInt(RAM_BASE + RAM_BYTES),
  );
  if ((images === undefined || images.size === 0) && !isAbove) return RAM_BYTES;
  return Math.min(RAM_BYTES_MAX, MEMORY_BYTES_MAX - stagingBytes);
}

function bootObserverOf(status: BootStatus): BootObserver {
  return {
    systemBuilt: () => {
      status.kind = 'built';
    },
    bootFailed: (line, lack) => {
      status.kind = 'failed';
      status.line = line;
      status.lack = lack;
    },
  };
}

const NO_IMAGES: MachinePrograms = new Map();

function makeImages(
  options: TestbedOptions,
  { ram, clock: boardClock }: Board,
  observer: TestbedObserver,
): readonly (PdImage | MachineImage)[] {
  const regions = regionsByName(options.system);
  const { system, images = NO_IMAGES } = options;
  const plans = plansOf(images);
  const costs = options.costs?.machineCode ?? DEFAULT_MACHINE_COSTS;
  const { engine = 'auto', bulk = 'at once', sampling, debugger: debug, coverage } = options;
  const { translations = new Translations() } = options;
  const clock = boardClock.kind === 'virtual' ? 'virtual' : () => boardClock.refresh();
  const machine: HartMachine = {
    ram,
    clock,
    costs,
    engine,
    bulk,
    translations,
    sampling,
    debugger: debug,
    coverage,
  };
  const log = (name: string, text: string): void => observer.log(name, text);
  return flatten(system).map((pd) => {
    const machineCode = images.get(pd.pd.name);
    if (machineCode !== undefined) {
      return new MachineImage({ system, pd, regions, plans, program: machineCode, machine, log });
    }
    const program = options.programs?.get(pd.pd.name) ?? pd.pd.image.program;
    if (program === undefined) {
      throw new TestbedError(
        `protection domain '${pd.pd.name}': no program for image '${pd.pd.image.path}'${advice(pd.pd.image.path)}`,
      );
    }
    return new PdImage({
      system,
      pd,
      regions,
      plans,
      program,
      observer: {
        log,
        exception: (name, error) => observer.log(name, exceptionText(error)),
      },
    });
  });
}

/** Images of this package are not committed. */
function advice(image: string): string {
  return image.startsWith('programs/build/') ? '; npm run programs builds it' : '';
}

function bootKernel(
  parts: {
    readonly board: Board;
    readonly machine: Machine;
    readonly costs: CostTable;
    readonly system: SystemDescription;
    readonly plans: ImagePlans;
    readonly status: BootStatus;
    readonly observer: TestbedObserver;
    readonly debug: DebugOutput;
    readonly fastPath: 'on' | 'off';
    readonly instrument: Instrument | undefined;
    readonly onCreate: TestbedOptions['onCreate'] | undefined;
    readonly watched: Pick<BootOptions, 'runningEntry' | 'onOverdue' | 'onOutside'>;
  },
  images: readonly (PdImage | MachineImage)[],
): Kernel {
  const { board, system, plans, status, observer, debug } = parts;
  const monitor = monitorImage({
    names: images.map((image) => image.name),
    log: (line) => observer.log('monitor', line),
    faulted: (pd, fault) => {
      debug.flush(pd);
      for (const line of hartLines(images, pd, observer)) observer.log('monitor', line);
      observer.faulted?.(pd, fault);
    },
  });
  const { ram } = parts.machine;
  const ramEnd = ram.base + ram.sizeBytes;
  const initial = { system, plans, observer: bootObserverOf(status), ramEnd };
  return boot({
    machine: parts.machine,
    rootTask: (bootInfo) => initialiser(initial, bootInfo),
    images: [...images, monitor].flatMap((image, index) => {
      if (image instanceof MachineImage) return [];
      const started = parts.instrument?.observe(image, index) ?? image;
      const usual = { entry: entryAddress(index), image: started };
      if (!(image instanceof PdImage)) return [usual];
      return [usual, { entry: freshEntryAddress(index), image: image.fresh(started) }];
    }),
    linkedAt: IMAGE_BASE,
    ...(plans.size === 0 ? {} : { machineCode: machineCodeOf(images, parts.instrument) }),
    onDebugChar: (name, code) => debug.putChar(name, code),
    ramIsClear: true,
    rootCNodeSizeBits: rootCNodeSizeBits(system, plans),
    fastPath: parts.fastPath,
    // Under the host clock time passes by itself.
    ...(board.clock.kind === 'host'
      ? { costs: NO_COSTS, longestChargeNs: LONGEST_CHARGE_NS }
      : { costs: parts.costs }),
    ...(parts.onCreate === undefined ? {} : { onCreate: parts.onCreate }),
    ...parts.watched,
  });
}

/** What the monitor's report of a fault does not have: it sees the message only. */
function hartLines(
  images: readonly (PdImage | MachineImage)[],
  pd: string,
  observer: TestbedObserver,
): readonly string[] {
  const image = images.find(({ name }) => name === pd);
  if (!(image instanceof MachineImage) || image.hart === undefined) return [];
  const { program, hart } = image;
  const lineOf = (address: number): string | undefined =>
    program.image.hasLines ? observer.lineOf?.(program, address) : undefined;
  const functions = program.image.symbols.functions();
  return describeHart({ hart, functions, lineOf }).map((line) => `MON|ERROR: ${line}`);
}

/**
 * The initialiser has told the kernel the names of threads whose program is machine code. A
 * TypeScript program stays one, also when its description maps memory for execution where it
 * begins.
 */
function machineCodeOf(
  images: readonly (PdImage | MachineImage)[],
  instrument: Instrument | undefined,
): (thread: HartThread) => MachineCode | undefined {
  const starts = new Map<string, (thread: HartThread) => MachineCode>();
  images.forEach((image, index) => {
    if (!(image instanceof MachineImage)) return;
    const start = (thread: HartThread): MachineCode => image.start(thread);
    starts.set(image.name, instrument?.observeMachineCode?.(start, index) ?? start);
  });
  return (thread) => starts.get(thread.name)?.(thread);
}
