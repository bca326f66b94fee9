/** `--compare`: which figures have changed beyond noise since an earlier run. */

import { type BenchResults, type BenchRow, parametersOf, wasBusy } from '../results.ts';
import { compareSummaries, type Summary } from '../statistics.ts';
import { figure } from './figure.ts';

export interface Change {
  readonly row: BenchRow;
  /** What has changed, as people read it: the row's unit, or that it is a ratio to native. */
  readonly unit: string;
  readonly before: number;
  readonly now: number;
  /** The figure now, divided by the one before. */
  readonly factor: number;
}

export interface Comparison {
  readonly changed: readonly Change[];
  /** Compared, and within noise. */
  readonly same: number;
  /** Figures that differ, but by no more than what else has changed may explain. */
  readonly explained: number;
  /** Rows that only one of the runs has. */
  readonly added: readonly string[];
  readonly missing: readonly string[];
}

/** A single sample shows no spread: what it may differ by. */
const FLOOR = 0.03;
const RATIO_UNIT = 'of native';
/** What the ratios of two runs may differ by beside their spread, which is of a few processes. */
const RATIO_FLOOR = 0.05;
/** What a ratio may differ by that was written down without its spread. */
const RATIO_SPREAD_UNKNOWN = 0.1;

/** @param absolute whether figures mean something beside each other, or ratios alone */
export function compareResults(
  before: readonly BenchRow[],
  after: readonly BenchRow[],
  absolute: 'compared' | 'explained' = 'compared',
): Comparison {
  const former = byKey(before);
  const changed: Change[] = [];
  const added: string[] = [];
  let same = 0;
  let explained = 0;
  for (const [key, row] of byKey(after)) {
    const other = former.get(key);
    former.delete(key);
    if (other === undefined) {
      added.push(key);
      continue;
    }
    for (const { unit, floor, figures } of compared(other, row)) {
      const [earlier, now] = figures;
      if (compareSummaries(earlier, now, floor) === 'same') same += 1;
      else if (absolute === 'explained' && unit !== RATIO_UNIT) explained += 1;
      else
        changed.push({
          row,
          unit,
          before: earlier.median,
          now: now.median,
          factor: now.median / earlier.median,
        });
    }
  }
  return { changed, same, explained, added, missing: [...former.keys()] };
}

interface Compared {
  readonly unit: string;
  readonly floor: number;
  /** Before and now. */
  readonly figures: readonly [Summary, Summary];
}

/** The figure, and its ratio to native where both runs have it. */
function compared(before: BenchRow, row: BenchRow): readonly Compared[] {
  const figure: Compared = { unit: row.unit, floor: FLOOR, figures: [before, row] };
  const ratios = [ratioOf(before), ratioOf(row)] as const;
  const [earlier, now] = ratios;
  if (earlier === undefined || now === undefined) return [figure];
  return [figure, { unit: RATIO_UNIT, floor: RATIO_FLOOR, figures: [earlier, now] }];
}

function ratioOf(row: BenchRow): Summary | undefined {
  const { ratioToNative, ratioLow, ratioHigh } = row;
  const { undisturbedRatio, undisturbedLow, undisturbedHigh } = row;
  // Neighbours on the machine bend the plain quotient, and not this one.
  if (typeof undisturbedRatio === 'number') {
    const [min, max] = [Number(undisturbedLow), Number(undisturbedHigh)];
    return { median: undisturbedRatio, min, max };
  }
  if (ratioToNative === null) return undefined;
  return {
    median: ratioToNative,
    min: typeof ratioLow === 'number' ? ratioLow : ratioToNative * (1 - RATIO_SPREAD_UNKNOWN),
    max: typeof ratioHigh === 'number' ? ratioHigh : ratioToNative * (1 + RATIO_SPREAD_UNKNOWN),
  };
}

/**
 * Rows by name and parameters. Where these do not tell two apart, the first is compared with the
 * first, and so on.
 */
function byKey(rows: readonly BenchRow[]): Map<string, BenchRow> {
  const found = new Map<string, BenchRow>();
  for (const row of rows) {
    const key = describeRow(row);
    let unique = key;
    for (let number = 2; found.has(unique); number += 1) unique = `${key} #${number}`;
    found.set(unique, row);
  }
  return found;
}

/** Such as `net/echo path=5pd frame=64 batch=64, packets/s`. */
export function describeRow(row: BenchRow): string {
  return describeFigure(row, row.unit);
}

function describeFigure(row: BenchRow, unit: string): string {
  const parameters = parametersOf(row).map(([key, value]) => ` ${key}=${value}`);
  return `${row.name}${parameters.join('')}, ${unit}`;
}

/** The comparison as lines for people. */
export function comparisonLines(
  before: BenchResults,
  after: BenchResults,
  where: string,
): readonly string[] {
  const reasons = differences(before, after);
  const absolute = reasons.length === 0 ? 'compared' : 'explained';
  const { changed, same, explained, added, missing } = compareResults(
    before.results,
    after.results,
    absolute,
  );
  const lines = [`compared with ${where}:`];
  for (const reason of reasons) lines.push(`  ${reason}: only ratios mean something`);
  if (explained > 0) lines.push(`  ${explained} figures differ, which that may explain`);
  if (changed.length === 0) lines.push(`  nothing has changed beyond noise (${same} figures)`);
  else lines.push(`  ${changed.length} changed beyond noise, ${same} did not:`);
  for (const { row, unit, before: earlier, now, factor } of changed) {
    lines.push(
      `  ${figure(earlier)} → ${figure(now)} (x ${figure(factor)})  ${describeFigure(row, unit)}`,
    );
  }
  if (added.length > 0) lines.push(`  ${added.length} are new: ${some(added)}`);
  if (missing.length > 0) lines.push(`  ${missing.length} were not measured: ${some(missing)}`);
  return lines;
}

/** What may explain that figures differ: another machine, another length, other work beside. */
function differences(before: BenchResults, after: BenchResults): readonly string[] {
  const found: string[] = [];
  for (const key of ['cpu', 'node', 'length'] as const) {
    const [earlier, now] = [before[key], after[key]];
    if (earlier === undefined || now === undefined || earlier === now) continue;
    found.push(`another ${key} (${earlier}, now ${now})`);
  }
  const busy = [
    ...(wasBusy(before) ? [`load ${loadOf(before)} then`] : []),
    ...(wasBusy(after) ? [`load ${loadOf(after)} now`] : []),
  ];
  if (busy.length > 0) found.push(`a busy machine (${busy.join(', ')})`);
  return found;
}

function loadOf({ load = 0, loadBefore = 0 }: BenchResults): string {
  return Math.max(load, loadBefore).toFixed(1);
}

const NAMED_MAX = 3;

function some(keys: readonly string[]): string {
  const named = keys.slice(0, NAMED_MAX).join('; ');
  return keys.length > NAMED_MAX ? `${named}; …` : named;
}
