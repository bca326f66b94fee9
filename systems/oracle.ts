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

/** What a list of oracles that is none is to be, in words. */
export const ORACLES_FORM = 'oracles is a list of { name, holds, check(testbed) }';

/** Of a module's `oracles`, which somebody has written. */
export function areOracles(value: unknown): value is readonly Oracle[] {
  return Array.isArray(value) && value.every(isOracle);
}

function isOracle(value: unknown): boolean {
  const { name, holds, check } = (value ?? {}) as Partial<Record<keyof Oracle, unknown>>;
  return typeof name === 'string' && typeof holds === 'string' && typeof check === 'function';
}
