/**
 * Goal: the power may go at every write of an overlay that outlives the run, with any choice of
 * what the delta's disk has kept, while requests and flushes overlap: what was written before a
 * flush that has been answered is there, and no sector is anything but one of its own contents;
 * above all not zeroes.
 *
 * The delta is a disk with a volatile cache that does what it is asked later: in the order of
 * asking, as the file worker does, or in any order. Seeds are in the names.
 */

import { describe, expect, it } from 'vitest';
import { MemoryDisk } from '../../board/block/memory-disk.ts';
import { Overlay, overlayMapBytes } from '../../board/block/overlay.ts';
import { VolatileCacheDisk } from '../../board/block/volatile-cache.ts';
import { BLOCK_OK, BLOCK_PENDING, type BlockStatus, BlockWrapper } from '../../board/block-wire.ts';
import { Random } from '../../board/random.ts';
import { Ram } from '../../memory/ram.ts';

const SECTORS = 64;
const SECTOR = 512;
const MAP_BYTES = overlayMapBytes(SECTORS);
const DATA_SECTOR = MAP_BYTES / SECTOR;
const BASE_VERSION = 1;
const STEPS = 600;
const DEPTH = 6;
const CUTS_PER_BOUNDARY = 6;

/** Does one operation after the other, later: in the order of asking, or in any. */
class LaterDisk extends BlockWrapper {
  readonly #due: (() => void)[] = [];
  readonly #order: 'asked' | 'any';
  readonly #random: Random;

  constructor(inner: VolatileCacheDisk, order: 'asked' | 'any', random: Random) {
    super(inner);
    this.#order = order;
    this.#random = random;
  }

  override read(tag: number, sector: number, at: number, length: number): BlockStatus {
    return this.#later(tag, () => super.read(tag, sector, at, length));
  }

  override write(tag: number, sector: number, at: number, length: number): BlockStatus {
    return this.#later(tag, () => super.write(tag, sector, at, length));
  }

  override flush(tag: number): BlockStatus {
    return this.#later(tag, () => super.flush(tag));
  }

  /** @returns whether there was anything to do */
  step(): boolean {
    const at = this.#order === 'asked' ? 0 : this.#random.below(Math.max(1, this.#due.length));
    const [action] = this.#due.splice(at, 1);
    action?.();
    return action !== undefined;
  }

  #later(tag: number, action: () => BlockStatus): BlockStatus {
    this.#due.push(() => this.completed(tag, action()));
    return BLOCK_PENDING;
  }
}

/** Requests at random, and for each sector what it may hold. */
class Workload {
  readonly ram = new Ram({ sizeBytes: 0x1_0000, stagingBytes: 0x4_0000 });
  readonly wrong: string[] = [];
  cuts = 0;
  readonly #random: Random;
  readonly #later: LaterDisk;
  readonly #overlay: Overlay;
  /**
   * The newest version that was answered, and the newest that an answered flush has made durable.
   */
  readonly #answered = new Array<number>(SECTORS).fill(BASE_VERSION);
  readonly #durable = new Array<number>(SECTORS).fill(BASE_VERSION);
  readonly #asked = new Array<number>(SECTORS).fill(BASE_VERSION);
  readonly #busy = new Set<number>();
  readonly #completions = new Map<number, () => void>();
  #version = BASE_VERSION;
  #tag = 0;

  constructor(seed: number, order: 'asked' | 'any') {
    this.#random = new Random(seed);
    const base = new MemoryDisk(this.ram, SECTORS * SECTOR);
    base.load(new Uint8Array(new Uint32Array((SECTORS * SECTOR) / 4).fill(BASE_VERSION).buffer));
    const image = new Uint8Array(MAP_BYTES + SECTORS * SECTOR);
    const disk: VolatileCacheDisk = new VolatileCacheDisk(this.ram, image, () => this.#cut(disk));
    this.#later = new LaterDisk(disk, order, this.#random);
    this.#overlay = new Overlay({
      ram: this.ram,
      base,
      delta: this.#later,
      mapAt: this.ram.takeStaging(MAP_BYTES),
      kept: { mapSector: 0, snapshotAt: this.ram.takeStaging(MAP_BYTES) },
      dataSector: DATA_SECTOR,
    });
    this.#overlay.attach({
      completed: (tag, status) => this.#completed(tag, status),
      geometryChanged: () => undefined,
    });
  }

  run(): void {
    for (let step = 0; step < STEPS; step += 1) {
      if (this.#completions.size < DEPTH) this.#begin();
      if (this.#random.below(3) > 0) this.#later.step();
    }
    while (this.#later.step());
    if (this.#completions.size > 0) this.wrong.push(`${this.#completions.size} never answered`);
  }

  #begin(): void {
    this.#tag += 1;
    const tag = this.#tag;
    if (this.#random.below(4) === 0) {
      const before = [...this.#answered];
      this.#completions.set(tag, () => {
        for (let s = 0; s < SECTORS; s += 1) {
          this.#durable[s] = Math.max(this.#durable[s] as number, before[s] as number);
        }
      });
      return this.#started(tag, this.#overlay.flush(tag));
    }
    const sector = this.#random.below(SECTORS);
    if (this.#busy.has(sector)) return;
    this.#busy.add(sector);
    this.#version += 1;
    const version = this.#version;
    this.#asked[sector] = version;
    this.#completions.set(tag, () => {
      this.#busy.delete(sector);
      this.#answered[sector] = version;
    });
    const at = 0x8000 + sector * SECTOR;
    new Uint32Array(this.ram.u8.buffer, this.ram.u8.byteOffset + at, SECTOR / 4).fill(version);
    this.#started(tag, this.#overlay.write(tag, sector, at, SECTOR));
  }

  #started(tag: number, status: BlockStatus): void {
    this.#overlay.submit();
    if (status !== BLOCK_PENDING) this.#completed(tag, status);
  }

  #completed(tag: number, status: BlockStatus): void {
    if (status !== BLOCK_OK) this.wrong.push(`request ${tag}: status ${status}`);
    this.#completions.get(tag)?.();
    if (!this.#completions.delete(tag)) this.wrong.push(`request ${tag} was answered twice`);
  }

  #cut(disk: VolatileCacheDisk): void {
    for (let drawn = 0; drawn < CUTS_PER_BOUNDARY; drawn += 1) {
      this.cuts += 1;
      this.#judge(
        disk.afterPowerCut((_sector, versions) =>
          drawn === 0 ? 0 : drawn === 1 ? versions : this.#random.below(versions + 1),
        ),
      );
    }
  }

  #judge(image: Uint8Array): void {
    const words = new Uint32Array(image.buffer, image.byteOffset, image.length / 4);
    for (let sector = 0; sector < SECTORS; sector += 1) {
      const isHeld = ((image[sector >>> 3] as number) & (1 << (sector & 7))) !== 0;
      const at = (MAP_BYTES + sector * SECTOR) / 4;
      const found = isHeld ? (words[at] as number) : BASE_VERSION;
      const [least, most] = [this.#durable[sector] as number, this.#asked[sector] as number];
      if (found < least || found > most) {
        this.wrong.push(`sector ${sector} holds ${found}, not ${least} to ${most}`);
      }
    }
  }
}

describe.each(['asked', 'any'] as const)('requests done in %s order', (order) => {
  it.each([1, 2, 3, 4, 5])('leave what was flushed, whenever the power goes (seed %i)', (seed) => {
    const workload = new Workload(seed, order);
    workload.run();
    expect(workload.wrong.slice(0, 3)).toEqual([]);
    expect(workload.cuts).toBeGreaterThan(500);
  });
});
