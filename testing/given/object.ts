/** Values that a program has written down: the same checks as for YAML, by the name of the step. */

import { Given } from './given.ts';

/** @returns the value, and the problems that reading it finds */
export function givenObject(name: string, value: unknown): { given: Given; problems: string[] } {
  const problems: string[] = [];
  const whereIs = (path: readonly (string | number)[]): string => [name, ...path].join('.');
  return { given: new Given(value, { whereIs, problems }), problems };
}
