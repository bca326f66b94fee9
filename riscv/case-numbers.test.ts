/**
 * The switches of the interpreter name operations by number, with the name in a comment: each must
 * be the table's.
 */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

import { OPERATIONS } from './operations.ts';

/** Lines `case 31: // add`, or the comment alone above a case with a block. */
function cases(file: string): (readonly [number, string])[] {
  const text = readFileSync(new URL(file, import.meta.url), 'utf8');
  const found = text.matchAll(
    /case (\d+): \/\/ ([a-z][\w.]*)|\/\/ ([a-z][\w.]*)\n\s*case (\d+): \{/g,
  );
  return [...found].map((match) => [Number(match[1] ?? match[4]), match[2] ?? match[3] ?? '']);
}

const numbered = (file: string): number =>
  (readFileSync(new URL(file, import.meta.url), 'utf8').match(/^\s*case \d+:/gm) ?? []).length;

describe('numbers of operations in switches', () => {
  it.each([
    ['interpreter/walk.ts', 68],
    ['interpreter/rare-integer.ts', 42],
    ['float/execute.ts', 58],
  ])('%s: each case is the operation that its comment names', (file, atLeast) => {
    const found = cases(`./${file}`);

    expect(found.length).toBeGreaterThanOrEqual(atLeast);
    expect(found).toHaveLength(numbered(`./${file}`));
    expect(found.map(([number, name]) => [number, name])).toEqual(
      found.map(([number]) => [number, OPERATIONS[number]?.name]),
    );
  });
});
