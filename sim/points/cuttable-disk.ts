/** A disk in memory with a volatile cache, whose power can go and come back while it runs. */

import type { BlockStatus, BlockWire } from '../../board/block-wire.ts';
import { BLOCK_OK } from '../../board/block-wire.ts';
import { VolatileCacheDisk } from '../../board/block/volatile-cache.ts';
import type { Random } from '../../board/random.ts';
import type { Ram } from '../../memory/ram.ts';

/** What a power cut leaves, and of which sectors nobody can say what they should hold. */
export interface Remains {
  readonly image: Uint8Array;
  readonly pretended: ReadonlySet<number>;
}

export class CuttableDisk implements BlockWire {
  readonly #ram: Ram;
  readonly #random: Random;
  #disk: VolatileCacheDisk;
  /** Sectors that a flush has only pretended to make durable. */
  #pretended = new Set<number>();

  /** @param random chooses what a power cut leaves */
  constructor(ram: Ram, image: Uint8Array, random: Random) {
    this.#ram = ram;
    this.#random = random;
    this.#disk = this.#diskOf(image);
  }

  attach(): void {
    // Everything is over at once: there is nothing to tell later.
  }

  sectors(): number {
    return this.#disk.sectors();
  }

  isReadOnly(): boolean {
    return false;
  }

  canDiscard(): boolean {
    return true;
  }

  serialNumber(): string {
    return 'cuttable-disk';
  }

  read(tag: number, sector: number, at: number, lengthBytes: number): BlockStatus {
    return this.#disk.read(tag, sector, at, lengthBytes);
  }

  write(tag: number, sector: number, at: number, lengthBytes: number): BlockStatus {
    return this.#disk.write(tag, sector, at, lengthBytes);
  }

  flush(tag: number): BlockStatus {
    this.#pretended = new Set();
    return this.#disk.flush(tag);
  }

  discard(): BlockStatus {
    return BLOCK_OK;
  }

  writeZeroes(tag: number, sector: number, sectors: number): BlockStatus {
    return this.#disk.writeZeroes(tag, sector, sectors);
  }

  submit(): void {
    // Nothing is handed on.
  }

  abandon(): void {
    // Nothing is under way.
  }

  /** A flush is answered as done and does nothing. */
  pretendFlush(): void {
    for (const [sector] of this.#disk.dirty()) this.#pretended.add(sector);
  }

  /** @returns what reading the whole disk gives now */
  image(): Uint8Array {
    return this.#disk.afterPowerCut((_, versions) => versions);
  }

  afterPowerCut(): Remains {
    const image = this.#disk.afterPowerCut((_, versions) => this.#random.below(versions + 1));
    return { image, pretended: this.#pretended };
  }

  /** The power goes and comes back. */
  cutPower(): Remains {
    const remains = this.afterPowerCut();
    this.#disk = this.#diskOf(remains.image);
    this.#pretended = new Set();
    return remains;
  }

  #diskOf(image: Uint8Array): VolatileCacheDisk {
    return new VolatileCacheDisk(this.#ram, image, () => undefined);
  }
}
