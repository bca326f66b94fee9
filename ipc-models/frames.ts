/** The frames that address spaces are made of, with a count of how many mappings each has. */

import { assert } from '../memory/assert.ts';
import type { Ram } from '../memory/ram.ts';

export const PAGE_BYTES = 4096;
export const PAGE_SHIFT = 12;

export interface FramePoolOptions {
  readonly ram: Ram;
  /** Offset in RAM; a multiple of the page size. */
  readonly at: number;
  readonly sizeBytes: number;
}

export class FramePool {
  readonly ram: Ram;
  readonly #at: number;
  readonly #references: Uint16Array;
  readonly #free: Int32Array;
  #freeCount: number;

  constructor(options: FramePoolOptions) {
    assert(options.at % PAGE_BYTES === 0, 'frames are aligned to their size');
    const count = Math.floor(options.sizeBytes / PAGE_BYTES);
    this.ram = options.ram;
    this.#at = options.at;
    this.#references = new Uint16Array(count);
    // The last is taken first: so that frames taken one after the other lie one after the other.
    this.#free = Int32Array.from(
      { length: count },
      (_, i) => options.at + (count - 1 - i) * PAGE_BYTES,
    );
    this.#freeCount = count;
  }

  /** @returns the offset of a frame with one reference, its content undefined */
  take(): number {
    assert(this.#freeCount > 0, 'the machine of the model has enough frames');
    this.#freeCount -= 1;
    const frame = this.#free[this.#freeCount] as number;
    this.#references[this.#indexOf(frame)] = 1;
    return frame;
  }

  /** One more mapping of a frame. */
  share(frame: number): void {
    const index = this.#indexOf(frame);
    this.#references[index] = (this.#references[index] as number) + 1;
  }

  /** One mapping fewer; the last one frees the frame. */
  release(frame: number): void {
    const index = this.#indexOf(frame);
    const references = this.#references[index] as number;
    assert(references > 0, 'a frame that is released is in use');
    this.#references[index] = references - 1;
    if (references > 1) return;
    this.#free[this.#freeCount] = frame;
    this.#freeCount += 1;
  }

  isShared(frame: number): boolean {
    return (this.#references[this.#indexOf(frame)] as number) > 1;
  }

  #indexOf(frame: number): number {
    return (frame - this.#at) >> PAGE_SHIFT;
  }
}
