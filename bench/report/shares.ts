/** What limits a figure: a line for each point that was sampled, a column for each part. */

import { type BenchRow, parametersOf } from '../results.ts';
import type { Table } from '../suite/fold-table.ts';
import { median } from '../statistics.ts';
import { select, valuesOf } from './section.ts';

/** Shown as so many per cent or more; what is less on all lines is no column. */
const LEAST = 0.5;

/**
 * @param name of rows, such as `net/shares`
 * @returns nothing where none was sampled
 */
export function sharesTable(rows: readonly BenchRow[], name: string): Table | undefined {
  const found = select(rows, name);
  const isCommon = (key: string): boolean => new Set(found.map((row) => row[key])).size === 1;
  const lines = new Map<string, BenchRow[]>();
  for (const row of found) {
    const parameters = parametersOf(row).filter(([key]) => key !== 'part' && !isCommon(key));
    const label = parameters.map(([key, value]) => `${key} ${value}`).join(', ');
    lines.set(label, [...(lines.get(label) ?? []), row]);
  }
  if (lines.size === 0) return undefined;
  const all = valuesOf(found, 'part').map(String);
  const meanOf = (part: string): number => median(partsOf(found, part));
  const parts = all
    .filter((part) => Math.max(...partsOf(found, part)) >= LEAST)
    .toSorted((one, other) => meanOf(other) - meanOf(one));
  const cell = (each: readonly BenchRow[], part: string): string => {
    const [share] = partsOf(each, part);
    return share === undefined ? '-' : share.toFixed(1);
  };
  return {
    header: ['% of the time', ...parts],
    lines: [...lines].map(([label, each]) => [label, ...parts.map((part) => cell(each, part))]),
    keys: 1,
  };
}

function partsOf(rows: readonly BenchRow[], part: string): readonly number[] {
  return rows.filter((row) => row['part'] === part).map((row) => row.median);
}
