// Samples from several processes against the row that they make.

import { describe, expect, it } from 'vitest';
import type { BenchRow } from '../results.ts';
import { combineSamples } from './combine.ts';

function sample(frame: number, rate: number, ratio: number | null): BenchRow {
  return {
    name: 'net/echo',
    unit: 'packets/s',
    path: '5pd',
    frame,
    median: rate,
    min: rate - 1,
    max: rate + 1,
    nsPerPacket: 1e9 / rate,
    ratioToNative: ratio,
    ...(ratio === null ? {} : { ratioLow: ratio, ratioHigh: ratio }),
  };
}

describe('samples of several processes', () => {
  it('make one row: medians, with the least and the most of all', () => {
    const rows = [sample(64, 100, 0.3), sample(64, 400, 0.1), sample(64, 200, 0.2)];

    expect(combineSamples(rows)).toEqual([
      {
        name: 'net/echo',
        unit: 'packets/s',
        path: '5pd',
        frame: 64,
        median: 200,
        min: 99,
        max: 401,
        nsPerPacket: 5e6,
        ratioToNative: 0.2,
        ratioLow: 0.1,
        ratioHigh: 0.3,
      },
    ]);
  });

  it('are told apart by their parameters, and keep their order', () => {
    const rows = [64, 1500, 64, 1500].map((frame) => sample(frame, frame, null));

    const combined = combineSamples(rows);
    expect(combined.map((row) => [row['frame'], row.median, row.ratioToNative])).toEqual([
      [64, 64, null],
      [1500, 1500, null],
    ]);
  });

  it('have the quotients of their own figures, and no median of quotients', () => {
    const process = (median: number, native: number): BenchRow => ({
      ...sample(64, median, median / native),
      native,
      undisturbed: median * 2,
      undisturbedNative: native,
      undisturbedRatio: (median * 2) / native,
    });
    const [combined] = combineSamples([process(100, 300), process(200, 320), process(150, 900)]);

    expect(combined).toMatchObject({ median: 150, native: 320, ratioToNative: 0.4688 });
    expect(combined).toMatchObject({ undisturbed: 300, undisturbedRatio: 0.9375 });
  });
});
