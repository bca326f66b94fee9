// Comparison of runs on series whose differences are known, and what a reader is told.

import { describe, expect, it } from 'vitest';
import type { BenchResults, BenchRow } from '../results.ts';
import { summarise } from '../statistics.ts';
import { compareResults, comparisonLines } from './compare.ts';

function row(name: string, values: readonly number[], parameters: object = {}): BenchRow {
  return { name, unit: 'packets/s', ratioToNative: null, ...summarise(values), ...parameters };
}

function results(rows: readonly BenchRow[], cpu = 'A'): BenchResults {
  return { schema: 1, node: 'v20', cpu, results: rows };
}

describe('a comparison', () => {
  it('finds a change that no sample of either side overlaps', () => {
    const before = [row('a', [100, 101, 102]), row('b', [100, 101, 102])];
    const after = [row('a', [120, 121, 122]), row('b', [80, 81, 82])];
    const { changed, same } = compareResults(before, after);

    expect(changed.map(({ row: { name }, factor }) => [name, Math.round(factor * 100)])).toEqual([
      ['a', 120],
      ['b', 80],
    ]);
    expect(same).toBe(0);
  });

  it('finds none within the spread of either', () => {
    const before = [row('a', [100, 110, 130]), row('b', [100, 110, 130])];
    const after = [row('a', [125, 126, 127]), row('b', [90, 95, 101])];

    expect(compareResults(before, after)).toMatchObject({ changed: [], same: 2 });
  });

  it('takes no small difference of single samples for one', () => {
    expect(compareResults([row('a', [100])], [row('a', [102])]).changed).toEqual([]);
    expect(compareResults([row('a', [100])], [row('a', [104])]).changed).toHaveLength(1);
    expect(compareResults([row('a', [0])], [row('a', [0])]).same).toBe(1);
  });

  it('finds a ratio to native that has changed, whatever the figure itself has done', () => {
    const ratio = (value: number, low: number, high: number): object => ({
      ratioToNative: value,
      ratioLow: low,
      ratioHigh: high,
    });
    const before = [row('a', [100], ratio(0.3, 0.29, 0.31))];
    const changed = (now: object): unknown =>
      compareResults(before, [row('a', [100], now)]).changed.map((change) => [
        change.unit,
        change.now,
      ]);

    expect(changed(ratio(0.34, 0.33, 0.35))).toEqual([['of native', 0.34]]);
    // One of its samples was as low; and less than what two runs may differ by.
    expect(changed(ratio(0.34, 0.305, 0.35))).toEqual([]);
    expect(changed(ratio(0.314, 0.312, 0.316))).toEqual([]);
    // Results of a version that wrote no spread down.
    expect(changed({ ratioToNative: 0.32 })).toEqual([]);
    expect(changed({ ratioToNative: 0.4 })).toEqual([['of native', 0.4]]);
    expect(changed({ ratioToNative: null })).toEqual([]);
  });

  it('matches rows by name and parameters, not by place and not by other figures', () => {
    const before = [
      row('a', [100], { frame: 64, nsPerPacket: 10 }),
      row('a', [200], { frame: 1500, nsPerPacket: 5 }),
    ];
    const after = [
      row('a', [200], { frame: 1500, nsPerPacket: 6 }),
      row('a', [100], { frame: 64, nsPerPacket: 11 }),
    ];

    expect(compareResults(before, after)).toEqual({
      changed: [],
      same: 2,
      explained: 0,
      added: [],
      missing: [],
    });
  });

  it('names what only one of them has', () => {
    const { added, missing } = compareResults(
      [row('a', [1]), row('b', [1], { frame: 64 })],
      [row('a', [1]), row('c', [1])],
    );

    expect(added).toEqual(['c, packets/s']);
    expect(missing).toEqual(['b frame=64, packets/s']);
  });

  it('compares rows that nothing tells apart one by one', () => {
    const twice = [row('a', [1]), row('a', [2])];

    expect(compareResults(twice, twice)).toMatchObject({ same: 2, added: [], missing: [] });
  });

  it('says in lines what has changed, and when the machine is another', () => {
    const before = results([row('a', [1000], { frame: 64 })]);
    const after = results([row('a', [1500], { frame: 64 })], 'B');

    expect(comparisonLines(before, after, 'old.json')).toEqual([
      'compared with old.json:',
      '  another cpu (A, now B): only ratios mean something',
      '  1 figures differ, which that may explain',
      '  nothing has changed beyond noise (0 figures)',
    ]);
    expect(comparisonLines(before, { ...after, cpu: 'A' }, 'old.json').slice(1)).toEqual([
      '  1 changed beyond noise, 0 did not:',
      '  1000 → 1500 (x 1.5)  a frame=64, packets/s',
    ]);
    expect(comparisonLines(before, before, 'old.json')).toEqual([
      'compared with old.json:',
      '  nothing has changed beyond noise (1 figures)',
    ]);
  });

  it.each<[string, Partial<BenchResults>, Partial<BenchResults>, string]>([
    ['length', { length: 'full' }, { length: 'quick' }, 'another length (full, now quick)'],
    ['load after', {}, { load: 2.5 }, 'a busy machine (load 2.5 now)'],
    ['load before', { loadBefore: 9 }, {}, 'a busy machine (load 9.0 then)'],
    ['Node', { node: 'v20' }, { node: 'v24' }, 'another node (v20, now v24)'],
  ])('calls no figure changed that %s may explain, but ratios', (_, earlier, now, reason) => {
    const ratio = { ratioToNative: 0.5, undisturbedRatio: 0.5 };
    const spread = { undisturbedLow: 0.49, undisturbedHigh: 0.51 };
    const better = { undisturbedRatio: 0.6, undisturbedLow: 0.59, undisturbedHigh: 0.61 };
    const before = { ...results([row('a', [1], { ...ratio, ...spread })]), cores: 2, ...earlier };
    const after = { ...results([row('a', [2], { ...ratio, ...better })]), cores: 2, ...now };

    expect(comparisonLines(before, after, 'f').slice(1)).toEqual([
      `  ${reason}: only ratios mean something`,
      '  1 figures differ, which that may explain',
      '  1 changed beyond noise, 0 did not:',
      '  0.5 → 0.6 (x 1.2)  a, of native',
    ]);
  });
});
