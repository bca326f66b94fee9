/** `sddf test`: scripted tests of systems and of single domains. */

import { resolve } from 'node:path';
import { Command } from 'commander';
import { readBounded } from '../../host/bounded-file.ts';
import { refuseClashes } from '../../host/file-use.ts';
import { UserMistake } from '../../host/problem.ts';
import { readSeedRange, type SeedRange } from '../../sim/campaign/seed-range.ts';
import { TestbedError } from '../../systems/testbed.ts';
import { readTestFile, type TestCase } from '../../testing/file/test-file.ts';
import { TEST_BYTES_MAX } from '../../testing/given/yaml.ts';
import { failureText } from '../../testing/report/failure-text.ts';
import { junitText, type JunitCase } from '../../testing/report/junit.ts';
import { runTest, type TestResult } from '../../testing/run/run-test.ts';
import { ROLES } from '../../testing/unit/roles.ts';
import { SYSTEM_VERBS } from '../../testing/verbs/verbs.ts';
import { OutputFile } from '../output-file.ts';
import { openTerminal, type Terminal } from '../terminal.ts';
import { FileScenes } from './scene-loader.ts';
import { suiteOf } from './suites.ts';

const EXIT_FAILED = 1;
const EXIT_VOID = 3;

export interface TestFlags {
  readonly junit?: string;
  readonly filter?: string;
  readonly seeds?: string;
  readonly conformance?: string;
  readonly verbs?: true;
  readonly json?: true;
}

export function testCommand(): Command {
  return new Command('test')
    .description('Runs scripted tests (YAML) of systems, and of single drivers and virtualisers.')
    .argument('[files...]', 'files of tests, such as tests/*.yaml')
    .option('--filter <text>', 'only tests whose name holds this text')
    .option('--seeds <range>', 'runs each test with each of these seeds, such as 1..20')
    .option('--junit <file>', 'writes the results for CI systems')
    .option('--conformance <role>', 'runs the suite that any unit in this role must pass')
    .option('--verbs', 'lists the verbs of steps')
    .option('--json', 'prints the results as JSON')
    .addHelpText(
      'after',
      '\nEnds with 0 when every test passed, 1 when one failed, 2 when a test cannot be read,\n' +
        '3 when a planned fault never struck, so that nothing was proved.\n' +
        '\nExamples:\n  sddf test tests/*.yaml --junit results.xml\n' +
        '  sddf test tests/echo.yaml --filter ARP --seeds 1..20\n  sddf test --verbs',
    )
    .action(runTests);
}

async function runTests(files: readonly string[], flags: TestFlags): Promise<void> {
  const terminal = openTerminal(flags.json === true ? 'stderr' : 'stdout');
  if (flags.verbs === true) return listVerbs(terminal);
  if (files.length === 0 && flags.conformance === undefined)
    throw new UserMistake('no file of tests given; sddf new test NAME writes one');
  const seeds = readSeeds(flags.seeds);
  refuseClashes([
    ...files.map((path) => ({ path, use: 'read', by: 'the tests' }) as const),
    ...(flags.junit === undefined
      ? []
      : [{ path: flags.junit, use: 'written', by: '--junit' } as const]),
  ]);
  const tests =
    flags.conformance === undefined
      ? await readTests(files)
      : await readSuites(flags.conformance, files);
  const chosen = tests.filter(
    ({ name }) => flags.filter === undefined || name.includes(flags.filter),
  );
  if (chosen.length === 0) {
    throw new UserMistake(
      `--filter: no test's name holds '${flags.filter ?? ''}'; there are ${tests.length}`,
    );
  }
  const junit = flags.junit === undefined ? undefined : new OutputFile(flags.junit, 'replace');
  const cases: JunitCase[] = [];
  const command = commandOf(files, flags);
  for (const test of chosen) cases.push(...(await runSeeds(test, { seeds, command }, terminal)));
  junit?.write(junitText(cases));
  junit?.close();
  report(
    cases.map(({ result }) => result),
    flags,
    terminal,
  );
}

/** The suite of a role, and the unit that is tried in it: one of ours unless told. */
async function readSuites(role: string, files: readonly string[]): Promise<readonly TestCase[]> {
  const [unit, another] = files;
  if (another !== undefined) throw new UserMistake('--conformance tries one unit at a time');
  if (role === 'all' && unit !== undefined) {
    throw new UserMistake('--conformance all tries our own units; name the role of yours');
  }
  const suites = role === 'all' ? ROLES.map(({ name }) => suiteOf(name)) : [suiteOf(role)];
  const tests: TestCase[] = [];
  for (const { file, ours } of suites) {
    tests.push(...(await readTests([file], unit === undefined ? ours : resolve(unit))));
  }
  return tests;
}

/** @throws UserMistake with everything that is wrong with the files, a line each */
async function readTests(files: readonly string[], unit?: string): Promise<readonly TestCase[]> {
  const problems: string[] = [];
  const tests: TestCase[] = [];
  for (const file of files) {
    const read = readBounded(file, TEST_BYTES_MAX);
    if (read.kind === 'too long') {
      problems.push(`${file}: is larger than 1 MiB, which no file of tests needs`);
      continue;
    }
    const text = new TextDecoder().decode(read.bytes);
    const found = await readTestFile(file, text, new FileScenes(file), unit);
    problems.push(...found.problems);
    tests.push(...found.tests);
  }
  if (problems.length > 0) throw new UserMistake(problems.join('\n'));
  return tests;
}

interface HowToRun {
  readonly seeds: SeedRange | undefined;
  /** In place of `sddf test FILE`, where a failure says how it is seen again. */
  readonly command: string | undefined;
}

async function runSeeds(
  test: TestCase,
  { seeds, command }: HowToRun,
  terminal: Terminal,
): Promise<readonly JunitCase[]> {
  const { first, last } = seeds ?? test.seeds ?? { first: 1, last: 1 };
  const cases: JunitCase[] = [];
  for (let seed = first; seed <= last; seed += 1) {
    const result = await runOne(test, seed);
    const text =
      result.verdict === 'passed' ? '' : failureText(result, againCommands(result, command));
    if (text !== '') terminal.print(text);
    cases.push({ result, line: lineOf(test), text });
  }
  return cases;
}

async function runOne(test: TestCase, seed: number): Promise<TestResult> {
  try {
    return await runTest(test, seed);
  } catch (error) {
    if (error instanceof TestbedError) throw new UserMistake(`${test.where}: ${error.message}`);
    throw error;
  }
}

function lineOf({ where }: TestCase): number {
  return Number(/:(\d+):\d+$/.exec(where)?.[1] ?? 1);
}

/** The command that runs the tests, without what chooses one of them. */
function commandOf(files: readonly string[], { conformance }: TestFlags): string | undefined {
  if (conformance === undefined) return undefined;
  return ['sddf test --conformance', conformance, ...files.map(quoted)].join(' ');
}

function againCommands(
  { name, file, seed }: TestResult,
  command: string | undefined,
): readonly string[] {
  const begin = command ?? `sddf test ${quoted(file)}`;
  return [`again:  ${begin} --filter ${quoted(name)} --seeds ${seed}`];
}

/** As a shell takes it. */
function quoted(text: string): string {
  return /^[\w./,:=+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function report(results: readonly TestResult[], flags: TestFlags, terminal: Terminal): void {
  const count = (verdict: TestResult['verdict']): number =>
    results.filter((each) => each.verdict === verdict).length;
  const [failed, isVoid] = [count('failed'), count('void')];
  if (flags.json === true) {
    process.stdout.write(
      `${JSON.stringify({ passed: count('passed'), failed, void: isVoid, results })}\n`,
    );
  } else {
    const voids = isVoid === 0 ? '' : `, ${isVoid} void`;
    terminal.print(`${count('passed')} passed, ${failed} failed${voids}`);
  }
  process.exitCode = failed > 0 ? EXIT_FAILED : isVoid > 0 ? EXIT_VOID : 0;
}

function readSeeds(text: string | undefined): SeedRange | undefined {
  if (text === undefined) return undefined;
  const range = readSeedRange(text);
  if (range === undefined) throw new UserMistake(`--seeds: '${text}' is no range such as 1..20`);
  return range;
}

function listVerbs(terminal: Terminal): void {
  for (const { what, example } of SYSTEM_VERBS) terminal.print(`${example}\n    ${what}`);
}
