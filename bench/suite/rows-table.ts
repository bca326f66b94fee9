/**
 * Rows of any benchmark as a table: a column for each parameter and each figure that one of them
 * has.
 */

import { type BenchRow, FIGURES } from '../results.ts';
import { figure } from './figure.ts';
import { foldTable, type Table } from './fold-table.ts';

const TERMINAL_COLUMNS = 80;
/** Have their place in every table, or none. */
const RATIO = ['native', 'ratioToNative', 'ratioLow', 'ratioHigh'];
const UNDISTURBED = ['undisturbed', 'undisturbedNative', 'undisturbedRatio'];
const PLACED = new Set([
  ...['name', 'unit', 'median', 'min', 'max', 'undisturbedLow', 'undisturbedHigh'],
  ...RATIO,
  ...UNDISTURBED,
]);

/**
 * @param rows such as belong together; what all of them lack is no column, and what all of them
 * have the same is said once
 * @param only the columns; all that there are unless told
 */
export function rowsTable(rows: readonly BenchRow[], only?: readonly string[]): Table {
  const columns = only ?? columnsOf(rows);
  const isFigure = (key: string): boolean => FIGURES.has(key) && key !== 'name' && key !== 'unit';
  const isCommon = (key: string): boolean =>
    rows.length > 1 && !isFigure(key) && rows.every((row) => row[key] === rows[0]?.[key]);
  const shown = columns.filter((key) => !isCommon(key));
  const [first] = rows;
  const unit = columns.includes('unit') && isCommon('unit') ? first?.unit : undefined;
  const common = columns.filter((key) => isCommon(key) && key !== 'unit');
  return {
    header: shown.map((key) => (key === 'median' && unit) || (HEADINGS[key] ?? key)),
    lines: rows.map((row) =>
      shown.map((key) => cell(row[key], isFigure(key) ? 'figure' : 'parameter')),
    ),
    keys: shown.filter((key) => !isFigure(key) && key !== 'unit').length,
    common: common.map((key) => `${HEADINGS[key] ?? key} ${cell(first?.[key], 'parameter')}`),
  };
}

function columnsOf(rows: readonly BenchRow[]): readonly string[] {
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
  return [...names, ...parameters, 'median', 'unit', ...spread, ...ratio, ...figures];
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
  undisturbedRatio: 'undisturbed of C',
  nsPerPacket: 'ns/packet',
  nsPerRequest: 'ns/request',
  mbPerSecond: 'MB/s',
  iops: 'IOPS',
  kernelEntries: 'kernel entries',
  contextSwitches: 'switches',
  bytesCopied: 'bytes copied',
  comparedWith: 'compared with',
  lineRate: 'line rate',
  p50Us: 'p50 µs',
  p99Us: 'p99 µs',
  cyclesPerPacket: 'cycles/packet',
  publishedCyclesPerPacket: 'published cycles/packet',
  roundTripNs: 'round trip ns',
  answeredShare: 'share answered',
  shareOfFrames: 'share of frames',
  ofUntraced: 'of untraced',
  wakeUps: 'wake-ups',
  queueOperations: 'queue operations',
  busyNs: 'busy ns',
  timeUs: 'µs',
  cpuMs: 'processor ms',
  ratioToTypeScript: 'of TypeScript',
  publishedMicroseconds: 'published µs',
  microseconds: 'µs each',
  flushesPerSecond: 'flushes/s',
  bytesPerOperation: 'bytes/operation',
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
  return names.flatMap((name) => {
    const table = rowsTable(rows.filter((row) => row.name === name));
    return ['', [name, ...(table.common ?? [])].join(', '), ...indented(table)];
  });
}

/** A table under its title. */
export function indented(table: Table): readonly string[] {
  return tableLines(table, TERMINAL_COLUMNS - 2).map((line) => (line === '' ? '' : `  ${line}`));
}

/**
 * For a terminal: columns to the right, two spaces between. Columns that do not fit stand below, in
 * tables of their own.
 */
export function tableLines(table: Table, columns = TERMINAL_COLUMNS): readonly string[] {
  const gap = 2;
  const folded = foldTable(table, columns + gap, (cells) => widthOf(cells) + gap);
  return folded.flatMap(({ header, lines }, index) => {
    const all = [header, ...lines];
    const widths = header.map((_, column) => widthOf(all.map((line) => line[column] ?? '')));
    const text = all.map((line) =>
      line.map((cell_, column) => cell_.padStart(widths[column] ?? 0)).join('  '),
    );
    return index === 0 ? text : ['', ...text];
  });
}

function widthOf(cells: readonly string[]): number {
  return Math.max(...cells.map((cell_) => cell_.length));
}
