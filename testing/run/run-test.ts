/** Runs one test with one seed: what came of it, as plain data. */

import { UserMistake } from '../../host/problem.ts';
import { RunFailure } from '../../memory/assert.ts';
import { clippedText } from '../../systems/clipped-text.ts';
import { userBlame } from '../../systems/exception-text.ts';
import { TestbedError } from '../../systems/testbed.ts';
import type { TestCase } from '../file/test-file.ts';
import type { BookedEvent } from '../../systems/trace/event-book.ts';
import { type Step, Unmet } from './step.ts';
import { TestRun, type TestWatch } from './test-run.ts';
import { thrownText } from '../../memory/thrown-text.ts';

export interface TestFailure {
  /** The step, or what else of the test. */
  readonly step: string;
  readonly where: string;
  readonly expected: string;
  readonly came: readonly string[];
  /** The last events before it, oldest first. */
  readonly events: readonly BookedEvent[];
}

export interface TestResult {
  readonly name: string;
  readonly file: string;
  readonly seed: number;
  readonly verdict: 'passed' | 'failed' | 'void';
  /** Virtual time that it took, ns. */
  readonly timeNs: number;
  readonly failure?: TestFailure;
  /** Rules of its plan that never struck, when it is void. */
  readonly neverStruck?: readonly string[];
}

export interface RunTestOptions {
  /** Whether files of transcripts are written anew; 'nothing' unless told. */
  readonly update?: 'files' | 'nothing';
  readonly watch?: TestWatch;
  /** Events from the beginning, and not only when it has failed: 'as needed' unless told. */
  readonly book?: 'kept' | 'as needed';
  /** Told of each step that has held. */
  readonly onStep?: (step: Step, timeNs: number) => void;
}

/** A test that fails is run once more, to tell what happened: the same seed gives the same run. */
export async function runTest(
  test: TestCase,
  seed: number,
  options: RunTestOptions = {},
): Promise<TestResult> {
  const needsBook = options.book === 'kept' || test.steps.some(({ needs }) => needs === 'signals');
  const result = runOnce(await renewed(test), seed, needsBook ? 'kept' : 'none', options);
  if (result.verdict !== 'failed' || needsBook) return result;
  const { watch } = options;
  const again = runOnce(await renewed(test), seed, 'kept', watch === undefined ? {} : { watch });
  return isSame(result, again) ? again : unsteady(result);
}

function isSame(one: TestResult, other: TestResult): boolean {
  return one.timeNs === other.timeNs && one.failure?.where === other.failure?.where;
}

/** Whatever it comes to the second time: it has failed. */
function unsteady(result: TestResult): TestResult {
  const { failure } = result;
  if (failure === undefined) return result;
  const what =
    'it came out otherwise when it was run again to tell what happened: something in it is not the same each time';
  return { ...result, failure: { ...failure, came: [...failure.came, what] } };
}

async function renewed(test: TestCase): Promise<TestCase> {
  const { renew } = test.scene;
  return renew === undefined ? test : { ...test, scene: await renew() };
}

function runOnce(
  test: TestCase,
  seed: number,
  book: 'kept' | 'none',
  { watch, update, onStep }: RunTestOptions,
): TestResult {
  const { name, file, scene, settings } = test;
  const common = { name, file, seed };
  let run: TestRun | undefined;
  let at = { words: 'the system begins', where: test.where };
  try {
    run = new TestRun({ scene, settings, seed, book, update: update ?? 'nothing', watch });
    for (const [index, step] of test.steps.entries()) {
      at = step;
      run.note(`step: ${step.words}`);
      step.run(run);
      if (test.steps[index + 1]?.allows !== 'faults') refuseFaults(run);
      onStep?.(step, run.now());
    }
  } catch (error) {
    if (error instanceof TestbedError || watch?.isLeft?.(error) === true) throw error;
    const { expected, came } = explained(error);
    const failure = {
      step: at.words,
      where: at.where,
      expected,
      came: came.map(clippedText),
      events: run?.book?.events ?? [],
    };
    return { ...common, verdict: 'failed', timeNs: run?.now() ?? 0, failure };
  } finally {
    watch?.over?.();
  }
  const { neverStruck } = run;
  if (neverStruck.length > 0) return { ...common, verdict: 'void', timeNs: run.now(), neverStruck };
  return { ...common, verdict: 'passed', timeNs: run.now() };
}

/**
 * Fails the test when a domain has faulted and nobody expects it.
 *
 * @throws Unmet
 */
export function refuseFaults(run: TestRun): void {
  const fault = run.faults.find(({ isTaken }) => !isTaken);
  if (fault === undefined) return;
  const lines = run.logs.filter(({ pd }) => pd === fault.pd || pd === 'monitor').slice(0, LINES);
  throw new Unmet(`${fault.pd} not to fault`, [
    `${fault.pd} has faulted`,
    ...lines.map(({ pd, text }) => `${pd}: ${text}`),
  ]);
}

const LINES = 6;

export function explained(error: unknown): Pick<TestFailure, 'expected' | 'came'> {
  if (error instanceof Unmet) return { expected: error.expected, came: error.came };
  const blamed = error instanceof UserMistake ? error.message : userBlame(error);
  if (blamed !== undefined) return { expected: 'the run to go on', came: [blamed] };
  // An assertion is a bug of the testbed's own.
  const name = error instanceof RunFailure || !(error instanceof Error) ? '' : `${error.name}: `;
  const message = thrownText(error);
  return { expected: 'the run to go on', came: [`an internal failure: ${name}${message}`] };
}
