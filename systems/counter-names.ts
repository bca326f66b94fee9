/**
 * Names of the counters that programs keep in the regions that their configurations call `stats`.
 */

import type { CounterNames } from '../queues/counters.ts';

/**
 * Counters of programs, by protection domain; domains that a system does not have are of no effect.
 */
export type ProgramCounterNames = Readonly<Record<string, CounterNames<string>>>;
