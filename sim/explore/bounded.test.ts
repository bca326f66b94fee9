/**
 * Goal: bounded exploration leaves out no run and does none twice. Method: all runs of few points,
 * compared with subsets.
 */

import { describe, expect, it } from 'vitest';
import { boundedRun, boundedRuns, boundedStrategy } from './bounded.ts';

describe('bounded exploration', () => {
  it.each([
    [5, 0, 1],
    [5, 1, 6],
    [5, 2, 16],
    [5, 9, 32],
    [1, 2, 2],
    [0, 3, 1],
  ])('of %i points and at most %i has %i runs, all different', (points, most, runs) => {
    expect(boundedRuns(points, most)).toBe(runs);
    const all = Array.from({ length: runs }, (_, number) => boundedRun(points, most, number));
    expect(new Set(all.map((taken) => taken.join())).size).toBe(runs);
    for (const taken of all) {
      expect(taken.length).toBeLessThanOrEqual(most);
      expect(taken).toEqual([...new Set(taken)].toSorted((a, b) => a - b));
      for (const point of taken) expect(point).toBeLessThan(points);
    }
    expect(() => boundedRun(points, most, runs)).toThrow('there is no run');
  });

  it('counts what is too many as that', () => {
    expect(boundedRuns(2_000, 2)).toBe(2_001_001);
    expect(boundedRuns(100_000, 9)).toBe(Infinity);
  });

  it('lets time pass at points of the named domains alone', () => {
    const strategy = boundedStrategy([1], ['driver']);
    const at = (domain: string) =>
      strategy.decide({ kind: 'look', domain, number: 0, timeNs: 0, untilNextEventNs: 500 });
    expect(['driver', 'client', 'client', 'driver', 'driver'].map(at)).toEqual([0, 0, 0, 1_500, 0]);
  });
});
