// Statistics against series whose figures are known.

import { describe, expect, it } from 'vitest';
import { compareSummaries, round, summarise } from './statistics.ts';

describe('a summary', () => {
  it('has median, minimum and maximum', () => {
    expect(summarise([3])).toEqual({ median: 3, min: 3, max: 3 });
    expect(summarise([10, 1, 2])).toEqual({ median: 2, min: 1, max: 10 });
    expect(summarise([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, max: 4 });
  });

  it('sorts numbers, not texts, and leaves the series alone', () => {
    const series = [100, 9, 20];
    expect(summarise(series).median).toBe(20);
    expect(series).toEqual([100, 9, 20]);
  });

  it('refuses an empty series', () => {
    expect(() => summarise([])).toThrow(RangeError);
  });
});

describe('two summaries', () => {
  const differ = (before: readonly number[], after: readonly number[], floor = 0): string =>
    compareSummaries(summarise(before), summarise(after), floor);

  it('differ when no sample of one lies among the samples of the other', () => {
    expect(differ([1, 2, 3], [4, 5, 6])).toBe('more');
    expect(differ([4, 5, 6], [1, 2, 3])).toBe('less');
    expect(differ([1, 2, 3], [3, 5, 6])).toBe('same');
    expect(differ([1, 9, 10], [2, 2, 2])).toBe('same');
  });

  it('do not differ by less than the floor', () => {
    expect(differ([100], [102], 0.03)).toBe('same');
    expect(differ([100], [104], 0.03)).toBe('more');
    expect(differ([0], [0], 0.03)).toBe('same');
    expect(differ([0], [1], 0.03)).toBe('more');
  });
});

describe('figures', () => {
  it('are rounded to four digits', () => {
    expect(round(123_456)).toBe(123_500);
    expect(round(0.000_123_456)).toBe(0.000_123_5);
  });
});
