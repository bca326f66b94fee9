/**
 * A verb of the language that tests are written in. Reading a step checks all that can be known
 * before it is run; what it answers does the step.
 */

import type { Given } from '../given/given.ts';
import type { Scene } from '../run/scene.ts';
import type { Step } from '../run/step.ts';

/** What a step does, once it has been read. */
export type Act = Pick<Step, 'run' | 'needs' | 'allows'>;

export interface Verb {
  /** Such as `expect frame`: the key of its step. */
  readonly name: string;
  /** One line for the list of verbs. */
  readonly what: string;
  /** A step with it, in YAML. */
  readonly example: string;
  /** Why this scene does not have it; undefined when it does. */
  readonly lacks?: (scene: Scene) => string | undefined;
  readonly read: (given: Given, scene: Scene) => Act;
}

/** How long an expectation waits unless told. */
export const WITHIN_NS = 100e6;

/** The field `within` beside those of an expectation. */
export function withinOf(given: Given, usual = WITHIN_NS): number {
  const within = given.field('within');
  if (within === undefined) return usual;
  const ns = within.duration();
  if (ns === 0) within.problem('nothing comes within no time');
  return ns;
}

/** What stands beside `within`: a value of a kind that has fields of its own, or `text`. */
export function withoutWithin(given: Given): Given {
  if (given.field('within') === undefined) return given;
  const { within: _, ...rest } = given.value as Readonly<Record<string, unknown>>;
  return given.with(rest);
}
