/** `--compare`: which figures have changed beyond noise since an earlier run. */

import { type BenchResults, type BenchRow, parametersOf } from '../results.ts';
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
  /** Rows that only one of the runs has. */
  readonly added: readonly string[];
  readonly missing: readonly string[];
}

/** A single sample shows no spread: what it may differ by. */
const FLOOR = 0.03;
/** What the ratios of two runs may differ by beside their spread, which is of a few processes. */
const RATIO_FLOOR = 0.05;
/** What a ratio may differ by that was written down without its spread. */
const RATIO_SPREAD_UNKNOWN = 0.1;

export function compareResults(
  before: readonly BenchRow[],
  after: readonly BenchRow[],
): Comparison {
  const former = byKey(before);
  const changed: Change[] = [];
  const added: string[] = [];
  let same = 0;
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
  return { changed, same, added, missing: [...former.keys()] };
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
  return [figure, { unit: 'of native', floor: RATIO_FLOOR, figures: [earlier, now] }];
}

function ratioOf({ ratioToNative, ratioLow, ratioHigh }: BenchRow): Summary | undefined {
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
  const { changed, same, added, missing } = compareResults(before.results, after.results);
  const lines = [`compared with ${where}:`];
  for (const key of ['cpu', 'node'] as const) {
    if (before[key] === after[key]) continue;
    lines.push(`  another ${key} (${before[key]}, now ${after[key]}): only ratios mean something`);
  }
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

const NAMED_MAX = 3;

function some(keys: readonly string[]): string {
  const named = keys.slice(0, NAMED_MAX).join('; ');
  return keys.length > NAMED_MAX ? `${named}; …` : named;
}
