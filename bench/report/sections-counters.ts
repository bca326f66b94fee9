/**
 * Counters that explain: what a packet costs, how many a wake-up finds, and how full the queues
 * are.
 */

import type { BenchRow } from '../results.ts';
import { rowsTable } from '../suite/rows-table.ts';
import {
  groupsOf,
  numberOf,
  type Section,
  type SectionContent,
  select,
  seriesOf,
  valuesOf,
} from './section.ts';
import { list, percent, say } from './words.ts';

export const COUNTER_SECTIONS: readonly Section[] = [
  {
    id: 'net-counters',
    benchmark: 'net',
    question: 'What does one packet cost, counted?',
    make: counters,
  },
  {
    id: 'net-batch-size',
    benchmark: 'net',
    question: 'How many packets does a wake-up find?',
    make: batchSizes,
  },
  {
    id: 'net-queue-depth',
    benchmark: 'net',
    question: 'How full are the queues, over time?',
    make: queueDepths,
  },
  {
    id: 'net-trace',
    benchmark: 'net',
    question: 'What does it cost to record a trace?',
    make: traceCost,
  },
];

const COUNTED: readonly (readonly [string, string])[] = [
  ['copies', 'copies'],
  ['kernelEntries', 'kernel entries'],
  ['notifications', 'notifications'],
  ['wasted', 'wasted wake-ups'],
  ['contextSwitches', 'context switches'],
  ['mmio', 'MMIO accesses'],
];

function counters(rows: readonly BenchRow[]): SectionContent | undefined {
  const found = select(rows, 'net/counters');
  const [first] = found;
  if (first === undefined) return undefined;
  const known = COUNTED.filter(([key]) => Number.isFinite(numberOf(first, key)));
  const said = known.map(([key, name]) => `${say(numberOf(first, key))} ${name}`);
  const series = known.map(([, name]) => name);
  // The others are in the table.
  const shown = found.filter((row) => row['path'] === first['path']);
  return {
    answer: `${labelOf(first)}: ${said.length === 0 ? 'see the table' : list(said)}.`,
    plots: [
      {
        plot: {
          kind: 'bars',
          axis: { label: 'per packet', scale: 'linear' },
          series,
          groups: shown.map((row) => ({
            label: labelOf(row),
            bars: known
              .map(([key], index) => {
                const value = numberOf(row, key);
                return { series: index, value, low: value, high: value };
              })
              .filter(({ value }) => Number.isFinite(value)),
          })),
        },
      },
    ],
    table: rowsTable(found),
  };
}

function labelOf(row: BenchRow): string {
  return `${row['path'] ?? 'Path'}, batch ${row['batch'] ?? 'any'}`;
}

/** Rarer ones are in the table. */
const SHARE_SHOWN = 0.02;

function batchSizes(rows: readonly BenchRow[]): SectionContent | undefined {
  const found = select(rows, 'net/batch-size');
  if (found.length === 0) return undefined;
  const loads = valuesOf(found, 'offered');
  const series = loads.map((load) => `at ${load} Mb/s`);
  const largest = Math.max(...found.map((row) => numberOf(row, 'packets')));
  const wasted = found.filter((row) => row['packets'] === 0);
  const idle = Math.max(0, ...wasted.map((row) => row.median));
  const shown = found
    .filter((row) => row.median >= SHARE_SHOWN)
    .toSorted(
      (a, b) =>
        String(a['program']).localeCompare(String(b['program'])) ||
        numberOf(a, 'packets') - numberOf(b, 'packets'),
    );
  const groups = groupsOf(shown, {
    group: (row) => `${row['program']}: ${rangeOf(numberOf(row, 'packets'))}`,
    series,
    bar: (row) => `at ${row['offered']} Mb/s`,
  });
  return {
    answer: `At most ${rangeOf(largest)}; at most ${percent(idle)} of a program's wake-ups find none.`,
    plots: [
      {
        plot: {
          kind: 'bars',
          axis: { label: 'share of wake-ups', scale: 'linear', format: percent },
          series,
          groups,
        },
      },
    ],
    table: rowsTable(found),
  };
}

/** Buckets are powers of two. */
function rangeOf(bucket: number): string {
  if (bucket < 2) return bucket === 0 ? 'none' : '1 packet';
  return `${bucket} to ${2 * bucket - 1} packets`;
}

function queueDepths(rows: readonly BenchRow[]): SectionContent | undefined {
  const found = select(rows, 'net/queue-depth');
  if (found.length === 0) return undefined;
  const fullest = found.reduce((most, row) => (row.median > most.median ? row : most));
  const loads = valuesOf(found, 'offered');
  return {
    answer: `At most ${say(fullest.median)} packets wait, from ${fullest['queue']}, at ${fullest['offered']} Mb/s.`,
    plots: loads.map((load) => ({
      ...(loads.length > 1 ? { title: `${load} Mb/s offered` } : {}),
      plot: {
        kind: 'lines',
        x: { label: 'µs', scale: 'linear' },
        y: { label: 'packets', scale: 'linear' },
        series: seriesOf(
          found.filter((row) => row['offered'] === load),
          { x: 'timeUs', by: 'queue', name: String },
        ),
      },
    })),
    table: rowsTable(found),
  };
}

function traceCost(rows: readonly BenchRow[]): SectionContent | undefined {
  const found = select(rows, 'net/traced');
  if (found.length === 0) return undefined;
  const said = found.map(
    (row) => `${percent(numberOf(row, 'ofUntraced'))} at batch ${row['batch']}`,
  );
  return {
    answer: `Of the packets that there are without one: ${list(said)}.`,
    plots: [],
    table: rowsTable(found),
  };
}
