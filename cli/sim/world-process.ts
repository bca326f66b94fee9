/** A child process that runs worlds: it loads a system once, and is then given seeds. What it dies of is told with its seeds. */

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { SeedReport } from '../../sim/campaign/campaign.ts';
import type { CampaignRequest } from './request.ts';

export type WorkerAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'report'; readonly report: SeedReport }
  | { readonly kind: 'batch done' }
  | { readonly kind: 'failed'; readonly problem: string };

/** Who waits for what the process says next. */
interface Waiting {
  readonly seeds: readonly number[];
  readonly onReport: (report: SeedReport) => void;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class WorldProcess {
  readonly #child: ChildProcess;
  readonly #exit: Promise<void>;
  #waiting: Waiting | undefined;
  #complaint = '';
  #end: Error | undefined;

  constructor(request: CampaignRequest) {
    this.#child = fork(PROGRAM, [JSON.stringify(request)], {
      // From source the loader is named by its place: the working directory is the user's.
      execArgv: IS_SOURCE ? ['--import', import.meta.resolve('tsx/esm')] : [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint = (this.#complaint + text).slice(-2000);
    });
    this.#child.on('message', (answer: WorkerAnswer) => this.#hear(answer));
    this.#exit = new Promise((resolve) => {
      this.#child.on('error', (error) => this.#fail(error));
      this.#child.on('exit', (code, signal) => {
        this.#fail(new Error(this.#deathNote(signal ?? `status ${String(code)}`)));
        resolve();
      });
    });
  }

  /** Waits until the system is loaded. @throws Error when it cannot be */
  ready(): Promise<void> {
    return this.#wait([], () => undefined);
  }

  /** @throws Error when the process dies */
  run(seeds: readonly number[], onReport: (report: SeedReport) => void): Promise<void> {
    const done = this.#wait(seeds, onReport);
    if (this.#child.connected) this.#child.send(seeds);
    return done;
  }

  /** Lets it go; it has nothing left to do. */
  async end(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    await this.#exit;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #wait(seeds: readonly number[], onReport: (report: SeedReport) => void): Promise<void> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => {
      this.#waiting = { seeds, onReport, resolve, reject };
    });
  }

  #hear(answer: WorkerAnswer): void {
    if (answer.kind === 'report') this.#waiting?.onReport(answer.report);
    else if (answer.kind === 'failed') this.#fail(new Error(answer.problem));
    else this.#waiting?.resolve();
  }

  #fail(error: Error): void {
    this.#end ??= error;
    this.#waiting?.reject(this.#end);
  }

  #deathNote(how: string): string {
    const lines = this.#complaint.trim().split('\n');
    // Node prints a place in the source, the error, its stack, and its own version.
    const last = lines.find((line) => /^[A-Z]\w+: /.test(line)) ?? lines.at(-1) ?? '';
    const { seeds = [] } = this.#waiting ?? {};
    const where =
      seeds.length === 0 ? 'before its first seed' : `at one of the seeds ${seeds.join(', ')}`;
    return `a worker process ended ${where} (${how})${last === '' ? '' : `: ${last}`}`;
  }
}

const IS_SOURCE = import.meta.url.endsWith('.ts');
const PROGRAM = fileURLToPath(
  new URL(IS_SOURCE ? './worker-process.ts' : './worker-process.js', import.meta.url),
);
