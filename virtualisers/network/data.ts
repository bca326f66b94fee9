/**
 * A data region as a virtualiser translates it: between offsets in the region, which a client sees,
 * and addresses for DMA, which the driver sees. Both are pairs of signed 32-bit halves, low first.
 */

import { demand } from '../../memory/misuse.ts';
import { Configured } from '../../memory/configured.ts';
import type { ProtectionDomain } from '../../microkit/pd.ts';
import type { NetData } from '../../queues/net/config.ts';
import { highHalf, lowHalf, NET_BUFFER_BYTES } from '../../queues/net/queue.ts';

const BUFFER_SHIFT = 11;
// Folded constants: docs/hot-code.md.
const NONE = -1;
const BUFFER_MASK = NET_BUFFER_BYTES - 1;

/**
 * {@link TranslatedData.indexOfOffset} and {@link TranslatedData.indexOfAddress}: no such buffer.
 */
export const NO_BUFFER = NONE;

interface Translation {
  readonly buffers: number;
  /** Physical address of the region, from the description. */
  readonly paddr: number;
}

export class TranslatedData extends Configured<Translation> {
  readonly buffers: number = this.options.buffers;
  readonly #bytes: number = this.options.buffers * NET_BUFFER_BYTES;
  readonly #low: number = lowHalf(this.options.paddr);
  readonly #high: number = highHalf(this.options.paddr);

  constructor(options: Translation) {
    super(options);
    const { paddr } = options;
    demand(paddr % NET_BUFFER_BYTES === 0, 'buffers are not aligned to their size');
    demand(
      (paddr % 0x1_0000_0000) + this.#bytes <= 0x1_0000_0000,
      'a data region lies across 4 GiB',
    );
  }

  /** For loops over batches. */
  get place(): { buffers: number; addressLow: number; addressHigh: number } {
    return { buffers: this.buffers, addressLow: this.#low, addressHigh: this.#high };
  }

  /** @returns the buffer that begins at this offset, or {@link NO_BUFFER} */
  indexOfOffset(low: number, high: number): number {
    return high === 0 ? this.#index(low) : NONE;
  }

  /** @returns the buffer that begins at this address, or {@link NO_BUFFER} */
  indexOfAddress(low: number, high: number): number {
    return high === this.#high ? this.#index((low - this.#low) | 0) : NONE;
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
    // An offset above 2^31 is negative here; no data region is as large.
    if (offset < 0 || offset >= this.#bytes || (offset & BUFFER_MASK) !== 0) return NONE;
    return offset >> BUFFER_SHIFT;
  }
}

/** @returns the buffer of a region that begins at this offset, or {@link NO_BUFFER} */
export function bufferAtOffset(low: number, high: number, dataBytes: number): number {
  return isBufferOffset(low, high, dataBytes) ? low >> BUFFER_SHIFT : NONE;
}

/** @returns where a buffer begins in its region */
export function offsetOfBuffer(index: number): number {
  return index << BUFFER_SHIFT;
}

/**
 * @returns whether an entry names a buffer of a region: an offset in it, aligned to the size of a
 * buffer
 */
export function isBufferOffset(low: number, high: number, dataBytes: number): boolean {
  return high === 0 && low >= 0 && low < dataBytes && (low & BUFFER_MASK) === 0;
}

/** A data region as the description names it. */
export function translatedData(pd: ProtectionDomain, data: NetData): TranslatedData {
  const paddr = pd.vars[data.paddrSymbol ?? ''] ?? 0;
  return new TranslatedData({ buffers: data.buffers, paddr });
}
