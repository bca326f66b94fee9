/**
 * A data region as a virtualiser translates it: between offsets in the region, which a client sees, and addresses for
 * DMA, which the driver sees. Both are pairs of signed 32-bit halves, low first.
 */

import { assert } from '../../memory/assert.ts';
import type { NetData } from '../../queues/net/config.ts';
import { highHalf, lowHalf, NET_BUFFER_BYTES } from '../../queues/net/queue.ts';

const BUFFER_SHIFT = 11;

/** {@link TranslatedData.indexOfOffset} and {@link TranslatedData.indexOfAddress}: no such buffer. */
export const NO_BUFFER = -1;

export class TranslatedData {
  readonly buffers: number = 0;
  readonly #bytes: number = 0;
  readonly #low: number = 0;
  readonly #high: number = 0;

  /** @param paddr physical address of the region, from the description */
  constructor(data: NetData, paddr: number) {
    this.buffers = data.buffers;
    this.#bytes = data.buffers * NET_BUFFER_BYTES;
    this.#low = lowHalf(paddr);
    this.#high = highHalf(paddr);
    assert(paddr % NET_BUFFER_BYTES === 0, 'buffers are aligned to their size');
    assert((paddr % 0x1_0000_0000) + this.#bytes <= 0x1_0000_0000, 'no data region crosses 4 GiB');
  }

  /** @returns the buffer that begins at this offset, or {@link NO_BUFFER} */
  indexOfOffset(low: number, high: number): number {
    if (high !== 0) return NO_BUFFER;
    return this.#index(low >>> 0);
  }

  /** @returns the buffer that begins at this address, or {@link NO_BUFFER} */
  indexOfAddress(low: number, high: number): number {
    if (high !== this.#high) return NO_BUFFER;
    return this.#index((low - this.#low) >>> 0);
  }

  offsetOf(index: number): number {
    return index << BUFFER_SHIFT;
  }

  addressLow(index: number): number {
    return (this.#low + (index << BUFFER_SHIFT)) | 0;
  }

  get addressHigh(): number {
    return this.#high;
  }

  #index(offset: number): number {
    if (offset >= this.#bytes || (offset & (NET_BUFFER_BYTES - 1)) !== 0) return NO_BUFFER;
    return offset >>> BUFFER_SHIFT;
  }
}
