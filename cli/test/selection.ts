/** Which tests a command line means: files or suites of conformance, and a choice among them. */

import { resolve } from 'node:path';
import { readBounded } from '../../host/bounded-file.ts';
import { UserMistake } from '../../host/problem.ts';
import type { SeedRange } from '../../sim/campaign/seed-range.ts';
import { readTestFile, type TestCase } from '../../testing/file/test-file.ts';
import { TEST_BYTES_MAX } from '../../testing/given/yaml.ts';
import { keep } from '../../testing/run/scene.ts';
import { ROLES } from '../../testing/unit/roles.ts';
import { shellText } from '../../systems/shell-text.ts';
import { FileScenes, type OnFolder } from './scene-loader.ts';
import { suiteOf } from './suites.ts';

/** As the command line has it: plain data, for worker processes. */
export interface Selection {
  readonly files: readonly string[];
  readonly conformance?: string | undefined;
  readonly filter?: string | undefined;
}

/** A test without what it does: plain data, for other processes. */
export type NamedTest = Pick<TestCase, 'name' | 'file' | 'where' | 'seeds'>;

/** One run of one test. */
export interface Task<Test extends NamedTest = TestCase> {
  readonly test: Test;
  readonly seed: number;
}

const TASKS_MAX = 1_000_000;

/** Which seeds each test is run with. */
interface SeedChoice {
  readonly seeds: SeedRange | undefined;
  readonly update: 'files' | 'nothing';
}

/** @throws UserMistake with everything that is wrong with the files, a line each */
export async function readSelection(
  selection: Selection,
  onFolder: OnFolder = () => undefined,
): Promise<readonly TestCase[]> {
  const tests = await allTests(selection, onFolder);
  const { filter } = selection;
  const chosen = tests.filter(({ name }) => filter === undefined || name.includes(filter));
  if (chosen.length > 0) return chosen;
  const known = tests.length === 1 ? 'there is one test' : `there are ${tests.length} tests`;
  throw new UserMistake(`--filter: no test's name holds '${filter ?? ''}'; ${known}`);
}

/**
 * Each test with each of its seeds, in the order of the files. What is printed in another order is
 * another transcript: one is written with the first seed.
 *
 * @throws UserMistake when they are more than can be run
 */
export function tasksOf<Test extends NamedTest>(
  tests: readonly Test[],
  how: SeedChoice,
): readonly Task<Test>[] {
  const count = tests.reduce((sum, test) => sum + seedsOf(test, how).count, 0);
  if (count > TASKS_MAX) throw new UserMistake(`--seeds: more than ${TASKS_MAX} runs`);
  return tests.flatMap((test) => {
    const { first, count } = seedsOf(test, how);
    return Array.from({ length: count }, (_, index) => ({ test, seed: first + index }));
  });
}

function seedsOf(
  test: NamedTest,
  { seeds, update }: SeedChoice,
): { readonly first: number; readonly count: number } {
  const { first, last } = seeds ?? test.seeds ?? { first: 1, last: 1 };
  return { first, count: update === 'files' ? 1 : last - first + 1 };
}

/** @throws UserMistake when there are several, or none */
export function singleTask(tasks: readonly Task[], option: string): Task {
  const [task, another] = tasks;
  if (task !== undefined && another === undefined) return task;
  throw new UserMistake(
    `${option}: is for one test with one seed, and here are ${tasks.length}; choose with --filter and --seeds`,
  );
}

/** The command that runs the selection, without what chooses among its tests. */
export function commandOf({ files, conformance }: Selection, file: string): string {
  if (conformance === undefined) return `sddf test ${shellText(file)}`;
  return ['sddf test --conformance', conformance, ...files.map(shellText)].join(' ');
}

async function allTests(
  { files, conformance }: Selection,
  onFolder: OnFolder,
): Promise<readonly TestCase[]> {
  if (conformance === undefined) return readFiles(files, onFolder);
  const [unit, another] = files;
  if (another !== undefined) throw new UserMistake('--conformance tries one unit at a time');
  if (conformance === 'all' && unit !== undefined) {
    throw new UserMistake('--conformance all tries our own units; name the role of yours');
  }
  const roles = conformance === 'all' ? ROLES.map(({ name }) => name) : [conformance];
  const tests: TestCase[] = [];
  for (const role of roles) {
    const { file, ours } = suiteOf(role);
    const tried = unit === undefined ? ours : resolve(unit);
    tests.push(...(await readFiles([file], onFolder, tried)));
  }
  return tests;
}

async function readFiles(
  files: readonly string[],
  onFolder: OnFolder,
  unit?: string,
): Promise<readonly TestCase[]> {
  const problems: string[] = [];
  const tests: TestCase[] = [];
  const kept = keep();
  for (const file of files) {
    const read = readBounded(file, TEST_BYTES_MAX);
    if (read.kind === 'too long') {
      problems.push(`${file}: is larger than 1 MiB, which no file of tests needs`);
      continue;
    }
    const text = new TextDecoder().decode(read.bytes);
    const found = await readTestFile(file, text, new FileScenes(file, kept, onFolder), unit);
    problems.push(...found.problems);
    tests.push(...found.tests);
  }
  if (problems.length > 0) throw new UserMistake(problems.join('\n'));
  return tests;
}
