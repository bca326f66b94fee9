/** What a value must be: equal to another one, of a form (`/…/`), or at least, at most, another. */

import type { Given } from '../given/given.ts';

export interface Matcher {
  fits(value: string | number): boolean;
  /** As it is said: `"hello"`, `/hel+o/`, `>= 3`. */
  readonly words: string;
}

export function matcherOf(wanted: string | number): Matcher {
  return {
    fits: (value) => value === wanted,
    words: typeof wanted === 'number' ? String(wanted) : JSON.stringify(wanted),
  };
}

/** A text, or a form that stands between strokes. */
export function readMatcher(given: Given): Matcher {
  const form = readForm(given);
  if (form === undefined) return matcherOf(given.text());
  return { fits: (value) => form.test(String(value)), words: String(form) };
}

const FORM = /^\/(.+)\/([imsu]*)$/s;

/** @returns the expression of a text such as `/^ok$/m`; undefined for any other text */
export function readForm(given: Given): RegExp | undefined {
  const [, source, flags] = (typeof given.value === 'string' && FORM.exec(given.value)) || [];
  if (source === undefined) return undefined;
  try {
    return new RegExp(source, flags);
  } catch {
    given.problem(`${String(given.value)} is no regular expression`);
    return undefined;
  }
}

const COMPARISONS: Readonly<Record<string, (value: number, than: number) => boolean>> = {
  '>=': (value, than) => value >= than,
  '<=': (value, than) => value <= than,
  '>': (value, than) => value > than,
  '<': (value, than) => value < than,
};

/** A count, or a comparison: 3, '>= 3', '< 10'. */
export function readCount(given: Given): Matcher {
  if (typeof given.value !== 'string') {
    return matcherOf(given.number({ min: 0, max: Number.MAX_SAFE_INTEGER }));
  }
  const [, sign = '', digits = ''] = /^(>=|<=|>|<)\s*(\d+)$/.exec(given.value) ?? [];
  const compare = COMPARISONS[sign];
  if (compare === undefined) {
    given.problem(`a number or a comparison such as '>= 3' is wanted here`);
    return matcherOf(0);
  }
  if (sign === '<' && Number(digits) === 0) given.problem('no count is below 0');
  return { fits: (value) => compare(Number(value), Number(digits)), words: given.value };
}
