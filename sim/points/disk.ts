/**
 * A disk as points of faults. Each operation that the device begins is an opportunity; the medium
 * itself has moments.
 *
 * It wraps any other disk; one whose power can be cut has to be in memory. What the disk does
 * behind its user's back (a write that is lost, a bit that turns) it tells to an observer, sector
 * by sector, so that nobody else's data is excused.
 */

import {
  BLOCK_IO_ERROR,
  BLOCK_OK,
  BLOCK_PENDING,
  BLOCK_UNSUPPORTED,
  type BlockEnd,
  type BlockStatus,
  type BlockWire,
  SECTOR_BYTES,
} from '../../board/block-wire.ts';
import type { Clock, ClockEvent } from '../../board/clock.ts';
import type { Ram } from '../../memory/ram.ts';
import type { CuttableDisk } from './cuttable-disk.ts';
import type { DiskPoints } from './disk-points.ts';
import type { Strike } from './point.ts';

/** Told of what nobody can be blamed for. */
export interface DiskObserver {
  /** These sectors may hold anything, until they are written again. */
  damaged(sector: number, sectors: number): void;
  /** The power has gone and come back: of what was not flushed, each sector is old or new. */
  powerCut(): void;
}

export interface PlannedDiskOptions {
  readonly ram: Ram;
  readonly clock: Clock;
  readonly wire: BlockWire;
  /** The same, when its power can be cut: without it that moment changes nothing. */
  readonly cuttable?: CuttableDisk;
  readonly points: DiskPoints;
  readonly observer?: DiskObserver;
}

interface Operation {
  readonly tag: number;
  /** Does it, when its time has come. */
  readonly run: () => BlockStatus;
  readonly event: ClockEvent;
}

export class PlannedDisk implements BlockWire, BlockEnd {
  readonly #options: PlannedDiskOptions;
  readonly #disk: BlockWire;
  #end: BlockEnd | undefined;
  readonly #waiting = new Set<Operation>();
  /** Sectors that cannot be read until they are written. */
  readonly #unreadable = new Set<number>();
  #readOnly = 0;
  #sectorsLeft = Infinity;

  constructor(options: PlannedDiskOptions) {
    this.#options = options;
    this.#disk = options.wire;
    options.points.medium.perform({
      begin: (strike) => this.#beginMoment(strike),
      end: (strike) => this.#endMoment(strike),
    });
  }

  attach(end: BlockEnd): void {
    this.#end = end;
    this.#disk.attach(this);
  }

  completed(tag: number, status: BlockStatus): void {
    this.#end?.completed(tag, status);
  }

  geometryChanged(): void {
    this.#end?.geometryChanged();
  }

  sectors(): number {
    return Math.min(this.#sectorsLeft, this.#disk.sectors());
  }

  isReadOnly(): boolean {
    return this.#readOnly > 0 || this.#disk.isReadOnly();
  }

  canDiscard(): boolean {
    return this.#disk.canDiscard();
  }

  serialNumber(): string {
    return this.#disk.serialNumber();
  }

  read(tag: number, sector: number, at: number, lengthBytes: number): BlockStatus {
    const sectors = lengthBytes / SECTOR_BYTES;
    const strike = this.#options.points.read.next(() => sectorWords(sector, sectors));
    const { by = 0, bit = 0 } = strike?.parameters ?? {};
    const plain = (from = sector): BlockStatus => this.#readNow(tag, from, at, lengthBytes);
    if (strike === undefined) return plain();
    switch (strike.fault) {
      case 'error':
        return BLOCK_IO_ERROR;
      case 'latent':
        this.#unreadable.add(sector);
        return BLOCK_IO_ERROR;
      case 'misdirect':
        this.#options.observer?.damaged(sector, sectors);
        return plain(this.#elsewhere(sector, sectors, by));
      case 'rot': {
        const status = plain();
        if (status === BLOCK_OK) this.#turnBit(sector, at, bit);
        return status;
      }
      default:
        return this.#later(tag, strike, () => plain());
    }
  }

  write(tag: number, sector: number, at: number, lengthBytes: number): BlockStatus {
    const sectors = lengthBytes / SECTOR_BYTES;
    const strike = this.#options.points.write.next(() => sectorWords(sector, sectors));
    const { by = 0, kept = 0 } = strike?.parameters ?? {};
    if (strike === undefined) return this.#writeNow(tag, sector, at, lengthBytes);
    switch (strike.fault) {
      case 'error':
      case 'full':
        return BLOCK_IO_ERROR;
      case 'unsupported':
        return BLOCK_UNSUPPORTED;
      case 'lose':
        this.#options.observer?.damaged(sector, sectors);
        return BLOCK_OK;
      case 'misdirect': {
        const target = this.#elsewhere(sector, sectors, by);
        this.#options.observer?.damaged(sector, sectors);
        this.#options.observer?.damaged(target, sectors);
        return this.#writeNow(tag, target, at, lengthBytes);
      }
      case 'tear':
        this.#tear(tag, sector, at, Math.min(kept, sectors - 1));
        return BLOCK_IO_ERROR;
      default:
        return this.#later(tag, strike, () => this.#writeNow(tag, sector, at, lengthBytes));
    }
  }

  flush(tag: number): BlockStatus {
    const strike = this.#options.points.flush.next();
    if (strike === undefined) return this.#disk.flush(tag);
    switch (strike.fault) {
      case 'fail':
        return BLOCK_IO_ERROR;
      case 'unsupported':
        return BLOCK_UNSUPPORTED;
      case 'lie':
        this.#options.cuttable?.pretendFlush();
        return BLOCK_OK;
      default:
        return this.#later(tag, strike, () => this.#disk.flush(tag));
    }
  }

  discard(tag: number, sector: number, sectors: number): BlockStatus {
    const strike = this.#options.points.discard.next(() => sectorWords(sector, sectors));
    if (strike?.fault === 'unsupported') return BLOCK_UNSUPPORTED;
    if (strike?.fault === 'error') return BLOCK_IO_ERROR;
    if (!this.#isWritable(sector, sectors)) return BLOCK_IO_ERROR;
    this.#options.observer?.damaged(sector, sectors);
    return this.#disk.discard(tag, sector, sectors);
  }

  writeZeroes(tag: number, sector: number, sectors: number): BlockStatus {
    const strike = this.#options.points.discard.next(() => sectorWords(sector, sectors));
    if (strike?.fault === 'unsupported') return BLOCK_UNSUPPORTED;
    if (strike?.fault === 'error' || !this.#isWritable(sector, sectors)) return BLOCK_IO_ERROR;
    return this.#disk.writeZeroes(tag, sector, sectors);
  }

  submit(): void {
    this.#disk.submit();
  }

  abandon(): void {
    for (const { event } of this.#waiting) this.#options.clock.cancel(event);
    this.#waiting.clear();
    this.#disk.abandon();
  }

  #readNow(tag: number, sector: number, at: number, lengthBytes: number): BlockStatus {
    const sectors = lengthBytes / SECTOR_BYTES;
    if (sector + sectors > this.sectors()) return BLOCK_IO_ERROR;
    for (let i = 0; i < sectors; i += 1) {
      if (this.#unreadable.has(sector + i)) return BLOCK_IO_ERROR;
    }
    return this.#disk.read(tag, sector, at, lengthBytes);
  }

  #writeNow(tag: number, sector: number, at: number, lengthBytes: number): BlockStatus {
    const sectors = lengthBytes / SECTOR_BYTES;
    if (!this.#isWritable(sector, sectors)) return BLOCK_IO_ERROR;
    for (let i = 0; i < sectors; i += 1) this.#unreadable.delete(sector + i);
    return this.#disk.write(tag, sector, at, lengthBytes);
  }

  /** A disk that answers later cannot be torn: it would answer twice. */
  #tear(tag: number, sector: number, at: number, sectors: number): void {
    if (this.#options.cuttable !== undefined)
      this.#writeNow(tag, sector, at, sectors * SECTOR_BYTES);
  }

  #isWritable(sector: number, sectors: number): boolean {
    return !this.isReadOnly() && sector + sectors <= this.sectors();
  }

  #elsewhere(sector: number, sectors: number, by: number): number {
    return Math.max(0, Math.min(sector + by, this.#disk.sectors() - sectors));
  }

  /** 'slow' and 'stuck'. */
  #later(tag: number, { fault, parameters }: Strike, run: () => BlockStatus): BlockStatus {
    const { clock } = this.#options;
    const event: ClockEvent = {
      fire: () => {
        if (!this.#waiting.delete(operation)) return;
        const status = operation.run();
        if (status !== BLOCK_PENDING) this.#end?.completed(tag, status);
      },
    };
    const operation: Operation = { tag, run, event };
    this.#waiting.add(operation);
    if (fault === 'slow') clock.schedule(event, clock.now() + (parameters['by'] ?? 0));
    return BLOCK_PENDING;
  }

  /** A bit of the sector that has just been read turns, on the disk too. */
  #turnBit(sector: number, at: number, bit: number): void {
    const { ram, observer } = this.#options;
    const byteAt = at + (bit >>> 3);
    ram.u8[byteAt] = (ram.u8[byteAt] as number) ^ (1 << (bit & 7));
    this.#disk.write(0, sector, at, SECTOR_BYTES);
    observer?.damaged(sector, 1);
  }

  #beginMoment({ fault, parameters }: Strike): void {
    if (fault === 'power-cut') return this.#cutPower();
    if (fault === 'read-only') this.#readOnly += 1;
    else
      this.#sectorsLeft = Math.floor((this.#disk.sectors() * (parameters['percent'] ?? 100)) / 100);
    this.#end?.geometryChanged();
  }

  #endMoment({ fault }: Strike): void {
    if (fault === 'power-cut') return;
    if (fault === 'read-only') this.#readOnly -= 1;
    else this.#sectorsLeft = Infinity;
    this.#end?.geometryChanged();
  }

  #cutPower(): void {
    const { cuttable, observer, clock } = this.#options;
    if (cuttable === undefined) return;
    for (const sector of cuttable.cutPower().pretended) observer?.damaged(sector, 1);
    observer?.powerCut();
    const now: ClockEvent = { fire: () => this.#failAll() };
    clock.schedule(now, clock.now());
  }

  /** What was under way when the power went has not been done. */
  #failAll(): void {
    const waiting = [...this.#waiting];
    this.abandon();
    for (const { tag } of waiting) this.#end?.completed(tag, BLOCK_IO_ERROR);
  }
}

function sectorWords(sector: number, sectors: number): string {
  return sectors === 1 ? `sector ${sector}` : `sectors ${sector} to ${sector + sectors - 1}`;
}
