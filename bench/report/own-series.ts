/**
 * Figures from elsewhere in a plot of ours: a series with a name of its own, dashed or in bars of
 * its own, wherever what was measured is what the plot shows.
 */

import { type BenchRow, parametersOf } from '../results.ts';
import type { OwnFigures } from '../suite/own-figures.ts';
import type { BarGroup, BarPlot, LinePlot, Series, Taken } from './plot.ts';
import { numberOf, pointOf, type TitledPlot } from './section.ts';

/** @returns the plot with a series for each that has something for it */
export function withOwnSeries(titled: TitledPlot, own: readonly OwnFigures[]): TitledPlot {
  const { plot, takes } = titled;
  if (takes === undefined) return titled;
  const found = own.flatMap(({ series, rows }) => {
    const taken = rows.filter((row) => isTaken(row, takes));
    return taken.length === 0 ? [] : [{ series, rows: taken }];
  });
  if (found.length === 0) return titled;
  if (plot.kind === 'lines') return { ...titled, plot: linesWith(plot, takes, found) };
  return { ...titled, plot: barsWith(plot, takes, found) };
}

function isTaken(row: BenchRow, { names, unit, x, where = {} }: Taken): boolean {
  if (!names.includes(row.name) || row.unit !== unit) return false;
  if (x !== undefined && !Number.isFinite(numberOf(row, x))) return false;
  return Object.entries(where).every(([key, value]) => (row[key] ?? value) === value);
}

function linesWith(plot: LinePlot, takes: Taken, found: readonly OwnFigures[]): LinePlot {
  const { x = '', where = {}, scale = 1 } = takes;
  const added = found.flatMap(({ series, rows }): (Series & { readonly line: string })[] => {
    const isOneName = new Set(rows.map(({ name }) => name)).size === 1;
    const lines = new Map<string, BenchRow[]>();
    for (const row of rows) {
      const rest = parametersOf(row).filter(([key]) => key !== x && !(key in where));
      const words = rest.map(([key, value]) => said(key, value));
      const line = [...(isOneName ? [] : [row.name]), ...words].join(', ');
      lines.set(line, [...(lines.get(line) ?? []), row]);
    }
    return [...lines].map(([line, each]) => ({
      name: line === '' ? series : `${series}: ${line}`,
      line,
      style: 'beside',
      points: each.flatMap((row) => pointOf(row, x)).map((point) => scaled(point, scale)),
    }));
  });
  return { ...plot, series: [...plot.series, ...coloured(plot, added)] };
}

/** As the line of ours that is meant, for the first of them; behind the colours of ours else. */
function coloured(
  plot: LinePlot,
  added: readonly (Series & { readonly line: string })[],
): readonly Series[] {
  const colours = plot.series.map(({ colour }, index) => colour ?? index);
  const free = new Map(plot.series.map(({ name }, index) => [name, colours[index] ?? index]));
  let next = Math.max(...colours, -1) + 1;
  return added.map(({ line, ...series }) => {
    const name = [...free.keys()].find((own) => own === line || own.startsWith(`${line}, `));
    const own = name === undefined ? undefined : free.get(name);
    if (name !== undefined) free.delete(name);
    return { ...series, colour: own ?? next++ };
  });
}

function said(key: string, value: string | number): string {
  return typeof value === 'string' ? value : `${key} ${value}`;
}

function scaled<Point extends { y: number; low: number; high: number }>(
  point: Point,
  scale: number,
): Point {
  return { ...point, y: point.y * scale, low: point.low * scale, high: point.high * scale };
}

function barsWith(plot: BarPlot, takes: Taken, found: readonly OwnFigures[]): BarPlot {
  const { group = () => '', scale = 1 } = takes;
  const groups = new Map(plot.groups.map((each): [string, BarGroup] => [each.label, each]));
  for (const [index, { rows }] of found.entries()) {
    for (const row of rows) {
      const label = group(row);
      const { bars } = groups.get(label) ?? { bars: [] };
      const bar = { series: plot.series.length + index, value: row.median * scale };
      const spread = { low: row.min * scale, high: row.max * scale };
      groups.set(label, { label, bars: [...bars, { ...bar, ...spread }] });
    }
  }
  const series = [...plot.series, ...found.map((each) => each.series)];
  return { ...plot, series, groups: [...groups.values()] };
}
