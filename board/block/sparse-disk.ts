/**
 * A disk that takes memory only for what has been written: for large disks and for the delta of an
 * overlay. Sectors never written read as zeroes. Its memory lies outside RAM, so it costs an
 * allocation now and then.
 */

import { assert } from '../../memory/assert.ts';
import type { Ram } from '../../memory/ram.ts';
import type { BlockEnd, BlockStatus, BlockWire } from '../block-wire.ts';
import { BLOCK_OK, SECTOR_BYTES } from '../block-wire.ts';

const CHUNK_BYTES = 65_536;

export class SparseDisk implements BlockWire {
  readonly #ram: Ram;
  readonly #sectors: number;
  readonly #chunks = new Map<number, Uint8Array>();

  constructor(ram: Ram, sizeBytes: number) {
    assert(sizeBytes > 0 && sizeBytes % SECTOR_BYTES === 0, 'a disk is a whole number of sectors');
    this.#ram = ram;
    this.#sectors = sizeBytes / SECTOR_BYTES;
  }

  /** Bytes that the disk has taken so far. */
  get bytesHeld(): number {
    return this.#chunks.size * CHUNK_BYTES;
  }

  attach(_end: BlockEnd): void {}

  sectors(): number {
    return this.#sectors;
  }

  isReadOnly(): boolean {
    return false;
  }

  canDiscard(): boolean {
    return true;
  }

  serialNumber(): string {
    return 'sparse';
  }

  read(_tag: number, sector: number, at: number, lengthBytes: number): BlockStatus {
    this.#eachPart(sector, lengthBytes, (index, from, length, done) => {
      const chunk = this.#chunks.get(index);
      if (chunk === undefined) this.#ram.fill(at + done, 0, length);
      else this.#ram.u8.set(chunk.subarray(from, from + length), at + done);
    });
    return BLOCK_OK;
  }

  write(_tag: number, sector: number, at: number, lengthBytes: number): BlockStatus {
    this.#eachPart(sector, lengthBytes, (index, from, length, done) => {
      let chunk = this.#chunks.get(index);
      if (chunk === undefined) {
        chunk = new Uint8Array(CHUNK_BYTES);
        this.#chunks.set(index, chunk);
      }
      chunk.set(this.#ram.u8.subarray(at + done, at + done + length), from);
    });
    return BLOCK_OK;
  }

  flush(_tag: number): BlockStatus {
    return BLOCK_OK;
  }

  discard(tag: number, sector: number, sectors: number): BlockStatus {
    return this.writeZeroes(tag, sector, sectors);
  }

  writeZeroes(_tag: number, sector: number, sectors: number): BlockStatus {
    this.#eachPart(sector, sectors * SECTOR_BYTES, (index, from, length) => {
      if (length === CHUNK_BYTES) this.#chunks.delete(index);
      else this.#chunks.get(index)?.fill(0, from, from + length);
    });
    return BLOCK_OK;
  }

  submit(): void {}

  abandon(): void {}

  #eachPart(
    sector: number,
    lengthBytes: number,
    visit: (index: number, from: number, length: number, done: number) => void,
  ): void {
    assert(
      sector >= 0 && sector + lengthBytes / SECTOR_BYTES <= this.#sectors,
      'a device keeps its operations within the disk',
    );
    const start = sector * SECTOR_BYTES;
    let done = 0;
    while (done < lengthBytes) {
      const from = (start + done) % CHUNK_BYTES;
      const length = Math.min(CHUNK_BYTES - from, lengthBytes - done);
      visit(Math.floor((start + done) / CHUNK_BYTES), from, length, done);
      done += length;
    }
  }
}
