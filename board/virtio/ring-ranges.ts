/**
 * Where the rings of a device's virtqueues lie, so that no buffer may overlap them (`rules.md` rule
 * 5).
 */

import { DevicePart } from '../device.ts';

const RINGS_PER_QUEUE = 3;

/**
 * The rings of all ready queues of one device, made from their number; positions are offsets in
 * RAM.
 */
export class RingRanges extends DevicePart<number> {
  readonly #starts: Int32Array = new Int32Array(this.options * RINGS_PER_QUEUE);
  readonly #ends: Int32Array = new Int32Array(this.options * RINGS_PER_QUEUE);
  // Around all rings: most buffers lie outside and cost two comparisons.
  #lowest = 0x7fff_ffff;
  #highest = 0;

  /** @param ring 0 descriptor table, 1 available ring, 2 used ring */
  set(queue: number, ring: number, start: number, lengthBytes: number): void {
    this.#starts[queue * RINGS_PER_QUEUE + ring] = start;
    this.#ends[queue * RINGS_PER_QUEUE + ring] = start + lengthBytes;
    this.#measure();
  }

  /** Forgets a queue's rings. */
  clear(queue: number): void {
    for (let ring = 0; ring < RINGS_PER_QUEUE; ring++) {
      this.#starts[queue * RINGS_PER_QUEUE + ring] = 0;
      this.#ends[queue * RINGS_PER_QUEUE + ring] = 0;
    }
    this.#measure();
  }

  // Where the first of all rings begins, and the last one ends.
  get lowest(): number {
    return this.#lowest;
  }

  get highest(): number {
    return this.#highest;
  }

  overlap(at: number, lengthBytes: number): boolean {
    if (at >= this.#highest || at + lengthBytes <= this.#lowest) return false;
    return this.#overlapAny(at, lengthBytes);
  }

  #overlapAny(at: number, lengthBytes: number): boolean {
    for (let i = 0; i < this.#starts.length; i++) {
      if (at < (this.#ends[i] as number) && at + lengthBytes > (this.#starts[i] as number)) {
        return true;
      }
    }
    return false;
  }

  #measure(): void {
    this.#lowest = 0x7fff_ffff;
    this.#highest = 0;
    for (let i = 0; i < this.#starts.length; i++) {
      const end = this.#ends[i] as number;
      if (end === 0) continue;
      this.#lowest = Math.min(this.#lowest, this.#starts[i] as number);
      this.#highest = Math.max(this.#highest, end);
    }
  }
}
