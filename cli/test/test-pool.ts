/**
 * Worker processes for tests. Each reads the files by itself, tells which tests it has found and
 * is given numbers of tasks; what comes back is the same as in one process, in the same order. The
 * command itself reads none: it would compete with its workers for the processors.
 */

import type { ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import type { PackedSources } from '../../debug/coverage/source-coverage.ts';
import { sparingArguments } from '../../host/engine.ts';
import { after, type HostTimer } from '../../host/event-loop.ts';
import { explainSystemError, UserMistake } from '../../host/problem.ts';
import { causeOfDeath } from '../../host/watch/cause-of-death.ts';
import { forkWorker, tellWorker } from '../../host/watch/worker-process.ts';
import type { TestResult } from '../../testing/run/run-test.ts';
import { errorOf, type WorkerProblem } from '../blame.ts';
import { type NamedTest, type Task, tasksOf } from './selection.ts';
import type { RunTask, TestRequest } from './task-runner.ts';

export type PoolOrder = { readonly task: number } | 'end';

export type PoolAnswer =
  | {
      readonly kind: 'ready';
      readonly tests: readonly NamedTest[];
      readonly executed: PackedSources | undefined;
    }
  | { readonly kind: 'result'; readonly task: number; readonly run: RunTask }
  | { readonly kind: 'ended'; readonly executed: PackedSources | undefined }
  | { readonly kind: 'note'; readonly line: string }
  | WorkerProblem;

/** Who hears what the workers have to tell. */
export interface PoolEars {
  /** In the order of the tasks, whoever ran them. */
  readonly onResult: (run: RunTask, task: Task<NamedTest>) => void;
  readonly onLoaded: (executed: PackedSources) => void;
  readonly onEnded: (executed: PackedSources) => void;
  readonly note: (line: string) => void;
}

/** Tasks that a worker has at a time: few enough that all end together. */
const AHEAD = 2;
/** Of host time, that a test may take, or the loading of all: for what never ends alone. */
const SECONDS_MAX = 300;

/**
 * A worker may have been ended from outside: the test that was under way is run again in another
 * one, and has failed if that dies of it, too. One that dies before its first test, or behind its
 * last, is no test's failure.
 *
 * @param jobs processes at a time
 * @throws UserMistake when a worker cannot read or run a test, or when two die of reading them
 */
export async function runInProcesses(
  request: TestRequest,
  jobs: number,
  ears: PoolEars,
  secondsMax = SECONDS_MAX,
): Promise<void> {
  const lanes = new Lanes(request, ears, secondsMax);
  try {
    await Promise.all(Array.from({ length: jobs }, (_, lane) => lanes.run(lane)));
  } finally {
    lanes.end();
  }
}

/** Tests are taken by whoever is free; each lane has one worker at a time. */
class Lanes {
  readonly #request: TestRequest;
  readonly #ears: PoolEars;
  readonly #secondsMax: number;
  /** Known when the first worker has read the files. */
  #tasks: readonly Task<NamedTest>[] = [];
  #tests: readonly NamedTest[] | undefined;
  readonly #workers = new Set<Worker>();
  /** What has come, and cannot be told before what stands in front of it. */
  readonly #results: (RunTask | undefined)[] = [];
  #next = 0;
  #told = 0;
  #isOver = false;
  /** A worker of any lane: two that die of it die of what they load. */
  #hasDiedLoading = false;
  /** The tests have been read, or will not be. */
  readonly #known: Promise<void>;
  #setKnown = (): void => undefined;

  constructor(request: TestRequest, ears: PoolEars, secondsMax: number) {
    this.#request = request;
    this.#ears = ears;
    this.#secondsMax = secondsMax;
    this.#known = new Promise((resolve) => {
      this.#setKnown = resolve;
    });
  }

  /** One that no processor is free for begins when it is known that there is something for it. */
  async run(lane: number): Promise<void> {
    if (lane >= availableParallelism()) {
      await this.#known;
      if (this.#isOver || lane >= this.#tasks.length) return;
    }
    const begin = (): Worker => new Worker(this.#request, this.#secondsMax);
    let worker = begin();
    /** What workers have died of, if nobody has ended them from outside. */
    const suspects = new Set<number>();
    for (let left: readonly number[] = []; ; worker = begin()) {
      this.#workers.add(worker);
      const died = await worker.work(left, {
        ears: this.#ears,
        found: (tests) => this.#found(tests),
        take: () => this.#take(),
        keep: (task, run) => this.#keep(task, run),
      });
      this.#workers.delete(worker);
      if (died === undefined) return worker.end();
      if (this.#isOver) return; // we have ended it
      const { doing, underWay, isEndless } = worker;
      const stopped = `it was stopped after ${this.#secondsMax} s of host time`;
      if (doing === 'ending') {
        const what = 'a worker process died before it told what it has executed';
        return this.#ears.note(`${what}: ${died}`);
      }
      if (doing === 'loading') {
        if (isEndless)
          throw new UserMistake(`the tests do not load: stopped after ${SECONDS_MAX} s`);
        const what = 'a worker process died while it loaded the tests';
        if (this.#hasDiedLoading) throw new UserMistake(`${what}, for the second time: ${died}`);
        this.#hasDiedLoading = true;
        this.#ears.note(`${what}, which is tried again: ${died}`);
        continue;
      }
      const isAgain = isEndless || suspects.has(doing);
      suspects.add(doing);
      const how = isEndless ? `it does not end: ${stopped}` : `its process dies: ${died}`;
      if (isAgain) this.#keep(doing, { result: this.#dead(doing, how) });
      else this.#ears.note(`a worker process died, and its test is run again: ${died}`);
      left = isAgain ? underWay.slice(1) : underWay;
    }
  }

  end(): void {
    this.#isOver = true;
    this.#setKnown();
    for (const worker of this.#workers) worker.end();
  }

  /** @throws UserMistake when there are too many, or when another worker has found other ones */
  #found(tests: readonly NamedTest[]): void {
    if (this.#tests === undefined) {
      this.#tasks = tasksOf(tests, this.#request);
      this.#tests = tests;
      this.#setKnown();
    } else if (!isDeepStrictEqual(tests, this.#tests)) {
      throw new UserMistake('the tests have changed while they were read; run them again');
    }
  }

  #take(): number | undefined {
    return this.#next < this.#tasks.length ? this.#next++ : undefined;
  }

  #keep(task: number, run: RunTask): void {
    this.#results[task] = run;
    for (let each = this.#results[this.#told]; each !== undefined;) {
      this.#ears.onResult(each, this.#tasks[this.#told] as Task<NamedTest>);
      // What it has executed may be long.
      this.#results[this.#told] = undefined;
      this.#told += 1;
      each = this.#results[this.#told];
    }
  }

  #dead(task: number, how: string): TestResult {
    const { test, seed } = this.#tasks[task] as Task<NamedTest>;
    const { name, file, where } = test;
    const failure = { step: name, where, expected: 'the run to go on', came: [how], events: [] };
    return { name, file, seed, verdict: 'failed', timeNs: 0, failure };
  }
}

/** What a worker is given to do, and who hears of it. */
interface Work {
  readonly ears: PoolEars;
  readonly found: (tests: readonly NamedTest[]) => void;
  readonly take: () => number | undefined;
  readonly keep: (task: number, run: RunTask) => void;
}

class Worker {
  /** Tests that it has been given and that are not over, in the order in which it runs them. */
  underWay: number[] = [];
  /** It has been ended for what it was about, which took too long. */
  isEndless = false;
  readonly #child: ChildProcess;
  readonly #died: Promise<string>;
  readonly #secondsMax: number;
  #limit: HostTimer | undefined;
  #onAnswer: (answer: PoolAnswer) => void = () => undefined;
  #isLoaded = false;

  constructor(request: TestRequest, secondsMax: number) {
    this.#secondsMax = secondsMax;
    // Workers are as many as the processors that they are for: V8's own threads would take theirs.
    this.#child = forkWorker(PROGRAM, request, ['--single-threaded-gc', ...sparingArguments()]);
    this.#child.on('message', (answer: PoolAnswer) => this.#onAnswer(answer));
    this.#died = new Promise((resolve, reject) => {
      this.#child.on('error', (error) => reject(explainSystemError(error, 'a worker process')));
      causeOfDeath(this.#child).then(resolve, reject);
    });
    this.#died.catch(() => undefined); // heard when there is work for it
    this.#restartLimit();
  }

  /** What it is about: a test, or what stands before all of them or behind. */
  get doing(): number | 'loading' | 'ending' {
    return this.#isLoaded ? (this.underWay[0] ?? 'ending') : 'loading';
  }

  /**
   * @param left given to it before any other
   * @returns undefined when all is done; else how it died
   */
  work(left: readonly number[], { ears, found, take, keep }: Work): Promise<string | undefined> {
    const given = [...left];
    let isEnding = false;
    return new Promise((resolve, reject) => {
      const order = (): void => {
        const task = given.shift() ?? take();
        if (task !== undefined) {
          this.underWay.push(task);
          tellWorker(this.#child, { task } satisfies PoolOrder);
        } else if (this.underWay.length === 0 && !isEnding) {
          isEnding = true;
          tellWorker(this.#child, 'end' satisfies PoolOrder);
        }
      };
      this.#onAnswer = (answer) => {
        this.#restartLimit();
        switch (answer.kind) {
          case 'failed':
            return reject(errorOf(answer));
          case 'note':
            return ears.note(answer.line);
          case 'result':
            this.underWay = this.underWay.filter((each) => each !== answer.task);
            keep(answer.task, answer.run);
            return order();
          case 'ready':
            try {
              found(answer.tests);
            } catch (error) {
              return reject(error as Error);
            }
            this.#isLoaded = true;
            this.#restartLimit();
            if (answer.executed !== undefined) ears.onLoaded(answer.executed);
            for (let i = 0; i < AHEAD; i += 1) order();
            return undefined;
          case 'ended':
            if (answer.executed !== undefined) ears.onEnded(answer.executed);
            return resolve(undefined);
          default:
            return answer satisfies never;
        }
      };
      this.#died.then(resolve, reject);
    });
  }

  #restartLimit(): void {
    this.#limit?.cancel();
    const seconds = this.#isLoaded ? this.#secondsMax : SECONDS_MAX;
    this.#limit = after(seconds * 1000, () => {
      this.isEndless = true;
      this.end();
    });
  }

  end(): void {
    this.#limit?.cancel();
    this.#child.kill('SIGKILL');
  }
}

const PROGRAM = new URL('./worker-process.ts', import.meta.url);
