/**
 * A disk with a volatile write cache: what is written is durable only after a flush, and a power
 * cut may keep any choice of the writes since then, sector by sector. For crash-consistency tests.
 *
 * A sector is never torn: after the cut it holds one of the contents it has had since the last
 * flush.
 */

import { assert } from '../../memory/assert.ts';
import type { Ram } from '../../memory/ram.ts';
import type { BlockEnd, BlockStatus, BlockWire } from '../block-wire.ts';
import { BLOCK_OK, SECTOR_BYTES } from '../block-wire.ts';

/** Chooses what a sector holds after a power cut: 0 what was durable, `versions` the newest. */
export type VersionChoice = (sector: number, versions: number) => number;

export class VolatileCacheDisk implements BlockWire {
  readonly #ram: Ram;
  readonly #durable: Uint8Array;
  /** Contents written since the last flush, oldest first. */
  readonly #dirty = new Map<number, Uint8Array[]>();
  readonly #onBoundary: (what: 'write' | 'flush') => void;

  /**
   * @param onBoundary called after each write and each flush: a moment at which the power may go
   */
  constructor(ram: Ram, image: Uint8Array, onBoundary: (what: 'write' | 'flush') => void) {
    assert(image.length % SECTOR_BYTES === 0, 'a disk is a whole number of sectors');
    this.#ram = ram;
    this.#durable = image.slice();
    this.#onBoundary = onBoundary;
  }

  /** How many different disks a power cut could leave now; a large number is only approximate. */
  states(): number {
    let product = 1;
    for (const versions of this.#dirty.values()) product *= versions.length + 1;
    return product;
  }

  /** Sectors written since the last flush, each with how many contents it has had. */
  dirty(): readonly (readonly [sector: number, versions: number])[] {
    return [...this.#dirty].map(([sector, versions]) => [sector, versions.length] as const);
  }

  /** @returns the disk as a power cut leaves it when each dirty sector keeps the version chosen */
  afterPowerCut(choose: VersionChoice): Uint8Array {
    const image = this.#durable.slice();
    for (const [sector, versions] of this.#dirty) {
      const chosen = choose(sector, versions.length);
      const content = chosen === 0 ? undefined : versions[chosen - 1];
      if (content !== undefined) image.set(content, sector * SECTOR_BYTES);
    }
    return image;
  }

  attach(_end: BlockEnd): void {}

  sectors(): number {
    return this.#durable.length / SECTOR_BYTES;
  }

  isReadOnly(): boolean {
    return false;
  }

  canDiscard(): boolean {
    return false;
  }

  serialNumber(): string {
    return 'volatile-cache';
  }

  read(_tag: number, sector: number, at: number, lengthBytes: number): BlockStatus {
    for (let done = 0; done < lengthBytes; done += SECTOR_BYTES) {
      const s = sector + done / SECTOR_BYTES;
      const start = s * SECTOR_BYTES;
      const content =
        this.#dirty.get(s)?.at(-1) ?? this.#durable.subarray(start, start + SECTOR_BYTES);
      this.#ram.u8.set(content, at + done);
    }
    return BLOCK_OK;
  }

  write(_tag: number, sector: number, at: number, lengthBytes: number): BlockStatus {
    for (let done = 0; done < lengthBytes; done += SECTOR_BYTES) {
      this.#put(
        sector + done / SECTOR_BYTES,
        this.#ram.u8.slice(at + done, at + done + SECTOR_BYTES),
      );
    }
    this.#onBoundary('write');
    return BLOCK_OK;
  }

  flush(_tag: number): BlockStatus {
    for (const [sector, versions] of this.#dirty) {
      this.#durable.set(versions.at(-1) as Uint8Array, sector * SECTOR_BYTES);
    }
    this.#dirty.clear();
    this.#onBoundary('flush');
    return BLOCK_OK;
  }

  discard(): BlockStatus {
    return BLOCK_OK;
  }

  writeZeroes(_tag: number, sector: number, sectors: number): BlockStatus {
    for (let s = sector; s < sector + sectors; s += 1) this.#put(s, new Uint8Array(SECTOR_BYTES));
    this.#onBoundary('write');
    return BLOCK_OK;
  }

  submit(): void {}

  abandon(): void {}

  #put(sector: number, content: Uint8Array): void {
    assert(sector * SECTOR_BYTES < this.#durable.length, 'a write lies within the disk');
    const versions = this.#dirty.get(sector);
    if (versions === undefined) this.#dirty.set(sector, [content]);
    else versions.push(content);
  }
}
