/**
 * What ipbench prints of its latency test, alone or with the CPU use of its target: a line of
 * figures with commas for each load. A script may have put the columns' names above, and other
 * lines may stand between.
 *
 *     Requested_Throughput,Receive_Throughput,Send_Throughput,Packet_Size,Minimum_RTT,…
 *     100000000,99998120,99999100,1472,398,449,1210,31.20,447,0,28889234862,35540585176
 *
 * Throughputs are bits of payload in a second, round trips are in microseconds.
 */

import { UserMistake } from '../../host/problem.ts';
import type { BenchRow } from '../results.ts';
import { round } from '../statistics.ts';

/** Where no line names the columns, and how many there may be: with what of the target's. */
const LATENCY = [
  ...['Requested_Throughput', 'Receive_Throughput', 'Send_Throughput', 'Packet_Size'],
  ...['Minimum_RTT', 'Average_RTT', 'Maximum_RTT', 'Stdev_RTT', 'Median_RTT'],
];
const CYCLES = ['Idle_Cycles', 'Total_Cycles'];
const COLUMNS: Readonly<Record<number, readonly string[]>> = {
  9: LATENCY,
  10: [...LATENCY, 'Bad_Packets'],
  11: [...LATENCY, ...CYCLES],
  12: [...LATENCY, 'Bad_Packets', ...CYCLES],
};
const NEEDED = ['Requested_Throughput', 'Receive_Throughput', 'Median_RTT'];
/** sDDF's echo example has drivers, virtualisers, a copier and a client. */
const PATH = '5pd';
const MEGA = 1e6;

/** Whether a text has a line of it; cheap, and asked of texts of any kind. */
export function isIpbench(text: string): boolean {
  return text.includes('Requested_Throughput') || text.split('\n').some(isFigures);
}

/**
 * @param where the file's name, for messages
 * @returns rows for each load, in the order of the file; one that stands there twice is there once
 * @throws UserMistake with the line that cannot be read
 */
export function ipbenchRows(text: string, where: string): readonly BenchRow[] {
  let names: readonly string[] | undefined;
  const found = new Map<string, readonly BenchRow[]>();
  for (const [index, line] of text.split('\n').entries()) {
    const cells = line.trim().split(',');
    const at = `${where}:${index + 1}:1`;
    if (cells.includes('Requested_Throughput')) names = headingOf(cells, at);
    else if (isFigures(line)) found.set(line.trim(), rowsOf(cells.map(Number), names, at));
  }
  if (found.size > 0) return [...found.values()].flat();
  throw new UserMistake(`${where}:1:1: names ipbench's columns, and has no line of figures`);
}

function headingOf(cells: readonly string[], at: string): readonly string[] {
  const missing = NEEDED.find((name) => !cells.includes(name));
  if (missing === undefined) return cells;
  throw new UserMistake(`${at}: the column ${missing} of ipbench is missing`);
}

/** Nine numbers or more, and nothing else: a line of a log about something else has words. */
function isFigures(line: string): boolean {
  const cells = line.trim().split(',');
  return cells.length >= LATENCY.length && cells.every((cell) => /^\d+(?:\.\d+)?$/.test(cell));
}

function rowsOf(
  figures: readonly number[],
  named: readonly string[] | undefined,
  at: string,
): readonly BenchRow[] {
  const names = named ?? COLUMNS[figures.length];
  if (names?.length !== figures.length) {
    const known = names?.length ?? Object.keys(COLUMNS).join(', ');
    throw new UserMistake(`${at}: has ${figures.length} figures, and ipbench ${known}`);
  }
  const of = (name: string): number | undefined => figures[names.indexOf(name)];
  const offered = round((of('Requested_Throughput') ?? 0) / MEGA);
  const row = (
    name: string,
    unit: string,
    median: number,
    spread = [median, median],
  ): BenchRow => ({
    ...{ name, path: PATH, offered, unit, median },
    ...{ min: Math.min(median, ...spread), max: Math.max(median, ...spread), ratioToNative: null },
  });
  const median = of('Median_RTT') ?? 0;
  const trips = [of('Minimum_RTT') ?? median, of('Maximum_RTT') ?? median];
  const [idle, total] = CYCLES.map(of);
  return [
    row('net/received', 'Mb/s', round((of('Receive_Throughput') ?? 0) / MEGA)),
    row('net/round-trip', 'µs', median, trips),
    ...(idle === undefined || total === undefined || total === 0
      ? []
      : [row('net/cpu-use', '% of a core', round(100 * (1 - idle / total)))]),
  ];
}
