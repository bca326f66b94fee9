/**
 * Worker processes of a campaign that is guided: generation by generation, since what is varied
 * next depends on what all of the generation before have come to, and on nothing else. So the same
 * seeds are the same worlds, however many processes run them.
 */

import { after } from '../../host/event-loop.ts';
import type { SeedReport } from '../../sim/campaign/campaign.ts';
import { GENERATION, Guide, type Recipe } from '../../sim/campaign/guide.ts';
import type { PointKind } from '../../sim/points/point.ts';
import { GRACE_MS, type PoolEnd, type PoolOptions } from './pool.ts';
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
  readonly #reported = new Set<number>();
  #isStopping = false;

  constructor(options: GuidedPoolOptions) {
    this.#options = options;
    this.#guide = new Guide(options.points);
  }

  /** Begins no further world; those that are under way come to their end, if that is soon. */
  stop(): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    after(GRACE_MS, () => {
      for (const each of this.#processes) each.abandon();
    });
  }

  /** @throws UserMistake when a worker cannot load the system */
  async run(): Promise<PoolEnd> {
    const { seeds, jobs, request, coverage, onNotice } = this.#options;
    this.#processes = Array.from(
      { length: jobs },
      () => new WorldProcess(request, { coverage, onDeath: onNotice }),
    );
    try {
      await Promise.all(this.#processes.map((each) => each.ready()));
      for (let first = seeds.first; first <= seeds.last; first += GENERATION) {
        await this.#generation(first, Math.min(seeds.last, first + GENERATION - 1));
      }
      await Promise.all(this.#processes.map((each) => each.end()));
    } catch (error) {
      // Ctrl-C reaches a worker, too, which may not have been ready for it.
      if (!this.#isStopping) throw error;
    } finally {
      for (const each of this.#processes) each.kill();
    }
    return { next: this.#next };
  }

  async #generation(first: number, last: number): Promise<void> {
    if (this.#isStopping) return;
    const worlds: Planned[] = [];
    for (let seed = first; seed <= last; seed += 1) {
      worlds.push({ seed, recipe: this.#guide.recipeOf(seed), features: [] });
    }
    const left = [...worlds];
    await Promise.all(this.#processes.map((process) => this.#work(process, left)));
    for (const { recipe, features } of worlds) this.#guide.learn(recipe, features);
  }

  #report(report: SeedReport): void {
    this.#reported.add(report.seed);
    this.#options.onReport(report);
  }

  /** The first seed that has not been reported; undefined when all have. */
  get #next(): number | undefined {
    const { first, last } = this.#options.seeds;
    for (let seed = first; seed <= last; seed += 1) if (!this.#reported.has(seed)) return seed;
    return undefined;
  }

  async #work(process: WorldProcess, left: Planned[]): Promise<void> {
    while (!this.#isStopping) {
      const planned = left.shift();
      if (planned === undefined) return;
      const { seed, recipe } = planned;
      await process.run([seed], (report) => this.#report(report), {
        recipes: { [seed]: recipe },
        onFeatures: (features) => (planned.features = features),
      });
    }
  }
}
