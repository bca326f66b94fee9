/**
 * The counters that explain a run, as lines for people and as rows like those of the benchmarks.
 */

import type { BenchRow } from '../../bench/results.ts';
import { groupDigits } from '../../systems/figures.ts';
import type { QueueStatistics, RunStatistics } from '../../systems/trace/statistics.ts';
import { type Alignment, textTable } from '../text-table.ts';

/** @returns a row for each figure; exact ones, so that median, least and most are the same */
export function statisticsRows(statistics: RunStatistics): readonly BenchRow[] {
  const { domains, queues, devices } = statistics;
  return [
    ...domains.flatMap(({ name, ...counts }) => [
      row('wake-ups', 'wake-ups', counts.wakeUps, { domain: name }),
      row('wasted wake-ups', 'wake-ups', counts.wastedWakeUps, { domain: name }),
      row('protected calls', 'calls', counts.protectedCalls, { domain: name }),
      row('notifications', 'notifications', counts.notifies, { domain: name }),
    ]),
    ...queues.flatMap(({ name, depthMean, depthMax, batches }) => [
      row('queue depth, mean', 'entries', depthMean, { queue: name }),
      row('queue depth, most', 'entries', depthMax, { queue: name }),
      ...batches.map((count, bucket) =>
        row('batches', 'wake-ups', count, { queue: name, entriesFrom: 2 ** bucket }),
      ),
    ]),
    ...devices.flatMap(({ name, reads, writes }) => [
      row('register reads', 'accesses', reads, { device: name }),
      row('register writes', 'accesses', writes, { device: name }),
    ]),
  ];
}

function row(
  what: string,
  unit: string,
  value: number,
  parameters: Readonly<Record<string, string | number>>,
): BenchRow {
  const figures = { unit, median: value, min: value, max: value, ratioToNative: null };
  return { name: `trace/${what}`, ...parameters, ...figures };
}

/** What did nothing is left out, and queues of empty buffers, of which batches are not known. */
export function statisticsText(statistics: RunStatistics): readonly string[] {
  const domains = statistics.domains.filter(
    ({ wakeUps, protectedCalls }) => wakeUps + protectedCalls > 0,
  );
  const queues = statistics.queues.filter(({ batches }) => batches.length > 0);
  return [
    ...table(
      ['domain', 'wake-ups', 'wasted', 'calls', 'signals sent'],
      domains.map((each) => [
        each.name,
        ...[each.wakeUps, each.wastedWakeUps, each.protectedCalls, each.notifies].map(groupDigits),
      ]),
      ['left', 'right', 'right', 'right', 'right'],
    ),
    ...table(
      ['queue', 'mean', 'most', 'wake-ups by entries taken out'],
      queues.map((queue) => [
        queue.name,
        queue.depthMean.toFixed(2),
        groupDigits(queue.depthMax),
        batchText(queue),
      ]),
      ['left', 'right', 'right', 'left'],
    ),
    ...table(
      ['device', 'reads', 'writes'],
      statistics.devices.map((each) => [
        each.name,
        groupDigits(each.reads),
        groupDigits(each.writes),
      ]),
      ['left', 'right', 'right'],
    ),
  ];
}

function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  alignments: readonly Alignment[],
): readonly string[] {
  return rows.length === 0 ? [] : textTable([head, ...rows], alignments);
}

/** Such as "1: 12 · 2-3: 4 · 64-127: 1". */
function batchText({ batches }: QueueStatistics): string {
  return batches
    .map((count, bucket) => ({ count, from: 2 ** bucket, to: 2 ** (bucket + 1) - 1 }))
    .filter(({ count }) => count > 0)
    .map(({ count, from, to }) => `${from === to ? from : `${from}-${to}`}: ${groupDigits(count)}`)
    .join(' · ');
}
