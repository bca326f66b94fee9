/**
 * A child process that runs worlds: it loads a system once, and is then given seeds. A world that
 * does not end is stopped with its process; it has failed, and another process goes on behind it.
 *
 * A process that dies may have been ended from outside, or for want of memory that others took. So
 * the world that was under way is run again in a new one, and has failed if that dies of it, too.
 */

import type { ChildProcess } from 'node:child_process';
import type { PackedSources } from '../../debug/coverage/source-coverage.ts';
import { explainSystemError, UserMistake } from '../../host/problem.ts';
import { causeOfDeath } from '../../host/watch/cause-of-death.ts';
import { forkWorker, tellWorker } from '../../host/watch/worker-process.ts';
import type { SeedReport, WorldStopped } from '../../sim/campaign/campaign.ts';
import type { Recipe } from '../../sim/campaign/guide.ts';
import { errorOf, type WorkerProblem } from '../blame.ts';
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
  | WorkerProblem;

/** No more worlds: what they have executed is asked for. */
export const TELL_EXECUTED = 'executed?';

/** Hears what is executed: when programs are loaded, in one world, in all that told of nothing. */
export interface CoverageEars {
  readonly onLoaded: (executed: PackedSources) => void;
  readonly onWorld: (seed: number, executed: PackedSources) => void;
  readonly onEnded: (executed: PackedSources) => void;
}

/** Worlds to run, behind one that has not come to its end in the process before. */
export interface WorkerOrder {
  readonly seeds: readonly number[];
  /** By seed, where a guide has chosen them. */
  readonly recipes?: Recipes | undefined;
  readonly stopped?: WorldStopped | undefined;
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

/** How what was waited for has come. */
type Ended =
  | { readonly kind: 'over' }
  /** The world that is under way takes too long; another process is there. */
  | { readonly kind: 'endless' }
  | { readonly kind: 'died'; readonly how: string };

const OVER: Ended = { kind: 'over' };

/** Who waits for what the process says next. */
interface Waiting {
  readonly onReport: (report: SeedReport) => void;
  readonly resolve: (how: Ended) => void;
  readonly reject: (error: Error) => void;
}

export interface WorldProcessOptions {
  /** Of host time that a world may take. */
  readonly worldSeconds?: number;
  readonly coverage?: CoverageEars | undefined;
  /** Told, in a line, of each process that dies. */
  readonly onDeath?: ((line: string) => void) | undefined;
}

export class WorldProcess {
  readonly #request: CampaignRequest;
  readonly #worldSeconds: number;
  readonly #coverage: CoverageEars | undefined;
  readonly #onDeath: (line: string) => void;
  #child: ChildProcess;
  #exit: Promise<void> = Promise.resolve();
  #waiting: Waiting | undefined;
  #onFeatures: GuidedWorlds['onFeatures'] | undefined;
  /** How the process that was there last has died. */
  #died: string | undefined;
  /** Why there can be no further process. */
  #end: Error | undefined;
  #isAbandoned = false;
  /** Runs while a world does. */
  #limit: NodeJS.Timeout | undefined;

  constructor(request: CampaignRequest, options: WorldProcessOptions = {}) {
    this.#request = request;
    this.#worldSeconds = options.worldSeconds ?? WORLD_SECONDS_MAX;
    this.#coverage = options.coverage;
    this.#onDeath = options.onDeath ?? (() => undefined);
    this.#child = this.#start();
  }

  #start(): ChildProcess {
    this.#died = undefined;
    const child = forkWorker(PROGRAM, this.#request);
    child.on('message', (answer: WorkerAnswer) => {
      if (child === this.#child) this.#hear(answer);
    });
    child.on('error', (error) => {
      if (child === this.#child) this.#fail(explainSystemError(error, 'a worker process'));
    });
    this.#exit = causeOfDeath(child).then((how) => {
      if (child === this.#child) this.#die(how);
    });
    return child;
  }

  /** Waits until the system is loaded. @throws UserMistake when it cannot be */
  async ready(): Promise<void> {
    const ended = await this.#wait(() => undefined);
    if (ended.kind !== 'died') return;
    const what = 'a worker process died while it loaded the system';
    this.#onDeath(`${what}, which is tried again: ${ended.how}`);
    this.#child = this.#start();
    const again = await this.#wait(() => undefined);
    if (again.kind === 'died') throw new UserMistake(`${what}, for the second time: ${again.how}`);
  }

  /**
   * Every seed is reported, whatever becomes of the process.
   *
   * @throws UserMistake when no process can load the system any more
   */
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
    /** Run again, since its process has died. */
    let again: number | undefined;
    let order: WorkerOrder = { seeds, recipes };
    for (;;) {
      if (this.#died !== undefined) await this.#startAgain();
      const how = await this.#obeyed(order, report);
      const [seed, ...others] = left;
      if (how.kind === 'over' || seed === undefined) return;
      if (how.kind === 'endless') await this.ready();
      const stopped = this.#stopped(how, seed, again);
      again = seed;
      order = { seeds: stopped === undefined ? left : others, recipes, stopped };
    }
  }

  async #obeyed(order: WorkerOrder, onReport: Waiting['onReport']): Promise<Ended> {
    const done = this.#wait(onReport);
    tellWorker(this.#child, order);
    this.#limitWorld(true);
    const how = await done;
    this.#limitWorld(false);
    return how;
  }

  /** @returns why a world has failed; undefined when it is to be run again */
  #stopped(
    how: Exclude<Ended, { readonly kind: 'over' }>,
    seed: number,
    again: number | undefined,
  ): WorldStopped | undefined {
    if (how.kind === 'endless') {
      const what = `the world does not end: it was stopped after ${this.#worldSeconds} s of host time`;
      return { seed, how: 'endless', what };
    }
    if (seed === again) {
      return { seed, how: 'died', what: `its process dies: ${how.how}` };
    }
    this.#onDeath(`a worker process died in world ${seed}, which is run again: ${how.how}`);
    return undefined;
  }

  async #startAgain(): Promise<void> {
    this.#child = this.#start();
    await this.ready();
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
    this.#waiting?.resolve({ kind: 'endless' });
  }

  /** Lets it go; it has nothing left to do but to tell what its worlds have executed. */
  async end(): Promise<void> {
    if (this.#coverage !== undefined && this.#child.connected && !this.#isAbandoned) {
      const told = this.#wait(() => undefined);
      tellWorker(this.#child, TELL_EXECUTED);
      const how = await told;
      if (how.kind === 'died') {
        this.#onDeath(`a worker process died before it told what it has executed: ${how.how}`);
      }
    }
    if (this.#child.connected) this.#child.disconnect();
    await this.#exit;
  }

  /** What is under way counts as over, whatever has not been reported of it. */
  abandon(): void {
    this.#isAbandoned = true;
    this.kill();
    this.#waiting?.resolve(OVER);
  }

  kill(): void {
    clearTimeout(this.#limit);
    this.#child.kill('SIGKILL');
  }

  #wait(onReport: Waiting['onReport']): Promise<Ended> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    if (this.#isAbandoned) return Promise.resolve(OVER);
    if (this.#died !== undefined) return Promise.resolve({ kind: 'died', how: this.#died });
    return new Promise((resolve, reject) => {
      this.#waiting = { onReport, resolve, reject };
    });
  }

  #hear(answer: WorkerAnswer): void {
    const executed = 'executed' in answer ? answer.executed : undefined;
    if (executed !== undefined) this.#tellExecuted(answer, executed);
    if (answer.kind === 'report') {
      if (answer.features !== undefined) this.#onFeatures?.(answer.features);
      this.#waiting?.onReport(answer.report);
    } else if (answer.kind === 'failed') this.#fail(errorOf(answer));
    else this.#waiting?.resolve(OVER);
  }

  #tellExecuted(answer: WorkerAnswer, executed: PackedSources): void {
    if (answer.kind === 'report') this.#coverage?.onWorld(answer.report.seed, executed);
    else if (answer.kind === 'ready') this.#coverage?.onLoaded(executed);
    else this.#coverage?.onEnded(executed);
  }

  #die(how: string): void {
    clearTimeout(this.#limit);
    if (this.#isAbandoned) return;
    this.#died = how;
    this.#waiting?.resolve({ kind: 'died', how });
  }

  #fail(error: Error): void {
    clearTimeout(this.#limit);
    if (this.#isAbandoned) return;
    this.#end ??= error;
    this.#waiting?.reject(this.#end);
  }
}

const PROGRAM = new URL('./worker-process.ts', import.meta.url);
