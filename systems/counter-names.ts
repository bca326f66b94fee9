/**
 * Names of the counters that programs keep in the regions that their configurations call `stats`.
 */

import type { CounterNames } from '../queues/counters.ts';

/**
 * Counters of programs, by protection domain; domains that a system does not have are of no effect.
 */
export type ProgramCounterNames = Readonly<Record<string, CounterNames<string>>>;

/** Whether what a module exports as `counters` are names of counters, by index. */
export function isCounterNames(value: unknown): value is CounterNames<string> {
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).every((index) => Number.isInteger(index));
}
