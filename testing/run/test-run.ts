/**
 * One run of one test with one seed: the testbed, what its devices are plugged into, and what has
 * been seen so far. Steps act on it; time passes only when one of them lets it.
 */

import type { Program } from '../../microkit/pd.ts';
import { Board } from '../../board/board.ts';
import { Random } from '../../board/random.ts';
import { flatten } from '../../microkit/model.ts';
import { SystemMemory } from '../../sim/oracles/system-memory.ts';
import { ExploredSystem } from '../../sim/explore/explored-system.ts';
import { Explorer } from '../../sim/explore/explorer.ts';
import { randomStrategy } from '../../sim/explore/strategies.ts';
import { NO_FAULTS, type Plan } from '../../sim/plan/plan.ts';
import { PlannedRun } from '../../sim/points/planned-run.ts';
import { uartOf } from '../../systems/serial-devices.ts';
import {
  createTestbed,
  type Testbed,
  type TestbedOptions,
  type WireParts,
  type Wires,
} from '../../systems/testbed.ts';
import { instrument } from '../../systems/trace/observed-parts.ts';
import type { Instrument } from '../../systems/trace/observer.ts';
import type { BenchRun } from '../unit/bench.ts';
import { plugInPeers, startBench } from '../unit/bench-run.ts';
import { ScriptedDevice } from '../unit/scripted-device.ts';
import { DiskEnd, NetEnd, UartEnd } from './ends.ts';
import { EventBook } from '../../systems/trace/event-book.ts';
import type { Scene } from './scene.ts';

/** A disk before the test: 1 MiB of zeros unless told. */
export interface DiskSetting {
  readonly sizeBytes: number;
  readonly contents: readonly { readonly at: number; readonly bytes: Uint8Array }[];
}

export interface Settings {
  readonly plan: Plan;
  readonly disks: readonly DiskSetting[];
  readonly uartRate: 'fast' | 'real';
  /** A scripted device in place of the unit's own: what its registers read as, by offset. */
  readonly registers?: ReadonlyMap<number, number> | undefined;
}

export const USUAL_SETTINGS: Settings = { plan: NO_FAULTS, disks: [], uartRate: 'fast' };

export interface RunOptions {
  readonly scene: Scene;
  readonly settings: Settings;
  /** {@link PLAIN_SEED} has things happen when the clock says, each other one in another order. */
  readonly seed: number;
  /** Keeps a book of events, which costs time; it changes nothing else. */
  readonly book: 'kept' | 'none';
  /** Whether files of transcripts are written anew; 'nothing' unless told. */
  readonly update?: 'files' | 'nothing';
  readonly watch?: TestWatch | undefined;
}

/** Whoever looks on: for a trace, for coverage, or a debugger. */
export interface TestWatch {
  /** Around what the testbed is made of. */
  readonly around?: (inner: Instrument | undefined) => Instrument;
  readonly testbed?: Pick<TestbedOptions, 'bulk' | 'coverage' | 'debugger' | 'onCreate' | 'onBoot'>;
  /** Told of the testbed before its programs run their `init`. */
  readonly made?: (testbed: Testbed) => void;
  /** The run is over; its memory may be the next one's. */
  readonly over?: () => void;
  /** An error with which the run is left, and that is none of its own. */
  readonly isLeft?: (error: unknown) => boolean;
}

export interface LogLine {
  readonly pd: string;
  readonly text: string;
  isTaken: boolean;
}

export interface SeenFault {
  readonly pd: string;
  isTaken: boolean;
}

export const PLAIN_SEED = 1;
const NO_DEVICES = { net: false, uart: false, disks: 0 };
const SYSTEM_REST_NS = 10e9;
const BENCH_REST_NS = 20e6;
/** 1 MiB. */
const DISK_BYTES = 0x10_0000;
/** How far time goes between two looks. */
const STEP_NS = 100_000;
/** Lines of debug output that are kept: a program that prints for ever has said enough by then. */
const LOG_LINES_MAX = 10_000;

export class TestRun {
  readonly scene: Scene;
  readonly logs: LogLine[] = [];
  /** Lines of debug output behind those that are kept. */
  logsDropped = 0;
  readonly faults: SeenFault[] = [];
  readonly disks: DiskEnd[] = [];
  readonly testbed: Testbed;
  net: NetEnd | undefined;
  uart: UartEnd | undefined;
  device: ScriptedDevice | undefined;
  /** The scripted peers of a single domain. */
  readonly bench: BenchRun | undefined;
  readonly book: EventBook | undefined;
  /** Where regions lie, for the queues of scripted peers. */
  readonly memory: SystemMemory;
  readonly #options: RunOptions;
  readonly #planned: PlannedRun | undefined;
  #board: Board | undefined;

  /** What else was printed, in a line; none when all is kept. */
  get lostLogs(): readonly string[] {
    const lines = `${this.logsDropped} lines of debug output`;
    return this.logsDropped === 0
      ? []
      : [`${lines} behind the first ${LOG_LINES_MAX} are not kept`];
  }

  /** Boots the system, and lets each program run its `init`. */
  constructor(options: RunOptions) {
    const { scene, settings, seed, book, watch } = options;
    this.scene = scene;
    this.#options = options;
    this.memory = new SystemMemory(scene.system);
    this.bench = scene.bench === undefined ? undefined : startBench(scene.bench);
    this.#planned = this.#makePlanned();
    this.book =
      book === 'kept' ? new EventBook(scene.system, () => this.#board?.now() ?? 0) : undefined;
    this.testbed = createTestbed({
      system: scene.system,
      translations: scene.translations,
      ...(scene.counters === undefined ? {} : { counters: scene.counters }),
      ...(scene.images === undefined ? {} : { images: scene.images }),
      attachDevices: (board) => {
        scene.attachDevices?.(board);
        this.#attachScripted(board);
      },
      programs: this.#planned?.programs ?? this.#programs(),
      clock: 'virtual',
      seed,
      ram: scene.memory.take(scene),
      wires: (parts) => this.#wires(parts, settings),
      observer: {
        log: (pd, text) => this.#log(pd, text),
        faulted: (pd) => this.faults.push({ pd, isTaken: false }),
      },
      ...this.#instrument(),
      ...watch?.testbed,
    });
    watch?.made?.(this.testbed);
    this.testbed.settle();
  }

  now(): number {
    return this.testbed.now();
  }

  /**
   * Time within which it has to come to rest, ns; short on a bench, where a unit does nothing by
   * itself.
   */
  get restNs(): number {
    return this.bench === undefined ? SYSTEM_REST_NS : BENCH_REST_NS;
  }

  get update(): 'files' | 'nothing' {
    return this.#options.update ?? 'nothing';
  }

  /** For the list of events. */
  note(text: string): void {
    this.book?.note(text);
  }

  /** Rules of the plan that have never struck: then the test has not tried what it was to try. */
  get neverStruck(): readonly string[] {
    const rules = this.#planned?.injector.neverStruck() ?? [];
    return rules.map(({ at, fault }) => `${at} ${fault}`);
  }

  get strikes(): readonly string[] {
    const strikes = this.#planned?.injector.strikes ?? [];
    return strikes.map(({ at, fault }) => `${at} ${fault}`);
  }

  /**
   * Lets time pass until something is so.
   *
   * @returns whether it is, in that time
   */
  until(isSo: () => boolean, withinNs: number): boolean {
    const endNs = this.now() + withinNs;
    while (!isSo()) {
      if (this.now() >= endNs || this.#isOver()) return false;
      const nextNs = this.testbed.nextEventAt();
      this.testbed.runUntil(Math.min(endNs, Math.max(this.now() + STEP_NS, nextNs)));
    }
    return true;
  }

  /**
   * Lets time pass until nothing is left to happen.
   *
   * @returns whether it came to rest in that time
   */
  rest(withinNs = this.restNs): boolean {
    return this.until(() => this.testbed.isQuiet, withinNs);
  }

  /** Lets the processor do what there is to do now. */
  settle(): void {
    this.testbed.settle();
  }

  wait(ns: number): void {
    this.testbed.runUntil(this.now() + ns);
  }

  #isOver(): boolean {
    return this.testbed.nextEventAt() === Infinity && this.testbed.isIdle;
  }

  #programs(): ReadonlyMap<string, Program> {
    return new Map([...(this.scene.programs ?? []), ...(this.bench?.programs ?? [])]);
  }

  #makePlanned(): PlannedRun | undefined {
    const { scene, settings, seed } = this.#options;
    if (settings.plan.rules.length === 0) return undefined;
    return new PlannedRun({
      system: scene.system,
      plan: settings.plan,
      seed,
      programs: this.#programs(),
      onStrike: ({ at, fault }) => this.note(`fault: ${at} ${fault}`),
    });
  }

  #instrument(): { instrument?: Instrument } {
    const { around } = this.#options.watch ?? {};
    let parts: Instrument | undefined = this.#planned?.instrument;
    if (this.bench !== undefined) parts = this.#located(parts);
    parts = this.#explored(parts);
    if (this.book !== undefined) parts = instrument(this.book, parts);
    if (around !== undefined) parts = around(parts);
    return parts === undefined ? {} : { instrument: parts };
  }

  /** Parts whose threads are remembered when they start: they know where their regions lie. */
  #located(inner: Instrument | undefined): Instrument {
    const names = flatten(this.scene.system).map(({ pd }) => pd.name);
    return {
      makeBoard: (options) => inner?.makeBoard(options) ?? new Board(options),
      observe: (image, pd) => this.memory.observe(inner?.observe(image, pd) ?? image),
      observeMachineCode: (start, pd) => {
        const body = inner?.observeMachineCode?.(start, pd) ?? start;
        return this.memory.observeMachineCode(names[pd] ?? '', body);
      },
    };
  }

  /** Orders are explored of all domains but scripted peers, who do what the test says. */
  #explored(inner: Instrument | undefined): Instrument | undefined {
    const { seed, scene } = this.#options;
    if (seed === PLAIN_SEED) return inner;
    const { system } = scene;
    const explorer = new Explorer(randomStrategy(new Random(seed).fork('orders')));
    const explored = new ExploredSystem({ system, explorer, board: () => this.#board });
    const names = flatten(system).map(({ pd }) => pd.name);
    return {
      makeBoard: (options) => inner?.makeBoard(options) ?? new Board(options),
      observe: (image, pd) => {
        const seen = inner?.observe(image, pd) ?? image;
        return this.bench?.peers.has(image.name) === true ? seen : explored.image(seen);
      },
      observeMachineCode: (start, pd) => {
        const seen = inner?.observeMachineCode?.(start, pd) ?? start;
        return explored.machineCode(names[pd] ?? '', seen);
      },
    };
  }

  #log(pd: string, text: string): void {
    if (this.logs.length < LOG_LINES_MAX) this.logs.push({ pd, text, isTaken: false });
    else this.logsDropped += 1;
    this.note(`${pd} prints ${JSON.stringify(text)}`);
  }

  #attachScripted(board: Board): void {
    const { registers } = this.#options.settings;
    const { bench, system } = this.scene;
    if (registers === undefined || bench === undefined) return;
    this.device = new ScriptedDevice(registers);
    this.device.attach(board, system, bench.unit);
  }

  #wires(parts: WireParts, settings: Settings): Wires {
    const { ram, board } = parts;
    const { system } = this.scene;
    // A scripted device stands where the real one would be.
    const has = settings.registers === undefined ? this.scene.has : NO_DEVICES;
    this.#board = board;
    if (this.scene.bench !== undefined && this.bench !== undefined) {
      plugInPeers(this.scene.bench, this.bench, board);
    }
    const planned = this.#planned;
    const uart = uartOf(system);
    if (has.net) this.net = new NetEnd(ram, board.clock);
    if (has.uart) this.uart = new UartEnd(board.clock, settings.uartRate);
    const blocks = Array.from({ length: has.disks }, (_, index) => this.#disk(parts, index));
    return {
      ...(this.net === undefined
        ? {}
        : { net: planned?.net(this.net.link, ram, board.clock) ?? this.net.link }),
      ...(this.uart === undefined || uart === undefined
        ? {}
        : { serial: { uart, wire: planned?.line(this.uart.line, board.clock) ?? this.uart.line } }),
      ...(blocks.length === 0 ? {} : { blocks }),
    };
  }

  #disk({ ram, board }: WireParts, index: number) {
    const { clock } = board;
    const setting = this.#options.settings.disks[index];
    const sizeBytes = setting?.sizeBytes ?? DISK_BYTES;
    const end = new DiskEnd({ ram, clock, sizeBytes });
    for (const { at, bytes } of setting?.contents ?? []) end.put(bytes, at);
    this.disks.push(end);
    const name = `blk${index}`;
    if (this.#planned === undefined) return { wire: end };
    return { wire: this.#planned.disk(name, end, { ram, clock }) };
  }
}
