/**
 * Runs the tests of a selection in this process: by itself, or as one of several workers, which all
 * know the same tests by the same numbers.
 */

import { UserMistake } from '../../host/problem.ts';
import { packSources, type PackedSources } from '../../debug/coverage/source-coverage.ts';
import { thrownText } from '../../memory/thrown-text.ts';
import type { SeedRange } from '../../sim/campaign/seed-range.ts';
import { TestbedError } from '../../systems/testbed.ts';
import type { TestCase } from '../../testing/file/test-file.ts';
import { runTest, type TestResult } from '../../testing/run/run-test.ts';
import type { TestWatch } from '../../testing/run/test-run.ts';
import { CoverageCollector } from '../coverage/collector.ts';
import type { CoverageExtent } from '../coverage/report.ts';
import type { OnFolder } from './scene-loader.ts';
import { type NamedTest, readSelection, type Selection, type Task, tasksOf } from './selection.ts';
import { Uncaught } from './uncaught.ts';

/** Plain data. */
export interface TestRequest {
  readonly selection: Selection;
  readonly seeds: SeedRange | undefined;
  /** Whether files of transcripts are written anew: each test is run with one seed then. */
  readonly update: 'files' | 'nothing';
  readonly coverage: CoverageExtent;
}

/** Plain data. */
export interface RunTask {
  readonly result: TestResult;
  /** When it is told of each test by itself. */
  readonly executed?: PackedSources;
}

export class TaskRunner {
  readonly tests: readonly NamedTest[];
  readonly tasks: readonly Task[];
  readonly #request: TestRequest;
  readonly #collector: CoverageCollector | undefined;
  readonly #note: (line: string) => void;

  /** @throws UserMistake with everything that is wrong with the files, a line each */
  static async open(
    request: TestRequest,
    note: (line: string) => void,
    onFolder: OnFolder = () => undefined,
  ): Promise<TaskRunner> {
    // Programs are loaded behind this.
    const collector = request.coverage === 'none' ? undefined : new CoverageCollector(note);
    const tests = await readSelection(request.selection, onFolder);
    for (const { scene } of tests) collector?.expect(scene.images);
    return new TaskRunner(request, tests, collector, note);
  }

  private constructor(
    request: TestRequest,
    tests: readonly TestCase[],
    collector: CoverageCollector | undefined,
    note: (line: string) => void,
  ) {
    this.#note = note;
    this.#request = request;
    this.tasks = tasksOf(tests, request);
    this.tests = tests.map(({ name, file, where, seeds }) => ({ name, file, where, seeds }));
    this.#collector = collector;
  }

  get selection(): Selection {
    return this.#request.selection;
  }

  /** Asked before the first test; undefined when nobody wants to know. */
  async loaded(): Promise<PackedSources | undefined> {
    return this.#request.coverage === 'each' ? this.#take() : undefined;
  }

  /** @throws UserMistake when its system cannot be a testbed */
  async run({ test, seed }: Task): Promise<RunTask> {
    const { update, coverage } = this.#request;
    try {
      const result = await this.#runHeard(test, seed, { update, ...this.#watch() });
      const executed = coverage === 'each' ? await this.#take() : undefined;
      return executed === undefined ? { result } : { result, executed };
    } catch (error) {
      if (error instanceof TestbedError) throw new UserMistake(`${test.where}: ${error.message}`);
      throw error;
    }
  }

  /** What its programs have left behind is heard, too. */
  async #runHeard(...run: Parameters<typeof runTest>): Promise<TestResult> {
    const uncaught = new Uncaught();
    const result = await runTest(...run).catch(async (error: unknown) => {
      // A second one may be the reason for the first.
      const others = await uncaught.end().catch((other: unknown) => [thrownText(other)]);
      for (const other of others) this.#note(`besides: ${other}`);
      throw error;
    });
    const what = await uncaught.end();
    if (what.length === 0) return result;
    const { failure } = result;
    if (failure !== undefined) {
      return { ...result, failure: { ...failure, came: [...failure.came, ...what] } };
    }
    const [{ where }] = run;
    const [step, expected] = ['behind the last step', 'the programs to have left nothing behind'];
    const left = { step, where, expected, came: what, events: [] };
    return { ...result, verdict: 'failed', failure: left };
  }

  /** Asked behind the last test: what no test has told of. */
  async end(): Promise<PackedSources | undefined> {
    const executed = this.#request.coverage === 'together' ? await this.#take() : undefined;
    this.#collector?.close();
    return executed;
  }

  #watch(): { readonly watch?: TestWatch } {
    const collector = this.#collector;
    if (collector === undefined) return {};
    return { watch: { testbed: collector.testbed, over: collector.testbedEnds } };
  }

  async #take(): Promise<PackedSources | undefined> {
    return this.#collector === undefined ? undefined : packSources(await this.#collector.take());
  }
}
