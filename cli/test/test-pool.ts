/**
 * Worker processes for tests. Each reads the files by itself and is given numbers of tasks; what
 * comes back is the same as in one process, in the same order.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { PackedSources } from '../../debug/coverage/source-coverage.ts';
import { sparingArguments } from '../../host/engine.ts';
import { UserMistake } from '../../host/problem.ts';
import type { TestResult } from '../../testing/run/run-test.ts';
import { causeOfDeath } from '../cause-of-death.ts';
import type { Task } from './selection.ts';
import type { RunTask, TestRequest } from './task-runner.ts';

export type PoolOrder = { readonly task: number } | 'end';

export type PoolAnswer =
  | { readonly kind: 'ready'; readonly executed: PackedSources | undefined }
  | { readonly kind: 'result'; readonly task: number; readonly run: RunTask }
  | { readonly kind: 'ended'; readonly executed: PackedSources | undefined }
  | { readonly kind: 'note'; readonly line: string }
  | { readonly kind: 'failed'; readonly problem: string; readonly whose: 'the user' | 'ours' };

/** Who hears what the workers have to tell. */
export interface PoolEars {
  /** In the order of the tasks, whoever ran them. */
  readonly onResult: (run: RunTask) => void;
  readonly onLoaded: (executed: PackedSources) => void;
  readonly onEnded: (executed: PackedSources) => void;
  readonly note: (line: string) => void;
}

/** Tasks that a worker has at a time: few enough that all end together. */
const AHEAD = 2;

/**
 * Lets workers begin to load while the command reads the same files: as many as there are
 * processors for. They are for {@link runInProcesses}, or to be ended.
 */
export function startWorkers(request: TestRequest, jobs: number): readonly TestWorker[] {
  const count = Math.min(jobs, availableParallelism());
  return Array.from({ length: count }, () => new Worker(request));
}

/** A process that runs tests: see {@link startWorkers}. */
export type TestWorker = Worker;

export interface TestPool {
  readonly request: TestRequest;
  /** Processes at a time. */
  readonly jobs: number;
  /** Some of them, which have begun to load. */
  readonly started: readonly TestWorker[];
}

/**
 * A worker may have been ended from outside: the test that was under way is run again in another
 * one, and has failed if that dies of it, too.
 *
 * @throws UserMistake when a worker cannot read or run a test; Error when none can be loaded
 */
export async function runInProcesses(
  { request, jobs, started }: TestPool,
  tasks: readonly Task[],
  ears: PoolEars,
): Promise<void> {
  const lanes = new Lanes(request, tasks, ears);
  for (const worker of started.slice(tasks.length)) worker.end();
  const count = Math.min(jobs, tasks.length);
  try {
    await Promise.all(Array.from({ length: count }, (_, lane) => lanes.run(started[lane])));
  } finally {
    lanes.end();
  }
}

/** Tests are taken by whoever is free; each lane has one worker at a time. */
class Lanes {
  readonly #request: TestRequest;
  readonly #tasks: readonly Task[];
  readonly #ears: PoolEars;
  readonly #workers = new Set<Worker>();
  /** What has come, and cannot be told before what stands in front of it. */
  readonly #results: (RunTask | undefined)[] = [];
  #next = 0;
  #told = 0;

  constructor(request: TestRequest, tasks: readonly Task[], ears: PoolEars) {
    this.#request = request;
    this.#tasks = tasks;
    this.#ears = ears;
  }

  /** @param started its first worker, if there is one already */
  async run(started?: Worker): Promise<void> {
    let worker = started ?? new Worker(this.#request);
    /** Run again, since its worker has died. */
    let again: number | undefined;
    for (let left: readonly number[] = []; ; worker = new Worker(this.#request)) {
      this.#workers.add(worker);
      const how = await worker.work(left, {
        ears: this.#ears,
        take: () => this.#take(),
        keep: (task, run) => this.#keep(task, run),
      });
      this.#workers.delete(worker);
      if (how === 'ended') return;
      const [first, ...others] = worker.underWay;
      if (first === undefined)
        throw new UserMistake(`a worker process died as it loaded the tests: ${how.died}`);
      const isOver = first === again;
      if (isOver) this.#keep(first, { result: this.#dead(first, how.died) });
      else this.#ears.note(`a worker process died, and its test is run again: ${how.died}`);
      left = isOver ? others : worker.underWay;
      again = first;
    }
  }

  end(): void {
    for (const worker of this.#workers) worker.end();
  }

  #take(): number | undefined {
    return this.#next < this.#tasks.length ? this.#next++ : undefined;
  }

  #keep(task: number, run: RunTask): void {
    this.#results[task] = run;
    for (let each = this.#results[this.#told]; each !== undefined;) {
      this.#ears.onResult(each);
      // What it has executed may be long.
      this.#results[this.#told] = undefined;
      this.#told += 1;
      each = this.#results[this.#told];
    }
  }

  #dead(task: number, how: string): TestResult {
    const { test, seed } = this.#tasks[task] as Task;
    const { name, file, where } = test;
    const came = [`its process dies: ${how}`];
    const failure = { step: name, where, expected: 'the run to go on', came, events: [] };
    return { name, file, seed, verdict: 'failed', timeNs: 0, failure };
  }
}

/** What a worker is given to do, and who hears of it. */
interface Work {
  readonly ears: PoolEars;
  readonly take: () => number | undefined;
  readonly keep: (task: number, run: RunTask) => void;
}

class Worker {
  /** Tests that it has been given and that are not over, in the order in which it runs them. */
  underWay: number[] = [];
  readonly #child: ChildProcess;
  readonly #died: Promise<string>;
  /** What it has said before there was work for it. */
  readonly #early: PoolAnswer[] = [];
  #onAnswer = (answer: PoolAnswer): void => {
    this.#early.push(answer);
  };

  constructor(request: TestRequest) {
    // From source the loader is named by its place: the working directory is the user's.
    const loader = IS_SOURCE ? ['--import', import.meta.resolve('tsx/esm')] : [];
    this.#child = fork(PROGRAM, [JSON.stringify(request)], {
      execArgv: [...sparingArguments(), ...loader],
      // The last is for it to hear that we have gone.
      stdio: ['ignore', 'ignore', 'pipe', 'ipc', 'pipe'],
    });
    this.#child.on('message', (answer: PoolAnswer) => this.#onAnswer(answer));
    this.#died = new Promise((resolve, reject) => {
      this.#child.on('error', reject);
      causeOfDeath(this.#child).then(resolve, reject);
    });
    this.#died.catch(() => undefined); // heard when there is work for it
  }

  /** @param left given to it before any other */
  work(
    left: readonly number[],
    { ears, take, keep }: Work,
  ): Promise<'ended' | { readonly died: string }> {
    const given = [...left];
    let isEnding = false;
    return new Promise((resolve, reject) => {
      const order = (): void => {
        const task = given.shift() ?? take();
        if (task !== undefined) {
          this.underWay.push(task);
          this.#tell({ task });
        } else if (this.underWay.length === 0 && !isEnding) {
          isEnding = true;
          this.#tell('end');
        }
      };
      this.#onAnswer = (answer) => {
        switch (answer.kind) {
          case 'failed':
            return reject(
              answer.whose === 'ours' ? new Error(answer.problem) : new UserMistake(answer.problem),
            );
          case 'note':
            return ears.note(answer.line);
          case 'result':
            this.underWay = this.underWay.filter((each) => each !== answer.task);
            keep(answer.task, answer.run);
            return order();
          case 'ready':
            if (answer.executed !== undefined) ears.onLoaded(answer.executed);
            for (let i = 0; i < AHEAD; i += 1) order();
            return undefined;
          case 'ended':
            if (answer.executed !== undefined) ears.onEnded(answer.executed);
            return resolve('ended');
          default:
            return answer satisfies never;
        }
      };
      this.#died.then((died) => resolve({ died }), reject);
      for (const answer of this.#early) this.#onAnswer(answer);
    });
  }

  #tell(order: PoolOrder): void {
    if (this.#child.connected) this.#child.send(order);
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }
}

const IS_SOURCE = import.meta.url.endsWith('.ts');
const PROGRAM = fileURLToPath(
  new URL(IS_SOURCE ? './worker-process.ts' : './worker-process.js', import.meta.url),
);
