/**
 * What a hart's engine is told to look for: breakpoints of its domain, and memory that is watched.
 */

import type { Scrutiny, WatchedExtent } from '../riscv/address-space.ts';
import type { BulkFunction } from '../riscv/bulk/functions.ts';
import type { Conditions } from './conditions.ts';
import type { DebuggedHart } from './debugged-hart.ts';

/** @param reaches whether the domain has some byte of RAM at an address of its own */
export function plant(
  hart: DebuggedHart,
  conditions: Conditions,
  accessed: Scrutiny['accessed'],
  reaches: (at: number) => boolean,
): void {
  const breakpoints = conditions.breakpointsOf(hart.pd);
  const { watchpoints } = conditions;
  if (breakpoints.size === 0 && watchpoints.length === 0 && hart.told === '') return;
  const watched = watchpoints.flatMap(({ kind, place, bytes }): WatchedExtent[] => {
    if (place.kind !== 'ram' || !reaches(place.at)) return [];
    const access = kind === 'write' ? 'write' : 'any';
    return [{ start: place.at, end: place.at + bytes, access }];
  });
  const entries = hart.parts.bulk
    .filter((each) => watched.length > 0 || isInside(each, breakpoints))
    .map(({ vaddr }) => vaddr);
  const stops = [...new Set([...breakpoints, ...entries])].toSorted((a, b) => a - b);
  const text = JSON.stringify([stops, watched]);
  if (hart.told === text) return;
  hart.told = text;
  const isNone = stops.length === 0 && watched.length === 0;
  hart.parts.space.scrutinise(isNone ? undefined : { stops, watched, accessed });
}

/**
 * Whether a breakpoint lies inside a function that is done at once. Such a function is recognised
 * by its code, which a planted stop changes. So it is stopped before, and whoever executes single
 * instructions does it at once. The same holds where its accesses are to be seen.
 */
function isInside({ vaddr, code }: BulkFunction, breakpoints: ReadonlySet<number>): boolean {
  return [...breakpoints].some((each) => each > vaddr && each < vaddr + code.length);
}
