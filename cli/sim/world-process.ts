/**
 * A child process that runs worlds: it loads a system once, and is then given seeds. If it dies,
 * the reason is reported with its seeds. A world that does not end is stopped with its process; it
 * has failed, and another process goes on behind it.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { PackedSources } from '../../debug/coverage/source-coverage.ts';
import type { SeedReport } from '../../sim/campaign/campaign.ts';
import type { Recipe } from '../../sim/campaign/guide.ts';
import type { CampaignRequest } from './request.ts';

export type WorkerAnswer =
  | { readonly kind: 'ready'; readonly executed?: PackedSources | undefined }
  | {
      readonly kind: 'report';
      readonly report: SeedReport;
      /** In a campaign that is guided. */
      readonly features?: readonly number[] | undefined;
      /** When it is told of each world by itself. */
      readonly executed?: PackedSources | undefined;
    }
  /** When it is told of all together, and there are no more. */
  | { readonly kind: 'executed'; readonly executed: PackedSources | undefined }
  | { readonly kind: 'batch done' }
  | { readonly kind: 'failed'; readonly problem: string };

/** No more worlds: what they have executed is asked for. */
export const TELL_EXECUTED = 'executed?';

/** Hears what is executed: when programs are loaded, in one world, in all that told of nothing. */
export interface CoverageEars {
  readonly onLoaded: (executed: PackedSources) => void;
  readonly onWorld: (seed: number, executed: PackedSources) => void;
  readonly onEnded: (executed: PackedSources) => void;
}

/** Worlds to run, behind one that has not ended in the process before. */
export interface WorkerOrder {
  readonly seeds: readonly number[];
  /** By seed, where a guide has chosen them. */
  readonly recipes?: Recipes | undefined;
  readonly endless?: { readonly seed: number; readonly hostSeconds: number };
}

export type Recipes = Readonly<Record<number, Recipe>>;

/** Of worlds that a guide has chosen. */
export interface GuidedWorlds {
  readonly recipes: Recipes;
  /** Told of what a world has come to, before its report. */
  readonly onFeatures: (features: readonly number[]) => void;
}

/**
 * Most worlds take less than a second; one under `--invariants 1`, on a machine with much else to
 * do, minutes.
 */
const WORLD_SECONDS_MAX = 300;

/** How what was waited for has come: of itself, or with a new process in the old one's place. */
type Ended = 'over' | 'replaced';

/** Who waits for what the process says next. */
interface Waiting {
  readonly seeds: readonly number[];
  readonly onReport: (report: SeedReport) => void;
  readonly resolve: (how: Ended) => void;
  readonly reject: (error: Error) => void;
}

export class WorldProcess {
  readonly #request: CampaignRequest;
  readonly #worldSeconds: number;
  readonly #coverage: CoverageEars | undefined;
  #child: ChildProcess;
  #exit: Promise<void> = Promise.resolve();
  #waiting: Waiting | undefined;
  #onFeatures: GuidedWorlds['onFeatures'] | undefined;
  #complaint = '';
  #end: Error | undefined;
  #isAbandoned = false;
  /** Runs while a world does. */
  #limit: NodeJS.Timeout | undefined;

  constructor(
    request: CampaignRequest,
    how: {
      /** Of host time that a world may take. */
      readonly worldSeconds?: number;
      readonly coverage?: CoverageEars | undefined;
    } = {},
  ) {
    this.#request = request;
    this.#worldSeconds = how.worldSeconds ?? WORLD_SECONDS_MAX;
    this.#coverage = how.coverage;
    this.#child = this.#start();
  }

  #start(): ChildProcess {
    const child = fork(PROGRAM, [JSON.stringify(this.#request)], {
      // From source the loader is named by its place: the working directory is the user's.
      execArgv: IS_SOURCE ? ['--import', import.meta.resolve('tsx/esm')] : [],
      // The last is for it to hear that we have gone.
      stdio: ['ignore', 'ignore', 'pipe', 'ipc', 'pipe'],
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint = (this.#complaint + text).slice(-2000);
    });
    child.on('message', (answer: WorkerAnswer) => {
      if (child === this.#child) this.#hear(answer);
    });
    this.#exit = new Promise((resolve) => {
      const fail = (error: Error): void => {
        if (child === this.#child) this.#fail(error);
      };
      child.on('error', fail);
      child.on('exit', (code, signal) => {
        fail(new Error(this.#deathNote(signal ?? `status ${String(code)}`)));
        resolve();
      });
    });
    return child;
  }

  /** Waits until the system is loaded. @throws Error when it cannot be */
  async ready(): Promise<void> {
    await this.#wait([], () => undefined);
  }

  /** @throws Error when the process dies */
  async run(
    seeds: readonly number[],
    onReport: (report: SeedReport) => void,
    guided?: GuidedWorlds,
  ): Promise<void> {
    this.#onFeatures = guided?.onFeatures;
    const recipes = guided?.recipes;
    let left = seeds;
    const report = (each: SeedReport): void => {
      left = left.filter((seed) => seed !== each.seed);
      this.#limitWorld(left.length > 0);
      onReport(each);
    };
    let order: WorkerOrder = { seeds, recipes };
    for (;;) {
      const done = this.#wait(order.seeds, report);
      if (this.#child.connected) this.#child.send(order);
      this.#limitWorld(true);
      const how = await done;
      this.#limitWorld(false);
      const [seed, ...others] = left;
      if (how === 'over' || seed === undefined) return;
      await this.ready();
      order = { seeds: others, recipes, endless: { seed, hostSeconds: this.#worldSeconds } };
    }
  }

  #limitWorld(isRunning: boolean): void {
    clearTimeout(this.#limit);
    if (isRunning) this.#limit = setTimeout(() => this.#replace(), 1000 * this.#worldSeconds);
  }

  /** The world that is under way does not end: its process goes, and another one comes. */
  #replace(): void {
    const old = this.#child;
    this.#child = this.#start();
    old.kill('SIGKILL');
    this.#waiting?.resolve('replaced');
  }

  /** Lets it go; it has nothing left to do but to tell what its worlds have executed. */
  async end(): Promise<void> {
    if (this.#coverage !== undefined && this.#child.connected && !this.#isAbandoned) {
      const told = this.#wait([], () => undefined);
      this.#child.send(TELL_EXECUTED);
      await told;
    }
    if (this.#child.connected) this.#child.disconnect();
    await this.#exit;
  }

  /** What is under way counts as over, whatever has not been reported of it. */
  abandon(): void {
    this.#isAbandoned = true;
    this.kill();
    this.#waiting?.resolve('over');
  }

  kill(): void {
    clearTimeout(this.#limit);
    this.#child.kill('SIGKILL');
  }

  #wait(seeds: readonly number[], onReport: (report: SeedReport) => void): Promise<Ended> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    if (this.#isAbandoned) return Promise.resolve('over');
    return new Promise((resolve, reject) => {
      this.#waiting = { seeds, onReport, resolve, reject };
    });
  }

  #hear(answer: WorkerAnswer): void {
    const executed = 'executed' in answer ? answer.executed : undefined;
    if (executed !== undefined) this.#tellExecuted(answer, executed);
    if (answer.kind === 'report') {
      if (answer.features !== undefined) this.#onFeatures?.(answer.features);
      this.#waiting?.onReport(answer.report);
    } else if (answer.kind === 'failed') this.#fail(new Error(answer.problem));
    else this.#waiting?.resolve('over');
  }

  #tellExecuted(answer: WorkerAnswer, executed: PackedSources): void {
    if (answer.kind === 'report') this.#coverage?.onWorld(answer.report.seed, executed);
    else if (answer.kind === 'ready') this.#coverage?.onLoaded(executed);
    else this.#coverage?.onEnded(executed);
  }

  #fail(error: Error): void {
    clearTimeout(this.#limit);
    if (this.#isAbandoned) return;
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
