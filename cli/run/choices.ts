/**
 * What a system lets be chosen with `--set`: read, told in help and lists, and explained where it
 * does not fit.
 */

import { UserMistake } from '../../host/problem.ts';
import type { ChoiceError, SystemModule } from '../../systems/system.ts';
import { didYouMean } from '../closest.ts';

export type SystemOptions = NonNullable<SystemModule['options']>;

/** One `--set NAME=VALUE`. */
export type Choice = readonly [name: string, value: string];

/** @throws UserMistake */
export function readChoice(text: string, option: string): Choice {
  const equals = text.indexOf('=');
  if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)];
  throw new UserMistake(`${option}: '${text}' is not NAME=VALUE, as in path=4pd`);
}

/** A line for each option, for lists: `path=5pd|4pd (default: 5pd)`. */
export function choiceLines(options: SystemOptions): readonly string[] {
  return Object.entries(options).map(
    ([name, { choices, standard }]) => `${name}=${choices.join('|')} (default: ${standard})`,
  );
}

/** The same with what each is for, in a column of its own. */
export function explainedChoiceLines(options: SystemOptions): readonly string[] {
  const lines = choiceLines(options);
  const width = Math.max(...lines.map((line) => line.length));
  return Object.values(options).map(({ help }, index) => `${lines[index]?.padEnd(width)}  ${help}`);
}

/** What was wrong, what was probably meant, and where to see more; one line. */
export function explainChoice(reference: string, error: ChoiceError): UserMistake {
  const meant = didYouMean(error.given, error.known);
  const more = error.known.length === 0 ? '' : `; sddf run ${reference} --help tells about them`;
  return new UserMistake(`${reference}: ${error.message}${meant}${more}`);
}
