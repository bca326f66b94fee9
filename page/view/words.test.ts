// What somebody types into the page's fields.

import { describe, expect, it } from 'vitest';
import { seedOf } from './words.ts';

describe('a seed', () => {
  it.each([
    ['7', 7],
    ['4294967295', 4_294_967_295],
    ['3000000000', 3_000_000_000],
    ['4294967296', 4_294_967_295],
    ['-1', 0],
    ['1.9', 1],
    ['', 0],
    ['seed', 0],
  ])('%j is %i', (text, seed) => {
    expect(seedOf(text)).toBe(seed);
  });
});
