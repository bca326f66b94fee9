/** What a plot is, before anybody draws it. */

import type { BenchRow } from '../results.ts';

export interface Axis {
  readonly label: string;
  readonly scale: 'linear' | 'log';
  /** Where it has its ticks; round numbers unless told. */
  readonly ticks?: readonly number[];
  /** How its numbers are written; with three digits unless told. */
  readonly format?: (value: number) => string;
}

export interface PlotPoint {
  readonly x: number;
  readonly y: number;
  /** The samples' least and most. */
  readonly low: number;
  readonly high: number;
}

export interface Series {
  readonly name: string;
  readonly points: readonly PlotPoint[];
  /** Something else to compare with: dashed, hollow. */
  readonly style?: 'beside';
  /** The number of its colour; its place among the series unless told. */
  readonly colour?: number;
}

export interface LinePlot {
  readonly kind: 'lines';
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  /** A level to reach, or not to exceed. */
  readonly level?: { readonly y: number; readonly label: string };
}

export interface Bar {
  /** Its place in `series`. */
  readonly series: number;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface BarGroup {
  readonly label: string;
  readonly bars: readonly Bar[];
}

export interface BarPlot {
  readonly kind: 'bars';
  readonly axis: Axis;
  readonly series: readonly string[];
  readonly groups: readonly BarGroup[];
}

export type Plot = LinePlot | BarPlot;

/** Which figures from elsewhere a plot takes. */
export interface Taken {
  readonly names: readonly string[];
  /** That of the plot's axis. */
  readonly unit: string;
  /** Of lines: the parameter along the axis. */
  readonly x?: string;
  /** Of bars: the group's label. */
  readonly group?: (row: BenchRow) => string;
  /** What a row must not say otherwise. */
  readonly where?: Readonly<Record<string, string | number>>;
  /** To the axis's unit; 1 unless told. */
  readonly scale?: number;
}
