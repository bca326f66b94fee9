/**
 * Looks for a planted bug: standard chaos or a plan of its own, seed after seed, until a world
 * fails; then the failure is shrunk.
 */

import { runSeed, type CampaignSpec } from '../campaign/campaign.ts';
import { pointsOf } from '../points/system-points.ts';
import { shrink, type Shrunk } from '../shrink/shrink.ts';
import { noteWorld, storyOf } from '../shrink/story.ts';
import { failureText } from '../failure/failure-file.ts';
import { worldOptions } from '../failure/replay.ts';
import type { Plan } from '../plan/plan.ts';
import { runWorld, type WorldSystem } from '../world.ts';
import { explorationOf, type Strategy } from './mutant.ts';

export interface HuntOptions {
  readonly target: WorldSystem;
  /** The same system without the bug: a world in which it fails as well has found nothing. */
  readonly sound: WorldSystem;
  readonly explore: Strategy;
  /** Standard chaos, unless told. */
  readonly plan?: Plan | undefined;
  /** Worlds at most. */
  readonly seeds: number;
  /** Questions, requests or lines in each. */
  readonly amount: number;
  /** Worlds that shrinking may take; 0: none. */
  readonly shrinkWorlds: number;
  /** Host time, for the table; a test has none. */
  readonly nowMs?: () => number;
}

/** What a hunt has come to. */
export interface Found {
  /** The seed that failed, which is also how many it took. */
  readonly seeds: number;
  readonly oracle: string;
  readonly what: string;
  /** After shrinking: faults, decisions, and questions that were needed. */
  readonly faults: number;
  readonly decisions: number;
  readonly amount: number;
  /** Of the failure file that is left. */
  readonly bytes: number;
  /** Worlds that shrinking has run, and host time that they took, in seconds; 0 without. */
  readonly shrinkWorlds: number;
  readonly shrinkSeconds: number;
  /** What happened; empty without shrinking. */
  readonly story: readonly string[];
}

/** @returns undefined when every world held in which the sound system holds */
export function hunt(options: HuntOptions): Found | undefined {
  const { target, plan, seeds, amount, shrinkWorlds, nowMs = () => 0 } = options;
  const explore = explorationOf(options.explore);
  const spec: CampaignSpec = { plan, amount, forNs: undefined, explore, twiceEvery: 0 };
  const system = {
    reference: { reference: target.system.name, choices: {}, searchPath: [] },
    digests: {},
    target,
  };
  for (let seed = 1; seed <= seeds; seed += 1) {
    const { failure } = runSeed(system, spec, seed);
    if (failure === undefined) continue;
    if (runWorld(worldOptions(failure.world, options.sound)).verdict === 'failed') continue;
    const limit = { limit: shrinkWorlds, mayGoOn: () => true, onProgress: () => undefined };
    const startedAt = nowMs();
    const shrunk = shrinkWorlds === 0 ? undefined : shrink({ failure, target, ...limit });
    const shrinkSeconds = shrunk === undefined ? 0 : (nowMs() - startedAt) / 1000;
    const left = shrunk?.failure ?? failure;
    const { world, violations } = left;
    const [first] = violations;
    return {
      seeds: seed,
      oracle: first?.oracle ?? '',
      what: first?.what ?? '',
      faults: world.plan.rules.length,
      decisions: world.decisions?.length ?? 0,
      amount: world.amount ?? amount,
      bytes: failureText(left).length,
      shrinkWorlds: shrunk?.worlds ?? 0,
      shrinkSeconds,
      story: shrunk === undefined ? [] : storyOfShrunk(shrunk, target),
    };
  }
  return undefined;
}

function storyOfShrunk({ failure, outcome }: Shrunk, target: WorldSystem): readonly string[] {
  return storyOf(outcome, pointsOf(target.system), noteWorld(failure.world, target));
}
