/** All tests, in upstream's order of files. */

import type { Sel4Test } from './driver/test.ts';
import { TRIVIAL_TESTS } from './trivial.ts';

export const TESTS: readonly Sel4Test[] = [...TRIVIAL_TESTS];
