/** The program of a worker process: reads the tests once, then runs those that it is told. */

import { runTest } from '../../testing/run/run-test.ts';
import { readSelection, tasksOf } from './selection.ts';
import type { PoolAnswer, PoolRequest } from './test-pool.ts';

async function main(): Promise<void> {
  const { selection, seeds } = JSON.parse(process.argv[2] ?? '{}') as PoolRequest;
  // The terminal sends Ctrl-C to us too; when we end is for the command to say.
  process.on('SIGINT', () => undefined);
  const tasks = tasksOf(await readSelection(selection), seeds);
  let last = Promise.resolve();
  process.on('message', ({ task }: { readonly task: number }) => {
    last = last
      .then(async () => {
        const found = tasks[task];
        if (found === undefined) return;
        const result = await runTest(found.test, found.seed);
        say({ kind: 'result', task, result });
      })
      .catch(fail);
  });
  say({ kind: 'ready' });
}

function say(answer: PoolAnswer): void {
  process.send?.(answer);
}

function fail(error: unknown): void {
  say({ kind: 'failed', problem: error instanceof Error ? error.message : String(error) });
}

main().catch(fail);
