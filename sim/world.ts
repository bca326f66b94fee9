/**
 * A world: one run of one system with one plan and one seed, under the virtual clock.
 *
 *     boot ──▶ traffic, while faults strike ──▶ faults stop ──▶ every client is asked once more ──▶ rest ──▶ oracles
 *
 * It is a pure function of its options: the same give the same outcome, byte for byte.
 */

import { UserMistake } from '../host/problem.ts';
import { Random } from '../board/random.ts';
import { Census } from '../kernel/inspect/census.ts';
import { RunFailure } from '../memory/assert.ts';
import { flatten } from '../microkit/model.ts';
import { userBlame } from '../systems/exception-text.ts';
import { textOfAny } from '../systems/json-text.ts';
import { createTestbed, type Testbed } from '../systems/testbed.ts';
import type { Instrument } from '../systems/trace/observer.ts';
import { makeExplorer } from './explore/exploration.ts';
import { ExploredSystem } from './explore/explored-system.ts';
import type { Explorer } from './explore/explorer.ts';
import { askOwn } from './oracles/ask-own.ts';
import { domainStates } from './oracles/domain-states.ts';
import { isForgiven } from './oracles/forgiven.ts';
import { EndlessWorld, KernelWatch } from './oracles/kernel-watch.ts';
import { StallWatch } from './oracles/stall-report.ts';
import { standardOracles } from './oracles/standard.ts';
import { SystemMemory } from './oracles/system-memory.ts';
import { WatchedBoard } from './oracles/watched-board.ts';
import { PlannedRun } from './points/planned-run.ts';
import type { Excuse, Strike } from './points/point.ts';
import type { Violation } from './traffic/workload.ts';
import { WorldMemory } from './world-memory.ts';
import type { WorldOptions, WorldOutcome } from './world-options.ts';
import { WorldTraffic } from './world-traffic.ts';
import { thrownText } from '../memory/thrown-text.ts';

export type { Exploration } from './explore/exploration.ts';
export type {
  DebuggedWorldOptions,
  WorldOptions,
  WorldOutcome,
  WorldSystem,
  WorldWatch,
} from './world-options.ts';

const AMOUNT = 500;
const TRAFFIC_NS = 200_000_000;
/** What a driver's watchdog and the requests behind it may take. */
const WATCHDOG_NS = 40_000_000_000;
const STEP_NS = 1_000_000;
/** When nothing happens by itself, time goes faster. */
const LONG_STEP_NS = 100_000_000;
/** A driver's watchdog looks at least once, also where all is quiet. */
const LOOK_NS = 45_000_000;
/**
 * What a plan makes last longer is for good, as a lost interrupt of a virtio device is: the system
 * has to cope with it.
 */
const LASTING_NS_MAX = 1_000_000_000;
/** All that is still under way arrives. */
const REST_NS = 5_000_000;
/**
 * All of the kernel's invariants are looked at once, at the end of worlds whose seed is a multiple
 * of this.
 */
const ALL_INVARIANTS_EVERY = 8;

/** Runs one world to its end, and judges it. */
export function runWorld(options: WorldOptions): WorldOutcome {
  return new World(options).run();
}

/**
 * A world that is run piece by piece, for whoever looks at it in between. It comes to the same
 * outcome as with {@link runWorld}, whatever the pieces are.
 */
export interface PacedWorld {
  /** Undefined when it ended before it had booted. */
  readonly testbed: Testbed | undefined;
  /** So far. */
  readonly strikes: readonly Strike[];
  /** Once it is over. */
  readonly outcome: WorldOutcome | undefined;
  /** Runs up to a time, ns, or to its end. @throws what an observer of `debugged.isLeft` throws */
  runTo(atNs: number): void;
}

/** Boots one world. */
export function beginWorld(options: WorldOptions): PacedWorld {
  const world = new World(options);
  const steps = world.steps();
  let outcome: WorldOutcome | undefined;
  const runTo = (atNs: number): void => {
    if (outcome !== undefined) return;
    world.pauseNs = atNs;
    const step = steps.next();
    if (step.done === true) outcome = step.value;
  };
  runTo(0);
  return {
    get testbed() {
      return world.testbed;
    },
    get strikes() {
      return world.strikes;
    },
    get outcome() {
      return outcome;
    },
    runTo,
  };
}

class World {
  readonly #options: WorldOptions;
  readonly #violations: Violation[] = [];
  readonly #explorer: Explorer | undefined;
  readonly #explored: ExploredSystem | undefined;
  readonly #memory: SystemMemory;
  readonly #census = new Census();
  readonly #traffic: WorldTraffic;
  readonly #run: PlannedRun;
  /** Where {@link steps} next stops for whoever looks on. */
  pauseNs = Infinity;
  #testbed: Testbed | undefined;
  /** While traffic runs. */
  #stall: StallWatch | undefined;

  constructor(options: WorldOptions) {
    const { target, plan, seed, amount = AMOUNT, explore, onPoint } = options;
    const { system } = target;
    this.#options = options;
    this.#explorer =
      explore === undefined
        ? undefined
        : makeExplorer(explore, seed, { onPoint, onDecision: options.watch?.onDecision });
    this.#explored =
      this.#explorer === undefined
        ? undefined
        : new ExploredSystem({ system, explorer: this.#explorer, board: () => this.#run.board });
    this.#memory = new SystemMemory(system);
    this.#traffic = new WorldTraffic({
      system,
      amount,
      random: new Random(seed).fork('workloads'),
      nowNs: () => this.#testbed?.now() ?? 0,
    });
    const programs = new Map([...(target.programs ?? []), ...this.#traffic.programs]);
    this.#run = new PlannedRun({
      system,
      plan,
      seed: options.faultSeed ?? seed,
      programs,
      makeBoard: (...parts) => new WatchedBoard(...parts, this.#memory),
      onStrike: (strike, about) =>
        options.watch?.onStrike?.(strike, () => this.#state(), about?.() ?? ''),
    });
  }

  run(): WorldOutcome {
    const { done, value } = this.steps().next();
    if (done === true) return value;
    throw new Error('a world without pauses is run at once');
  }

  get testbed(): Testbed | undefined {
    return this.#testbed;
  }

  /** A world that ended before there was a board has none. */
  get strikes(): readonly Strike[] {
    return this.#run.board === undefined ? [] : this.#run.injector.strikes;
  }

  /** Stops at {@link pauseNs} each time, which must be later when it goes on. */
  *steps(): Generator<void, WorldOutcome> {
    try {
      yield* this.#live(this.#boot());
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
    if (error instanceof EndlessWorld) {
      return this.#say('progress', 'sddf', error.message + this.#whyEndless());
    }
    const isForeseen =
      error instanceof RunFailure || error instanceof UserMistake || !(error instanceof Error);
    const ours = isForeseen ? '' : `an internal failure, ${error.name}: `;
    const what = userBlame(error) ?? ours + thrownText(error);
    this.#say('no-internal-failure', 'sddf', what);
  }

  /** A plan may be so dense that one fault's effects are not over when the next one strikes. */
  #whyEndless(): string {
    const { strikes } = this.#run.injector;
    const sinceNs = (this.#testbed?.now() ?? 0) - (strikes.at(-1)?.timeNs ?? -Infinity);
    if (sinceNs > LOOK_NS) return '';
    return `; ${strikes.length} faults have struck, and still do: rarer ones leave it time`;
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
      wires: (parts) => {
        const wires = this.#traffic.wires(parts, this.#run);
        const { net } = wires;
        const watched = net === undefined ? undefined : this.#options.watch?.net?.(net, parts);
        return watched === undefined ? wires : { ...wires, net: watched };
      },
      observer: {
        log: (pd, line) => this.#options.watch?.onLog?.(pd, line),
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
    if (this.#isExcused('domain-fault', pd)) return;
    this.#say('no-fault', pd, `${pd} has faulted`);
  }

  *#live(testbed: Testbed): Generator<void> {
    const { invariantsEvery = 0 } = this.#options;
    const { strikes } = this.#run.injector;
    const kernel = new KernelWatch(testbed.kernel.state, this.#census, invariantsEvery, strikes);
    for (const workload of this.#traffic.workloads) workload.start();
    this.#stall = new StallWatch(this.#memory, testbed.board.ram);
    if ((yield* this.#ask(testbed, this.#stall)) === 'stopped') return;
    this.#run.injector.disarm();
    const stall = new StallWatch(this.#memory, testbed.board.ram);
    yield* this.#rest(testbed, stall);
    yield* this.#runUntil(testbed, Math.max(testbed.now(), this.#lastingUntilNs()));
    // What a missed interrupt was to tell lies in the rings, what a device made up with it: a
    // watchdog looks first, once its timer's own line is heard again. Until it has, the rings of a
    // device that has forgotten them still count its buffers.
    // A supervisor is patient with neighbours, and backs off, before it starts who has died.
    if (this.#isExcusedAnywhere('interrupt') || this.#hasDeviceFailed() || this.#hasDied()) {
      yield* this.#runUntil(testbed, testbed.now() + LOOK_NS);
    }
    for (const workload of this.#traffic.workloads) workload.probe();
    const patienceNs = this.#patienceNs();
    const isServed = (): boolean => this.#unserved().length === 0;
    yield* this.#runWhile(testbed, patienceNs, isServed, (nowNs) => stall.sample(nowNs));
    if (!isServed()) this.#sayStalled(this.#unserved(), 'faults have stopped', stall, testbed);
    yield* this.#runUntil(testbed, testbed.now() + REST_NS);
    for (const workload of this.#traffic.workloads) {
      this.#violations.push(
        ...workload.violations((excuse, where) => this.#isExcused(excuse, where)),
      );
    }
    this.#askOracles(testbed);
    const extent = this.#options.seed % ALL_INVARIANTS_EVERY === 0 ? 'all' : 'threads';
    for (const what of kernel.end(extent)) this.#say('kernel-invariants', 'kernel', what);
  }

  #isExcused(excuse: Excuse, where: string): boolean {
    if (this.#run.isExcused(excuse, where)) return true;
    if (this.#testbed === undefined) return false;
    const { points, injector } = this.#run;
    return isForgiven(excuse, where, { points, strikes: injector.strikes }, this.#testbed);
  }

  #hasDied(): boolean {
    return this.#run.injector.strikes.some(({ fault }) => fault === 'kill');
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
    const { length } = this.#traffic.workloads;
    return length === 0 || this.#traffic.devices.some((device) => device.class === 'i2c');
  }

  /** @returns 'stopped' when the world ends here */
  *#ask(testbed: Testbed, stall: StallWatch): Generator<void, 'over' | 'stopped'> {
    const { forNs = TRAFFIC_NS, untilNs = Infinity, watch } = this.#options;
    yield* this.#runWhile(
      testbed,
      Math.min(forNs, untilNs - testbed.now()),
      () => !this.#makesItsOwn && this.#traffic.workloads.every((workload) => workload.isDone),
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
      ...(this.#stall?.report(this.#traffic.devices, testbed.board.plic) ?? []),
    ];
  }

  /** Within this everybody is served. */
  #patienceNs(): number {
    if (this.#isExcused('watchdog', 'the system')) return WATCHDOG_NS;
    return Math.max(0, ...this.#traffic.workloads.map((workload) => workload.patienceNs));
  }

  /** Nobody asks any more: what has been taken in is answered without another push. */
  *#rest(testbed: Testbed, stall: StallWatch): Generator<void> {
    const isAnswered = (): boolean =>
      this.#traffic.workloads.every((workload) => workload.isAnswered !== false);
    // Where something may be missing, it would be waited for in vain.
    const excuses = ['loss', 'rest', 'progress'] as const;
    if (excuses.some((excuse) => this.#isExcusedAnywhere(excuse))) return;
    const sample = (nowNs: number): void => stall.sample(nowNs);
    yield* this.#runWhile(testbed, this.#patienceNs(), isAnswered, sample);
    if (!isAnswered()) this.#sayStalled(['the system'], 'nobody asks any more', stall, testbed);
  }

  #sayStalled(who: readonly string[], since: string, stall: StallWatch, testbed: Testbed): void {
    const lines = stall.report(this.#traffic.devices, testbed.board.plic);
    for (const where of who) {
      const what = `${since}, and after ${this.#patienceNs() / 1e6} ms ${where} is not served`;
      this.#say('progress', where, [what, ...lines].join('; '));
    }
  }

  #askOracles(testbed: Testbed): void {
    const { oracles = [] } = this.#options.target;
    for (const oracle of standardOracles(this.#memory)) {
      for (const { where, what } of oracle.check(testbed)) {
        if (!this.#isExcusedOf(oracle.excuse, where)) this.#say(oracle.name, where, what);
      }
    }
    for (const oracle of oracles) {
      for (const { where, what } of askOwn(oracle, testbed)) this.#say(oracle.name, where, what);
    }
  }

  /**
   * Whether nobody can be blamed for what has befallen these regions or queues: everybody, or one
   * of those who have them.
   */
  #isExcusedOf(excuse: Excuse | undefined, names: string): boolean {
    if (excuse === undefined) return false;
    if (this.#isExcused(excuse, 'the system')) return true;
    return flatten(this.#options.target.system).some(({ pd }) => {
      const record = textOfAny(pd.config);
      const has = names.split(', ').some((name) => record.includes(`"${name}"`));
      return has && this.#isExcused(excuse, pd.name);
    });
  }

  #isExcusedAnywhere(excuse: Excuse): boolean {
    const domains = flatten(this.#options.target.system).map(({ pd }) => pd.name);
    return ['the system', ...domains].some((where) => this.#isExcused(excuse, where));
  }

  #unserved(): readonly string[] {
    return this.#traffic.workloads
      .flatMap((workload) => workload.unserved())
      .filter((who) => !who.split(' and ').some((each) => this.#isExcused('progress', each)));
  }

  /** Runs step by step until something is so, or the time is over. */
  *#runWhile(
    testbed: Testbed,
    atMostNs: number,
    isOver: () => boolean,
    onStep: (nowNs: number) => void = () => undefined,
  ): Generator<void> {
    const endNs = testbed.now() + atMostNs;
    while (!isOver() && testbed.now() < endNs) {
      onStep(testbed.now());
      const isLong = testbed.nextEventAt() > testbed.now() + LONG_STEP_NS;
      const stepNs = isLong ? LONG_STEP_NS : STEP_NS;
      yield* this.#runUntil(testbed, Math.min(testbed.now() + stepNs, endNs));
    }
  }

  /** Where it pauses on its way is part of no outcome. */
  *#runUntil(testbed: Testbed, atNs: number): Generator<void> {
    while (this.pauseNs < atNs) {
      if (this.pauseNs > testbed.now()) testbed.runUntil(this.pauseNs);
      yield;
    }
    testbed.runUntil(atNs);
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
    const asks = this.#traffic.workloads.length + (this.#options.target.oracles?.length ?? 0);
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
      traffic: Object.assign({}, ...this.#traffic.workloads.map((workload) => workload.counters())),
      asked: asks === 0 ? 'nothing' : 'something',
    };
  }
}
