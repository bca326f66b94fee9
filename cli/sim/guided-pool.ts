/**
 * Worker processes of a campaign that is guided: generation by generation, since what is varied
 * next depends on what all of the generation before have come to, and on nothing else. So the same
 * seeds are the same worlds, however many processes run them.
 */

import { GENERATION, Guide, type Recipe } from '../../sim/campaign/guide.ts';
import type { PointKind } from '../../sim/points/point.ts';
import type { PoolEnd, PoolOptions } from './pool.ts';
import { WorldProcess } from './world-process.ts';

export interface GuidedPoolOptions extends PoolOptions {
  /** Of the system. */
  readonly points: readonly PointKind[];
}

/** A world of the generation that is under way. */
interface Planned {
  readonly seed: number;
  readonly recipe: Recipe;
  features: readonly number[];
}

export class GuidedPool {
  readonly #options: GuidedPoolOptions;
  readonly #guide: Guide;
  #processes: readonly WorldProcess[] = [];
  #isStopping = false;

  constructor(options: GuidedPoolOptions) {
    this.#options = options;
    this.#guide = new Guide(options.points);
  }

  /** Begins no further generation; the one that is under way comes to its end. */
  stop(): void {
    this.#isStopping = true;
  }

  /** @throws Error when a worker cannot load the system, or dies */
  async run(): Promise<PoolEnd> {
    const { seeds, jobs, request, coverage } = this.#options;
    this.#processes = Array.from({ length: jobs }, () => new WorldProcess(request, { coverage }));
    try {
      await Promise.all(this.#processes.map((each) => each.ready()));
      let next = seeds.first;
      for (; next <= seeds.last && !this.#isStopping; next += GENERATION) {
        await this.#generation(next, Math.min(seeds.last, next + GENERATION - 1));
      }
      await Promise.all(this.#processes.map((each) => each.end()));
      return { next: next > seeds.last ? undefined : next };
    } finally {
      for (const each of this.#processes) each.kill();
    }
  }

  async #generation(first: number, last: number): Promise<void> {
    const worlds: Planned[] = [];
    for (let seed = first; seed <= last; seed += 1) {
      worlds.push({ seed, recipe: this.#guide.recipeOf(seed), features: [] });
    }
    const left = [...worlds];
    await Promise.all(this.#processes.map((process) => this.#work(process, left)));
    for (const { recipe, features } of worlds) this.#guide.learn(recipe, features);
  }

  async #work(process: WorldProcess, left: Planned[]): Promise<void> {
    for (let world = left.shift(); world !== undefined; world = left.shift()) {
      const { seed, recipe } = world;
      const planned = world;
      await process.run([seed], this.#options.onReport, {
        recipes: { [seed]: recipe },
        onFeatures: (features) => (planned.features = features),
      });
    }
  }
}
