/** The histogram against sorting: percentiles are right to one part in 32. */

import { describe, expect, it } from 'vitest';
import { Random } from '../random.ts';
import { Histogram } from './histogram.ts';

describe('histogram', () => {
  it('is exact for small values', () => {
    const histogram = new Histogram();
    for (let value = 0; value <= 31; value++) histogram.add(value);
    expect(histogram.percentile(0.5)).toBe(15);
    expect(histogram.percentile(1)).toBe(31);
    expect(histogram.percentile(0)).toBe(0);
  });

  it('is right to one part in 32 over fifteen powers of ten', () => {
    const random = new Random(3);
    for (const scale of [1e2, 1e5, 1e9, 1e12, 1e14]) {
      const histogram = new Histogram();
      const values = Array.from({ length: 500 }, () => Math.floor(random.float() * scale));
      for (const value of values) histogram.add(value);
      values.sort((a, b) => a - b);
      for (const share of [0.01, 0.5, 0.9, 0.99, 1]) {
        const exact = values[Math.ceil(share * 500) - 1] as number;
        const reported = histogram.percentile(share);
        expect(reported).toBeGreaterThanOrEqual(exact);
        expect(reported).toBeLessThanOrEqual(exact * (1 + 1 / 32) + 1);
      }
      expect(histogram.summary()).toMatchObject({
        count: 500,
        min: values[0],
        max: values.at(-1),
      });
    }
  });

  it('holds values beyond its range in its last bucket', () => {
    const histogram = new Histogram();
    histogram.add(2 ** 52);
    expect(histogram.percentile(1)).toBe(2 ** 47 - 1);
  });

  it('has a summary without values, and after it was cleared', () => {
    const histogram = new Histogram();
    histogram.add(5);
    histogram.clear();
    const zero = { count: 0, min: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0 };
    expect(histogram.summary()).toEqual(zero);
    expect(histogram.percentile(0.5)).toBe(0);
  });
});
