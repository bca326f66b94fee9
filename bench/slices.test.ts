// The estimator of ratios against series whose ratio is known: machines that are disturbed, that
// get slower, that do something else.

import { describe, expect, it } from 'vitest';
import { median } from './statistics.ts';
import {
  alternate,
  type Pairs,
  comparisonFields,
  ratioFields,
  type SliceSeries,
  type Slice,
  slicesOf,
  timeSlice,
  undisturbedRatio,
  type Worker,
} from './slices.ts';

const PLAN = { repeat: 2, sampleNs: 50_000_000, onSample: () => undefined };

function slice(nsPerUnit: number, wallFactor = 1): Slice {
  return { done: 1e6, cpuNs: nsPerUnit * 1e6, wallNs: nsPerUnit * 1e6 * wallFactor };
}

/**
 * A worker whose slices take these nanoseconds for each unit, one after the other and again; it
 * writes down who works.
 */
function worker(name: string, nsPerUnit: readonly number[], log: string[] = []): Worker {
  let count = 0;
  return {
    slice: (sliceNs) => {
      log.push(`${name} ${sliceNs}`);
      const ns = nsPerUnit[(count >> 1) % nsPerUnit.length] as number;
      count += 1;
      return Promise.resolve({ done: sliceNs / ns, wallNs: sliceNs, cpuNs: sliceNs });
    },
  };
}

describe('a ratio', () => {
  it('is of the fastest slices: disturbances slow the two unequally', () => {
    // Ours takes 1000 ns and C 250; a neighbour makes that 1600 and 275, in two pairs of three.
    const calm = [slice(1000), slice(250)] as const;
    const disturbed = [slice(1600), slice(275)] as const;
    const pairs: Pairs = [disturbed, calm, disturbed];

    expect(undisturbedRatio(pairs, 'cpu')).toBeCloseTo(0.25, 10);
    expect(undisturbedRatio([disturbed, calm], 'cpu')).toBeCloseTo(0.25, 10);
  });

  it('finds the fastest slices in different pairs', () => {
    const pairs: Pairs = [
      [slice(1000), slice(275)],
      [slice(1600), slice(250)],
    ];

    expect(undisturbedRatio(pairs, 'cpu')).toBeCloseTo(0.25, 10);
  });

  it('leaves out the time that other processes had, unless work is done by others, too', () => {
    const pairs: Pairs = [[slice(1000, 8), slice(250, 2)]];

    expect(undisturbedRatio(pairs, 'cpu')).toBeCloseTo(0.25, 10);
    expect(undisturbedRatio(pairs, 'wall')).toBeCloseTo(0.0625, 10);
  });

  it('of several samples is their median, with the least and the most', () => {
    expect(ratioFields([0.31, 0.3, 0.2])).toEqual({
      ratioToNative: 0.3,
      ratioLow: 0.2,
      ratioHigh: 0.31,
    });
  });
});

describe('the fields of a comparison', () => {
  const SERIES: SliceSeries = {
    ...{ rates: [100, 90, 110], cpuRates: [], otherRates: [200, 300, 220], pairRatios: [] },
    ...{
      ratios: [0.6, 0.7, 0.65],
      undisturbed: [130, 140, 135],
      otherUndisturbed: [210, 200, 205],
    },
  };

  it('have each ratio beside the two figures that it is the quotient of', () => {
    const fields = comparisonFields(SERIES, { ours: 100, other: 220 }, (rate) => rate);

    expect(fields).toEqual({
      ratioToNative: 0.4545,
      ratioLow: 0.3,
      ratioHigh: 0.5,
      undisturbed: 135,
      undisturbedNative: 205,
      undisturbedRatio: 0.6585,
      undisturbedLow: 0.6,
      undisturbedHigh: 0.7,
    });
  });
});

describe('two workers', () => {
  it('take turns, each warmed up before its slice, and the first changes', async () => {
    const log: string[] = [];
    await alternate(worker('a', [1], log), worker('b', [1], log), { ...PLAN, repeat: 1 });

    expect(log).toHaveLength(4 * 20);
    expect(log.slice(0, 8)).toEqual([
      'a 500000',
      'a 5000000',
      'b 500000',
      'b 5000000',
      'b 500000',
      'b 5000000',
      'a 500000',
      'a 5000000',
    ]);
  });

  it('have a rate and a ratio for each sample, and a ratio for each pair', async () => {
    const said: number[] = [];
    const plan = { ...PLAN, onSample: (sample: number): void => void said.push(sample) };
    const series = await alternate(worker('a', [1000, 2000]), worker('b', [250]), plan);

    expect(said).toEqual([1, 2]);
    expect(series.ratios).toEqual([0.25, 0.25]);
    for (const rate of series.rates) expect(rate).toBeCloseTo(0.75e6, 3);
    for (const rate of series.otherRates) expect(rate).toBeCloseTo(4e6, 3);
    expect(series.pairRatios).toHaveLength(40);
    expect(median(series.pairRatios)).toBeCloseTo(0.1875, 10);
  });

  it('have pair ratios that a machine that gets slower does not bend', async () => {
    // Every slice takes 1 % more than the one before, whoever works.
    let passed = 0;
    const slowing = (ns: number): Worker => ({
      slice: (sliceNs) => {
        passed += 1;
        const done = sliceNs / (ns * 1.01 ** passed);
        return Promise.resolve({ done, wallNs: sliceNs, cpuNs: sliceNs });
      },
    });
    const { pairRatios } = await alternate(slowing(400), slowing(100), PLAN);

    expect(median(pairRatios)).toBeCloseTo(0.25, 4);
  });

  it('have slices of five to ten milliseconds, at least twenty of them; a smoke run has one', () => {
    expect(slicesOf(400_000_000)).toEqual({ sliceNs: 10_000_000, count: 40 });
    expect(slicesOf(150_000_000)).toEqual({ sliceNs: 7_500_000, count: 20 });
    expect(slicesOf(50_000_000)).toEqual({ sliceNs: 5_000_000, count: 20 });
    expect(slicesOf(2_000_000)).toEqual({ sliceNs: 2_000_000, count: 1 });
  });
});

describe('a slice', () => {
  it('goes on until something is done', async () => {
    let rounds = 0;
    const found = await timeSlice(
      1,
      () => (rounds += 1),
      () => (rounds < 5 ? 100 : 107),
    );

    expect(found.done).toBe(7);
    expect(found.wallNs).toBeGreaterThanOrEqual(0);
    expect(found.cpuNs).toBeGreaterThanOrEqual(0);
  });
});
