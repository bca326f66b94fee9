/**
 * What the translator keeps behind a hart's state: offsets in the hart's block, in bytes, from
 * `HART.engine` on.
 */

import { HART } from '../hart.ts';

/**
 * A run of the domain that translated code knows: an address is inside when `address - first` is
 * below the limit. The position in memory is the address and `delta`, of which the lower 32 bits
 * are enough. The limit is 7 bytes short of the run, which leaves accesses that would cross its end
 * to the interpreter.
 */
export const KNOWN_RUN = { first: 0, limit: 8, delta: 16, isWritable: 20 } as const;
export const KNOWN_RUN_BYTES = 24;
export const LIMIT_SHORTFALL = 7;

export const AREA = {
  /**
   * Position in memory of the text's entry points, u32: one word for each halfword of text, see
   * `entry-points.ts`.
   */
  entryPoints: HART.engine,
  /** Position and number of the runs that the caches are filled from: {@link KNOWN_RUN} each. */
  runs: HART.engine + 4,
  runCount: HART.engine + 8,
  /**
   * `retired` and `remaining` together, as they were when translated code was entered, u64: see
   * `counters.ts`.
   */
  granted: HART.engine + 16,
} as const;
