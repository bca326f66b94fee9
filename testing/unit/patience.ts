/** How long one waits for a unit that has nothing to do but what a step gives it. */

import type { TestRun } from '../run/test-run.ts';

/** For something to come. */
export const BENCH_NS = 20e6;
/** For nothing to come. */
const QUIET_NS = 5e6;

/**
 * Lets time pass until what is under way has arrived; it does not wait for the time-outs of a
 * watchdog.
 */
export function quiet(run: TestRun): void {
  run.rest(QUIET_NS);
}
