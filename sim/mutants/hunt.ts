/**
 * Looks for a planted bug: standard chaos, seed after seed, until a world fails; then the failure
 * is shrunk.
 */

import { runSeed, type CampaignSpec } from '../campaign/campaign.ts';
import { shrink } from '../shrink/shrink.ts';
import { worldOptions } from '../failure/replay.ts';
import { runWorld, type WorldSystem } from '../world.ts';
import { explorationOf, type Strategy } from './mutant.ts';

export interface HuntOptions {
  readonly target: WorldSystem;
  /** The same system without the bug: a world in which it fails as well has found nothing. */
  readonly sound: WorldSystem;
  readonly explore: Strategy;
  /** Worlds at most. */
  readonly seeds: number;
  /** Questions, requests or lines in each. */
  readonly amount: number;
  /** Worlds that shrinking may take; 0: none. */
  readonly shrinkWorlds: number;
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
}

/** @returns undefined when every world held in which the sound system holds */
export function hunt(options: HuntOptions): Found | undefined {
  const { target, seeds, amount, shrinkWorlds } = options;
  const explore = explorationOf(options.explore);
  const spec: CampaignSpec = { plan: undefined, amount, forNs: undefined, explore, twiceEvery: 0 };
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
    const shrunk = shrinkWorlds === 0 ? undefined : shrink({ failure, target, ...limit });
    const { world, violations } = shrunk?.failure ?? failure;
    const [first] = violations;
    return {
      seeds: seed,
      oracle: first?.oracle ?? '',
      what: first?.what ?? '',
      faults: world.plan.rules.length,
      decisions: world.decisions?.length ?? 0,
      amount: world.amount ?? amount,
    };
  }
  return undefined;
}
