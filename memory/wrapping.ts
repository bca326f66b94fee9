/** Free-running counters that wrap: the indices of every queue here, and of a virtqueue. */

import { assert } from './assert.ts';

/** @returns how far `ahead` is in front of `behind`, both 16-bit counters that wrap. */
export function distance16(ahead: number, behind: number): number {
  return (ahead - behind) & 0xffff;
}

/** @returns how far `ahead` is in front of `behind`, both 32-bit counters that wrap. */
export function distance32(ahead: number, behind: number): number {
  return (ahead - behind) >>> 0;
}

/**
 * Asserts that a queue of this many slots keeps its slot mapping when its counter wraps.
 *
 * @param counterBits width of the counter, 16 or 32
 */
export function assertCapacity(capacity: number, counterBits: 16 | 32): void {
  assert(capacity > 0 && Number.isInteger(Math.log2(capacity)), 'a capacity is a power of two');
  assert(capacity <= 2 ** (counterBits - 1), 'a capacity is at most half of its counter');
}
