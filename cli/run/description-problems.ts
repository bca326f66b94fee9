/** What a user is told of a system that is described badly. */

import { UserMistake } from '../../host/problem.ts';
import { type Diagnostic, formatDiagnostic, isError } from '../../microkit/diagnostic.ts';

/** One line that says how many errors there are, then each as the checker prints it. */
export function describedBadly(
  file: string,
  diagnostics: readonly Diagnostic[],
  source: readonly string[],
): UserMistake {
  const errors = diagnostics.filter(isError).length;
  const count = errors === 1 ? '1 error' : `${String(errors)} errors`;
  const texts = diagnostics.map((each) => formatDiagnostic(each, file, source));
  return new UserMistake(`${file}: ${count} in the system description\n${texts.join('\n')}`);
}
