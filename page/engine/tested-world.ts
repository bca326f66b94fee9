/**
 * A world of `sddf sim` in the page: traffic whose answers are known, faults by plan, oracles at
 * its end. It is the world of `sim/world.ts`, run piece by piece; a failure file is one, too.
 */

import { digestOf } from '../../debug/journal.ts';
import type { Kernel } from '../../kernel/boot.ts';
import type { PageTable } from '../../kernel/memory/page-table.ts';
import {
  decisionsText,
  type Failure,
  readDecisions,
  type WorldSpec,
} from '../../sim/failure/failure-file.ts';
import { worldOptions } from '../../sim/failure/replay.ts';
import type { Plan } from '../../sim/plan/plan.ts';
import { planJson } from '../../sim/plan/write-plan.ts';
import type { WorldMemory } from '../../sim/world-memory.ts';
import {
  beginWorld,
  type PacedWorld,
  type WorldOptions,
  type WorldSystem,
} from '../../sim/world.ts';
import type { RunCounters, Testbed } from '../../systems/testbed.ts';
import { instrument } from '../../systems/trace/observed-parts.ts';
import type { Scenario, TestedTraffic } from './scenario.ts';
import type { Onlooker, ShownWorld, WorldListener } from './shown-world.ts';
import { viewOf } from './view-of.ts';
import { Halted, WorldWatch } from './world-watch.ts';
import type { WorldView } from './world-view.ts';

export interface TestedParts {
  readonly target: WorldSystem;
  readonly scenario: Scenario;
  readonly plan: Plan;
  /** What ran there before is gone. */
  readonly memory: WorldMemory;
  readonly listener: WorldListener;
  readonly onlooker?: Onlooker;
}

export class TestedWorld implements ShownWorld {
  readonly watch: WorldWatch;
  readonly disks = [];
  readonly #parts: TestedParts;
  readonly #world: PacedWorld;
  readonly #tables: PageTable[] = [];
  readonly #testbed: Testbed;
  readonly #before: RunCounters;
  #kernel: Kernel | undefined;
  #now = (): number => 0;
  #isOver = false;

  constructor(parts: TestedParts) {
    this.#parts = parts;
    this.watch = new WorldWatch(parts.target.system);
    this.#world = beginWorld(this.#options());
    const { testbed, outcome } = this.#world;
    if (testbed === undefined) {
      throw new Error(outcome?.violations[0]?.what ?? 'the system does not boot');
    }
    this.#testbed = testbed;
    this.#before = testbed.counters();
  }

  now(): number {
    return this.#testbed.now();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get isQuiet(): boolean {
    return this.isFinished;
  }

  get isFinished(): boolean {
    return this.#world.outcome !== undefined;
  }

  runSlice(untilNs: number, sliceNs = Infinity): void {
    this.#world.runTo(Math.min(untilNs, this.now() + sliceNs));
  }

  isAtEnd(untilNs: number): boolean {
    return this.isQuiet || this.now() >= untilNs;
  }

  leave(): void {
    this.#isOver = true;
  }

  takeConsoles(): readonly [] {
    return [];
  }

  takeFrames(): readonly [] {
    return [];
  }

  view(digest: 'digest' | 'no digest'): WorldView {
    const { watch } = this;
    const view = viewOf({
      testbed: this.#testbed,
      watch,
      before: this.#before,
      packets: watch.sentFrames,
      roundTripNs: 0,
      strikes: this.#world.strikes,
      faulted: [],
      awaits: this.isQuiet ? 'nothing' : 'an input',
    });
    return digest === 'digest' ? { ...view, digest: this.#digest() } : view;
  }

  #digest(): number {
    const { board } = this.#testbed;
    if (this.#kernel === undefined) return 0;
    const world = { kernel: this.#kernel, board, tables: this.#tables };
    return digestOf(board.now(), world, new Map<string, never>());
  }

  #options(): WorldOptions {
    const { target, scenario, plan, memory, onlooker, listener } = this.#parts;
    return {
      ...worldOptions(specOf(scenario, plan), { ...target, memory }),
      watch: {
        instrument: (inner) => {
          const watched = instrument(this.watch, inner);
          const parts = onlooker?.instrument?.(watched) ?? watched;
          return {
            ...parts,
            makeBoard: (options) => {
              this.#now = () => options.clock.now();
              this.watch.attach(options.ram, this.#now);
              return parts.makeBoard(options);
            },
          };
        },
        net: (wire, parts) => {
          const { net = wire } = onlooker?.wires?.({ net: wire }, parts) ?? {};
          return this.watch.watch(net);
        },
        onLog: (pd, line) => listener.log(pd, line, this.#now()),
        debugged: {
          made: () => undefined,
          isLeft: (error) => error instanceof Halted,
          onBoot: (kernel) => {
            this.#kernel = kernel;
          },
          onCreate: (object) => {
            if (object.kind === 'pageTable') this.#tables.push(object);
          },
        },
      },
    };
  }
}

/** The world of a failure file. */
export function scenarioOf({ system, world }: Pick<Failure, 'system' | 'world'>): Scenario {
  return {
    system: system.reference,
    choices: system.choices,
    seed: world.seed,
    net: 'test',
    test: testedTraffic(world),
    plan: JSON.stringify(planJson(world.plan)),
    inputs: [],
  };
}

function testedTraffic(spec: WorldSpec): TestedTraffic {
  const { amount, forNs, decisions, invariantsEvery, bulk } = spec;
  return {
    ...(amount === undefined ? {} : { amount }),
    ...(forNs === undefined ? {} : { forNs }),
    ...(decisions === undefined ? {} : { decisions: decisionsText(decisions) }),
    ...(invariantsEvery === undefined ? {} : { invariantsEvery }),
    ...(bulk === undefined ? {} : { bulk }),
  };
}

/** @throws Error when the order of events in it is none */
export function specOf({ seed, test = {} }: Scenario, plan: Plan): WorldSpec {
  const { amount, forNs, decisions, invariantsEvery, bulk } = test;
  const read = decisions === undefined ? undefined : readDecisions(decisions);
  if (read === 'none') throw new Error('the order of events is no list such as 52:200 3:1250');
  return { seed, plan, amount, forNs, decisions: read, invariantsEvery, bulk };
}
