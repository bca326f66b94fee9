/** Free-running counters that wrap: the indices of every queue here, and of a virtqueue. */

import { demand } from './misuse.ts';

/** @returns how far `ahead` is in front of `behind`, both 16-bit counters that wrap. */
export function distance16(ahead: number, behind: number): number {
  return (ahead - behind) & 0xffff;
}

/** @returns how far `ahead` is in front of `behind`, both 32-bit counters that wrap. */
export function distance32(ahead: number, behind: number): number {
  return (ahead - behind) >>> 0;
}

/**
 * Refuses a number of slots with which a queue would lose its slot mapping when its counter wraps.
 *
 * @param counterBits width of the counter, 16 or 32
 */
export function demandCapacity(capacity: number, counterBits: 16 | 32): void {
  const isPower = capacity > 0 && Number.isInteger(Math.log2(capacity));
  demand(isPower, `a capacity of ${capacity} is no power of two`);
  const most = 2 ** (counterBits - 1);
  demand(capacity <= most, `a capacity of ${capacity} is above ${most}, half of its counter`);
}
