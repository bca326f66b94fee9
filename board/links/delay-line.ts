/**
 * Frames that wait for their time, in slots of staging memory. Those of one time leave in the order
 * they came.
 */

import { assert } from '../../memory/assert.ts';
import type { Ram } from '../../memory/ram.ts';
import { WIRE_BYTES_MAX } from '../ethernet.ts';
import { SlotQueue } from './slot-queue.ts';

export class DelayLine {
  readonly #ram: Ram;
  readonly #at: number;
  readonly #free: SlotQueue;
  readonly #lengths: Uint16Array;
  // Sorted by time, the earliest last.
  readonly #slots: Uint16Array;
  readonly #dueNs: Float64Array;
  #count = 0;

  constructor(ram: Ram, slots: number) {
    this.#ram = ram;
    this.#at = ram.takeStaging(slots * WIRE_BYTES_MAX);
    this.#free = new SlotQueue(new Int32Array(slots));
    for (let slot = 0; slot < slots; slot++) this.#free.add(slot);
    this.#lengths = new Uint16Array(slots);
    this.#slots = new Uint16Array(slots);
    this.#dueNs = new Float64Array(slots);
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  get isFull(): boolean {
    return this.#free.count === 0;
  }

  /** Copies a frame in. @returns where its copy lies */
  add(at: number, lengthBytes: number, dueNs: number): number {
    assert(lengthBytes > 0 && lengthBytes <= WIRE_BYTES_MAX, 'a frame fits into a slot');
    const slot = this.#free.take();
    const copyAt = this.#at + slot * WIRE_BYTES_MAX;
    this.#ram.copy(copyAt, at, lengthBytes);
    this.#lengths[slot] = lengthBytes;
    let place = this.#count;
    while (place > 0 && (this.#dueNs[place - 1] as number) <= dueNs) {
      this.#slots[place] = this.#slots[place - 1] as number;
      this.#dueNs[place] = this.#dueNs[place - 1] as number;
      place -= 1;
    }
    this.#slots[place] = slot;
    this.#dueNs[place] = dueNs;
    this.#count += 1;
    return copyAt;
  }

  /** @returns when the earliest frame is due, `Infinity` when none waits */
  firstDueNs(): number {
    return this.#count === 0 ? Infinity : (this.#dueNs[this.#count - 1] as number);
  }

  /**
   * @returns when the earliest frame that is not due at `nowNs` will be, `Infinity` when all are
   */
  firstDueAfter(nowNs: number): number {
    for (let place = this.#count - 1; place >= 0; place--) {
      const dueNs = this.#dueNs[place] as number;
      if (dueNs > nowNs) return dueNs;
    }
    return Infinity;
  }

  firstAt(): number {
    return this.#at + this.#firstSlot() * WIRE_BYTES_MAX;
  }

  firstLength(): number {
    return this.#lengths[this.#firstSlot()] as number;
  }

  removeFirst(): void {
    this.#free.add(this.#firstSlot());
    this.#count -= 1;
  }

  #firstSlot(): number {
    assert(this.#count > 0, 'a frame waits');
    return this.#slots[this.#count - 1] as number;
  }
}
