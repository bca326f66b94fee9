/**
 * Worker processes for tests. Each reads the files by itself and is given numbers of tasks; what
 * comes back is the same as in one process, in the same order.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { PackedSources } from '../../debug/coverage/source-coverage.ts';
import { UserMistake } from '../../host/problem.ts';
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
 * @param tasks how many there are
 * @throws UserMistake when a worker cannot read or run a test; Error when it dies
 */
export async function runInProcesses(
  request: TestRequest,
  jobs: number,
  tasks: number,
  ears: PoolEars,
): Promise<void> {
  const results: (RunTask | undefined)[] = [];
  let next = 0;
  let told = 0;
  const take = (): number | undefined => (next < tasks ? next++ : undefined);
  const keep = (task: number, run: RunTask): void => {
    results[task] = run;
    for (let each = results[told]; each !== undefined; each = results[told]) {
      ears.onResult(each);
      // What it has executed may be long.
      results[told] = undefined;
      told += 1;
    }
  };
  const workers = Array.from({ length: Math.min(jobs, tasks) }, () => new Worker(request, ears));
  try {
    await Promise.all(workers.map((worker) => worker.work(take, keep)));
  } finally {
    for (const worker of workers) worker.end();
  }
}

class Worker {
  readonly #child: ChildProcess;
  readonly #ears: PoolEars;
  #complaint = '';

  constructor(request: TestRequest, ears: PoolEars) {
    this.#ears = ears;
    this.#child = fork(PROGRAM, [JSON.stringify(request)], {
      // From source the loader is named by its place: the working directory is the user's.
      execArgv: IS_SOURCE ? ['--import', import.meta.resolve('tsx/esm')] : [],
      // The last is for it to hear that we have gone.
      stdio: ['ignore', 'ignore', 'pipe', 'ipc', 'pipe'],
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint = (this.#complaint + text).slice(-2000);
    });
  }

  work(take: () => number | undefined, keep: (task: number, run: RunTask) => void): Promise<void> {
    let under = 0;
    return new Promise((resolve, reject) => {
      const order = (): void => {
        const task = take();
        if (task !== undefined) {
          under += 1;
          this.#tell({ task });
        } else if (under === 0) {
          under = Infinity;
          this.#tell('end');
        }
      };
      this.#child.on('message', (answer: PoolAnswer) => {
        switch (answer.kind) {
          case 'failed':
            return reject(
              answer.whose === 'ours' ? new Error(answer.problem) : new UserMistake(answer.problem),
            );
          case 'note':
            return this.#ears.note(answer.line);
          case 'result':
            under -= 1;
            keep(answer.task, answer.run);
            return order();
          case 'ready':
            if (answer.executed !== undefined) this.#ears.onLoaded(answer.executed);
            for (let i = 0; i < AHEAD; i += 1) order();
            return undefined;
          case 'ended':
            if (answer.executed !== undefined) this.#ears.onEnded(answer.executed);
            return resolve();
          default:
            return answer satisfies never;
        }
      });
      this.#child.on('exit', (code, signal) => {
        const last = this.#complaint.trim().split('\n').at(-1) ?? '';
        reject(
          new Error(`a worker process ended (${signal ?? `status ${String(code)}`}): ${last}`),
        );
      });
    });
  }

  #tell(order: PoolOrder): void {
    this.#child.send(order);
  }

  end(): void {
    this.#child.removeAllListeners('exit');
    this.#child.kill('SIGKILL');
  }
}

const IS_SOURCE = import.meta.url.endsWith('.ts');
const PROGRAM = fileURLToPath(
  new URL(IS_SOURCE ? './worker-process.ts' : './worker-process.js', import.meta.url),
);
