/** Samples of the same figures, each measured in a process of its own, made into one row each. */

import { type BenchRow, FIGURES } from '../results.ts';
import { median, round } from '../statistics.ts';
import { describeRow } from './compare.ts';

type Reduce = (values: readonly number[]) => number;

const least: Reduce = (values) => Math.min(...values);
const most: Reduce = (values) => Math.max(...values);

/** What is not the median of the samples' figures. */
const REDUCED: Readonly<Record<string, Reduce>> = {
  min: least,
  max: most,
  ratioLow: least,
  ratioHigh: most,
  undisturbedLow: least,
  undisturbedHigh: most,
};

/** Quotients of two other figures of the row. */
const QUOTIENTS = [
  ['ratioToNative', 'median', 'native'],
  ['ratioToNative', 'median', 'compared'],
  ['undisturbedRatio', 'undisturbed', 'undisturbedNative'],
] as const;

/** @returns a row for each name and parameters, in the order in which they come first */
export function combineSamples(rows: readonly BenchRow[]): readonly BenchRow[] {
  const samples = new Map<string, BenchRow[]>();
  for (const row of rows) {
    const key = describeRow(row);
    const known = samples.get(key);
    if (known === undefined) samples.set(key, [row]);
    else known.push(row);
  }
  return [...samples.values()].map(combine);
}

function combine(rows: readonly BenchRow[]): BenchRow {
  const combined: Record<string, string | number | null> = {};
  for (const [key, first] of Object.entries(rows[0] as BenchRow)) {
    const values = rows.map((row) => row[key]).filter((value) => typeof value === 'number');
    const isFigure = FIGURES.has(key) && values.length > 0;
    combined[key] = isFigure ? (REDUCED[key] ?? median)(values) : first;
  }
  for (const [ratio, figure, other] of QUOTIENTS) {
    const [one, another] = [combined[figure], combined[other]];
    if (typeof combined[ratio] !== 'number' || typeof one !== 'number') continue;
    if (typeof another === 'number') combined[ratio] = round(one / another);
  }
  return combined as BenchRow;
}
