/**
 * How physical memory is divided at boot: the initial thread's objects at the top of RAM, all the
 * rest as untypeds.
 */

import type { Ram } from '../memory/ram.ts';
import { BootError } from './boot-error.ts';
import type { Machine } from './machine.ts';
import { UNTYPED_BITS_MAX, UNTYPED_BITS_MIN } from './objects/object-sizes.ts';

/** Entries in the boot information's list of untypeds. */
const UNTYPEDS_MAX = 230;

/**
 * Takes memory from the top of RAM downwards: the largest object first, so that no padding is
 * needed.
 */
export class RootServerMemory {
  readonly #base: number;
  #top: number;

  constructor(ram: Ram) {
    this.#base = ram.base;
    this.#top = ram.base + ram.sizeBytes;
  }

  /** @returns the physical address of 2^sizeBits bytes, naturally aligned */
  take(sizeBits: number): number {
    const size = 2 ** sizeBits;
    const at = Math.floor((this.#top - size) / size) * size;
    if (at < this.#base) {
      throw new BootError(`RAM is too small for the initial thread: ${size} bytes more are needed`);
    }
    this.#top = at;
    return at;
  }

  /** @returns the end of what is left */
  top(): number {
    return this.#top;
  }
}

export interface UntypedRange {
  readonly base: number;
  readonly sizeBits: number;
  readonly isDevice: boolean;
}

/**
 * @returns the untypeds of the boot information: device registers first, then RAM below `ramEnd`
 */
export function bootUntypeds(machine: Machine, ramEnd: number): UntypedRange[] {
  const untypeds: UntypedRange[] = [];
  for (const { base, sizeBytes } of machine.deviceRanges) {
    if (base % 4096 !== 0 || sizeBytes % 4096 !== 0) {
      throw new BootError(`device registers at 0x${base.toString(16)} are not whole pages`);
    }
    cut(untypeds, base, base + sizeBytes, true);
  }
  cut(untypeds, machine.ram.base, ramEnd, false);
  if (untypeds.length > UNTYPEDS_MAX) {
    throw new BootError(`${untypeds.length} untypeds are more than the ${UNTYPEDS_MAX} that fit`);
  }
  return untypeds;
}

/** Cuts a range greedily into naturally aligned powers of two. */
function cut(untypeds: UntypedRange[], start: number, end: number, isDevice: boolean): void {
  let base = start;
  while (base < end) {
    let sizeBits = UNTYPED_BITS_MIN;
    while (
      sizeBits < UNTYPED_BITS_MAX &&
      base % 2 ** (sizeBits + 1) === 0 &&
      base + 2 ** (sizeBits + 1) <= end
    ) {
      sizeBits += 1;
    }
    untypeds.push({ base, sizeBits, isDevice });
    base += 2 ** sizeBits;
  }
}
