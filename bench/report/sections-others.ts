/** Serial lines, the kernel, inter-process communication, descriptions. */

import type { BenchRow } from '../results.ts';
import { rowsTable } from '../suite/rows-table.ts';
import type { BarGroup } from './plot.ts';
import {
  best,
  groupsOf,
  numberOf,
  pointOf,
  type Section,
  type SectionContent,
  select,
  seriesOf,
  type TitledPlot,
  valuesOf,
  worst,
} from './section.ts';
import { list, percent, say, sayNs, sentence } from './words.ts';

export const OTHER_SECTIONS: readonly Section[] = [
  {
    id: 'serial-rate',
    benchmark: 'serial',
    question: 'How many bytes per second go from a client out of each UART, and over each bridge?',
    make: serialRates,
  },
  {
    id: 'serial-echo',
    benchmark: 'serial',
    question: 'How soon is a typed character echoed?',
    make: serialEcho,
  },
  {
    id: 'kernel-operations',
    benchmark: 'kernel',
    question:
      'How long do kernel operations take, and how long does seL4 take on a HiFive Unleashed?',
    make: kernelOperations,
  },
  {
    id: 'kernel-growth',
    benchmark: 'kernel',
    question: 'Does the cost of a call grow with objects, threads or priorities?',
    make: kernelGrowth,
  },
  {
    id: 'kernel-revoke',
    benchmark: 'kernel',
    question: 'Is revocation linear in the number of children?',
    make: kernelRevoke,
  },
  {
    id: 'ipc-times',
    benchmark: 'ipc',
    question: 'Which mechanism moves a message fastest, by workload?',
    make: ipcTimes,
  },
  {
    id: 'ipc-counters',
    benchmark: 'ipc',
    question: 'Why: what does the kernel do for a message of 64 bytes?',
    make: ipcCounters,
  },
  {
    id: 'description',
    benchmark: 'description',
    question: 'How long does a large description take to check and to boot?',
    make: descriptions,
  },
];

function serialRates(rows: readonly BenchRow[]): SectionContent | undefined {
  const memory = select(rows, 'serial/to memory');
  const bridges = rows.filter((row) => /^serial\/to (?!memory)/.test(row.name));
  const found = [...memory, ...bridges];
  if (found.length === 0) return undefined;
  const series = valuesOf(found, 'uart').map(String);
  const top = best(found);
  const slowest = worst(found);
  return {
    answer: `From ${say(slowest.median / 1e6)} MB/s (${slowest['uart']} ${sinkOf(slowest)}) to ${say(top.median / 1e6)} MB/s (${top['uart']} ${sinkOf(top)}), where a character takes no time on the line.`,
    plots: [
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
      },
    ],
    table: rowsTable([...found, ...select(rows, 'serial/line rate')]),
  };
}

/** Where the bytes go. */
function sinkOf(row: BenchRow): string {
  const bridge = row['bridge'];
  return typeof bridge === 'string' ? `over ${bridge}` : row.name.replace('serial/', '');
}

function serialEcho(rows: readonly BenchRow[]): SectionContent | undefined {
  const found = rows.filter((row) => row.name.startsWith('serial/echo'));
  const [first] = found;
  if (first === undefined) return undefined;
  const said = found.map((row) => `${say(row.median)} ms ${echoPath(row)}`);
  return {
    answer: `At the median after ${list(said)}.`,
    plots: [
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
    table: rowsTable(found),
  };
}

function echoPath(row: BenchRow): string {
  const bridge = row['bridge'];
  return typeof bridge === 'string' ? `over ${bridge}` : row.name.replace('serial/echo ', '');
}

/** Without a crowd of other objects, where that was varied. */
function kernelOperations(rows: readonly BenchRow[]): SectionContent | undefined {
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
  return {
    answer: `A call and its reply take ${sayNs(numberOf(call, 'microseconds') * 1e3)} here, ${say(call.median)} a second; seL4 publishes ${sayNs(numberOf(call, 'publishedMicroseconds') * 1e3)} on 1.5 GHz hardware.`,
    plots: [
      { plot: { kind: 'bars', axis: { label: 'µs each', scale: 'linear' }, series, groups } },
    ],
    table: rowsTable([...first, ...others]),
  };
}

function bar(series: number, value: number): BarGroup['bars'][number] {
  return { series, value, low: value, high: value };
}

const CROWDS = ['objects', 'threads', 'priorities'];

function kernelGrowth(rows: readonly BenchRow[]): SectionContent | undefined {
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
  return {
    answer: `Of the calls in a second that there are among few, there are ${list(said)}.`,
    plots: CROWDS.flatMap((among) => growthPlot(found, among)),
    table: rowsTable(found),
  };
}

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

function kernelRevoke(rows: readonly BenchRow[]): SectionContent | undefined {
  const found = rows.filter((row) => typeof row['children'] === 'number' && row.unit === 'ms');
  const ordered = found.toSorted((a, b) => numberOf(a, 'children') - numberOf(b, 'children'));
  const few = ordered[0];
  const many = ordered.at(-1);
  if (few === undefined || many === undefined || few === many) return undefined;
  const each = (row: BenchRow): number => (row.median * 1e6) / numberOf(row, 'children');
  return {
    answer: `A child costs ${sayNs(each(few))} among ${say(numberOf(few, 'children'))} and ${sayNs(each(many))} among ${say(numberOf(many, 'children'))}.`,
    plots: [
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
    table: rowsTable(ordered),
  };
}

/** A group for each workload, a bar for each mechanism. */
function ipcTimes(rows: readonly BenchRow[]): SectionContent | undefined {
  const found = rows.filter((row) => row.name.startsWith('ipc/'));
  const times = found.filter((row) => row.unit === 'ns');
  if (times.length === 0) return undefined;
  const series = valuesOf(times, 'mechanism').map(String);
  const workloads = [...new Set(times.map(workloadOf))];
  const said = workloads.map((workload) => {
    const fastest = worst(times.filter((row) => workloadOf(row) === workload));
    return `${workload} ${fastest['mechanism']} (${sayNs(fastest.median)})`;
  });
  return {
    answer: `Fastest by workload: ${said.join('; ')}.`,
    plots: [
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
      },
    ],
    table: rowsTable(found),
  };
}

const IPC_COUNTED: readonly (readonly [string, string])[] = [
  ['copies', 'copies'],
  ['kernelEntries', 'kernel entries'],
  ['switches', 'context switches'],
  ['lookups', 'names looked up'],
];

function ipcCounters(rows: readonly BenchRow[]): SectionContent | undefined {
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
  return {
    answer: `Copies of the message: ${list(said)}.`,
    plots: [
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
    table: rowsTable(found),
  };
}

function workloadOf(row: BenchRow): string {
  const { workload } = row;
  return typeof workload === 'string' ? workload : row.name.replace('ipc/', '');
}

function descriptions(rows: readonly BenchRow[]): SectionContent | undefined {
  const found = rows.filter((row) => row.name.startsWith('description/') && row.unit === 'ms');
  if (found.length === 0) return undefined;
  const series = valuesOf(found, 'state').map(String);
  const what = (row: BenchRow): string => row.name.replace('description/', '');
  const said = found.map(
    (row) => `${what(row)} ${say(row.median)} ms (${row['state'] ?? 'median'})`,
  );
  return {
    answer: sentence(list(said)),
    plots: [
      {
        plot: {
          kind: 'bars',
          axis: { label: 'ms', scale: 'linear' },
          series: series.length === 0 ? ['median'] : series,
          groups: groupsOf(found, { group: what, series, bar: (row) => String(row['state']) }),
        },
      },
    ],
    table: rowsTable(found),
  };
}
