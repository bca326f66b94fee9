/**
 * A world: one run of one system with one plan and one seed, under the virtual clock.
 *
 *     boot ──▶ traffic, while faults strike ──▶ faults stop ──▶ every client is asked once more ──▶ rest ──▶ oracles
 *
 * It is a pure function of its options: the same give the same outcome, byte for byte.
 */

import { LatencyWire } from '../board/block/latency.ts';
import { Random } from '../board/random.ts';
import type { EthernetWire } from '../board/ethernet.ts';
import { RunFailure } from '../memory/assert.ts';
import { flatten } from '../microkit/model.ts';
import type { Program } from '../microkit/pd.ts';
import type { BulkCalls, HartCoverage } from '../microkit/runtime/machine-image.ts';
import { guestsOf, stationOf } from '../systems/guests.ts';
import { type SerialPlug, uartOf } from '../systems/serial-devices.ts';
import {
  type BlockPlug,
  createTestbed,
  type Testbed,
  type TestbedOptions,
  type WireParts,
  type Wires,
} from '../systems/testbed.ts';
import { ExploredSystem } from './explore/explored-system.ts';
import { type Decision, Explorer } from './explore/explorer.ts';
import { boundedStrategy } from './explore/bounded.ts';
import {
  continueStrategy,
  pctStrategy,
  randomStrategy,
  replayStrategy,
} from './explore/strategies.ts';
import type { Plan } from './plan/plan.ts';
import { CuttableDisk } from './points/cuttable-disk.ts';
import { PlannedRun } from './points/planned-run.ts';
import type { Excuse, Strike } from './points/point.ts';
import { devicesOf, type SimDevice } from './points/system-points.ts';
import { BlkWorkload } from './traffic/blk-workload.ts';
import { FatWorkload } from './traffic/fat-workload.ts';
import { NeighbourWorkload } from './traffic/neighbour-workload.ts';
import { NetWorkload } from './traffic/net-workload.ts';
import { SerialWorkload } from './traffic/serial-workload.ts';
import { Census } from '../kernel/inspect/census.ts';
import type { Oracle } from '../systems/oracle.ts';
import type { Instrument } from '../systems/trace/observer.ts';
import { domainStates } from './oracles/domain-states.ts';
import { StallWatch } from './oracles/stall-report.ts';
import { EndlessWorld, KernelWatch } from './oracles/kernel-watch.ts';
import { standardOracles, type StandardOracle } from './oracles/standard.ts';
import { SystemMemory } from './oracles/system-memory.ts';
import { WatchedBoard } from './oracles/watched-board.ts';
import type { Violation, Workload } from './traffic/workload.ts';
import { WorldMemory } from './world-memory.ts';

/** The system of a world: as a testbed takes it. */
export type WorldSystem = Pick<
  TestbedOptions,
  'system' | 'counters' | 'programs' | 'images' | 'translations' | 'attachDevices'
> & {
  /** What must hold of this system besides what holds of all. */
  readonly oracles?: readonly Oracle[];
  /** Kept from world to world; each has new memory without. It makes no difference but in speed. */
  readonly memory?: WorldMemory;
};

export interface WorldOptions {
  readonly target: WorldSystem;
  readonly plan: Plan;
  readonly seed: number;
  /** Questions, requests or lines in all; 500 unless told. */
  readonly amount?: number;
  /** Ends the traffic and the faults at this time at the latest, ns. */
  readonly forNs?: number;
  /** Seeds the chances of the plan alone; `seed` unless told. */
  readonly faultSeed?: number;
  /** How orders are chosen; a world without has no points of choice. */
  readonly explore?: Exploration;
  /**
   * All of the kernel's invariants are looked at after so many kernel entries; at the end of some
   * worlds only, unless told.
   */
  readonly invariantsEvery?: number;
  /** Told of each point of choice: whose it is. */
  readonly onPoint?: (domain: string) => void;
  /** An observer; it changes nothing. */
  readonly watch?: WorldWatch;
  /** What calls of an image's `memcpy` and its like are: as for a testbed. */
  readonly bulk?: BulkCalls;
  /**
   * The world ends here, ns, if it has not before: nothing is asked of it, and its outcome is what
   * was seen so far.
   */
  readonly untilNs?: number;
}

/** Observers of a world. They change nothing: the outcome is the same, byte for byte. */
export interface WorldWatch {
  /** Made around the parts that the world is made of. */
  readonly instrument?: (inner: Instrument) => Instrument;
  /** Around the cable, as the NIC sees it. */
  readonly net?: (wire: EthernetWire, parts: WireParts) => EthernetWire;
  /** Notes what machine code executes; then the world's `bulk` is to be 'executed'. */
  readonly coverage?: HartCoverage;
  /** The world is over; its memory may be the next one's. */
  readonly over?: () => void;
  /** A debugger, which may hold the world at any moment: see `debug/`. */
  readonly debugged?: DebuggedWorldOptions;
  /**
   * Told of each strike before it has its effect.
   * @param state what is going on, a sentence for each thing
   */
  readonly onStrike?: (strike: Strike, state: () => readonly string[]) => void;
}

export interface DebuggedWorldOptions extends Pick<
  TestbedOptions,
  'debugger' | 'onCreate' | 'onBoot'
> {
  readonly made: (testbed: Testbed) => void;
  /**
   * Whether an error only means that the debugger leaves this run: then it is no failure of the
   * world.
   */
  readonly isLeft: (error: unknown) => boolean;
}

/** How a world's orders are chosen: plain data. */
export type Exploration =
  | { readonly kind: 'random' }
  | { readonly kind: 'pct'; readonly depth: number; readonly points: number }
  | { readonly kind: 'replay'; readonly decisions: readonly Decision[] }
  /**
   * Time passes at these points of these domains (all, when none is named), counted among
   * themselves.
   */
  | {
      readonly kind: 'bounded';
      readonly taken: readonly number[];
      readonly domains: readonly string[];
    }
  /** As decided before up to a time, and at random from then on. */
  | {
      readonly kind: 'continue';
      readonly decisions: readonly Decision[];
      readonly fromNs: number;
      readonly seed: number;
    };

export interface WorldOutcome {
  readonly seed: number;
  /** 'void': a planned fault never struck, or nothing was asked, so the world proves nothing. */
  readonly verdict: 'passed' | 'failed' | 'void';
  readonly violations: readonly Violation[];
  readonly strikes: readonly Strike[];
  /** Points of choice, and what was decided there; none without exploration. */
  readonly points: number;
  readonly decisions: readonly Decision[];
  /** Rules that never struck, by their place in the plan. */
  readonly neverStruck: readonly string[];
  readonly timeNs: number;
  readonly kernelEntries: number;
  readonly traffic: Readonly<Record<string, number>>;
  /**
   * Whether anything was asked of the system: by traffic that we have for its devices, or by
   * oracles of its own.
   */
  readonly asked: 'something' | 'nothing';
}

const AMOUNT = 500;
/** Of sDDF's echo example. */
const ECHO_PORT = 1235;
const TRAFFIC_NS = 200_000_000;
/** What a driver's watchdog and the requests behind it may take. */
const WATCHDOG_NS = 40_000_000_000;
const STEP_NS = 1_000_000;
/** When nothing happens by itself, time goes faster. */
const LONG_STEP_NS = 100_000_000;
/** A driver's watchdog looks at least once. */
const LOOK_NS = 25_000_000;
/**
 * What a plan makes last longer is for good, as a lost interrupt of a virtio device is: the system
 * has to cope with it.
 */
const LASTING_NS_MAX = 1_000_000_000;
/** All that is still under way arrives. */
const REST_NS = 5_000_000;
/** 1 MiB. */
const DISK_BYTES = 0x10_0000;
/** What an operation of a disk takes, so that they overtake each other. */
const DISK_NS_MIN = 5_000;
const DISK_NS_SPAN = 150_000;

/**
 * All of the kernel's invariants are looked at once, at the end of worlds whose seed is a multiple
 * of this.
 */
const ALL_INVARIANTS_EVERY = 8;

/** Runs one world to its end, and judges it. */
export function runWorld(options: WorldOptions): WorldOutcome {
  return new World(options).run();
}

class World {
  readonly #options: WorldOptions;
  readonly #devices: readonly SimDevice[];
  readonly #violations: Violation[] = [];
  readonly #explorer: Explorer | undefined;
  readonly #explored: ExploredSystem | undefined;
  readonly #memory: SystemMemory;
  readonly #census = new Census();
  readonly #blk: BlkWorkload;
  readonly #fat: FatWorkload;
  readonly #neighbours: NeighbourWorkload;
  readonly #serial: SerialWorkload;
  readonly #run: PlannedRun;
  readonly #workloads: Workload[] = [];
  #testbed: Testbed | undefined;
  /** While traffic runs. */
  #stall: StallWatch | undefined;

  constructor(options: WorldOptions) {
    const { target, plan, seed, amount = AMOUNT } = options;
    const { system } = target;
    this.#options = options;
    this.#devices = devicesOf(system);
    this.#explorer = makeExplorer(options);
    this.#explored =
      this.#explorer === undefined
        ? undefined
        : new ExploredSystem({ system, explorer: this.#explorer, board: () => this.#run.board });
    this.#memory = new SystemMemory(system);
    const random = new Random(seed).fork('workloads');
    const common = { system, amount, nowNs: () => this.#testbed?.now() ?? 0 };
    this.#blk = new BlkWorkload({ ...common, random: random.fork('blk') });
    this.#fat = new FatWorkload({ ...common, random: random.fork('fat') });
    this.#neighbours = new NeighbourWorkload({
      ...common,
      random: random.fork('neighbours'),
      port: ECHO_PORT,
    });
    this.#serial = new SerialWorkload({ ...common, random: random.fork('serial') });
    const programs = new Map<string, Program>([
      ...(target.programs ?? []),
      ...this.#blk.programs,
      ...this.#fat.programs,
      ...this.#neighbours.programs,
      ...this.#serial.programs,
    ]);
    this.#run = new PlannedRun({
      system,
      plan,
      seed: options.faultSeed ?? seed,
      programs,
      makeBoard: (...parts) => new WatchedBoard(...parts, this.#memory),
      onStrike: (strike) => options.watch?.onStrike?.(strike, () => this.#state()),
    });
  }

  run(): WorldOutcome {
    try {
      this.#live(this.#boot());
    } catch (error) {
      if (this.#options.watch?.debugged?.isLeft(error) === true) throw error;
      this.#sayEnded(error);
    } finally {
      this.#options.watch?.over?.();
    }
    return this.#outcome();
  }

  /**
   * An assertion is a bug of the testbed's own, and the most interesting thing that a world can
   * find; so is any other error that reaches this place. A device of the user's that fails is found
   * as well. It is this world's alone: a campaign goes on.
   */
  #sayEnded(error: unknown): void {
    if (error instanceof EndlessWorld) return this.#say('progress', 'sddf', error.message);
    const isForeseen = error instanceof RunFailure || !(error instanceof Error);
    const what = isForeseen ? '' : `an internal failure, ${error.name}: `;
    this.#say('no-internal-failure', 'sddf', what + messageOf(error));
  }

  #boot(): Testbed {
    const { target, seed, bulk } = this.#options;
    const { programs } = this.#run;
    const { debugged, coverage } = this.#options.watch ?? {};
    const testbed = createTestbed({
      ...target,
      ...(debugged?.debugger === undefined ? {} : { debugger: debugged.debugger }),
      ...(debugged?.onBoot === undefined ? {} : { onBoot: debugged.onBoot }),
      ...(coverage === undefined ? {} : { coverage }),
      ...(bulk === undefined ? {} : { bulk }),
      programs,
      clock: 'virtual',
      seed,
      ram: (target.memory ?? new WorldMemory()).take(target),
      instrument: this.#instrument(),
      onCreate: (object) => {
        this.#census.onCreate(object);
        debugged?.onCreate?.(object);
      },
      wires: (parts) => this.#wires(parts),
      observer: {
        log: () => undefined,
        faulted: (pd) => this.#faulted(pd),
      },
    });
    this.#testbed = testbed;
    debugged?.made(testbed);
    testbed.settle();
    return testbed;
  }

  #instrument(): Instrument {
    const { instrument } = this.#run;
    const parts: Instrument = {
      makeBoard: (boardOptions) => instrument.makeBoard(boardOptions),
      observe: (image, pd) => {
        const seen = this.#memory.observe(instrument.observe(image, pd));
        return this.#explored?.image(seen) ?? seen;
      },
      observeMachineCode: (start, pd) => {
        const name = flatten(this.#options.target.system)[pd]?.pd.name ?? '';
        const planned = instrument.observeMachineCode?.(start, pd) ?? start;
        const seen = this.#memory.observeMachineCode(name, planned);
        return this.#explored?.machineCode(name, seen) ?? seen;
      },
    };
    return this.#options.watch?.instrument?.(parts) ?? parts;
  }

  #faulted(pd: string): void {
    if (this.#run.isExcused('domain-fault', pd)) return;
    this.#say('no-fault', pd, `${pd} has faulted`);
  }

  #live(testbed: Testbed): void {
    const { invariantsEvery = 0 } = this.#options;
    const kernel = new KernelWatch(testbed.kernel.state, this.#census, invariantsEvery);
    for (const workload of this.#workloads) workload.start();
    this.#stall = new StallWatch(this.#memory, testbed.board.ram);
    if (this.#traffic(testbed, this.#stall) === 'stopped') return;
    this.#run.injector.disarm();
    const stall = new StallWatch(this.#memory, testbed.board.ram);
    this.#rest(testbed, stall);
    testbed.runUntil(Math.max(testbed.now(), this.#lastingUntilNs()));
    // What a missed interrupt was to tell lies in the rings, what a device made up with it: a
    // watchdog looks first, once its timer's own line is heard again. Until it has, the rings of a
    // device that has forgotten them still count its buffers.
    if (this.#isExcusedAnywhere('interrupt') || this.#hasDeviceFailed()) {
      testbed.runUntil(testbed.now() + LOOK_NS);
    }
    for (const workload of this.#workloads) workload.probe();
    const patienceNs = this.#patienceNs();
    const isServed = (): boolean => this.#unserved().length === 0;
    this.#runWhile(testbed, patienceNs, isServed, (nowNs) => stall.sample(nowNs));
    if (!isServed()) this.#sayStalled(this.#unserved(), 'faults have stopped', stall, testbed);
    testbed.runUntil(testbed.now() + REST_NS);
    for (const workload of this.#workloads) {
      this.#violations.push(
        ...workload.violations((excuse, where) => this.#run.isExcused(excuse, where)),
      );
    }
    this.#askOracles(testbed);
    const extent = this.#options.seed % ALL_INVARIANTS_EVERY === 0 ? 'all' : 'threads';
    for (const what of kernel.end(extent)) this.#say('kernel-invariants', 'kernel', what);
  }

  #hasDeviceFailed(): boolean {
    return this.#run.injector.strikes.some(({ at }) => at.endsWith('.device'));
  }

  /**
   * A line that has been made deaf for a while is so to its end: until then faults have not
   * stopped, and what is typed overruns.
   */
  #lastingUntilNs(): number {
    let untilNs = 0;
    for (const { timeNs, parameters } of this.#run.injector.strikes) {
      const lastingNs = parameters['for'] ?? 0;
      if (lastingNs <= LASTING_NS_MAX) untilNs = Math.max(untilNs, timeNs + lastingNs);
    }
    return untilNs;
  }

  /**
   * Whether the system's programs are all that asks: there is no traffic of ours for its devices,
   * or not for all of them. It is left alone with that for as long as the traffic may take.
   */
  get #makesItsOwn(): boolean {
    const { length } = this.#workloads;
    return length === 0 || this.#devices.some((device) => device.class === 'i2c');
  }

  /** @returns 'stopped' when the world ends here */
  #traffic(testbed: Testbed, stall: StallWatch): 'over' | 'stopped' {
    const { forNs = TRAFFIC_NS, untilNs = Infinity, watch } = this.#options;
    this.#runWhile(
      testbed,
      Math.min(forNs, untilNs - testbed.now()),
      () => !this.#makesItsOwn && this.#workloads.every((workload) => workload.isDone),
      // Looked at only for somebody who wants to know since when.
      watch?.onStrike === undefined ? undefined : (nowNs) => stall.sample(nowNs),
    );
    return testbed.now() >= untilNs ? 'stopped' : 'over';
  }

  /**
   * What is going on: what each domain does, who waits for whom, which interrupts are not
   * acknowledged.
   */
  #state(): readonly string[] {
    const testbed = this.#testbed;
    if (testbed === undefined) return ['the system boots'];
    const threads = this.#census.objects.filter((object) => object.kind === 'tcb');
    const domains = flatten(this.#options.target.system).map(({ pd }) => pd.name);
    this.#stall?.sample(testbed.now());
    return [
      ...domainStates(testbed.kernel.state, threads, domains),
      ...(this.#stall?.report(this.#devices, testbed.board.plic) ?? []),
    ];
  }

  /** Within this everybody is served. */
  #patienceNs(): number {
    if (this.#run.isExcused('watchdog', 'the system')) return WATCHDOG_NS;
    return Math.max(0, ...this.#workloads.map((workload) => workload.patienceNs));
  }

  /** Nobody asks any more: what has been taken in is answered without another push. */
  #rest(testbed: Testbed, stall: StallWatch): void {
    const isAnswered = (): boolean =>
      this.#workloads.every((workload) => workload.isAnswered !== false);
    // Where something may be missing, it would be waited for in vain.
    const excuses = ['loss', 'rest', 'progress'] as const;
    if (excuses.some((excuse) => this.#isExcusedAnywhere(excuse))) return;
    this.#runWhile(testbed, this.#patienceNs(), isAnswered, (nowNs) => stall.sample(nowNs));
    if (!isAnswered()) this.#sayStalled(['the system'], 'nobody asks any more', stall, testbed);
  }

  #sayStalled(who: readonly string[], since: string, stall: StallWatch, testbed: Testbed): void {
    const lines = stall.report(this.#devices, testbed.board.plic);
    for (const where of who) {
      const what = `${since}, and after ${this.#patienceNs() / 1e6} ms ${where} is not served`;
      this.#say('progress', where, [what, ...lines].join('; '));
    }
  }

  #askOracles(testbed: Testbed): void {
    const { oracles = [] } = this.#options.target;
    const all: readonly StandardOracle[] = [...standardOracles(this.#memory), ...oracles];
    for (const oracle of all) {
      for (const { where, what } of oracle.check(testbed)) {
        if (!this.#isExcusedOf(oracle.excuse, where)) this.#say(oracle.name, where, what);
      }
    }
  }

  /**
   * Whether nobody can be blamed for what has befallen these regions or queues: everybody, or one
   * of those who have them.
   */
  #isExcusedOf(excuse: Excuse | undefined, names: string): boolean {
    if (excuse === undefined) return false;
    if (this.#run.isExcused(excuse, 'the system')) return true;
    return flatten(this.#options.target.system).some(({ pd }) => {
      const record = JSON.stringify(pd.config) ?? '';
      const has = names.split(', ').some((name) => record.includes(`"${name}"`));
      return has && this.#run.isExcused(excuse, pd.name);
    });
  }

  #isExcusedAnywhere(excuse: Excuse): boolean {
    const domains = flatten(this.#options.target.system).map(({ pd }) => pd.name);
    return ['the system', ...domains].some((where) => this.#run.isExcused(excuse, where));
  }

  #unserved(): readonly string[] {
    return this.#workloads
      .flatMap((workload) => workload.unserved())
      .filter((who) => !who.split(' and ').some((each) => this.#run.isExcused('progress', each)));
  }

  /** Runs step by step until something is so, or the time is over. */
  #runWhile(
    testbed: Testbed,
    atMostNs: number,
    isOver: () => boolean,
    onStep: (nowNs: number) => void = () => undefined,
  ): void {
    const endNs = testbed.now() + atMostNs;
    while (!isOver() && testbed.now() < endNs) {
      onStep(testbed.now());
      const isLong = testbed.nextEventAt() > testbed.now() + LONG_STEP_NS;
      testbed.runUntil(Math.min(testbed.now() + (isLong ? LONG_STEP_NS : STEP_NS), endNs));
    }
  }

  #wires(parts: WireParts): Wires {
    const { amount = AMOUNT } = this.#options;
    const has = (kind: SimDevice['class']): boolean =>
      this.#devices.some((device) => device.class === kind);
    return {
      ...(has('net') ? { net: this.#network(parts, amount) } : {}),
      ...(has('blk') ? { blocks: this.#disks(parts) } : {}),
      ...this.#line(parts),
    };
  }

  #network(parts: WireParts, amount: number): EthernetWire {
    const { ram, board, random } = parts;
    const workload = new NetWorkload({
      ram,
      clock: board.clock,
      random: random.fork('net workload'),
      clients: guestsOf(this.#options.target.system).map((guest) => ({
        ...stationOf(guest, ECHO_PORT),
        name: guest.pd,
      })),
      questions: amount,
    });
    this.#workloads.push(workload);
    if (this.#neighbours.isThere) this.#workloads.push(this.#neighbours);
    const wire = workload.witness(this.#run.net(workload, ram, board.clock));
    return this.#options.watch?.net?.(wire, parts) ?? wire;
  }

  #disks({ ram, board, random }: WireParts): readonly BlockPlug[] {
    this.#workloads.push(this.#fat.isThere ? this.#fat : this.#blk);
    return this.#devices
      .filter((device) => device.class === 'blk')
      .map(({ name }) => {
        const image = new Uint8Array(DISK_BYTES);
        if (this.#fat.isThere) this.#fat.format(image);
        const cuttable = new CuttableDisk(ram, image, random.fork(`power of ${name}`));
        const observer = this.#fat.isThere ? this.#fat.model : this.#blk.model(name);
        if (this.#fat.isThere) this.#fat.plugIn(cuttable);
        else this.#blk.plugIn(name, cuttable);
        const { clock } = board;
        const disk = this.#run.disk(name, cuttable, { ram, clock, cuttable, observer });
        const times = random.fork(`times of ${name}`);
        const wire = new LatencyWire(disk, clock, () => DISK_NS_MIN + times.below(DISK_NS_SPAN));
        return { wire };
      });
  }

  #line({ board }: WireParts): { readonly serial?: SerialPlug } {
    const uart = uartOf(this.#options.target.system);
    if (uart === undefined) return {};
    this.#workloads.push(this.#serial);
    const line = this.#serial.makeLine(board.clock);
    return { serial: { uart, wire: this.#run.line(line, board.clock) } };
  }

  #say(oracle: string, where: string, what: string): void {
    this.#violations.push({ oracle, where, what, timeNs: this.#testbed?.now() ?? 0 });
  }

  #outcome(): WorldOutcome {
    // A world that ended before there was a board has none.
    const injector = this.#run.board === undefined ? undefined : this.#run.injector;
    const rules = injector?.neverStruck() ?? [];
    const neverStruck = rules.map(({ at, fault }) => `${at} ${fault}`);
    const failed = this.#violations.length > 0;
    const asks = this.#workloads.length + (this.#options.target.oracles?.length ?? 0);
    const provesNothing = neverStruck.length > 0 || asks === 0;
    return {
      seed: this.#options.seed,
      verdict: failed ? 'failed' : provesNothing ? 'void' : 'passed',
      violations: this.#violations,
      strikes: injector?.strikes ?? [],
      points: this.#explorer?.points ?? 0,
      decisions: this.#explorer?.decisions ?? [],
      neverStruck,
      timeNs: this.#testbed?.now() ?? 0,
      kernelEntries: this.#testbed?.kernel.counters.kernelEntries ?? 0,
      traffic: Object.assign({}, ...this.#workloads.map((workload) => workload.counters())),
      asked: asks === 0 ? 'nothing' : 'something',
    };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function makeExplorer(options: WorldOptions): Explorer | undefined {
  const { explore, seed, onPoint } = options;
  if (explore === undefined) return undefined;
  const random = new Random(seed).fork('orders');
  switch (explore.kind) {
    case 'random':
      return new Explorer(randomStrategy(random));
    case 'pct':
      return new Explorer(pctStrategy(random, explore.depth, explore.points));
    case 'replay':
      return new Explorer(replayStrategy(explore.decisions));
    case 'bounded':
      return new Explorer(boundedStrategy(explore.taken, explore.domains), onPoint);
    case 'continue':
      return new Explorer(continueStrategy(explore, new Random(explore.seed).fork('orders')));
    default:
      return explore satisfies never;
  }
}
