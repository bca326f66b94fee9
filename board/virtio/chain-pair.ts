/**
 * The chain that drivers of fast devices make: an aligned indirect table of two descriptors, a
 * header and a buffer, both readable or both writable. Read without a loop, each word once, and
 * only when all of it is good; whatever else a chain may be, the general walk of `device-queue.ts`
 * judges it, from its own look and nothing of this one's.
 */

import type { Ram } from '../../memory/ram.ts';
import { DevicePart, type DmaWindow } from '../device.ts';
import type { RingRanges } from './ring-ranges.ts';
import {
  DESC_BYTES,
  VIRTQ_DESC_F_INDIRECT,
  VIRTQ_DESC_F_NEXT,
  VIRTQ_DESC_F_WRITE,
} from './split-ring.ts';

// Folded constants: docs/hot-code.md.
const TABLE_BYTES = 2 * DESC_BYTES;
const WRITE = VIRTQ_DESC_F_WRITE;
const INDIRECT = VIRTQ_DESC_F_INDIRECT;
/** The flags that say what a descriptor is. */
const KIND = VIRTQ_DESC_F_NEXT | VIRTQ_DESC_F_WRITE | VIRTQ_DESC_F_INDIRECT;
/** Flags and `next` of the first descriptor, the direction apart. */
const LEADS_TO_ENTRY_1 = VIRTQ_DESC_F_NEXT | (1 << 16);

/** What a pair is read with. */
export interface ChainPairOptions {
  readonly ram: Ram;
  readonly dma: DmaWindow;
  readonly rings: RingRanges;
}

export class ChainPair extends DevicePart<ChainPairOptions> {
  // What {@link ChainPair.read} has read: offsets in RAM and lengths.
  firstAt = 0;
  firstBytes = 0;
  secondAt = 0;
  secondBytes = 0;
  /** `VIRTQ_DESC_F_WRITE` when the device writes both buffers, else 0. */
  direction = 0;
  readonly #i32: Int32Array = this.options.ram.i32;
  readonly #dma: DmaWindow = this.options.dma;
  readonly #rings: RingRanges = this.options.rings;

  /**
   * @param ring32 index of the word where the chain's descriptor in the ring begins
   * @returns false for any other chain, or one with something wrong; nothing has been reported or
   * counted then
   */
  read(ring32: number): boolean {
    const i32 = this.#i32;
    const dma = this.#dma;
    if (((i32[ring32 + 3] as number) & KIND) !== INDIRECT) return false;
    if (i32[ring32 + 2] !== TABLE_BYTES) return false;
    const table = dma.find(i32[ring32] as number, i32[ring32 + 1] as number, TABLE_BYTES);
    if (table < 0 || (table & 3) !== 0) return false;
    const at32 = table >>> 2;
    const first = i32[at32 + 3] as number;
    const second = i32[at32 + 7] as number;
    const direction = first & WRITE;
    if (first !== (LEADS_TO_ENTRY_1 | direction) || (second & KIND) !== direction) return false;
    const firstBytes = i32[at32 + 2] as number;
    const secondBytes = i32[at32 + 6] as number;
    // Empty buffers are a matter for lint; a length above 2^31 is negative here.
    if (firstBytes <= 0 || secondBytes <= 0) return false;
    const firstAt = dma.find(i32[at32] as number, i32[at32 + 1] as number, firstBytes);
    const secondAt = dma.find(i32[at32 + 4] as number, i32[at32 + 5] as number, secondBytes);
    if (firstAt < 0 || secondAt < 0) return false;
    if (this.#rings.overlap(firstAt, firstBytes)) return false;
    if (this.#rings.overlap(secondAt, secondBytes)) return false;
    this.firstAt = firstAt;
    this.firstBytes = firstBytes;
    this.secondAt = secondAt;
    this.secondBytes = secondBytes;
    this.direction = direction;
    return true;
  }
}
