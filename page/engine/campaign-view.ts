/** What a page is shown of a campaign: how far it is, and what has failed. Plain data. */

import type { SystemDescription } from '../../microkit/model.ts';
import { possibleFaults, type Tally } from '../../sim/campaign/campaign.ts';
import type { Plan } from '../../sim/plan/plan.ts';

export interface CampaignView {
  readonly system: string;
  /** Worlds that are over, of how many. */
  readonly worlds: number;
  readonly total: number;
  readonly failed: number;
  /** Worlds that prove nothing. */
  readonly void: number;
  /** Faults that have struck in all, of how many kinds. */
  readonly strikes: number;
  readonly kinds: number;
  readonly neverStruck: readonly string[];
  /** Worlds that failed, by the oracle that spoke first; the most frequent first. */
  readonly failedBy: readonly { readonly oracle: string; readonly count: number }[];
  /** Each way to fail: its first seed, and how many worlds. */
  readonly failures: readonly {
    readonly signature: string;
    readonly seed: number;
    readonly count: number;
  }[];
  readonly isOver: boolean;
}

export interface CampaignAbout {
  readonly system: string;
  readonly description: SystemDescription;
  /** The same for all worlds; each has its own without. */
  readonly plan: Plan | undefined;
  readonly total: number;
  readonly isOver: boolean;
}

export function campaignViewOf(
  tally: Tally,
  { system, description, plan, total, isOver }: CampaignAbout,
): CampaignView {
  const faults = possibleFaults(description, plan);
  return {
    system,
    worlds: tally.worlds,
    total,
    failed: tally.failed,
    void: tally.void,
    strikes: [...tally.strikes.values()].reduce((sum, count) => sum + count, 0),
    kinds: faults.length,
    neverStruck: tally.neverStruck(faults),
    failedBy: [...tally.failedBy]
      .map(([oracle, count]) => ({ oracle, count }))
      .toSorted((one, other) => other.count - one.count),
    failures: tally.distinct().map(({ signature, seed, count }) => ({ signature, seed, count })),
    isOver,
  };
}
