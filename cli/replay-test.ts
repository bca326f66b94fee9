/** `sddf replay TESTS.yaml`: one scripted test once more, step by step, to be looked at. */

import { UserMistake } from '../host/problem.ts';
import { readSeedRange } from '../sim/campaign/seed-range.ts';
import { jsonText } from '../systems/json-text.ts';
import { failureText } from '../testing/report/failure-text.ts';
import { runTest, type TestResult } from '../testing/run/run-test.ts';
import { PLAIN_SEED } from '../testing/run/test-run.ts';
import { STATUS } from './exit.ts';
import { sayBegins } from './world-limit.ts';
import type { Terminal } from './terminal.ts';
import { debugTest } from './test/debug-test.ts';
import { readSelection, singleTask, type Task, tasksOf } from './test/selection.ts';
import { traceTest } from './test/trace-test.ts';

export interface ReplayTestFlags {
  readonly filter?: string;
  readonly seeds?: string;
  readonly trace?: string;
  readonly gdb?: string;
  readonly json?: true;
}

/**
 * @param others options of `sddf replay` that mean something for worlds alone
 * @throws UserMistake
 */
export async function replayTest(
  path: string,
  flags: ReplayTestFlags,
  others: readonly string[],
  terminal: Terminal,
): Promise<void> {
  if (others.length > 0) throw new UserMistake(`--${others[0]}: is for worlds of sddf sim`);
  const seeds = readSeedRange(flags.seeds ?? `${PLAIN_SEED}..${PLAIN_SEED}`) ?? 'none';
  if (seeds === 'none') throw new UserMistake(`--seeds: '${flags.seeds}' is no seed such as 7`);
  const tests = await readSelection({ files: [path], filter: flags.filter });
  const tasks = tasksOf(tests, { seeds, update: 'nothing' });
  const task = singleTask(tasks, path);
  if (flags.trace !== undefined) await traceTest(tasks, flags.trace, terminal);
  const result =
    flags.gdb === undefined
      ? await runAloud(task, terminal)
      : await debugTest(tasks, flags.gdb, terminal);
  print(result, flags, terminal);
  process.exitCode = STATUS[result.verdict];
}

function runAloud({ test, seed }: Task, terminal: Terminal): Promise<TestResult> {
  sayBegins(`the test '${test.name}'`);
  return runTest(test, seed, {
    book: 'kept',
    onStep: ({ where, words }, timeNs) => {
      terminal.print(`${(timeNs / 1e6).toFixed(6).padStart(12)} ms  ${where}: ${words}`);
    },
  });
}

function print(result: TestResult, { json }: ReplayTestFlags, terminal: Terminal): void {
  if (json === true) process.stdout.write(`${jsonText(result)}\n`);
  else terminal.print(result.verdict === 'passed' ? 'passed' : failureText(result, []));
}
