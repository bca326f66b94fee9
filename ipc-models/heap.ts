/**
 * The memory that a model's kernel takes for itself: blocks of powers of two in the board's RAM,
 * freed blocks in a list per size. seL4 has no such thing; how much of it a message needs is one of
 * the figures.
 */

import { assert } from '../memory/assert.ts';
import type { Ram } from '../memory/ram.ts';

const SIZE_BITS_MIN = 5;
const SIZE_BITS_MAX = 20;
/** End of a list: no block lies at offset 0. */
const NONE = 0;

export interface HeapOptions {
  readonly ram: Ram;
  /** Offset in RAM, not 0; a multiple of 32. */
  readonly at: number;
  readonly sizeBytes: number;
}

export class KernelHeap {
  /** All bytes that were ever asked for. */
  allocatedBytes = 0;
  liveBytes = 0;
  peakBytes = 0;
  readonly #ram: Ram;
  readonly #end: number;
  /** The first free block of each size; each holds the offset of the next. */
  readonly #free = new Int32Array(SIZE_BITS_MAX + 1);
  #next: number;

  constructor(options: HeapOptions) {
    assert(options.at > NONE && options.at % 2 ** SIZE_BITS_MIN === 0, 'the heap is aligned');
    this.#ram = options.ram;
    this.#next = options.at;
    this.#end = options.at + options.sizeBytes;
  }

  /** @returns the offset of a block of RAM, 0 when there is no memory left */
  allocate(bytes: number): number {
    const bits = sizeBitsOf(bytes);
    const at = this.#take(bits);
    if (at === NONE) return NONE;
    this.allocatedBytes += bytes;
    this.liveBytes += bytes;
    if (this.liveBytes > this.peakBytes) this.peakBytes = this.liveBytes;
    return at;
  }

  /** @param bytes what the block was allocated with */
  free(at: number, bytes: number): void {
    assert(at !== NONE && this.liveBytes >= bytes, 'what is freed was allocated');
    const bits = sizeBitsOf(bytes);
    this.#ram.i32[at >> 2] = this.#free[bits] as number;
    this.#free[bits] = at;
    this.liveBytes -= bytes;
  }

  #take(bits: number): number {
    const first = this.#free[bits] as number;
    if (first !== NONE) {
      this.#free[bits] = this.#ram.i32[first >> 2] as number;
      return first;
    }
    const at = this.#next;
    if (at + 2 ** bits > this.#end) return NONE;
    this.#next = at + 2 ** bits;
    return at;
  }
}

function sizeBitsOf(bytes: number): number {
  const bits = Math.max(SIZE_BITS_MIN, 32 - Math.clz32(bytes - 1));
  assert(bytes > 0 && bits <= SIZE_BITS_MAX, 'a block has a size, of 1 MiB at most');
  return bits;
}
