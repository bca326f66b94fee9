// The sweep finds what comparing all pairs finds: random ranges, some of them empty slots.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Range } from './overlap.ts';
import { firstOverlaps } from './overlap.ts';

const range = fc.record({ start: fc.bigInt(0n, 60n), length: fc.bigInt(1n, 20n) });

function byPairs(ranges: readonly (Range | undefined)[]): (number | undefined)[] {
  return ranges.map((one, index) => {
    const before = ranges.slice(0, index);
    const found = before.findIndex(
      (other) => one && other && other.start < one.end && one.start < other.end,
    );
    return found < 0 ? undefined : found;
  });
}

describe('overlapping ranges', () => {
  it('are those that a comparison of all pairs finds', () => {
    fc.assert(
      fc.property(fc.array(fc.option(range, { nil: undefined }), { maxLength: 30 }), (drawn) => {
        const ranges = drawn.map((one) => one && { start: one.start, end: one.start + one.length });

        expect(firstOverlaps(ranges)).toEqual(byPairs(ranges));
      }),
      { numRuns: 500, seed: 6 },
    );
  });

  it('do not include ranges that touch', () => {
    const ranges = [
      { start: 0n, end: 4n },
      { start: 4n, end: 8n },
    ];

    expect(firstOverlaps(ranges)).toEqual([undefined, undefined]);
  });

  it('are found among 50,000 without comparing all pairs', () => {
    const ranges = Array.from({ length: 50_000 }, (_, index) => ({
      start: BigInt(index) * 16n,
      end: BigInt(index) * 16n + (index === 40_000 ? 17n : 16n),
    }));

    expect(
      firstOverlaps(ranges).flatMap((found, index) => (found === undefined ? [] : [index])),
    ).toEqual([40_001]);
  });
});
