/**
 * Tests that take some seconds each and look at what others have looked at more quickly: `npm test`
 * skips them by name, and `.ci/run` runs them with SDDF_LONG=yes.
 */

import { it } from 'vitest';

export const longTest = it.runIf(process.env['SDDF_LONG'] === 'yes');
