/** A reader of what comes from outside, as the fuzzers see it. */

import type { Random } from '../../../board/random.ts';

export interface FuzzTarget {
  readonly name: string;
  readonly seeds: readonly Uint8Array[];
  /** How many times longer than a usual one an input takes: `npm test` has fewer of them. */
  readonly slowness?: number;
  /** @throws anything that is not what it may throw is a bug */
  readonly run: (bytes: Uint8Array, random: Random) => void | Promise<void>;
}
