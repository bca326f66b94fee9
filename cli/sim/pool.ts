/**
 * Worker processes of one campaign on this machine. Each loads the system by itself and is given a few seeds at a time;
 * one that dies is named with its seeds, and takes nobody with it.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { SeedReport } from '../../sim/campaign/campaign.ts';
import type { SeedRange } from '../../sim/campaign/seed-range.ts';
import type { CampaignRequest } from './request.ts';

/** Seeds that a worker is given at a time: few enough that all end together. */
const BATCH = 4;

export type WorkerAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'report'; readonly report: SeedReport }
  | { readonly kind: 'batch done' }
  | { readonly kind: 'failed'; readonly problem: string };

export interface PoolOptions {
  readonly request: CampaignRequest;
  readonly seeds: SeedRange;
  readonly jobs: number;
  readonly onReport: (report: SeedReport) => void;
}

/** Where a campaign stands when it ends before its time: all below have been reported, and nothing behind. */
export interface PoolEnd {
  /** The first seed that has not been run; undefined when all have. */
  readonly next: number | undefined;
}

export class SeedPool {
  readonly #options: PoolOptions;
  readonly #children = new Set<ChildProcess>();
  readonly #unreported = new Set<number>();
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
      for (const child of this.#children) child.kill('SIGKILL');
    }
    return { next: this.#next > this.#options.seeds.last ? undefined : this.#next };
  }

  async #work(): Promise<void> {
    const child = fork(PROGRAM, [JSON.stringify(this.#options.request)], {
      // From source the loader is named by its place: the working directory is the user's.
      execArgv: IS_SOURCE ? ['--import', import.meta.resolve('tsx/esm')] : [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#children.add(child);
    let complaint = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-2000);
    });
    await new Promise<void>((resolve, reject) => {
      let batch: readonly number[] = [];
      child.on('message', (answer: WorkerAnswer) => {
        if (answer.kind === 'failed') reject(new Error(answer.problem));
        else if (answer.kind === 'report') this.#report(answer.report);
        else {
          batch = this.#take();
          if (batch.length === 0) child.disconnect();
          else child.send(batch);
        }
      });
      child.on('error', reject);
      child.on('exit', (code, signal) => {
        this.#children.delete(child);
        if (code === 0 && batch.length === 0) resolve();
        else reject(new Error(deathNote(batch, signal ?? `status ${String(code)}`, complaint)));
      });
    });
  }

  #take(): readonly number[] {
    if (this.#isStopping) return [];
    const { last } = this.#options.seeds;
    const batch: number[] = [];
    while (batch.length < BATCH && this.#next <= last) {
      batch.push(this.#next);
      this.#unreported.add(this.#next);
      this.#next += 1;
    }
    return batch;
  }

  #report(report: SeedReport): void {
    this.#unreported.delete(report.seed);
    this.#options.onReport(report);
  }
}

const IS_SOURCE = import.meta.url.endsWith('.ts');
const PROGRAM = fileURLToPath(
  new URL(IS_SOURCE ? './worker-process.ts' : './worker-process.js', import.meta.url),
);

function deathNote(batch: readonly number[], how: string, complaint: string): string {
  const [last = ''] = complaint.trim().split('\n').slice(-1);
  const seeds =
    batch.length === 0 ? 'before its first seed' : `at one of the seeds ${batch.join(', ')}`;
  return `a worker process ended ${seeds} (${how})${last === '' ? '' : `: ${last}`}`;
}
