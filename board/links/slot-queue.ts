/** Slot numbers that wait in line: first in, first out, with room for each slot once. */

import { assert } from '../../memory/assert.ts';
import { DevicePart } from '../device.ts';

/** Made from its capacity. */
export class SlotQueue extends DevicePart<number> {
  readonly #slots: Int32Array = new Int32Array(this.options);
  #first = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(slot: number): void {
    assert(this.#count < this.#slots.length, 'each slot waits once');
    const at = this.#first + this.#count;
    this.#slots[at < this.#slots.length ? at : at - this.#slots.length] = slot;
    this.#count += 1;
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
