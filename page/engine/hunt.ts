/** A campaign in the page: worlds of one system, one seed after the other. */

import { runSeed, Tally } from '../../sim/campaign/campaign.ts';
import type { Failure } from '../../sim/failure/failure-file.ts';
import type { WorldMemory } from '../../sim/world-memory.ts';
import { type CampaignView, campaignViewOf } from './campaign-view.ts';
import type { Loaded } from './loaded.ts';

export interface Hunted {
  /** The first seed, and how many. */
  readonly from: number;
  readonly count: number;
}

export class Hunt {
  readonly #loaded: Loaded;
  readonly #hunted: Hunted;
  readonly #memory: WorldMemory;
  readonly #tally = new Tally();
  #next: number;
  #isStopped = false;

  constructor(loaded: Loaded, hunted: Hunted, memory: WorldMemory) {
    this.#loaded = { ...loaded };
    this.#hunted = hunted;
    this.#memory = memory;
    this.#next = hunted.from;
  }

  get isOver(): boolean {
    return this.#isStopped || this.#next >= this.#hunted.from + this.#hunted.count;
  }

  stop(): void {
    this.#isStopped = true;
  }

  runNext(): void {
    const { found, plan, scenario } = this.#loaded;
    const target = { ...found.target, memory: this.#memory };
    const { amount, forNs } = scenario.test ?? {};
    const { system, choices } = scenario;
    const reference = { reference: system, choices, searchPath: [] };
    const spec = {
      plan: plan.rules.length === 0 ? undefined : plan,
      amount,
      forNs,
      explore: undefined,
      twiceEvery: 0,
    };
    this.#tally.add(runSeed({ reference, digests: {}, target }, spec, this.#next));
    this.#next += 1;
  }

  view(): CampaignView {
    const { system, plan, scenario } = this.#loaded;
    return campaignViewOf(this.#tally, {
      system: scenario.system,
      description: system,
      plan: plan.rules.length === 0 ? undefined : plan,
      total: this.#hunted.count,
      isOver: this.isOver,
    });
  }

  /** @returns the failure whose first seed this is */
  failureOf(seed: number): Failure | undefined {
    return this.#tally.distinct().find((each) => each.seed === seed)?.failure;
  }
}
