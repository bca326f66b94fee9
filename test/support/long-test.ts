/**
 * Tests that take some seconds each and look at what others have looked at more quickly: `npm test`
 * skips them by name, and `.ci/run` runs them, with SDDF_LONG=yes and by their tag.
 */

import { it, type TestContext } from 'vitest';

/** In a run that has time for them. */
export const isLong = process.env['SDDF_LONG'] === 'yes';

/** By this tag `.ci/run` picks them out of their files. */
export const LONG = { tags: ['long'] };

/** `it` for such a test. */
export function longTest(name: string, test: (context: TestContext) => void | Promise<void>): void {
  it.runIf(isLong)(name, LONG, test);
}
