/** Choices for options of a system, as `--set NAME=VALUE` makes them. */

import { UserMistake } from '../../host/problem.ts';

/** @throws UserMistake */
export function readChoices(texts: readonly string[]): Readonly<Record<string, string>> {
  const choices: Record<string, string> = {};
  for (const text of texts) {
    const equals = text.indexOf('=');
    if (equals <= 0) throw new UserMistake(`--set: '${text}' is not NAME=VALUE, as in path=4pd`);
    choices[text.slice(0, equals)] = text.slice(equals + 1);
  }
  return choices;
}
