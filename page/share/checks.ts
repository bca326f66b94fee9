/**
 * Checks of what comes from outside: a link, or a page's request to a run of `sddf`. Each says in
 * one line what is wrong.
 */

/** What cannot be read; one line. */
export class LinkProblem extends Error {
  override readonly name = 'LinkProblem';
}

export type Fields = Readonly<Record<string, unknown>>;

/** A name is not longer. */
const NAME_MAX = 200;
/** Seconds of virtual time in a second. */
const SPEED_MAX = 1000;

export function oneOf<Word extends string>(
  value: unknown,
  what: string,
  words: readonly Word[],
): Word {
  const word = words.find((each) => each === value);
  if (word !== undefined) return word;
  throw new LinkProblem(`the link's ${what} is none of ${words.join(', ')}`);
}

export function fields(value: unknown, what: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new LinkProblem(`the link's ${what} is no record`);
}

export function list(value: unknown, what: string, most: number): readonly unknown[] {
  if (Array.isArray(value) && value.length <= most) return value;
  throw new LinkProblem(`the link's ${what} is no list of at most ${most}`);
}

export function textOf(value: unknown, what: string, most = NAME_MAX): string {
  if (typeof value === 'string' && value.length <= most) return value;
  throw new LinkProblem(`the link's ${what} is no short text`);
}

export function integer(value: unknown, what: string, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) {
    return value;
  }
  throw new LinkProblem(`the link's ${what} is no number from ${min} to ${max}`);
}

export function speedOf(value: unknown): number {
  if (typeof value === 'number' && value > 0 && value <= SPEED_MAX) return value;
  throw new LinkProblem(`the speed is no number up to ${SPEED_MAX}`);
}
