/**
 * Counters that explain: what a packet costs, how many a wake-up finds, and how full the queues
 * are.
 */

import type { BenchRow } from '../results.ts';
import { rowsTable } from '../suite/rows-table.ts';
import { answer, groupsOf, numberOf, select, seriesOf, valuesOf } from './section.ts';
import { list, percent, say } from './words.ts';

const COUNTED: readonly (readonly [string, string])[] = [
  ['copies', 'copies'],
  ['kernelEntries', 'kernel entries'],
  ['notifications', 'notifications'],
  ['wasted', 'wasted wake-ups'],
  ['contextSwitches', 'context switches'],
  ['mmio', 'MMIO accesses'],
];

export const counters = answer({
  rows(rows: readonly BenchRow[]) {
    const found = select(rows, 'net/counters');
    const [first] = found;
    if (first === undefined) return undefined;
    const known = COUNTED.filter(([key]) => Number.isFinite(numberOf(first, key)));
    const said = known.map(([key, name]) => `${say(numberOf(first, key))} ${name}`);
    const series = known.map(([, name]) => name);
    // The others are in the table.
    const shown = found.filter((row) => row['path'] === first['path']);
    return { found, first, known, said, series, shown };
  },
  sentence: ({ first, said }) =>
    `${labelOf(first)}: ${said.length === 0 ? 'see the table' : list(said)}.`,
  plots: ({ known, series, shown }) => [
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
  table: ({ found }) => rowsTable(found),
});

function labelOf(row: BenchRow): string {
  return `${row['path'] ?? 'Path'}, batch ${row['batch'] ?? 'any'}`;
}

/** Rarer ones are in the table. */
const SHARE_SHOWN = 0.02;

export const batchSizes = answer({
  rows(rows: readonly BenchRow[]) {
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
    return { found, series, largest, idle, groups };
  },
  sentence: ({ largest, idle }) =>
    `At most ${rangeOf(largest)}; at most ${percent(idle)} of a program's wake-ups find none.`,
  plots: ({ series, groups }) => [
    {
      plot: {
        kind: 'bars',
        axis: { label: 'share of wake-ups', scale: 'linear', format: percent },
        series,
        groups,
      },
    },
  ],
  table: ({ found }) => rowsTable(found),
});

/** Buckets are powers of two. */
function rangeOf(bucket: number): string {
  if (bucket < 2) return bucket === 0 ? 'none' : '1 packet';
  return `${bucket} to ${2 * bucket - 1} packets`;
}

export const queueDepths = answer({
  rows(rows: readonly BenchRow[]) {
    const found = select(rows, 'net/queue-depth');
    if (found.length === 0) return undefined;
    const fullest = found.reduce((most, row) => (row.median > most.median ? row : most));
    const loads = valuesOf(found, 'offered');
    return { found, fullest, loads };
  },
  sentence: ({ fullest }) =>
    `At most ${say(fullest.median)} packets wait, from ${fullest['queue']}, at ${fullest['offered']} Mb/s.`,
  plots: ({ found, loads }) =>
    loads.map((load) => ({
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
  table: ({ found }) => rowsTable(found),
});

export const traceCost = answer({
  rows(rows: readonly BenchRow[]) {
    const found = select(rows, 'net/traced');
    if (found.length === 0) return undefined;
    const said = found.map(
      (row) => `${percent(numberOf(row, 'ofUntraced'))} at batch ${row['batch']}`,
    );
    return { found, said };
  },
  sentence: ({ said }) => `Of the packets that there are without one: ${list(said)}.`,
  plots: () => [],
  table: ({ found }) => rowsTable(found),
});
