/**
 * Copy-on-write: reads what has been written from a delta and everything else from a base that is
 * never changed.
 *
 * Which sectors the delta holds is a bit map in the staging area. A delta that is to outlive the
 * run keeps the map in its own sectors before the data. A flush makes the data durable first, then
 * the map as it was when that began: a write that completes meanwhile is not in it. So after a
 * power cut the map never points at data that are not there. There is one flush at a time; those
 * that are asked for meanwhile share the next one.
 */

import { assert } from '../../memory/assert.ts';
import type { Ram } from '../../memory/ram.ts';
import type { BlockEnd, BlockStatus, BlockWire } from '../block-wire.ts';
import { BLOCK_IO_ERROR, BLOCK_OK, BLOCK_PENDING, SECTOR_BYTES } from '../block-wire.ts';
import { Gather } from './gather.ts';

export interface OverlayOptions {
  readonly ram: Ram;
  readonly base: BlockWire;
  /** At least `dataSector` plus the base's sectors long. */
  readonly delta: BlockWire;
  /** Offset in RAM of the bit map: one bit per sector of the base, see {@link overlayMapBytes}. */
  readonly mapAt: number;
  /** Absent when the delta ends with the run. */
  readonly kept?: {
    /** Sector of the delta at which the map is kept. */
    readonly mapSector: number;
    /** Offset in RAM where a flush keeps the map as it was when it began: as large as the map. */
    readonly snapshotAt: number;
  };
  /** Sector of the delta at which the base's sector 0 would be. */
  readonly dataSector: number;
}

/** @returns bytes of the bit map of a base of this many sectors, in whole sectors */
export function overlayMapBytes(sectors: number): number {
  return Math.ceil(sectors / 8 / SECTOR_BYTES) * SECTOR_BYTES;
}

/** What a slot of the gatherer stands for, beyond its tag. */
interface Whole {
  kind: 'read' | 'change' | 'flush-data' | 'flush-map' | 'flush-end';
  /** First sector, and how many; of a change or a read. */
  sector: number;
  sectors: number;
}

export class Overlay implements BlockWire {
  readonly #options: OverlayOptions;
  readonly #gather = new Gather();
  readonly #wholes: Whole[] = [];
  #end: BlockEnd | undefined;
  /** Changes of the map so far, and how many of them are durable. */
  #mapVersion = 0;
  #mapDurable = 0;
  /** The version that the flush under way makes durable, and who has asked for it. */
  #flushVersion = 0;
  #flushing: number[] | undefined;
  /** Who has asked since it began. */
  readonly #nextFlush: number[] = [];

  constructor(options: OverlayOptions) {
    assert(
      options.delta.sectors() >= options.dataSector + options.base.sectors(),
      'the delta of an overlay can hold the whole base',
    );
    this.#options = options;
  }

  attach(end: BlockEnd): void {
    this.#end = end;
    const part: BlockEnd = {
      completed: (slot, status) => this.#partCompleted(slot, status),
      geometryChanged: () => end.geometryChanged(),
    };
    this.#options.base.attach(part);
    this.#options.delta.attach(part);
  }

  sectors(): number {
    return this.#options.base.sectors();
  }

  isReadOnly(): boolean {
    return false;
  }

  canDiscard(): boolean {
    return false;
  }

  serialNumber(): string {
    return this.#options.base.serialNumber();
  }

  read(tag: number, sector: number, at: number, lengthBytes: number): BlockStatus {
    const { base, delta, dataSector } = this.#options;
    const slot = this.#open(tag, 'read', sector, lengthBytes / SECTOR_BYTES);
    const end = sector + lengthBytes / SECTOR_BYTES;
    let from = sector;
    while (from < end) {
      const held = this.#isHeld(from);
      let to = from + 1;
      while (to < end && this.#isHeld(to) === held) to += 1;
      const target = at + (from - sector) * SECTOR_BYTES;
      const length = (to - from) * SECTOR_BYTES;
      this.#gather.started(
        slot,
        held
          ? delta.read(slot, dataSector + from, target, length)
          : base.read(slot, from, target, length),
      );
      from = to;
    }
    return this.#gather.close(slot);
  }

  write(tag: number, sector: number, at: number, lengthBytes: number): BlockStatus {
    const { delta, dataSector } = this.#options;
    const slot = this.#open(tag, 'change', sector, lengthBytes / SECTOR_BYTES);
    this.#gather.started(slot, delta.write(slot, dataSector + sector, at, lengthBytes));
    return this.#closeChange(slot);
  }

  flush(tag: number): BlockStatus {
    if (this.#flushing !== undefined) {
      this.#nextFlush.push(tag);
      return BLOCK_PENDING;
    }
    const status = this.#beginFlush([tag]);
    if (status !== BLOCK_PENDING) this.#flushing = undefined;
    return status;
  }

  /**
   * Whether the delta's map lacks something that has been written: the map in RAM is to be kept
   * when the run ends.
   */
  get isMapBehind(): boolean {
    return this.#mapDurable < this.#mapVersion;
  }

  discard(): BlockStatus {
    return BLOCK_OK;
  }

  writeZeroes(tag: number, sector: number, sectors: number): BlockStatus {
    const { delta, dataSector } = this.#options;
    const slot = this.#open(tag, 'change', sector, sectors);
    this.#gather.started(slot, delta.writeZeroes(slot, dataSector + sector, sectors));
    return this.#closeChange(slot);
  }

  submit(): void {
    this.#options.base.submit();
    this.#options.delta.submit();
  }

  abandon(): void {
    this.#options.base.abandon();
    this.#options.delta.abandon();
    this.#gather.abandon();
    this.#flushing = undefined;
    this.#nextFlush.length = 0;
  }

  #open(tag: number, kind: Whole['kind'], sector: number, sectors: number): number {
    const slot = this.#gather.open(tag);
    const whole = this.#wholes[slot];
    if (whole === undefined) {
      this.#wholes[slot] = { kind, sector, sectors };
    } else {
      whole.kind = kind;
      whole.sector = sector;
      whole.sectors = sectors;
    }
    return slot;
  }

  #closeChange(slot: number): BlockStatus {
    const status = this.#gather.close(slot);
    if (status === BLOCK_OK) this.#hold(slot);
    return status;
  }

  #partCompleted(slot: number, partStatus: BlockStatus): void {
    const tag = this.#gather.tag(slot);
    let status = this.#gather.completed(slot, partStatus);
    if (status === BLOCK_PENDING) return;
    const { kind } = this.#wholes[slot] as Whole;
    if (kind === 'change' && status === BLOCK_OK) this.#hold(slot);
    if (kind === 'change' || kind === 'read') {
      this.#end?.completed(tag, status);
      return;
    }
    status = this.#flushGoesOn(kind, status);
    while (status !== BLOCK_PENDING) {
      for (const asked of this.#flushing ?? []) this.#end?.completed(asked, status);
      this.#flushing = undefined;
      if (this.#nextFlush.length === 0) break;
      status = this.#beginFlush(this.#nextFlush.splice(0));
    }
    this.submit();
  }

  #beginFlush(tags: number[]): BlockStatus {
    const { kept, ram, mapAt, base } = this.#options;
    this.#flushing = tags;
    this.#flushVersion = this.#mapVersion;
    if (kept !== undefined && this.isMapBehind) {
      ram.u8.copyWithin(kept.snapshotAt, mapAt, mapAt + overlayMapBytes(base.sectors()));
    }
    return this.#flushStep('flush-data');
  }

  /** Starts one step of a flush: the data, then the map, then the map's own flush. */
  #flushStep(kind: Whole['kind']): BlockStatus {
    const { delta, kept, base } = this.#options;
    const slot = this.#open(0, kind, 0, 0);
    if (kind === 'flush-map' && kept !== undefined) {
      const length = overlayMapBytes(base.sectors());
      this.#gather.started(slot, delta.write(slot, kept.mapSector, kept.snapshotAt, length));
    } else {
      this.#gather.started(slot, delta.flush(slot));
    }
    const status = this.#gather.close(slot);
    return status === BLOCK_PENDING ? status : this.#flushGoesOn(kind, status);
  }

  #flushGoesOn(done: Whole['kind'], status: BlockStatus): BlockStatus {
    if (status !== BLOCK_OK) return BLOCK_IO_ERROR;
    if (done === 'flush-end') {
      this.#mapDurable = Math.max(this.#mapDurable, this.#flushVersion);
      return BLOCK_OK;
    }
    if (done === 'flush-map') return this.#flushStep('flush-end');
    const isDurable = this.#options.kept === undefined || this.#mapDurable >= this.#flushVersion;
    return isDurable ? BLOCK_OK : this.#flushStep('flush-map');
  }

  #isHeld(sector: number): boolean {
    const { ram, mapAt } = this.#options;
    return ((ram.u8[mapAt + (sector >>> 3)] as number) & (1 << (sector & 7))) !== 0;
  }

  #hold(slot: number): void {
    const { ram, mapAt } = this.#options;
    const { sector, sectors } = this.#wholes[slot] as Whole;
    for (let s = sector; s < sector + sectors; s += 1) {
      const at = mapAt + (s >>> 3);
      ram.u8[at] = (ram.u8[at] as number) | (1 << (s & 7));
    }
    this.#mapVersion += 1;
  }
}
