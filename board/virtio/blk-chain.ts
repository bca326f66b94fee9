/**
 * The parts of a block request within a popped chain (virtio 1.2 §5.2.6): header, data, status
 * byte.
 *
 * A driver may spread them over descriptors as it likes (§2.7.4): header and data may share a
 * descriptor, so may data and status. So a request is seen as a run of readable bytes that begins
 * with the header, and a run of writable bytes that ends with the status.
 */

import type { Ram } from '../../memory/ram.ts';
import { SECTOR_BYTES } from '../block-wire.ts';
import { BlkRequestHeader } from './blk-registers.ts';
import type { DeviceQueue } from './device-queue.ts';

// A folded constant: docs/hot-code.md.
const SECTOR_MASK = SECTOR_BYTES - 1;

export class BlkChain {
  type = 0;
  sector = 0;
  /** Offset in RAM of the status byte; -1 when there is none that can be reached. */
  statusAt = -1;
  /** Pieces of the data in RAM, in order. */
  pieces = 0;
  dataBytes = 0;
  /** Largest piece. */
  pieceBytesMax = 0;
  /** Whether every piece is a whole number of sectors. */
  hasWholeSectors = true;
  readonly pieceAt: Int32Array;
  readonly pieceLength: Int32Array;
  readonly #ram: Ram;
  readonly #queue: DeviceQueue;
  readonly #scratchAt: number;

  constructor(ram: Ram, queue: DeviceQueue) {
    this.#ram = ram;
    this.#queue = queue;
    this.#scratchAt = ram.takeStaging(BlkRequestHeader.SIZE);
    this.pieceAt = new Int32Array(queue.sizeMax);
    this.pieceLength = new Int32Array(queue.sizeMax);
  }

  /** Finds the status byte of the popped chain: its last writable byte. */
  locateStatus(): void {
    const queue = this.#queue;
    this.statusAt = -1;
    for (let i = queue.segments - 1; i >= queue.readable; i -= 1) {
      const length = queue.segmentLength(i);
      if (length === 0) continue;
      const at = queue.segmentAt(i);
      if (at >= 0) this.statusAt = at + length - 1;
      return;
    }
  }

  /** Reads the header. @returns whether there is one */
  readHeader(): boolean {
    const queue = this.#queue;
    if (queue.readableBytes < BlkRequestHeader.SIZE) return false;
    const view = this.#ram.view;
    let at = queue.segmentAt(0);
    if (queue.segmentLength(0) < BlkRequestHeader.SIZE) at = this.#gatherHeader();
    this.type = BlkRequestHeader.type.get(view, at);
    this.sector =
      BlkRequestHeader.sectorLow.get(view, at) +
      BlkRequestHeader.sectorHigh.get(view, at) * 0x1_0000_0000;
    return true;
  }

  /** Collects the data that the device reads: everything readable after the header. */
  collectReadable(): void {
    this.#collect(0, this.#queue.readable, BlkRequestHeader.SIZE, Infinity);
  }

  /** Collects where the device writes data: everything writable before the status byte. */
  collectWritable(): void {
    const queue = this.#queue;
    this.#collect(queue.readable, queue.segments, 0, queue.writableBytes - 1);
  }

  #collect(first: number, end: number, skipBytes: number, limitBytes: number): void {
    const queue = this.#queue;
    let skip = skipBytes;
    let left = limitBytes;
    this.pieces = this.dataBytes = this.pieceBytesMax = 0;
    this.hasWholeSectors = true;
    for (let i = first; i < end; i += 1) {
      const dropped = Math.min(skip, queue.segmentLength(i));
      const length = Math.min(queue.segmentLength(i) - dropped, left);
      skip -= dropped;
      left -= length;
      if (length === 0) continue;
      this.pieceAt[this.pieces] = queue.segmentAt(i) + dropped;
      this.pieceLength[this.pieces] = length;
      this.pieces += 1;
      this.dataBytes += length;
      if (length > this.pieceBytesMax) this.pieceBytesMax = length;
      if ((length & SECTOR_MASK) !== 0) this.hasWholeSectors = false;
    }
  }

  /** Copies the pieces into one run of memory. */
  gather(to: number): void {
    let at = to;
    for (let i = 0; i < this.pieces; i += 1) {
      const length = this.pieceLength[i] as number;
      this.#ram.copy(at, this.pieceAt[i] as number, length);
      at += length;
    }
  }

  /** Copies one run of memory into the pieces. */
  scatter(from: number): void {
    let at = from;
    for (let i = 0; i < this.pieces; i += 1) {
      const length = this.pieceLength[i] as number;
      this.#ram.copy(this.pieceAt[i] as number, at, length);
      at += length;
    }
  }

  /** A header in several descriptors is brought together in scratch memory. */
  #gatherHeader(): number {
    const queue = this.#queue;
    let filled = 0;
    for (let i = 0; filled < BlkRequestHeader.SIZE; i += 1) {
      const length = Math.min(queue.segmentLength(i), BlkRequestHeader.SIZE - filled);
      this.#ram.copy(this.#scratchAt + filled, queue.segmentAt(i), length);
      filled += length;
    }
    return this.#scratchAt;
  }
}
