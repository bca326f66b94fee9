/** What the translator keeps behind a hart's state: offsets in the hart's block, in bytes, from `HART.engine` on. */

import { HART } from '../hart.ts';

/**
 * A cached run: an address is inside when `address - first` is below the limit. The limit is 7 bytes short of the run, which
 * leaves accesses that would cross its end to the interpreter. A cache that holds nothing has {@link NOWHERE} as its first
 * address, from which no address of a program is near.
 */
export const CACHED_RUN = { first: 0, limit: 8, at: 16 } as const;
export const CACHED_RUN_BYTES = 24;
export const LIMIT_SHORTFALL = 7;
/** Upper half of the first address of an empty cache. */
export const NOWHERE_HIGH = 0x4000_0000;

/** Caches for loads, and as many for stores. */
const CACHES_OF_A_KIND = 26;
export const CACHES = 2 * CACHES_OF_A_KIND;

/** A run of the domain as the caches are filled from it: `CACHED_RUN`, and behind it whether it is writable, i32. */
export const KNOWN_RUN = { ...CACHED_RUN, isWritable: 20 } as const;
export const KNOWN_RUN_BYTES = 24;

const BEHIND_CACHES = HART.engine + CACHES * CACHED_RUN_BYTES;

export const AREA = {
  /** {@link CACHED_RUN} each. */
  caches: HART.engine,
  /** Position in memory of the text's entry points, u32: one word for each halfword of text, see `entry-points.ts`. */
  entryPoints: BEHIND_CACHES,
  /** Position and number of the runs that the caches are filled from: {@link KNOWN_RUN} each. */
  runs: BEHIND_CACHES + 4,
  runCount: BEHIND_CACHES + 8,
  /** Which mappings the caches are of, i32. */
  mappings: BEHIND_CACHES + 12,
} as const;

/**
 * Offset of the cache for what is accessed by a base register. The stack and what is copied from and to do not push each
 * other out; registers that share one are seldom bases.
 */
export function cacheOf(x: number, isWrite: boolean): number {
  const index = (x % CACHES_OF_A_KIND) + (isWrite ? CACHES_OF_A_KIND : 0);
  return AREA.caches + index * CACHED_RUN_BYTES;
}
