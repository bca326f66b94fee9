/**
 * A campaign: many worlds of one system, and what they have shown. A world is a pure function of
 * (system, plan, seed), so worlds can be run by anybody, anywhere, in any order; this file adds
 * them up.
 */

import { Random } from '../../board/random.ts';
import type { SystemDescription } from '../../microkit/model.ts';
import { digestOf } from '../failure/digest.ts';
import {
  type Failure,
  signatureOf,
  type Stopped,
  type SystemDigests,
  type SystemReference,
} from '../failure/failure-file.ts';
import { standardChaos } from '../plan/chaos.ts';
import { NO_FAULTS, type Plan } from '../plan/plan.ts';
import { countStrikes } from '../points/point.ts';
import { pointsOf } from '../points/system-points.ts';
import type { Recipe } from './guide.ts';
import { boundedRun, boundedRuns } from '../explore/bounded.ts';
import {
  type Exploration,
  runWorld,
  type WorldOptions,
  type WorldOutcome,
  type WorldSystem,
  type WorldWatch,
} from '../world.ts';

/**
 * A system as a campaign uses it: how it was asked for, digests of its parts, and what its worlds
 * are made of.
 */
export interface CampaignSystem {
  readonly reference: SystemReference;
  readonly digests: SystemDigests;
  readonly target: WorldSystem;
  /** Looks on in each world. */
  readonly watch?: WorldWatch | undefined;
}

/** What a campaign does in the world of each seed. */
export interface CampaignSpec {
  /** The same plan for every seed; standard chaos, another one for each, when it is left out. */
  readonly plan: Plan | undefined;
  readonly amount: number | undefined;
  readonly forNs: number | undefined;
  /** How orders are chosen; undefined: nothing but what the virtual clock says. */
  readonly explore: Exploration | undefined;
  /**
   * Every run with at most so many points taken, in place of `explore`: a seed is the number of a
   * run, from 1.
   */
  readonly bounded?: Bounded;
  /** Each N-th seed is run twice and compared byte for byte; 0: none. */
  readonly twiceEvery: number;
  /** As a world takes them. */
  readonly invariantsEvery?: number | undefined;
  readonly bulk?: 'executed' | undefined;
}

/** All runs of one world that differ in orders, see `explore/bounded.ts`. */
export interface Bounded {
  readonly most: number;
  readonly domains: readonly string[];
  /** Points of these domains in the run in which none is taken. */
  readonly points: number;
}

/** The one world whose orders are all tried. */
const BOUNDED_SEED = 1;

/** What one seed has shown. Plain data, which may come from another process. */
export interface SeedReport {
  readonly seed: number;
  readonly verdict: WorldOutcome['verdict'];
  /** Strikes by point and fault, such as 'net.irq lose'. */
  readonly strikes: Readonly<Record<string, number>>;
  readonly neverStruck: readonly string[];
  readonly asked: WorldOutcome['asked'];
  readonly virtualNs: number;
  /** Of a world that failed. */
  readonly signature: string;
  readonly failure: Failure | undefined;
}

/**
 * Runs the world of one seed; twice, where `twiceEvery` says so.
 *
 * @param recipe what a guide has chosen for this seed, see `guide.ts`
 */
export function runSeed(
  loaded: CampaignSystem,
  spec: CampaignSpec,
  seed: number,
  recipe?: Recipe,
): SeedReport {
  const options = worldOf(loaded, spec, recipe ?? seed);
  const outcome = judgeTwice(runWorld(options), spec, () => runWorld(options));
  return reportOf(loaded, options, outcome, seed);
}

/** A world that has not come to its end, and why: its process is gone. */
export interface WorldStopped {
  readonly seed: number;
  readonly how: Stopped;
  /** The same in words. */
  readonly what: string;
}

/** Which oracle speaks of it. */
const STOPPED_ORACLES = { endless: 'progress', died: 'no-internal-failure' } as const;

/** The report of such a world: it can be run again, and nothing else is known of it. */
export function stoppedSeed(
  loaded: CampaignSystem,
  spec: CampaignSpec,
  { seed, how, what }: WorldStopped,
  recipe?: Recipe,
): SeedReport {
  const options = worldOf(loaded, spec, recipe ?? seed);
  const outcome: WorldOutcome = {
    seed: options.seed,
    verdict: 'failed',
    violations: [{ oracle: STOPPED_ORACLES[how], where: 'sddf', what, timeNs: 0 }],
    strikes: [],
    points: 0,
    decisions: [],
    neverStruck: [],
    timeNs: 0,
    kernelEntries: 0,
    traffic: {},
    asked: 'something',
  };
  const report = reportOf(loaded, options, outcome, seed);
  return { ...report, failure: report.failure && { ...report.failure, stopped: how } };
}

function worldOf(
  { target, watch }: CampaignSystem,
  spec: CampaignSpec,
  chosen: number | Recipe,
): WorldOptions {
  const { amount, forNs, invariantsEvery, bulk } = spec;
  const { seed, plan: varied } = typeof chosen === 'number' ? seedAlone(chosen) : chosen;
  const explore = explorationOf(spec, seed);
  const worldSeed = spec.bounded === undefined ? seed : BOUNDED_SEED;
  const chaos = (): Plan => standardChaos(pointsOf(target.system), new Random(seed).fork('plan'));
  const plan = varied ?? spec.plan ?? (spec.bounded === undefined ? chaos() : NO_FAULTS);
  return {
    target,
    plan,
    seed: worldSeed,
    ...(amount === undefined ? {} : { amount }),
    ...(forNs === undefined ? {} : { forNs }),
    ...(explore === undefined ? {} : { explore }),
    ...(invariantsEvery === undefined ? {} : { invariantsEvery }),
    ...(bulk === undefined ? {} : { bulk }),
    ...(watch === undefined ? {} : { watch }),
  };
}

function seedAlone(seed: number): { readonly seed: number; readonly plan?: Plan } {
  return { seed };
}

/** @param seed of the campaign, which counts runs where the world is always the same */
function reportOf(
  loaded: CampaignSystem,
  options: WorldOptions,
  outcome: WorldOutcome,
  seed: number,
): SeedReport {
  const strikes = countStrikes(outcome.strikes);
  return {
    seed,
    verdict: outcome.verdict,
    strikes,
    neverStruck: outcome.neverStruck,
    asked: outcome.asked,
    virtualNs: outcome.timeNs,
    signature: signatureOf(outcome),
    failure:
      outcome.verdict === 'failed' ? failureOf(loaded, options, { outcome, strikes }) : undefined,
  };
}

function failureOf(
  loaded: CampaignSystem,
  options: WorldOptions,
  { outcome, strikes }: { readonly outcome: WorldOutcome } & Pick<Failure, 'strikes'>,
): Failure {
  const { seed, plan, amount, forNs, explore, invariantsEvery, bulk } = options;
  return {
    system: loaded.reference,
    digests: loaded.digests,
    world: {
      seed,
      plan,
      amount,
      forNs,
      decisions: explore === undefined ? undefined : outcome.decisions,
      invariantsEvery,
      bulk: bulk === 'executed' ? bulk : undefined,
    },
    violations: outcome.violations,
    strikes,
    outcome: digestOf(JSON.stringify(outcome)),
  };
}

function explorationOf({ explore, bounded }: CampaignSpec, seed: number): Exploration | undefined {
  if (bounded === undefined) return explore;
  const { points, most, domains } = bounded;
  return { kind: 'bounded', taken: boundedRun(points, most, seed - 1), domains };
}

/** @returns what `bounded:MOST` comes to for a system, and how many runs that are */
export function boundedOf(
  target: WorldSystem,
  most: number,
  {
    domains,
    ...options
  }: Pick<Bounded, 'domains'> & Pick<WorldOptions, 'amount' | 'forNs' | 'plan'>,
): { readonly bounded: Bounded; readonly runs: number } {
  let chosen = 0;
  runWorld({
    target,
    seed: BOUNDED_SEED,
    ...options,
    explore: { kind: 'bounded', taken: [], domains },
    onPoint: (domain) => {
      if (domains.length === 0 || domains.includes(domain)) chosen += 1;
    },
  });
  return { bounded: { most, domains, points: chosen }, runs: boundedRuns(chosen, most) };
}

/**
 * Reads the value of `--explore`. For PCT it runs one world without faults, which tells about how
 * many points of choice a world has.
 *
 * @param text `random`, `pct:DEPTH` or `none`
 * @returns undefined for `none`
 */
export function explorationNamed(
  text: string,
  target: WorldSystem,
  amount: number | undefined,
): Exploration | undefined | 'unknown' {
  if (text === 'none') return undefined;
  if (text === 'random') return { kind: 'random' };
  const depth = Number(/^pct:([1-9]\d?)$/.exec(text)?.[1]);
  if (Number.isNaN(depth)) return 'unknown';
  const { points } = runWorld({
    target,
    plan: NO_FAULTS,
    seed: 1,
    ...(amount === undefined ? {} : { amount }),
    explore: { kind: 'replay', decisions: [] },
  });
  return { kind: 'pct', depth, points };
}

function judgeTwice(
  outcome: WorldOutcome,
  { twiceEvery }: CampaignSpec,
  again: () => WorldOutcome,
): WorldOutcome {
  if (twiceEvery === 0 || outcome.seed % twiceEvery !== 0) return outcome;
  if (JSON.stringify(again()) === JSON.stringify(outcome)) return outcome;
  const violation = {
    oracle: 'determinism',
    where: 'sddf',
    what: 'the same world came out differently the second time',
    timeNs: outcome.timeNs,
  };
  return { ...outcome, verdict: 'failed', violations: [violation, ...outcome.violations] };
}

/** @returns what can strike in a campaign: what its plan names, or all that the system has */
export function possibleFaults(
  system: SystemDescription,
  plan: Plan | undefined,
): readonly string[] {
  if (plan !== undefined) return [...new Set(plan.rules.map(({ at, fault }) => `${at} ${fault}`))];
  return pointsOf(system).flatMap(({ name, faults }) =>
    faults.map((fault) => `${name} ${fault.name}`),
  );
}

/** Worlds that failed in the same way. */
export interface DistinctFailure {
  readonly signature: string;
  /** The smallest seed, and how many there were. */
  readonly seed: number;
  readonly count: number;
  /** The first of them that came, in order. */
  readonly seeds: readonly number[];
  readonly failure: Failure;
}

/** Seeds that are kept of failures of one kind. */
const SEEDS_MAX = 100;

/** Adds reports up, in any order. */
export class Tally {
  worlds = 0;
  failed = 0;
  void = 0;
  /** Of the void ones: worlds in which nothing was asked of the system. */
  unasked = 0;
  virtualNs = 0;
  readonly strikes = new Map<string, number>();
  /** Worlds that failed, by the oracle that spoke first. */
  readonly failedBy = new Map<string, number>();
  readonly #distinct = new Map<string, DistinctFailure>();

  add(report: SeedReport): void {
    this.worlds += 1;
    this.virtualNs += report.virtualNs;
    if (report.verdict === 'void') this.void += 1;
    if (report.asked === 'nothing') this.unasked += 1;
    for (const [name, count] of Object.entries(report.strikes)) {
      this.strikes.set(name, (this.strikes.get(name) ?? 0) + count);
    }
    if (report.failure === undefined) return;
    this.failed += 1;
    const oracle = report.failure.violations[0]?.oracle ?? 'nobody';
    this.failedBy.set(oracle, (this.failedBy.get(oracle) ?? 0) + 1);
    const known = this.#distinct.get(report.signature);
    const isFirst = known === undefined || report.seed < known.seed;
    this.#distinct.set(report.signature, {
      signature: report.signature,
      seed: isFirst ? report.seed : known.seed,
      count: (known?.count ?? 0) + 1,
      seeds: [...(known?.seeds ?? []), report.seed].slice(0, SEEDS_MAX).toSorted((a, b) => a - b),
      failure: isFirst ? report.failure : known.failure,
    });
  }

  /** The most frequent first. */
  distinct(): readonly DistinctFailure[] {
    return [...this.#distinct.values()].toSorted(
      (one, other) => other.count - one.count || one.seed - other.seed,
    );
  }

  /**
   * Faults that have struck in no world: what the campaign says nothing about.
   *
   * @param faults those that could have: see {@link possibleFaults}
   */
  neverStruck(faults: readonly string[]): readonly string[] {
    return faults.filter((name) => !this.strikes.has(name));
  }
}
