/** The program of a worker process: reads the tests once, then runs those that it is told. */

import { compileAsUsual } from '../../host/engine.ts';
import { requestOfParent } from '../../host/watch/worker-process.ts';
import { problemOf } from '../blame.ts';
import { forbidEndingToPrograms } from '../own-process.ts';
import { TaskRunner, type TestRequest } from './task-runner.ts';
import type { PoolAnswer, PoolOrder } from './test-pool.ts';

async function main(): Promise<void> {
  // The terminal sends Ctrl-C to us too; when we end is for the command to say.
  process.on('SIGINT', () => undefined);
  forbidEndingToPrograms();
  const request = requestOfParent<TestRequest>();
  const runner = await TaskRunner.open(request, (line) => say({ kind: 'note', line }));
  let last = Promise.resolve();
  process.on('message', (order: PoolOrder) => {
    last = last.then(() => obey(runner, order)).catch(fail);
  });
  const executed = await runner.loaded();
  compileAsUsual();
  say({ kind: 'ready', tests: runner.tests, executed });
}

async function obey(runner: TaskRunner, order: PoolOrder): Promise<void> {
  if (order === 'end') return say({ kind: 'ended', executed: await runner.end() });
  const found = runner.tasks[order.task];
  if (found === undefined) return;
  say({ kind: 'result', task: order.task, run: await runner.run(found) });
}

function say(answer: PoolAnswer): void {
  process.send?.(answer);
}

function fail(error: unknown): void {
  say(problemOf(error));
}

main().catch(fail);
