/**
 * Worker processes of one campaign on this machine. Each loads the system by itself and is given a
 * few seeds at a time; one that dies is named with its seeds, and takes nobody with it.
 */

import type { SeedReport } from '../../sim/campaign/campaign.ts';
import type { SeedRange } from '../../sim/campaign/seed-range.ts';
import type { CampaignRequest } from './request.ts';
import { type CoverageEars, WorldProcess } from './world-process.ts';

/** Seeds that a worker is given at a time: few enough that all end together. */
const BATCH = 4;

export interface PoolOptions {
  readonly request: CampaignRequest;
  readonly seeds: SeedRange;
  readonly jobs: number;
  readonly onReport: (report: SeedReport) => void;
  readonly coverage?: CoverageEars | undefined;
}

/**
 * Where a campaign stands when it ends before its time: all below have been reported, and nothing
 * behind.
 */
export interface PoolEnd {
  /** The first seed that has not been run; undefined when all have. */
  readonly next: number | undefined;
}

export class SeedPool {
  readonly #options: PoolOptions;
  readonly #processes = new Set<WorldProcess>();
  #next: number;
  #isStopping = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#next = options.seeds.first;
  }

  /** Hands out no more seeds; what is under way comes to its end. */
  stop(): void {
    this.#isStopping = true;
  }

  /** @throws Error when a worker cannot load the system, or dies */
  async run(): Promise<PoolEnd> {
    const jobs = Array.from({ length: this.#options.jobs }, () => this.#work());
    try {
      await Promise.all(jobs);
    } finally {
      for (const each of this.#processes) each.kill();
    }
    return { next: this.#next > this.#options.seeds.last ? undefined : this.#next };
  }

  async #work(): Promise<void> {
    const { request, onReport, coverage } = this.#options;
    const worker = new WorldProcess(request, { coverage });
    this.#processes.add(worker);
    await worker.ready();
    for (let batch = this.#take(); batch.length > 0; batch = this.#take()) {
      await worker.run(batch, onReport);
    }
    await worker.end();
    this.#processes.delete(worker);
  }

  #take(): readonly number[] {
    if (this.#isStopping) return [];
    const { last } = this.#options.seeds;
    const batch: number[] = [];
    while (batch.length < BATCH && this.#next <= last) {
      batch.push(this.#next);
      this.#next += 1;
    }
    return batch;
  }
}
