// Statistics against series whose figures are known.

import { describe, expect, it } from 'vitest';
import { summarise } from './statistics.ts';

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
