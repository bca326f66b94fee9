/**
 * Rows of any benchmark as a table: a column for each parameter and each figure that one of them
 * has.
 */

import { type BenchRow, FIGURES } from '../results.ts';
import { figure } from './figure.ts';

/** Have their place in every table, or none. */
const RATIO = ['native', 'ratioToNative', 'ratioLow', 'ratioHigh'];
const UNDISTURBED = ['undisturbed', 'undisturbedNative', 'undisturbedRatio'];
const PLACED = new Set([
  ...['name', 'unit', 'median', 'min', 'max', 'undisturbedLow', 'undisturbedHigh'],
  ...RATIO,
  ...UNDISTURBED,
]);

export interface Table {
  readonly header: readonly string[];
  readonly lines: readonly (readonly string[])[];
}

/**
 * @param rows such as belong together; what all of them lack is no column
 * @param only the columns; all that there are unless told
 */
export function rowsTable(rows: readonly BenchRow[], only?: readonly string[]): Table {
  const extras = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter(
    (key) => !PLACED.has(key),
  );
  const isKnown = (key: string): boolean =>
    rows.some((row) => row[key] !== null && row[key] !== undefined);
  const parameters = extras.filter((key) => isKnown(key) && !FIGURES.has(key));
  const figures = extras.filter((key) => isKnown(key) && FIGURES.has(key));
  const ratio = [...RATIO, ...UNDISTURBED].filter(isKnown);
  const spread = rows.some((row) => row.min !== row.max) ? ['min', 'max'] : [];
  const names = new Set(rows.map((row) => row.name)).size > 1 ? ['name'] : [];
  const all = [...names, ...parameters, 'median', 'unit', ...spread, ...ratio, ...figures];
  const columns = only ?? all;
  return {
    header: columns.map((key) => HEADINGS[key] ?? key),
    lines: rows.map((row) =>
      columns.map((key) => cell(row[key], parameters.includes(key) ? 'parameter' : 'figure')),
    ),
  };
}

const HEADINGS: Readonly<Record<string, string>> = {
  median: 'figure',
  min: 'least',
  max: 'most',
  ratioToNative: 'of native',
  ratioToQemu: 'of QEMU',
  ratioLow: 'at least',
  ratioHigh: 'at most',
  native: 'C',
  undisturbedNative: 'C undisturbed',
  undisturbedRatio: 'quotient',
  nsPerPacket: 'ns/packet',
  nsPerRequest: 'ns/request',
  mbPerSecond: 'MB/s',
  iops: 'IOPS',
  kernelEntries: 'kernel entries',
  contextSwitches: 'switches',
  bytesCopied: 'bytes copied',
  comparedWith: 'compared with',
};

/** A parameter is exact, a figure is measured. */
function cell(value: string | number | null | undefined, kind: 'parameter' | 'figure'): string {
  if (value === null || value === undefined) return '-';
  if (typeof value === 'string') return value;
  return kind === 'parameter' ? String(value) : figure(value);
}

/**
 * The rows of a benchmark for a terminal: a table for each name, in the order in which they were
 * measured.
 */
export function benchmarkLines(rows: readonly BenchRow[]): readonly string[] {
  const names = [...new Set(rows.map((row) => row.name))];
  return names.flatMap((name) => [
    '',
    name,
    ...tableLines(rowsTable(rows.filter((row) => row.name === name))).map((line) => `  ${line}`),
  ]);
}

/** For a terminal: columns to the right, two spaces between. */
export function tableLines({ header, lines }: Table): readonly string[] {
  const all = [header, ...lines];
  const widths = header.map((_, column) =>
    Math.max(...all.map((line) => line[column]?.length ?? 0)),
  );
  return all.map((line) =>
    line.map((text, column) => text.padStart(widths[column] ?? 0)).join('  '),
  );
}
