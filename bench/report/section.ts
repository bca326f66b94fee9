/**
 * A section of the report: a question about rows, its answer in a sentence, a plot and a table. And
 * how rows become series.
 */

import type { BenchRow } from '../results.ts';
import type { Table } from '../suite/fold-table.ts';

import type { BarGroup, Plot, PlotPoint, Series, Taken } from './plot.ts';

export interface Section {
  /** Of the page: what a link points to. */
  readonly id: string;
  /** The benchmark that measures it. */
  readonly benchmark: string;
  readonly question: string;
  /** The name of the rows that say whose time it is; none unless told. */
  readonly shares?: string;
  /** @returns nothing when none of the rows is about it */
  readonly make: (rows: readonly BenchRow[]) => SectionContent | undefined;
}

export interface SectionContent {
  /** One sentence, from the rows. */
  readonly answer: string;
  /** Each drawn for its own; none where a table says more. */
  readonly plots: readonly TitledPlot[];
  readonly table: Table;
}

export interface TitledPlot {
  /** Where there are several. */
  readonly title?: string;
  readonly plot: Plot;
  /** What it shows of figures from elsewhere; nothing unless told. */
  readonly takes?: Taken;
}

/** How a question is answered. */
export interface Answer<Found> {
  /** What it is about; nothing when none of the rows is. */
  readonly rows: (all: readonly BenchRow[]) => Found | undefined;
  readonly sentence: (found: Found) => string;
  readonly plots: (found: Found) => readonly TitledPlot[];
  readonly table: (found: Found) => Table;
  /** The name of the rows that say whose time it is; none unless told. */
  readonly shares?: string;
}

/** So that the compiler finds out what {@link Answer.rows} finds. */
export function answer<Found>(given: Answer<Found>): Answer<Found> {
  return given;
}

export function section<Found>(
  id: string,
  benchmark: string,
  question: string,
  { rows, sentence, plots, table, shares }: Answer<Found>,
): Section {
  const make = (all: readonly BenchRow[]): SectionContent | undefined => {
    const found = rows(all);
    if (found === undefined) return undefined;
    return { answer: sentence(found), plots: plots(found), table: table(found) };
  };
  return { id, benchmark, question, make, ...(shares === undefined ? {} : { shares }) };
}

/** What a parameter has to be: a value, or one of several, or whatever a function says. */
type Wanted = string | number | null | ((value: BenchRow[string] | undefined) => boolean);

/** The rows of a name whose parameters are as wanted. */
export function select(
  rows: readonly BenchRow[],
  name: string,
  wanted: Readonly<Record<string, Wanted>> = {},
): readonly BenchRow[] {
  return rows.filter(
    (row) =>
      row.name === name &&
      Object.entries(wanted).every(([key, want]) =>
        typeof want === 'function' ? want(row[key]) : row[key] === want,
      ),
  );
}

/** A parameter or a figure as a number; NaN where the row has none. */
export function numberOf(row: BenchRow, key: string): number {
  const value = row[key];
  return typeof value === 'number' ? value : Number.NaN;
}

/** All values of a parameter, in the order of the rows; numbers ascending. */
export function valuesOf(rows: readonly BenchRow[], key: string): readonly (string | number)[] {
  const found = new Set<string | number>();
  for (const row of rows) {
    const value = row[key];
    if (value !== null && value !== undefined) found.add(value);
  }
  const values = [...found];
  const numbers = values.filter((value) => typeof value === 'number');
  return numbers.length === values.length ? numbers.toSorted((a, b) => a - b) : values;
}

export interface SeriesOptions {
  /** The parameter along the axis. */
  readonly x: string;
  /** The figure; the median, with least and most, unless told. */
  readonly y?: string;
  /** Rows that differ in this belong to different series. */
  readonly by: string;
  readonly name: (value: string | number) => string;
}

/** A series for each value of a parameter. */
export function seriesOf(rows: readonly BenchRow[], options: SeriesOptions): Series[] {
  const { x, y, by, name } = options;
  return valuesOf(rows, by).map((value) => ({
    name: name(value),
    points: rows.filter((row) => row[by] === value).flatMap((row) => pointOf(row, x, y)),
  }));
}

/** @returns nothing where the row lacks one of them */
export function pointOf(row: BenchRow, x: string, y?: string): PlotPoint[] {
  const at = numberOf(row, x);
  const value = y === undefined ? row.median : numberOf(row, y);
  if (!Number.isFinite(at) || !Number.isFinite(value)) return [];
  const spread = y === undefined ? { low: row.min, high: row.max } : { low: value, high: value };
  return [{ x: at, y: value, ...spread }];
}

/** A group of bars for each value of one parameter, and a bar in it for each value of another. */
export function groupsOf(
  rows: readonly BenchRow[],
  options: {
    readonly group: (row: BenchRow) => string;
    readonly series: readonly string[];
    readonly bar: (row: BenchRow) => string;
    readonly scale?: number;
    /** `none`: least and most are no spread of samples. */
    readonly spread?: 'none';
  },
): readonly BarGroup[] {
  const { scale = 1, spread } = options;
  const groups = new Map<string, BarGroup['bars'][number][]>();
  for (const row of rows) {
    const label = options.group(row);
    const bars = groups.get(label) ?? [];
    groups.set(label, bars);
    const series = Math.max(0, options.series.indexOf(options.bar(row)));
    const { median } = row;
    const { min, max } = spread === 'none' ? { min: median, max: median } : row;
    bars.push({ series, value: median * scale, low: min * scale, high: max * scale });
  }
  return [...groups].map(([label, bars]) => ({
    label,
    bars: bars.toSorted((one, other) => one.series - other.series),
  }));
}

/** The row with the greatest figure. @param rows at least one */
export function best(rows: readonly BenchRow[]): BenchRow {
  return rows.reduce((most, row) => (row.median > most.median ? row : most));
}

/** The row with the least figure. @param rows at least one */
export function worst(rows: readonly BenchRow[]): BenchRow {
  return rows.reduce((least, row) => (row.median < least.median ? row : least));
}
