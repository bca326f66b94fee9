/**
 * Queues of shared memory as a peer sees them: every index, flag and entry, to be read and written
 * as they are, lies included. Layouts are those of sDDF 0.7, read a second time here
 * (`network/queue.h`, `serial/queue.h`, `blk/queue.h`, `i2c/queue.h`): a wrong one of ours fails.
 */

import type { Ram } from '../../memory/ram.ts';

/** Where a queue's words lie in it, bytes from its beginning. */
export interface QueueLayout {
  readonly tail: number;
  readonly head: number;
  /** The word by which one end asks to be signalled (0) or says that it need not be (1). */
  readonly flag: number;
  readonly indexBytes: 2 | 4;
  readonly entries: number;
  readonly entryBytes: number;
  /** Where it is no power of two, and the same for all. */
  readonly slots?: number;
}

export const NET_QUEUE: QueueLayout = {
  tail: 0,
  head: 2,
  flag: 4,
  indexBytes: 2,
  entries: 8,
  entryBytes: 16,
};
export const SERIAL_QUEUE: QueueLayout = {
  tail: 0,
  head: 4,
  flag: 8,
  indexBytes: 4,
  entries: 0,
  entryBytes: 1,
};
/** Its third word is the plug. */
export const BLK_REQUESTS: QueueLayout = {
  tail: 4,
  head: 0,
  flag: 8,
  indexBytes: 4,
  entries: 16,
  entryBytes: 32,
};
export const BLK_RESPONSES: QueueLayout = {
  tail: 4,
  head: 0,
  flag: -1,
  indexBytes: 4,
  entries: 8,
  entryBytes: 12,
};

/** `i2c/queue.h`. */
export const I2C_REQUESTS: QueueLayout = {
  tail: 4,
  head: 8,
  flag: -1,
  indexBytes: 4,
  entries: 16,
  entryBytes: 16,
  slots: 254,
};
export const I2C_RESPONSES: QueueLayout = {
  tail: 0,
  head: 4,
  flag: -1,
  indexBytes: 4,
  entries: 8,
  entryBytes: 16,
  slots: 254,
};

/** A place in memory. */
export interface Place {
  readonly ram: Ram;
  readonly at: number;
}

export class QueueView {
  readonly capacity: number;
  readonly #view: DataView;
  readonly #at: number;
  readonly #layout: QueueLayout;

  constructor({ ram, at }: Place, layout: QueueLayout, capacity: number) {
    this.#view = ram.view;
    this.#at = at;
    this.#layout = layout;
    this.capacity = capacity;
  }

  get tail(): number {
    return this.#index(this.#layout.tail);
  }

  set tail(value: number) {
    this.#setIndex(this.#layout.tail, value);
  }

  get head(): number {
    return this.#index(this.#layout.head);
  }

  set head(value: number) {
    this.#setIndex(this.#layout.head, value);
  }

  get flag(): number {
    return this.#view.getUint32(this.#at + this.#layout.flag, true);
  }

  set flag(value: number) {
    this.#view.setUint32(this.#at + this.#layout.flag, value, true);
  }

  /** Entries in it, as its indices say. */
  get length(): number {
    const mask = this.#layout.indexBytes === 2 ? 0xffff : 0xffff_ffff;
    return ((this.tail - this.head) & mask) >>> 0;
  }

  /** Where the entry of an index lies in RAM. */
  entryAt(index: number): number {
    const { entries, entryBytes, slots } = this.#layout;
    const slot = slots === undefined ? index & (this.capacity - 1) : (index >>> 0) % slots;
    return this.#at + entries + slot * entryBytes;
  }

  get view(): DataView {
    return this.#view;
  }

  #index(offset: number): number {
    const at = this.#at + offset;
    return this.#layout.indexBytes === 2
      ? this.#view.getUint16(at, true)
      : this.#view.getUint32(at, true);
  }

  #setIndex(offset: number, value: number): void {
    const at = this.#at + offset;
    if (this.#layout.indexBytes === 2) this.#view.setUint16(at, value & 0xffff, true);
    else this.#view.setUint32(at, value >>> 0, true);
  }
}
