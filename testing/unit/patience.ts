/** How long one waits for a unit that has nothing to do but what a step gives it. */

import type { TestRun } from '../run/test-run.ts';

/** For something to come. */
export const BENCH_NS = 20e6;
/** For nothing to come. */
const QUIET_NS = 5e6;

/** Lets everything come that is under way; a watchdog's time-outs are no reason to wait longer. */
export function quiet(run: TestRun): void {
  run.rest(QUIET_NS);
}
