/** JSON for standard output, which may be a terminal, and for comparing. */

import { hex } from '../memory/hex.ts';

// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROLS = /[\u007f-\u009f]/g;

/**
 * As `JSON.stringify`, for values that are to be told from others and not read again: a number of
 * any size is one in hexadecimal, and what lies in itself is a word.
 */
export function textOfAny(value: unknown): string {
  const above: object[] = [];
  // Called with each object as `this`, before those that lie in it.
  function shown(this: unknown, _name: string, each: unknown): unknown {
    if (typeof each === 'bigint') return hex(each);
    if (typeof each !== 'object' || each === null) return each;
    while (above.length > 0 && above.at(-1) !== this) above.pop();
    if (above.includes(each)) return '(what it lies in)';
    above.push(each);
    return each;
  }
  return JSON.stringify(value, shown) ?? '';
}

/**
 * As `JSON.stringify`, which leaves some of what a terminal obeys as it is: U+009B begins a command
 * there as ESC [ does.
 */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replaceAll(
    CONTROLS,
    (each) => `\\u00${each.charCodeAt(0).toString(16)}`,
  );
}
