/** Frames that wait in line in staging memory, each in a slot of 2 KiB. */

import { assert } from '../../memory/assert.ts';
import { NO_HALFWORDS } from '../../memory/empty-arrays.ts';
import type { Ram } from '../../memory/ram.ts';
import { demandCapacity, distance32 } from '../../memory/wrapping.ts';
import { WIRE_BYTES_MAX } from '../ethernet.ts';

/** First in, first out. Positions are offsets in the board's memory. */
export class FrameSlots {
  readonly #at: number = 0;
  readonly #mask: number = 0;
  readonly #lengths: Uint16Array = NO_HALFWORDS;
  #tail = 0;
  #head = 0;

  /** @param slots a power of two */
  constructor(ram: Ram, slots: number) {
    demandCapacity(slots, 32);
    this.#at = ram.takeStaging(slots * WIRE_BYTES_MAX);
    this.#mask = slots - 1;
    this.#lengths = new Uint16Array(slots);
  }

  get count(): number {
    return distance32(this.#tail, this.#head);
  }

  get isEmpty(): boolean {
    return this.#tail === this.#head;
  }

  get isFull(): boolean {
    return this.count > this.#mask;
  }

  get room(): number {
    return this.#mask + 1 - this.count;
  }

  /** Where the next frame is to be written. */
  tailAt(): number {
    return this.#at + (this.#tail & this.#mask) * WIRE_BYTES_MAX;
  }

  /** Adds the frame that was written at {@link tailAt}. */
  add(lengthBytes: number): void {
    assert(!this.isFull, 'a slot is free');
    assert(lengthBytes > 0 && lengthBytes <= WIRE_BYTES_MAX, 'a frame fits into a slot');
    this.#lengths[this.#tail & this.#mask] = lengthBytes;
    this.#tail = (this.#tail + 1) | 0;
  }

  headAt(): number {
    return this.#at + (this.#head & this.#mask) * WIRE_BYTES_MAX;
  }

  headLength(): number {
    return this.#lengths[this.#head & this.#mask] as number;
  }

  remove(): void {
    assert(!this.isEmpty, 'there is a frame to remove');
    this.#head = (this.#head + 1) | 0;
  }
}
