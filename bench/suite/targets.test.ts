// Targets against rows made for them, and the table of targets against the rows that benchmarks
// have.

import { describe, expect, it } from 'vitest';
import type { BenchRow } from '../results.ts';
import { sampleResults } from '../../test/support/sample-results.ts';
import { checkTargets, type Target, TARGETS } from './targets.ts';

const BASE = { unit: 'x/s', ratioToNative: null } as const;

function row(name: string, median: number, parameters: object = {}): BenchRow {
  return { name, ...BASE, median, min: median, max: median, ...parameters };
}

function target(parts: Partial<Target>): Target {
  return { issue: 2, what: 'a', row: { name: 'a' }, unit: 'x/s', ...parts };
}

function outcome(one: Target, rows: readonly BenchRow[]): unknown {
  const [{ outcome: found, measured } = { outcome: 'nothing' }] = checkTargets(rows, [one]);
  return measured === undefined ? found : `${found} ${measured}`;
}

describe('a target', () => {
  it('is reached at its limit', () => {
    expect(outcome(target({ atLeast: 10 }), [row('a', 10)])).toBe('reached 10');
    expect(outcome(target({ atLeast: 10 }), [row('a', 9.9)])).toBe('not reached 9.9');
    expect(outcome(target({ atMost: 10 }), [row('a', 10)])).toBe('reached 10');
    expect(outcome(target({ atMost: 10 }), [row('a', 10.1)])).toBe('not reached 10.1');
  });

  it('is not measured without a row of its parameters, or without the figure', () => {
    const one = target({ row: { name: 'a', frame: 64 }, figure: 'ratioToNative', atLeast: 1 });

    expect(outcome(one, [])).toBe('not measured');
    expect(outcome(one, [row('a', 5, { frame: 1500, ratioToNative: 2 })])).toBe('not measured');
    expect(outcome(one, [row('a', 5, { frame: 64 })])).toBe('not measured');
    expect(outcome(one, [row('a', 5, { frame: 64, ratioToNative: 2 })])).toBe('reached 2');
  });

  it('counts the worst of several rows', () => {
    const rows = [row('a', 10, { uart: 'x' }), row('a', 30, { uart: 'y' })];

    expect(outcome(target({ atLeast: 20 }), rows)).toBe('not reached 10');
    expect(outcome(target({ atMost: 20 }), rows)).toBe('not reached 30');
  });

  it('divides by another row, and converts', () => {
    const rows = [row('a', 6e6, { children: 50 }), row('a', 2e6, { children: 1 })];
    const one = target({ row: { name: 'a', children: 50 }, over: { name: 'a', children: 1 } });

    expect(outcome({ ...one, atMost: 3 }, rows)).toBe('reached 3');
    expect(outcome({ ...one, atMost: 3 }, rows.slice(0, 1))).toBe('not measured');
    expect(outcome(target({ scale: 1e-6, atLeast: 5 }), [row('a', 6e6)])).toBe('reached 6');
  });

  it('is asked only of machines that are fast enough', () => {
    const one = target({ atLeast: 4, where: { figure: 'native', atLeast: 14 } });

    expect(outcome(one, [row('a', 3, { native: 10 })])).toBe('not measured');
    expect(outcome(one, [row('a', 3, { native: 14 })])).toBe('not reached 3');
  });
});

describe('the table of targets', () => {
  it('compares two rows by their least disturbed samples', () => {
    for (const { over, figure, atLeast, what } of TARGETS) {
      if (over !== undefined) expect(figure, what).toBe(atLeast === undefined ? 'min' : 'max');
    }
    const [crowd] = TARGETS.filter(
      ({ row: { name, threads } }) => name === 'kernel/signal' && threads !== undefined,
    );
    const few = { ...row('kernel/signal', 300, { threads: 10 }), max: 400 };
    const many = { ...row('kernel/signal', 100, { threads: 10_000 }), max: 300 };

    expect(outcome(crowd as Target, [few, many])).toBe('reached 0.75');
  });

  it('has limits, and names each target once', () => {
    for (const each of TARGETS) {
      expect(each.atLeast ?? each.atMost, each.what).toBeTypeOf('number');
      expect([2, 3, 4, 5, 6, 7, 14, 15, 21]).toContain(each.issue);
    }
    expect(new Set(TARGETS.map(({ what }) => what)).size).toBe(TARGETS.length);
  });

  it('finds rows for those that the sample has', () => {
    const measured = checkTargets(sampleResults().results).filter(
      (each) => each.outcome !== 'not measured',
    );

    expect(measured.length).toBeGreaterThanOrEqual(15);
  });
});
