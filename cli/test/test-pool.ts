/**
 * Worker processes for tests. Each reads the files by itself and is given numbers of tasks; what
 * comes back is the same as in one process, in the same order.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TestResult } from '../../testing/run/run-test.ts';
import type { Selection } from './selection.ts';

export interface PoolRequest {
  readonly selection: Selection;
  readonly seeds: { readonly first: number; readonly last: number } | undefined;
}

export type PoolAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'result'; readonly task: number; readonly result: TestResult }
  | { readonly kind: 'failed'; readonly problem: string };

/** Tasks that a worker has at a time: few enough that all end together. */
const AHEAD = 2;

/**
 * @param tasks how many there are
 * @throws Error when a worker dies
 */
export async function runInProcesses(
  request: PoolRequest,
  jobs: number,
  tasks: number,
  onResult: (result: TestResult) => void,
): Promise<void> {
  const results: (TestResult | undefined)[] = [];
  let next = 0;
  let told = 0;
  const take = (): number | undefined => (next < tasks ? next++ : undefined);
  const keep = (task: number, result: TestResult): void => {
    results[task] = result;
    for (let each = results[told]; each !== undefined; each = results[told]) {
      onResult(each);
      told += 1;
    }
  };
  const workers = Array.from({ length: Math.min(jobs, tasks) }, () => new Worker(request));
  try {
    await Promise.all(workers.map((worker) => worker.work(take, keep)));
  } finally {
    for (const worker of workers) worker.end();
  }
}

class Worker {
  readonly #child: ChildProcess;
  #complaint = '';

  constructor(request: PoolRequest) {
    this.#child = fork(PROGRAM, [JSON.stringify(request)], {
      // From source the loader is named by its place: the working directory is the user's.
      execArgv: IS_SOURCE ? ['--import', import.meta.resolve('tsx/esm')] : [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint = (this.#complaint + text).slice(-2000);
    });
  }

  work(
    take: () => number | undefined,
    keep: (task: number, result: TestResult) => void,
  ): Promise<void> {
    let under = 0;
    return new Promise((resolve, reject) => {
      const order = (): void => {
        const task = take();
        if (task !== undefined) {
          under += 1;
          this.#child.send({ task });
        } else if (under === 0) resolve();
      };
      this.#child.on('message', (answer: PoolAnswer) => {
        if (answer.kind === 'failed') return reject(new Error(answer.problem));
        if (answer.kind === 'result') {
          under -= 1;
          keep(answer.task, answer.result);
          return order();
        }
        for (let i = 0; i < AHEAD; i += 1) order();
      });
      this.#child.on('exit', (code, signal) => {
        const last = this.#complaint.trim().split('\n').at(-1) ?? '';
        reject(
          new Error(`a worker process ended (${signal ?? `status ${String(code)}`}): ${last}`),
        );
      });
    });
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
