/** `sddf test`: scripted tests of systems and of single domains. */

import { Command } from 'commander';
import { refuseClashes } from '../../host/file-use.ts';
import { UserMistake } from '../../host/problem.ts';
import { readSeedRange, type SeedRange } from '../../sim/campaign/seed-range.ts';
import { jsonText } from '../../systems/json-text.ts';
import { failureText } from '../../testing/report/failure-text.ts';
import { junitText, type JunitCase } from '../../testing/report/junit.ts';
import type { TestResult } from '../../testing/run/run-test.ts';
import { type CoverageFlags, CoverageReport, extentOf } from '../coverage/report.ts';
import { OutputFile } from '../output-file.ts';
import { parseCount } from '../quantities.ts';
import { openTerminal, type Terminal } from '../terminal.ts';
import { sayBegins, sayOver } from '../world-limit.ts';
import { STATUS } from '../exit.ts';
import { listVerbs } from './list-verbs.ts';
import { shellText } from '../../systems/shell-text.ts';
import { commandOf, type NamedTest, type Selection, singleTask, type Task } from './selection.ts';
import { type RunTask, TaskRunner, type TestRequest } from './task-runner.ts';
import { type PoolEars, runInProcesses } from './test-pool.ts';
import { traceTest } from './trace-test.ts';
import type { OnFolder } from './scene-loader.ts';
import { watchFiles } from './watch-files.ts';

const JOBS = { min: 1, max: 64 };

interface TestFlags extends CoverageFlags {
  readonly junit?: string;
  readonly filter?: string;
  readonly seeds?: string;
  readonly jobs?: string;
  readonly conformance?: string;
  readonly trace?: string;
  readonly gdb?: string;
  readonly update?: true;
  readonly watch?: true;
  readonly verbs?: string | true;
  readonly json?: true;
}

export function testCommand(): Command {
  return new Command('test')
    .description('Runs scripted tests (YAML) of systems, and of single drivers and virtualisers.')
    .argument('[files...]', 'files of tests, such as tests/*.yaml; with --conformance: the unit')
    .option('--filter <text>', 'only tests whose name holds this text')
    .option('--seeds <range>', 'runs each test with each of these seeds, such as 1..20')
    .option('--jobs <count>', 'processes (default: 1; each takes a second to begin)')
    .option('--junit <file>', 'writes the results for CI systems')
    .option(
      '--conformance <role>',
      'the suite that any unit in a role must pass; all: our own units',
    )
    .option(
      '--coverage <file>',
      'writes which lines and branches of programs run, as lcov reads it',
    )
    .option('--coverage-per-test <dir>', 'the same of each test, for sddf coverage why')
    .option('--trace <file>', 'writes what happens in a single test as a trace for Perfetto')
    .option('--gdb <address>', 'holds a single test for GDB: tcp:127.0.0.1:3333 or unix:PATH')
    .option('--update', 'writes what is printed into the files of expect transcript')
    .option('--watch', 'runs again whenever a file of the tests, or an image, changes')
    .option('--verbs [role]', 'lists the verbs of steps: of systems, or of a bench')
    .option('--json', 'prints the results as JSON')
    .addHelpText(
      'after',
      '\nEnds with 0 when every test passed, 1 when one failed, 2 when a test cannot be read,\n' +
        '3 when a planned fault never struck, so that nothing was proved. See docs/testing.md.\n' +
        '\nExamples:\n  sddf test tests/*.yaml --junit results.xml\n' +
        '  sddf test tests/echo.yaml --filter ARP --seeds 1..20\n' +
        '  sddf test --conformance net/virt-rx build/network_virt_rx.elf\n' +
        '  sddf test --verbs net/virt-rx',
    )
    .action(runCommand);
}

async function runCommand(files: readonly string[], flags: TestFlags): Promise<void> {
  const terminal = openTerminal(flags.json === true ? 'stderr' : 'stdout');
  if (flags.verbs !== undefined) return listVerbs(flags.verbs, terminal);
  refuseBesideGdb(flags);
  if (files.length === 0 && flags.conformance === undefined) {
    throw new UserMistake('no file of tests given; sddf new test NAME writes one');
  }
  const { conformance, filter } = flags;
  const selection: Selection = { files, conformance, filter };
  checkFiles(files, flags);
  if (flags.watch !== true) return runSelection(selection, flags, terminal);
  if (flags.json === true) throw new UserMistake('--watch is for people: without --json');
  const run = (onFolder: OnFolder): Promise<void> =>
    runSelection(selection, flags, terminal, onFolder);
  await watchFiles(files, run, terminal);
}

/** @throws UserMistake: a test that is held is run alone, in this process */
function refuseBesideGdb(flags: TestFlags): void {
  if (flags.gdb === undefined) return;
  const others = ['coverage', 'coveragePerTest', 'trace', 'watch', 'update', 'jobs'] as const;
  const other = others.find((name) => flags[name] !== undefined);
  if (other === undefined) return;
  const option = other.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new UserMistake(`--gdb: a test that is held is run alone; leave --${option} out`);
}

/** @throws UserMistake when something would be written over what is read */
function checkFiles(files: readonly string[], { junit, trace, coverage }: TestFlags): void {
  const written = [
    ['--junit', junit],
    ['--trace', trace],
    ['--coverage', coverage],
  ] as const;
  refuseClashes([
    ...files.map((path) => ({ path, use: 'read', by: 'the tests' }) as const),
    ...written.flatMap(([by, path]) =>
      path === undefined ? [] : [{ path, use: 'written', by } as const],
    ),
  ]);
}

async function runSelection(
  selection: Selection,
  flags: TestFlags,
  terminal: Terminal,
  onFolder?: OnFolder,
): Promise<void> {
  const request: TestRequest = {
    selection,
    seeds: readSeeds(flags.seeds),
    update: flags.update === true ? 'files' : 'nothing',
    coverage: extentOf(flags),
  };
  const asked = flags.jobs === undefined ? 1 : parseCount(flags.jobs, '--jobs', JOBS);
  // A trace is of a single test.
  const jobs = flags.trace === undefined ? asked : 1;
  const note = noteTo(terminal);
  if (jobs === 1) {
    const runner = await TaskRunner.open(request, note, onFolder);
    return runTasks((ears) => runHere(runner, flags, terminal, ears), flags, selection, terminal);
  }
  // Workers read the tests by themselves, and have programs of their own.
  if (onFolder !== undefined) {
    await TaskRunner.open({ ...request, coverage: 'none' }, note, onFolder);
  }
  const inProcesses = (ears: PoolEars): Promise<void> => runInProcesses(request, jobs, ears);
  return runTasks(inProcesses, flags, selection, terminal);
}

function noteTo(terminal: Terminal): (line: string) => void {
  return (line) => terminal.note(`sddf: ${line}`);
}

async function runTasks(
  run: (ears: PoolEars) => Promise<void>,
  flags: TestFlags,
  selection: Selection,
  terminal: Terminal,
): Promise<void> {
  const junit = flags.junit === undefined ? undefined : new OutputFile(flags.junit, 'replace');
  const coverage = CoverageReport.open(flags);
  const results = new Results(selection, { coverage, terminal });
  try {
    await run({
      onResult: (each, task) => results.take(each, task),
      onLoaded: (executed) => coverage?.addLoading(executed),
      onEnded: (executed) => coverage?.add(executed),
      note: noteTo(terminal),
    });
  } catch (error) {
    // No empty files, which somebody would read.
    junit?.close();
    coverage?.leave();
    throw error;
  }
  junit?.write(junitText(results.cases));
  junit?.close();
  coverage?.close('sddf test', terminal);
  report(results.cases, flags, terminal);
}

async function runHere(
  runner: TaskRunner,
  flags: TestFlags,
  terminal: Terminal,
  ears: PoolEars,
): Promise<void> {
  const { tasks } = runner;
  if (flags.trace !== undefined) {
    sayBegins('the test');
    await traceTest(tasks, flags.trace, terminal);
  }
  if (flags.gdb !== undefined) {
    const task = singleTask(tasks, '--gdb');
    const { debugTest } = await import('./debug-test.ts');
    return ears.onResult({ result: await debugTest(tasks, flags.gdb, terminal) }, task);
  }
  const loaded = await runner.loaded();
  if (loaded !== undefined) ears.onLoaded(loaded);
  for (const task of tasks) {
    sayBegins(`the test '${task.test.name}' (${task.test.where}, seed ${task.seed})`);
    ears.onResult(await runner.run(task), task);
  }
  sayOver();
  const executed = await runner.end();
  if (executed !== undefined) ears.onEnded(executed);
}

/** What has come so far, in the order of the tasks. */
class Results {
  readonly cases: JunitCase[] = [];
  readonly #selection: Selection;
  readonly #to: { readonly coverage: CoverageReport | undefined; readonly terminal: Terminal };

  constructor(
    selection: Selection,
    to: { readonly coverage: CoverageReport | undefined; readonly terminal: Terminal },
  ) {
    this.#selection = selection;
    this.#to = to;
  }

  take({ result, executed }: RunTask, { test }: Task<NamedTest>): void {
    const { coverage, terminal } = this.#to;
    const command = runCommandOf(this.#selection, result);
    const again = [
      `replay: ${command}`,
      `trace:  ${command} --trace trace.json`,
      `gdb:    ${command} --gdb unix:gdb.sock`,
    ];
    const text = result.verdict === 'passed' ? '' : failureText(result, again);
    if (text !== '') terminal.print(text);
    this.cases.push({ result, line: lineOf(test), text });
    if (executed !== undefined) {
      const name = `${result.name} (seed ${result.seed})`;
      coverage?.addRun({ number: this.cases.length, name, command }, executed);
    }
  }
}

/** The same run again, byte for byte. */
function runCommandOf(selection: Selection, { name, file, seed }: TestResult): string {
  return `${commandOf(selection, file)} --filter ${shellText(name)} --seeds ${seed}`;
}

function lineOf({ where }: NamedTest): number {
  return Number(/:(\d+):\d+$/.exec(where)?.[1] ?? 1);
}

function report(cases: readonly JunitCase[], { json }: TestFlags, terminal: Terminal): void {
  const results = cases.map(({ result }) => result);
  const count = (verdict: TestResult['verdict']): number =>
    results.filter((each) => each.verdict === verdict).length;
  const [passed, failed, isVoid] = [count('passed'), count('failed'), count('void')];
  if (json === true) {
    process.stdout.write(`${jsonText({ passed, failed, void: isVoid, results })}\n`);
  } else {
    const voids = isVoid === 0 ? '' : `, ${isVoid} void`;
    terminal.print(`${passed} passed, ${failed} failed${voids}`);
  }
  process.exitCode = failed > 0 ? STATUS.failed : isVoid > 0 ? STATUS.void : STATUS.passed;
}

function readSeeds(text: string | undefined): SeedRange | undefined {
  if (text === undefined) return undefined;
  const range = readSeedRange(text);
  if (range === undefined) throw new UserMistake(`--seeds: '${text}' is no range such as 1..20`);
  return range;
}
