/**
 * Worker processes of one campaign on this machine. Each loads the system by itself and is given a
 * few seeds at a time; one that dies takes nobody with it.
 */

import { after } from '../../host/event-loop.ts';
import type { SeedReport } from '../../sim/campaign/campaign.ts';
import type { SeedRange } from '../../sim/campaign/seed-range.ts';
import type { CampaignRequest } from './request.ts';
import { type CoverageEars, WorldProcess } from './world-process.ts';

/** Seeds that a worker is given at a time: few enough that all end together. */
const BATCH = 4;
/** Worlds that are under way when the campaign is stopped may take so long to their end. */
export const GRACE_MS = 500;

export interface PoolOptions {
  readonly request: CampaignRequest;
  readonly seeds: SeedRange;
  readonly jobs: number;
  readonly onReport: (report: SeedReport) => void;
  /** What a person is to know meanwhile, in a line. */
  readonly onNotice: (line: string) => void;
  readonly coverage?: CoverageEars | undefined;
}

/** Where a campaign stands when it ends before its time: all below have been reported. */
export interface PoolEnd {
  /** The first seed that has not been reported; undefined when all have. */
  readonly next: number | undefined;
}

export class SeedPool {
  readonly #options: PoolOptions;
  readonly #processes = new Set<WorldProcess>();
  /** Handed out, and not yet reported. */
  readonly #pending = new Set<number>();
  #next: number;
  #isStopping = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#next = options.seeds.first;
  }

  /** Hands out no more seeds; what is under way comes to its end, if that is soon. */
  stop(): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    after(GRACE_MS, () => {
      for (const each of this.#processes) each.abandon();
    });
  }

  /** @throws UserMistake when a worker cannot load the system */
  async run(): Promise<PoolEnd> {
    const jobs = Array.from({ length: this.#options.jobs }, () => this.#work());
    try {
      await Promise.all(jobs);
    } finally {
      for (const each of this.#processes) each.kill();
    }
    const next = Math.min(this.#next, ...this.#pending);
    return { next: next > this.#options.seeds.last ? undefined : next };
  }

  async #work(): Promise<void> {
    const { request, coverage, onNotice } = this.#options;
    const worker = new WorldProcess(request, { coverage, onDeath: onNotice });
    this.#processes.add(worker);
    try {
      await worker.ready();
      for (let batch = this.#take(); batch.length > 0; batch = this.#take()) {
        await worker.run(batch, (report) => this.#report(report));
      }
      await worker.end();
    } catch (error) {
      // Ctrl-C reaches a worker, too, which may not have been ready for it.
      if (!this.#isStopping) throw error;
    }
    this.#processes.delete(worker);
  }

  #report(report: SeedReport): void {
    this.#pending.delete(report.seed);
    this.#options.onReport(report);
  }

  #take(): readonly number[] {
    if (this.#isStopping) return [];
    const { last } = this.#options.seeds;
    const batch: number[] = [];
    while (batch.length < BATCH && this.#next <= last) {
      batch.push(this.#next);
      this.#pending.add(this.#next);
      this.#next += 1;
    }
    return batch;
  }
}
