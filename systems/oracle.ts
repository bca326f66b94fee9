/**
 * An oracle says what must hold of a system, and is asked at the end of each world of `sddf sim`,
 * when all is at rest. A system brings its own as `oracles` of its module; those that hold for
 * every system are in `sim/oracles/`.
 */

import type { Testbed } from './testbed.ts';

/** What an oracle has found. */
export interface Finding {
  /** Whose it is: a domain, a device, a queue. */
  readonly where: string;
  /** One plain sentence. */
  readonly what: string;
}

export interface Oracle {
  /** Short, such as 'no-lost-orders'. */
  readonly name: string;
  /** What must hold, in one sentence. */
  readonly holds: string;
  /** Looks, and changes nothing. @returns what does not hold; empty when all is well */
  check(testbed: Testbed): readonly Finding[];
}
