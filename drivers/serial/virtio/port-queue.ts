/**
 * One virtqueue of the console port, driver's side: every buffer is one descriptor with a fixed
 * place in memory, so descriptor i is buffer i for good and only lengths change (virtio 1.2 §2.7).
 *
 * The device is not trusted: what is outstanding is remembered here, the descriptor table is never
 * read back, and an impossible used ring is answered with 'lie'.
 */

import type { Region } from '../../../memory/region.ts';
import { distance16 } from '../../../memory/wrapping.ts';
import { VIRTQ_DESC_F_WRITE } from './regs.ts';

const DESC_BYTES = 16;
const IDX = 2; // byte of `idx` in either ring
const RING = 4; // byte of the first entry in either ring
const USED_BYTES = 8;

export interface PortQueueOptions {
  readonly memory: Region;
  /** Byte in the memory where the rings begin; a multiple of 16. */
  readonly ringsAt: number;
  /** Byte in the memory where the buffers begin. */
  readonly buffersAt: number;
  readonly bufferBytes: number;
  /** A power of two. */
  readonly entries: number;
  /** Physical address of the memory. */
  readonly paddr: number;
  readonly writer: 'driver' | 'device';
}

export class PortQueue {
  readonly entries: number;
  readonly bufferBytes: number;
  readonly descPaddr: number;
  readonly availPaddr: number;
  readonly usedPaddr: number;
  /**
   * What {@link take} took last: bytes that the device says it wrote, never more than the buffer
   * has.
   */
  takenBytes = 0;
  readonly #memory: Region;
  readonly #descAt: number;
  readonly #availAt: number;
  readonly #usedAt: number;
  readonly #buffersAt: number;
  readonly #writer: 'driver' | 'device';
  readonly #outstanding: Uint8Array;
  readonly #free: Uint16Array;
  #freeCount: number;
  #nextAvail = 0;
  #publishedAvail = 0;
  #nextUsed = 0;

  constructor(options: PortQueueOptions) {
    const { entries, ringsAt, paddr, memory } = options;
    this.entries = entries;
    this.bufferBytes = options.bufferBytes;
    this.#memory = memory;
    this.#writer = options.writer;
    this.#buffersAt = options.buffersAt;
    this.#descAt = ringsAt;
    this.#availAt = ringsAt + entries * DESC_BYTES;
    this.#usedAt = (this.#availAt + RING + 2 * entries + 2 + 3) & ~3;
    this.descPaddr = paddr + this.#descAt;
    this.availPaddr = paddr + this.#availAt;
    this.usedPaddr = paddr + this.#usedAt;
    memory.fill(ringsAt, 0, this.#usedAt + RING + USED_BYTES * entries + 2 - ringsAt);
    this.#outstanding = new Uint8Array(entries);
    this.#free = Uint16Array.from({ length: entries }, (_, index) => entries - 1 - index);
    this.#freeCount = entries;
    for (let index = 0; index < entries; index += 1) {
      const bufferPaddr = paddr + this.bufferAt(index);
      memory.write32(this.#descAt + index * DESC_BYTES, bufferPaddr % 0x1_0000_0000);
      memory.write32(this.#descAt + index * DESC_BYTES + 4, Math.floor(bufferPaddr / 2 ** 32));
      const flags = options.writer === 'device' ? VIRTQ_DESC_F_WRITE : 0;
      memory.write16(this.#descAt + index * DESC_BYTES + 12, flags);
    }
  }

  /** Buffers that the driver has. */
  get free(): number {
    return this.#freeCount;
  }

  /** Byte in the memory of a buffer. */
  bufferAt(index: number): number {
    return this.#buffersAt + index * this.bufferBytes;
  }

  /** The buffer that {@link post} will hand over next. */
  nextFree(): number {
    return this.#free[this.#freeCount - 1] as number;
  }

  /** Gives the device the buffer that {@link nextFree} named, to be published with the batch. */
  post(lengthBytes: number): void {
    const index = this.nextFree();
    this.#freeCount -= 1;
    this.#outstanding[index] = 1;
    this.#memory.write32(this.#descAt + index * DESC_BYTES + 8, lengthBytes);
    const slot = this.#nextAvail & (this.entries - 1);
    this.#memory.write16(this.#availAt + RING + 2 * slot, index);
    this.#nextAvail = (this.#nextAvail + 1) & 0xffff;
  }

  /** Makes the batch available. @returns whether there was one: then notify the device */
  publish(): boolean {
    if (this.#nextAvail === this.#publishedAvail) return false;
    this.#publishedAvail = this.#nextAvail;
    // After the entries above: the device reads the index first.
    this.#memory.write16(this.#availAt + IDX, this.#nextAvail);
    return true;
  }

  /** Takes the next used buffer; it is free afterwards. @returns its index, 'none', or 'lie' */
  take(): number | 'none' | 'lie' {
    const pending = distance16(this.#memory.read16(this.#usedAt + IDX), this.#nextUsed);
    if (pending === 0) return 'none';
    if (pending > this.entries - this.#freeCount) return 'lie';
    const at = this.#usedAt + RING + USED_BYTES * (this.#nextUsed & (this.entries - 1));
    const index = this.#memory.read32(at);
    const bytes = this.#memory.read32(at + 4);
    if (index >= this.entries || this.#outstanding[index] === 0) return 'lie';
    const most = this.#writer === 'device' ? this.bufferBytes : 0;
    if (bytes > most) return 'lie';
    this.#nextUsed = (this.#nextUsed + 1) & 0xffff;
    this.#outstanding[index] = 0;
    this.#free[this.#freeCount] = index;
    this.#freeCount += 1;
    this.takenBytes = bytes;
    return index;
  }
}
