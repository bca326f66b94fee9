/** Serial lines, the kernel, inter-process communication, descriptions. */

import type { BenchRow } from '../results.ts';
import { rowsTable } from '../suite/rows-table.ts';
import type { BarGroup } from './plot.ts';
import {
  answer,
  best,
  groupsOf,
  numberOf,
  pointOf,
  select,
  seriesOf,
  type TitledPlot,
  valuesOf,
  worst,
} from './section.ts';
import { list, percent, say, sayNs, sentence } from './words.ts';

export const serialRates = answer({
  shares: 'serial/shares',
  rows(rows: readonly BenchRow[]) {
    const memory = select(rows, 'serial/to memory');
    const bridges = rows.filter((row) => /^serial\/to (?!memory)/.test(row.name));
    const found = [...memory, ...bridges];
    if (found.length === 0) return undefined;
    const series = valuesOf(found, 'uart').map(String);
    const top = best(found);
    const slowest = worst(found);
    return { found, series, top, slowest, rows };
  },
  sentence: ({ top, slowest }) =>
    `From ${say(slowest.median / 1e6)} MB/s (${slowest['uart']} ${sinkOf(slowest)}) to ${say(top.median / 1e6)} MB/s (${top['uart']} ${sinkOf(top)}), where a character takes no time on the line.`,
  plots: ({ found, series }) => [
    {
      plot: {
        kind: 'bars',
        axis: { label: 'MB/s', scale: 'log' },
        series,
        groups: groupsOf(found, {
          group: sinkOf,
          series,
          bar: (row) => String(row['uart']),
          scale: 1e-6,
        }),
      },
      takes: {
        names: [...new Set(found.map(({ name }) => name))],
        unit: 'B/s',
        group: sinkOf,
        scale: 1e-6,
      },
    },
  ],
  table: ({ found, rows }) => rowsTable([...found, ...select(rows, 'serial/line rate')]),
});

/** Where the bytes go. */
function sinkOf(row: BenchRow): string {
  const bridge = row['bridge'];
  return typeof bridge === 'string' ? `over ${bridge}` : row.name.replace('serial/', '');
}

export const serialEcho = answer({
  rows(rows: readonly BenchRow[]) {
    const found = rows.filter((row) => row.name.startsWith('serial/echo'));
    const [first] = found;
    if (first === undefined) return undefined;
    const said = found.map((row) => `${say(row.median)} ms ${echoPath(row)}`);
    return { found, said };
  },
  sentence: ({ said }) => `At the median after ${list(said)}.`,
  plots: ({ found }) => [
    {
      plot: {
        kind: 'bars',
        axis: { label: 'ms at the median', scale: 'linear' },
        series: ['median'],
        groups: groupsOf(found, {
          group: echoPath,
          series: ['median'],
          bar: () => 'median',
          // Of single characters, not of samples.
          spread: 'none',
        }),
      },
    },
  ],
  table: ({ found }) => rowsTable(found),
});

function echoPath(row: BenchRow): string {
  const bridge = row['bridge'];
  return typeof bridge === 'string' ? `over ${bridge}` : row.name.replace('serial/echo ', '');
}

/** Without a crowd of other objects, where that was varied. */
export const kernelOperations = answer({
  rows(rows: readonly BenchRow[]) {
    const found = rows.filter(
      (row) => row.name.startsWith('kernel/') && Number.isFinite(numberOf(row, 'microseconds')),
    );
    const seen = new Set<string>();
    const first = found.filter((row) => !seen.has(row.name) && seen.add(row.name));
    const call = first.find((row) => row.name === 'kernel/call-reply');
    if (call === undefined) return undefined;
    const series = ['here', 'seL4 on a HiFive Unleashed'];
    const groups = first.map((row): BarGroup => {
      const published = numberOf(row, 'publishedMicroseconds');
      const bars = [bar(0, numberOf(row, 'microseconds'))];
      if (Number.isFinite(published)) bars.push(bar(1, published));
      return { label: row.name.replace('kernel/', ''), bars };
    });
    const others = rows.filter((row) => row.name === 'kernel/boot-64pd');
    return { first, call, series, groups, others };
  },
  sentence: ({ call }) =>
    `A call and its reply take ${sayNs(numberOf(call, 'microseconds') * 1e3)} here, ${say(call.median)} a second; seL4 publishes ${sayNs(numberOf(call, 'publishedMicroseconds') * 1e3)} on 1.5 GHz hardware.`,
  plots: ({ series, groups }) => [
    {
      plot: { kind: 'bars', axis: { label: 'µs each', scale: 'linear' }, series, groups },
      takes: {
        names: groups.map(({ label }) => `kernel/${label}`),
        unit: 'µs',
        group: (row) => row.name.replace('kernel/', ''),
      },
    },
  ],
  table: ({ first, others }) => rowsTable([...first, ...others]),
});

function bar(series: number, value: number): BarGroup['bars'][number] {
  return { series, value, low: value, high: value };
}

const CROWDS = ['objects', 'threads', 'priorities'];

export const kernelGrowth = answer({
  rows(rows: readonly BenchRow[]) {
    const found = CROWDS.flatMap((among) =>
      rows.filter((row) => row.name.startsWith('kernel/') && typeof row[among] === 'number'),
    );
    const said = CROWDS.flatMap((among) => {
      const calls = select(found, 'kernel/call-reply', {
        [among]: (value) => typeof value === 'number',
      }).toSorted((a, b) => numberOf(a, among) - numberOf(b, among));
      const few = calls[0];
      const many = calls.at(-1);
      if (few === undefined || many === undefined || few === many) return [];
      return [`among ${say(numberOf(many, among))} ${among} ${percent(many.median / few.median)}`];
    });
    if (said.length === 0) return undefined;
    return { found, said };
  },
  sentence: ({ said }) =>
    `Of the calls in a second that there are among few, there are ${list(said)}.`,
  plots: ({ found }) => CROWDS.flatMap((among) => growthPlot(found, among)),
  table: ({ found }) => rowsTable(found),
});

function growthPlot(rows: readonly BenchRow[], among: string): TitledPlot[] {
  const found = rows.filter((row) => typeof row[among] === 'number');
  const ticks = valuesOf(found, among).map(Number);
  if (ticks.length < 2) return [];
  const name = (operation: string | number): string => String(operation).replace('kernel/', '');
  return [
    {
      title: `by other ${among}`,
      plot: {
        kind: 'lines',
        x: { label: `other ${among} in the system`, scale: 'log', ticks },
        y: { label: 'operations/s', scale: 'linear' },
        series: seriesOf(found, { x: among, by: 'name', name }),
      },
    },
  ];
}

export const kernelRevoke = answer({
  rows(rows: readonly BenchRow[]) {
    const found = rows.filter((row) => typeof row['children'] === 'number' && row.unit === 'ms');
    const ordered = found.toSorted((a, b) => numberOf(a, 'children') - numberOf(b, 'children'));
    const few = ordered[0];
    const many = ordered.at(-1);
    if (few === undefined || many === undefined || few === many) return undefined;
    const each = (row: BenchRow): number => (row.median * 1e6) / numberOf(row, 'children');
    return { ordered, few, many, each };
  },
  sentence: ({ few, many, each }) =>
    `A child costs ${sayNs(each(few))} among ${say(numberOf(few, 'children'))} and ${sayNs(each(many))} among ${say(numberOf(many, 'children'))}.`,
  plots: ({ ordered }) => [
    {
      plot: {
        kind: 'lines',
        x: {
          label: 'children',
          scale: 'log',
          ticks: ordered.map((row) => numberOf(row, 'children')),
        },
        y: { label: 'ms', scale: 'log' },
        series: [{ name: 'revoke', points: ordered.flatMap((row) => pointOf(row, 'children')) }],
      },
    },
  ],
  table: ({ ordered }) => rowsTable(ordered),
});

/** A group for each workload, a bar for each mechanism. */
export const ipcTimes = answer({
  rows(rows: readonly BenchRow[]) {
    const found = rows.filter((row) => row.name.startsWith('ipc/'));
    const times = found.filter((row) => row.unit === 'ns');
    if (times.length === 0) return undefined;
    const series = valuesOf(times, 'mechanism').map(String);
    const workloads = [...new Set(times.map(workloadOf))];
    const said = workloads.map((workload) => {
      const fastest = worst(times.filter((row) => workloadOf(row) === workload));
      return `${workload} ${fastest['mechanism']} (${sayNs(fastest.median)})`;
    });
    return { found, times, series, said };
  },
  sentence: ({ said }) => `Fastest by workload: ${said.join('; ')}.`,
  plots: ({ times, series }) => [
    {
      plot: {
        kind: 'bars',
        axis: { label: 'ns per message', scale: 'log' },
        series,
        groups: groupsOf(times, {
          group: workloadOf,
          series,
          bar: (row) => String(row['mechanism']),
        }),
      },
      takes: { names: [...new Set(times.map(({ name }) => name))], unit: 'ns', group: workloadOf },
    },
  ],
  table: ({ found }) => rowsTable(found),
});

const IPC_COUNTED: readonly (readonly [string, string])[] = [
  ['copies', 'copies'],
  ['kernelEntries', 'kernel entries'],
  ['switches', 'context switches'],
  ['lookups', 'names looked up'],
];

export const ipcCounters = answer({
  rows(rows: readonly BenchRow[]) {
    const found = rows.filter(
      (row) =>
        row.name.startsWith('ipc/') &&
        row['workload'] === '64 B' &&
        Number.isFinite(numberOf(row, 'kernelEntries')),
    );
    if (found.length === 0) return undefined;
    const known = IPC_COUNTED.filter(([key]) =>
      found.some((row) => Number.isFinite(numberOf(row, key))),
    );
    const series = known.map(([, name]) => name);
    const said = found.map((row) => `${row['mechanism']} ${say(numberOf(row, 'copies'))}`);
    return { found, known, series, said };
  },
  sentence: ({ said }) => `Copies of the message: ${list(said)}.`,
  plots: ({ found, known, series }) => [
    {
      plot: {
        kind: 'bars',
        axis: { label: 'per message', scale: 'linear' },
        series,
        groups: found.map((row) => ({
          label: String(row['mechanism']),
          bars: known
            .map(([key], index) => bar(index, numberOf(row, key)))
            .filter(({ value }) => Number.isFinite(value)),
        })),
      },
    },
  ],
  table: ({ found }) => rowsTable(found),
});

function workloadOf(row: BenchRow): string {
  const { workload } = row;
  return typeof workload === 'string' ? workload : row.name.replace('ipc/', '');
}

export const descriptions = answer({
  rows(rows: readonly BenchRow[]) {
    const found = rows.filter((row) => row.name.startsWith('description/') && row.unit === 'ms');
    if (found.length === 0) return undefined;
    const series = valuesOf(found, 'state').map(String);
    const what = (row: BenchRow): string => row.name.replace('description/', '');
    const said = found.map(
      (row) => `${what(row)} ${say(row.median)} ms (${row['state'] ?? 'median'})`,
    );
    return { found, series, what, said };
  },
  sentence: ({ said }) => sentence(list(said)),
  plots: ({ found, series, what }) => [
    {
      plot: {
        kind: 'bars',
        axis: { label: 'ms', scale: 'linear' },
        series: series.length === 0 ? ['median'] : series,
        groups: groupsOf(found, { group: what, series, bar: (row) => String(row['state']) }),
      },
    },
  ],
  table: ({ found }) => rowsTable(found),
});
