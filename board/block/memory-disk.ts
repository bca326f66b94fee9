/**
 * A disk in the staging area of RAM: the fastest backend, and one that forgets. Every operation is
 * over at once.
 */

import { assert } from '../../memory/assert.ts';
import type { Ram } from '../../memory/ram.ts';
import type { BlockEnd, BlockStatus, BlockWire } from '../block-wire.ts';
import { BLOCK_OK, SECTOR_BYTES } from '../block-wire.ts';

// A folded constant: docs/hot-code.md.
const SECTOR = SECTOR_BYTES;
const PAGE_BYTES = 4096;

export class MemoryDisk implements BlockWire {
  readonly #ram: Ram;
  readonly #base: number;
  readonly #sectors: number;
  readonly #sizeBytes: number;

  /** @param sizeBytes a multiple of 512; taken from the staging area for good */
  constructor(ram: Ram, sizeBytes: number) {
    assert(sizeBytes > 0 && sizeBytes % SECTOR_BYTES === 0, 'a disk is a whole number of sectors');
    this.#ram = ram;
    this.#base = pageFrom(ram.takeStaging(sizeBytes + PAGE_BYTES));
    this.#sectors = sizeBytes / SECTOR_BYTES;
    this.#sizeBytes = sizeBytes;
  }

  /** Fills the disk from an image, from byte `at` on; the rest stays as it is. */
  load(image: Uint8Array, at = 0): void {
    assert(at + image.length <= this.#sectors * SECTOR_BYTES, 'an image fits its disk');
    this.#ram.u8.set(image, this.#base + at);
  }

  /** @returns a copy of the whole disk */
  image(): Uint8Array {
    return this.#ram.u8.slice(this.#base, this.#base + this.#sectors * SECTOR_BYTES);
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
    return 'memory';
  }

  contentsAt(): number {
    return this.#base;
  }

  read(_tag: number, sector: number, at: number, lengthBytes: number): BlockStatus {
    this.#ram.copy(at, this.#locate(sector, lengthBytes), lengthBytes);
    return BLOCK_OK;
  }

  write(_tag: number, sector: number, at: number, lengthBytes: number): BlockStatus {
    this.#ram.copy(this.#locate(sector, lengthBytes), at, lengthBytes);
    return BLOCK_OK;
  }

  flush(_tag: number): BlockStatus {
    return BLOCK_OK;
  }

  discard(_tag: number, _sector: number, _sectors: number): BlockStatus {
    return BLOCK_OK;
  }

  writeZeroes(_tag: number, sector: number, sectors: number): BlockStatus {
    const lengthBytes = sectors * SECTOR_BYTES;
    this.#ram.fill(this.#locate(sector, lengthBytes), 0, lengthBytes);
    return BLOCK_OK;
  }

  submit(): void {}

  abandon(): void {}

  #locate(sector: number, lengthBytes: number): number {
    assert(
      sector >= 0 && sector * SECTOR + lengthBytes <= this.#sizeBytes,
      'a device keeps its operations within the disk',
    );
    return this.#base + sector * SECTOR;
  }
}

/** A block of a page then lies in one page of the host's, whose address is looked up once. */
function pageFrom(at: number): number {
  return (at + PAGE_BYTES - 1) & -PAGE_BYTES;
}
