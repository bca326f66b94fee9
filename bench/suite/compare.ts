/** `--compare`: which figures have changed beyond noise since an earlier run. */

import { type BenchResults, type BenchRow, parametersOf } from '../results.ts';
import { compareSummaries } from '../statistics.ts';
import { figure } from './figure.ts';

export interface Change {
  readonly row: BenchRow;
  readonly before: BenchRow;
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
    if (other === undefined) added.push(key);
    else if (compareSummaries(other, row, FLOOR) === 'same') same += 1;
    else changed.push({ row, before: other, factor: row.median / other.median });
  }
  return { changed, same, added, missing: [...former.keys()] };
}

/** Rows by name and parameters. Where these do not tell two apart, the first is compared with the first, and so on. */
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
  const parameters = parametersOf(row).map(([key, value]) => ` ${key}=${value}`);
  return `${row.name}${parameters.join('')}, ${row.unit}`;
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
  for (const { row, before: other, factor } of changed) {
    lines.push(
      `  ${figure(other.median)} → ${figure(row.median)} (x ${figure(factor)})  ${describeRow(row)}`,
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
