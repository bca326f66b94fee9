/** Slot numbers that wait in line: first in, first out, with room for each slot once. */

import { assert } from '../../memory/assert.ts';
import { DevicePart } from '../device.ts';

/** Made from memory for so many slots as it is to hold. */
export class SlotQueue extends DevicePart<Int32Array> {
  readonly #slots: Int32Array = this.options;
  #first = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(slot: number): void {
    assert(this.#count < this.#slots.length, 'each slot waits once');
    this.#slots[this.tail] = slot;
    this.#count += 1;
  }

  /** Where in its memory the next slot goes. */
  get tail(): number {
    const at = this.#first + this.#count;
    return at < this.#slots.length ? at : at - this.#slots.length;
  }

  /** So many slots have been written into its memory from {@link tail} on. */
  added(slots: number): void {
    this.#count += slots;
    assert(this.#count <= this.#slots.length, 'each slot waits once');
  }

  /** @returns the slot that has waited longest but `index`, which must be below {@link count} */
  at(index: number): number {
    const at = this.#first + index;
    return this.#slots[at < this.#slots.length ? at : at - this.#slots.length] as number;
  }

  /** Takes so many slots out; there must be as many. */
  drop(slots: number): void {
    assert(slots <= this.#count, 'as many slots wait');
    this.#count -= slots;
    this.#first += slots;
    if (this.#first >= this.#slots.length) this.#first -= this.#slots.length;
  }

  /** @returns the slot that has waited longest; there must be one */
  first(): number {
    return this.#slots[this.#first] as number;
  }

  take(): number {
    assert(this.#count > 0, 'a slot waits');
    const slot = this.first();
    this.#first = this.#first + 1 === this.#slots.length ? 0 : this.#first + 1;
    this.#count -= 1;
    return slot;
  }
}
