/**
 * The network data path under load: rates without loss, latency, loss, CPU use, and who gets how
 * much.
 */

import type { BenchRow } from '../results.ts';
import { rowsTable } from '../suite/rows-table.ts';
import { short } from '../suite/figure.ts';
import { median } from '../statistics.ts';
import {
  answer,
  groupsOf,
  numberOf,
  pointOf,
  select,
  seriesOf,
  type TitledPlot,
  valuesOf,
} from './section.ts';
import { frameAxis } from './answers-net.ts';
import { list, percent, say } from './words.ts';

const PATH = '5pd';

export const highestRates = answer({
  rows(rows: readonly BenchRow[]) {
    const found = [...select(rows, 'net/ndr'), ...select(rows, 'net/pdr')];
    const series = [
      { name: 'NDR: no loss', rows: select(rows, 'net/ndr') },
      { name: 'PDR: 0.5 % loss', rows: select(rows, 'net/pdr') },
    ].flatMap(({ name, rows: each }) =>
      each.length === 0 ? [] : [{ name, points: each.flatMap((row) => pointOf(row, 'frame')) }],
    );
    const [smallest] = valuesOf(found, 'frame');
    if (smallest === undefined) return undefined;
    const said = found
      .filter((row) => row['frame'] === smallest)
      .map((row) => `${row.name === 'net/ndr' ? 'NDR' : 'PDR'} ${say(row.median)} packets/s`);
    return { found, series, smallest, said };
  },
  sentence: ({ smallest, said }) => `With frames of ${smallest} bytes: ${list(said)}.`,
  plots: ({ found, series }) => [
    {
      plot: {
        kind: 'lines',
        x: frameAxis(found),
        y: { label: 'packets/s', scale: 'linear' },
        series,
      },
      takes: {
        names: ['net/ndr', 'net/pdr'],
        unit: 'packets/s',
        x: 'frame',
        where: { path: PATH },
      },
    },
  ],
  table: ({ found }) => rowsTable(found),
});

export const latency = answer({
  rows(rows: readonly BenchRow[]) {
    const found = select(rows, 'net/latency');
    if (found.length === 0) return undefined;
    const series = valuesOf(found, 'percentile').map(String);
    const frames = valuesOf(found, 'frame');
    const [frame] = frames;
    const said = valuesOf(found, 'load').flatMap((load) => {
      const of = (percentile: string): BenchRow | undefined =>
        found.find(
          (row) =>
            row['load'] === load &&
            row['percentile'] === percentile &&
            (frame === undefined || row['frame'] === frame),
        );
      const [half, most] = [of('p50'), of('p99')];
      if (half === undefined || most === undefined) return [];
      return [`${say(half.median)} to ${say(most.median)} µs at ${load} %`];
    });
    const size = frame === undefined ? '' : ` of frames of ${frame} bytes`;
    return { found, frames, series, said, size };
  },
  sentence: ({ said, size }) => `From p50 to p99${size}: ${list(said)}.`,
  plots: ({ found, frames, series }) => [
    {
      plot: {
        kind: 'bars',
        axis: { label: 'µs, there and back', scale: 'log' },
        series,
        groups: groupsOf(found, {
          group: (row) =>
            `${frames.length > 1 ? `${row['frame']} bytes, ` : ''}at ${row['load']} % of PDR`,
          series,
          bar: (row) => String(row['percentile']),
          // Of all packets, not of samples.
          spread: 'none',
        }),
      },
    },
  ],
  table: ({ found }) => rowsTable(found),
});

export const loss = answer({
  rows(rows: readonly BenchRow[]) {
    const found = select(rows, 'net/loss').toSorted(
      (a, b) => numberOf(a, 'offered') - numberOf(b, 'offered'),
    );
    const [frame] = valuesOf(found, 'frame');
    const ofFrame = found.filter((row) => frame === undefined || row['frame'] === frame);
    const first = ofFrame.find((row) => row.median > 0);
    const most = ofFrame.at(-1);
    if (most === undefined) return undefined;
    const size = frame === undefined ? '' : `, of frames of ${frame} bytes,`;
    const beginning =
      first === undefined
        ? `Nothing is lost up to ${say(numberOf(most, 'offered'))} packets/s offered`
        : `Loss begins at ${say(numberOf(first, 'offered'))} packets/s${size} offered`;
    const name = (each: string | number): string => `${each} bytes`;
    const series =
      frame === undefined
        ? [{ name: 'lost', points: found.flatMap((row) => pointOf(row, 'offered')) }]
        : seriesOf(found, { x: 'offered', by: 'frame', name });
    return { found, most, beginning, series };
  },
  sentence: ({ most, beginning }) =>
    `${beginning}; at ${say(numberOf(most, 'offered'))} it is ${percent(most.median)}.`,
  plots: ({ series }) => [
    {
      plot: {
        kind: 'lines',
        x: { label: 'packets/s offered', scale: 'linear' },
        y: { label: 'share lost', scale: 'linear', format: percent },
        series,
      },
      takes: { names: ['net/loss'], unit: 'share', x: 'offered', where: { path: PATH } },
    },
  ],
  table: ({ found }) => rowsTable(found),
});

export const burst = answer({
  rows(rows: readonly BenchRow[]) {
    const found = select(rows, 'net/burst');
    const [first] = found;
    if (first === undefined) return undefined;
    const least = found.reduce((few, row) => (row.median < few.median ? row : few));
    const atLimit = least['limit'] === least.median ? ', the longest that was tried' : '';
    return { found, least, atLimit };
  },
  sentence: ({ least, atLimit }) =>
    `At least ${say(least.median)} frames${atLimit}, of ${least['frame']} bytes.`,
  plots: ({ found }) => [
    {
      plot: {
        kind: 'bars',
        axis: { label: 'frames', scale: 'linear' },
        series: ['frames'],
        groups: groupsOf(found, {
          group: (row) => `${row['frame']} bytes`,
          series: ['frames'],
          bar: () => 'frames',
        }),
      },
    },
  ],
  table: ({ found }) => rowsTable(found),
});

export const cpuUse = answer({
  rows(rows: readonly BenchRow[]) {
    const found = select(rows, 'net/cpu-use');
    if (found.length === 0) return undefined;
    const name = (path: string | number): string => `${path}, predicted`;
    const series = seriesOf(found, { x: 'offered', by: 'path', name });
    const errors = found.map((row) => Math.abs(numberOf(row, 'error'))).filter(Number.isFinite);
    const said = select(rows, 'net/cpu-error').map(
      (row) => `${row['path']} ${percent(asShare(row.median))}`,
    );
    const byPath = said.length === 0 ? '' : ` (median by path: ${list(said)})`;
    return { found, series, errors, byPath };
  },
  sentence: ({ found, errors, byPath }) =>
    errors.length === 0
      ? `CPU use is predicted for ${found.length} points; there is none to hold them against.`
      : `The median error is ${percent(asShare(median(errors)))}, the greatest ${percent(asShare(Math.max(...errors)))}, over ${errors.length} published points that the table was not fitted on${byPath}.`,
  plots: ({ series }) => [
    {
      plot: {
        kind: 'lines',
        x: { label: 'Mb/s offered', scale: 'linear', format: String },
        y: { label: 'CPU use, % of a core', scale: 'linear', format: short },
        series,
      },
      takes: { names: ['net/cpu-use'], unit: '% of a core', x: 'offered' },
    },
  ],
  table: ({ found }) => rowsTable(found),
});

export const roundTrips = answer({
  rows(rows: readonly BenchRow[]) {
    const found = select(rows, 'net/round-trip');
    const name = (path: string | number): string => `${path}, predicted`;
    const series = seriesOf(found, { x: 'offered', by: 'path', name });
    const ofPath = found.filter((row) => row['path'] === PATH);
    const ordered = ofPath.toSorted((a, b) => numberOf(a, 'offered') - numberOf(b, 'offered'));
    const [least] = ordered;
    const most = ordered.at(-1);
    if (least === undefined || most === undefined) return undefined;
    return { found, series, least, most };
  },
  sentence: ({ least, most }) =>
    `On the whole path the median is ${say(least.median)} µs at ${least['offered']} Mb/s and ` +
    `${say(most.median)} µs at ${most['offered']} Mb/s; what is published has a network and its sender in it, too.`,
  plots: ({ series }) => [
    {
      plot: {
        kind: 'lines',
        x: { label: 'Mb/s offered', scale: 'linear', format: String },
        y: { label: 'µs there and back', scale: 'log', format: short },
        series,
      },
      takes: { names: ['net/round-trip'], unit: 'µs', x: 'offered' },
    },
  ],
  table: ({ found }) => rowsTable(found),
});

/** Errors are in per cent. */
function asShare(error: number): number {
  return error / 100;
}

export const isolation = answer({
  rows(rows: readonly BenchRow[]) {
    const found = select(rows, 'net/isolation');
    if (found.length === 0) return undefined;
    const said = found
      .filter((row) => row['neighbour'] !== 'none')
      .map((row) => `${percent(row.median)} beside a neighbour that is ${row['neighbour']}`);
    return { found, said };
  },
  sentence: ({ said }) => `Of what it is sent, the good client answers ${list(said)}.`,
  plots: ({ found }) => [
    {
      plot: {
        kind: 'bars',
        axis: {
          label: 'share of its packets that the good client answers',
          scale: 'linear',
          format: percent,
        },
        series: ['share'],
        groups: groupsOf(found, {
          group: (row) =>
            row['neighbour'] === 'none' ? 'alone' : `beside one that is ${row['neighbour']}`,
          series: ['share'],
          bar: () => 'share',
        }),
      },
    },
  ],
  table: ({ found }) => rowsTable(found),
});

export const transmitPolicies = answer({
  rows(rows: readonly BenchRow[]) {
    const found = select(rows, 'net/tx-policy');
    if (found.length === 0) return undefined;
    const clients = valuesOf(found, 'client').map(String);
    const said = valuesOf(found, 'policy').map((policy) => {
      const each = found.filter((row) => row['policy'] === policy);
      return `${policy} ${each.map((row) => percent(row.median)).join(' / ')}`;
    });
    return { found, clients, said };
  },
  sentence: ({ clients, said }) => `Shares of ${list(clients)}: ${said.join('; ')}.`,
  plots: ({ found }) => [sharesPlot(found)],
  table: ({ found }) => rowsTable(found),
});

/** Shares of clients: a group for each policy. */
export function sharesPlot(found: readonly BenchRow[]): TitledPlot {
  const series = valuesOf(found, 'client').map(String);
  return {
    plot: {
      kind: 'bars',
      axis: { label: 'share', scale: 'linear', format: percent },
      series,
      groups: groupsOf(found, {
        group: (row) => String(row['policy']),
        series,
        bar: (row) => String(row['client']),
      }),
    },
  };
}
