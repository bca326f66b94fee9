/**
 * Counters as text: what a run's devices have moved, with rates, and what each domain has done.
 * Zeros are left out.
 */

import { groupDigits } from '../../systems/figures.ts';
import type { RunCounters } from '../../systems/testbed.ts';
import type { Traffic } from '../../systems/traffic.ts';
import { printable } from '../terminal.ts';

const COLUMNS = 100;
const SEPARATOR = ' · ';

/** @param seconds for how long it has gone on; no rates when it is 0 */
export function trafficLines(traffic: readonly Traffic[], seconds: number): readonly string[] {
  return traffic.flatMap(({ name, counts }) => {
    const counted = Object.entries(counts).filter(([, count]) => count > 0);
    if (counted.length === 0) return [];
    const amounts = counted.map(([unit, count]) => `${groupDigits(count)} ${unit}`);
    const rates =
      seconds > 0
        ? counted.map(([unit, count]) => `${groupDigits(Math.round(count / seconds))} ${unit}/s`)
        : [];
    return [`${name.padEnd(12)} ${[...amounts, ...rates].join(SEPARATOR)}`];
  });
}

/** What goes on now: the first unit of each direction that has moved at all. */
export function liveTraffic(
  before: readonly Traffic[],
  now: readonly Traffic[],
  seconds: number,
): readonly string[] {
  return now.flatMap(({ name, counts }) => {
    const [unit, count] = Object.entries(counts)[0] ?? ['', 0];
    if (count === 0) return [];
    const earlier = before.find((each) => each.name === name)?.counts[unit] ?? 0;
    const rate = groupDigits(Math.round((count - earlier) / seconds));
    return [`${name} ${groupDigits(count)} ${unit}, ${rate}/s`];
  });
}

/** Of each domain: what it has done as a domain, and what its program has counted. */
export function domainLines({ pds, programs }: RunCounters): readonly string[] {
  const width = Math.max(12, ...Object.keys(pds).map((pd) => pd.length));
  return Object.entries(pds).flatMap(([pd, counters]) => [
    ...wrapped(pd, width, countedOf({ ...counters })),
    ...wrapped('', width, countedOf(programs[pd] ?? {})),
  ]);
}

/** @returns each counter that is not zero, as its name and its value */
export function countedOf(counters: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(counters)
    .filter(([, value]) => typeof value === 'number' && value !== 0)
    .map(([name, value]) => `${printable(name)} ${groupDigits(value as number)}`);
}

function wrapped(label: string, width: number, items: readonly string[]): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const item of items) {
    const longer = line === '' ? item : `${line}${SEPARATOR}${item}`;
    if (line !== '' && width + 1 + longer.length > COLUMNS) {
      lines.push(line);
      line = item;
    } else line = longer;
  }
  if (line !== '') lines.push(line);
  return lines.map((text, index) => `${(index === 0 ? label : '').padEnd(width)} ${text}`);
}
