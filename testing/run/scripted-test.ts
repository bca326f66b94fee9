/** Scripted tests as a program writes them: the steps of YAML as objects, one after the other. */

import { givenObject } from '../given/object.ts';
import { failureText } from '../report/failure-text.ts';
import { readStep } from '../verbs/verbs.ts';
import { explained, refuseFaults } from './run-test.ts';
import { makeScene, type Scene, type SceneSystem } from './scene.ts';
import { type Settings, TestRun, USUAL_SETTINGS } from './test-run.ts';

export interface StartOptions extends Partial<Settings> {
  /** For messages; 'the test' unless told. */
  readonly name?: string;
  /** 1 unless told. */
  readonly seed?: number;
}

/** One run; steps are done as they are said. */
export interface ScriptedTest {
  /** What lies beneath, for what no verb says. */
  readonly run: TestRun;
  /**
   * A step as in a file: a verb, or a verb with what belongs to it.
   *
   * @throws Error when it is written wrong, or does not hold
   */
  step(step: string | Readonly<Record<string, unknown>>): void;
  /** @throws Error when a domain has faulted unexpectedly, or a planned fault never struck */
  end(): void;
}

/** Boots a system; a {@link Scene} that is used again spares translating its images again. */
export function startTest(about: Scene | SceneSystem, options: StartOptions = {}): ScriptedTest {
  const { name = 'the test', seed = 1, ...settings } = options;
  const scene = 'domains' in about ? about : makeScene(about);
  const run = new TestRun({
    scene,
    settings: { ...USUAL_SETTINGS, ...settings },
    seed,
    book: 'kept',
  });
  let steps = 0;
  const fail = (error: unknown, step: string, where: string): never => {
    const events = run.book?.events ?? [];
    const failure = { step, where, ...explained(error), events };
    const result = { name, file: '', seed, verdict: 'failed', timeNs: run.now(), failure } as const;
    throw new Error(failureText(result, []), { cause: error });
  };
  return {
    run,
    step: (written) => {
      steps += 1;
      const { given, problems } = givenObject(`step ${steps}`, written);
      const step = readStep(given, scene);
      if (problems.length > 0) throw new Error(problems.join('\n'));
      try {
        if (step.allows !== 'faults') refuseFaults(run);
        run.note(`step: ${step.words}`);
        step.run(run);
      } catch (error) {
        fail(error, step.words, step.where);
      }
    },
    end: () => {
      try {
        refuseFaults(run);
      } catch (error) {
        fail(error, 'the end of the test', name);
      }
      const never = run.neverStruck;
      if (never.length > 0) throw new Error(`${name}: never struck: ${never.join(', ')}`);
    },
  };
}
