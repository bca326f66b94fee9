/**
 * A world: one run of one system with one plan and one seed, under the virtual clock.
 *
 *     boot ──▶ traffic, while faults strike ──▶ faults stop ──▶ every client is asked once more ──▶ rest ──▶ oracles
 *
 * It is a pure function of its options: the same give the same outcome, byte for byte.
 */

import { Random } from '../board/random.ts';
import type { EthernetWire } from '../board/ethernet.ts';
import type { ProgramImage } from '../kernel/user.ts';
import { AssertionFailure } from '../memory/assert.ts';
import {
  createTestbed,
  type Testbed,
  type TestbedOptions,
  type WireParts,
  type Wires,
} from '../systems/testbed.ts';
import { exploredImage } from './explore/explored-parts.ts';
import { type Decision, Explorer } from './explore/explorer.ts';
import { looksOf } from './explore/index-places.ts';
import {
  continueStrategy,
  pctStrategy,
  randomStrategy,
  replayStrategy,
} from './explore/strategies.ts';
import type { Plan } from './plan/plan.ts';
import { Injector } from './points/injector.ts';
import { PlannedWire } from './points/net-wire.ts';
import type { PlannedBoard } from './points/planned-board.ts';
import { type Excuse, faultNamed, type PointKind, type Strike } from './points/point.ts';
import { devicesOf, pointsOf } from './points/system-points.ts';
import { NetWorkload } from './traffic/net-workload.ts';
import { Census } from '../kernel/inspect/census.ts';
import type { Oracle } from '../systems/oracle.ts';
import { StallWatch } from './oracles/stall-report.ts';
import { standardOracles, type StandardOracle } from './oracles/standard.ts';
import { SystemMemory } from './oracles/system-memory.ts';
import { WatchedBoard } from './oracles/watched-board.ts';
import { guestsOf, stationOf } from '../systems/guests.ts';
import type { Violation, Workload } from './traffic/workload.ts';

/** The system of a world: as a testbed takes it. */
export type WorldSystem = Pick<
  TestbedOptions,
  'system' | 'counters' | 'programs' | 'attachDevices'
> & {
  /** What must hold of this system besides what holds of all. */
  readonly oracles?: readonly Oracle[];
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
}

/** How a world's orders are chosen: plain data. */
export type Exploration =
  | { readonly kind: 'random' }
  | { readonly kind: 'pct'; readonly depth: number; readonly points: number }
  | { readonly kind: 'replay'; readonly decisions: readonly Decision[] }
  /** As decided before up to a time, and at random from then on. */
  | {
      readonly kind: 'continue';
      readonly decisions: readonly Decision[];
      readonly fromNs: number;
      readonly seed: number;
    };

export interface WorldOutcome {
  readonly seed: number;
  /** 'void': a planned fault never struck, so the world proves nothing. */
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
}

const AMOUNT = 500;
/** Of sDDF's echo example. */
const ECHO_PORT = 1235;
/** All of RAM that these systems use, and the frames in flight. */
const RAM_BYTES = 0x200_0000;
const STAGING_BYTES = 0x40_0000;
const TRAFFIC_NS = 200_000_000;
/** Once faults have stopped, whatever waits moves within this. */
const PROGRESS_NS = 50_000_000;
const STEP_NS = 1_000_000;

export function runWorld(options: WorldOptions): WorldOutcome {
  return new World(options).run();
}

class World {
  readonly #options: WorldOptions;
  readonly #points: readonly PointKind[];
  readonly #violations: Violation[] = [];
  #injector: Injector | undefined;
  readonly #explorer: Explorer | undefined;
  #board: PlannedBoard | undefined;
  readonly #memory: SystemMemory;
  readonly #census = new Census();
  #workloads: Workload[] = [];
  #testbed: Testbed | undefined;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#points = pointsOf(options.target.system);
    this.#explorer = makeExplorer(options);
    this.#memory = new SystemMemory(options.target.system);
  }

  run(): WorldOutcome {
    try {
      this.#live(this.#boot());
    } catch (error) {
      // An assertion is a bug of the testbed's own, and the most interesting thing that a world can find.
      if (!(error instanceof AssertionFailure)) throw error;
      this.#say('no-internal-failure', 'sddf', error.message);
    }
    return this.#outcome();
  }

  #boot(): Testbed {
    const { target, seed } = this.#options;
    const testbed = createTestbed({
      ...target,
      clock: 'virtual',
      seed,
      ramBytes: RAM_BYTES,
      stagingBytes: STAGING_BYTES,
      instrument: {
        makeBoard: (boardOptions) => {
          this.#injector = new Injector({
            plan: this.#options.plan,
            points: this.#points,
            clock: boardOptions.clock,
            random: new Random(this.#options.faultSeed ?? seed).fork('faults'),
          });
          this.#board = new WatchedBoard(
            boardOptions,
            this.#injector,
            devicesOf(target.system),
            this.#memory,
          );
          return this.#board;
        },
        observe: (image) => this.#explored(this.#memory.observe(image)),
      },
      onCreate: this.#census.onCreate,
      wires: (parts) => this.#wires(parts),
      observer: {
        log: () => undefined,
        faulted: (pd) => this.#say('no-fault', pd, `${pd} has faulted`),
      },
    });
    this.#testbed = testbed;
    testbed.settle();
    return testbed;
  }

  #explored(image: ProgramImage): ProgramImage {
    const explorer = this.#explorer;
    const { system } = this.#options.target;
    if (explorer === undefined) return image;
    return exploredImage(image, {
      explorer,
      nowNs: () => this.#board?.now() ?? 0,
      untilNextEventNs: () => {
        const board = this.#board;
        return board === undefined ? Infinity : board.nextEventAt() - board.now();
      },
      looksOf: (domain, thread) => looksOf(system, domain, thread),
    });
  }

  #live(testbed: Testbed): void {
    const injector = this.#injectorOrThrow();
    for (const workload of this.#workloads) workload.start();
    this.#runWhile(testbed, this.#options.forNs ?? TRAFFIC_NS, () =>
      this.#workloads.every((workload) => workload.isDone),
    );
    injector.disarm();
    const stall = new StallWatch(this.#memory, testbed.board.ram);
    this.#rest(testbed, stall);
    for (const workload of this.#workloads) workload.probe();
    const isServed = this.#runWhile(
      testbed,
      PROGRESS_NS,
      () => this.#workloads.every((workload) => workload.isServed),
      (nowNs) => stall.sample(nowNs),
    );
    if (isServed === 'late' && !this.#excused().has('progress')) {
      this.#sayStalled('faults have stopped, and', stall, testbed);
    }
    testbed.runUntil(testbed.now() + STEP_NS);
    for (const workload of this.#workloads) {
      this.#violations.push(...workload.violations(this.#excused()));
    }
    this.#askOracles(testbed);
  }

  /** Nobody asks any more: what has been taken in is answered without another push. */
  #rest(testbed: Testbed, stall: StallWatch): void {
    const isAnswered = this.#runWhile(
      testbed,
      PROGRESS_NS,
      () => this.#workloads.every((workload) => workload.isAnswered !== false),
      (nowNs) => stall.sample(nowNs),
    );
    const excused = this.#excused();
    if (isAnswered === 'in time' || excused.has('loss') || excused.has('rest')) return;
    if (!excused.has('progress')) this.#sayStalled('nobody asks any more, and', stall, testbed);
  }

  #sayStalled(since: string, stall: StallWatch, testbed: Testbed): void {
    const lines = stall.report(devicesOf(this.#options.target.system), testbed.board.plic);
    const what = `${since} after ${PROGRESS_NS / 1e6} ms not everybody is served`;
    this.#say('progress', 'the system', [what, ...lines].join('; '));
  }

  #askOracles(testbed: Testbed): void {
    const { oracles = [] } = this.#options.target;
    const all: readonly StandardOracle[] = [
      ...standardOracles(this.#memory, this.#census),
      ...oracles,
    ];
    for (const oracle of all) {
      if (oracle.excuse !== undefined && this.#excused().has(oracle.excuse)) continue;
      for (const { where, what } of oracle.check(testbed)) this.#say(oracle.name, where, what);
    }
  }

  /** Runs step by step until something is so. */
  #runWhile(
    testbed: Testbed,
    atMostNs: number,
    isOver: () => boolean,
    onStep: (nowNs: number) => void = () => undefined,
  ): 'in time' | 'late' {
    const endNs = testbed.now() + atMostNs;
    while (!isOver()) {
      onStep(testbed.now());
      if (testbed.now() >= endNs) return 'late';
      testbed.runUntil(Math.min(testbed.now() + STEP_NS, endNs));
    }
    return 'in time';
  }

  #wires(parts: WireParts): Wires {
    const { target, amount = AMOUNT } = this.#options;
    const classes = new Set(devicesOf(target.system).map((device) => device.class));
    const wires: { net?: EthernetWire } = {};
    if (classes.has('net')) wires.net = this.#network(parts, amount);
    return wires;
  }

  #network({ ram, board, random }: WireParts, amount: number): EthernetWire {
    const injector = this.#injectorOrThrow();
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
    const [incoming, outgoing, link] = ['net.wire.in', 'net.wire.out', 'net.link'].map((name) =>
      injector.point(name),
    );
    if (incoming === undefined || outgoing === undefined || link === undefined) return workload;
    const isPlanned = incoming.isPlanned || outgoing.isPlanned || link.isPlanned;
    const cable = isPlanned
      ? new PlannedWire({ wire: workload, ram, clock: board.clock, incoming, outgoing, link })
      : workload;
    return workload.witness(cable);
  }

  #excused(): ReadonlySet<Excuse> {
    const kinds = new Map(this.#points.map((point) => [point.name, point]));
    const excuses = this.#injectorOrThrow().strikes.flatMap(({ at, fault }) => {
      const point = kinds.get(at);
      return (point === undefined ? undefined : faultNamed(point, fault))?.excuses ?? [];
    });
    return new Set(excuses);
  }

  #injectorOrThrow(): Injector {
    if (this.#injector === undefined) throw new Error('the board is made first');
    return this.#injector;
  }

  #say(oracle: string, where: string, what: string): void {
    this.#violations.push({ oracle, where, what, timeNs: this.#testbed?.now() ?? 0 });
  }

  #outcome(): WorldOutcome {
    const injector = this.#injectorOrThrow();
    const neverStruck = injector.neverStruck().map(({ at, fault }) => `${at} ${fault}`);
    const failed = this.#violations.length > 0;
    return {
      seed: this.#options.seed,
      verdict: failed ? 'failed' : neverStruck.length > 0 ? 'void' : 'passed',
      violations: this.#violations,
      strikes: injector.strikes,
      points: this.#explorer?.points ?? 0,
      decisions: this.#explorer?.decisions ?? [],
      neverStruck,
      timeNs: this.#testbed?.now() ?? 0,
      kernelEntries: this.#testbed?.kernel.counters.kernelEntries ?? 0,
      traffic: Object.assign({}, ...this.#workloads.map((workload) => workload.counters())),
    };
  }
}

function makeExplorer({ explore, seed }: WorldOptions): Explorer | undefined {
  if (explore === undefined) return undefined;
  const random = new Random(seed).fork('orders');
  switch (explore.kind) {
    case 'random':
      return new Explorer(randomStrategy(random));
    case 'pct':
      return new Explorer(pctStrategy(random, explore.depth, explore.points));
    case 'replay':
      return new Explorer(replayStrategy(explore.decisions));
    case 'continue':
      return new Explorer(continueStrategy(explore, new Random(explore.seed).fork('orders')));
    default:
      return explore satisfies never;
  }
}
