/**
 * Faults of a disk, to be wrapped around any backend: sectors that cannot be read until they are
 * rewritten, transient errors, writes that are lost or land elsewhere, requests that never
 * complete, flushes that fail or lie, a medium that shrinks or goes read-only.
 */

import type { BlockStatus, BlockWire } from '../block-wire.ts';
import {
  BLOCK_IO_ERROR,
  BLOCK_OK,
  BLOCK_PENDING,
  BlockWrapper,
  SECTOR_BYTES,
} from '../block-wire.ts';

export type BlockFault =
  /** Reads fail until the sector is written. */
  | { readonly kind: 'latent-sector-error'; readonly sector: number }
  /** Reads and writes of the sector fail this many times. */
  | { readonly kind: 'transient-error'; readonly sector: number; readonly times: number }
  /** Reads and writes of the sector always fail. */
  | { readonly kind: 'dead-sector'; readonly sector: number }
  /** The next write of the sector is answered as done and never happens. */
  | { readonly kind: 'lost-write'; readonly sector: number }
  /** The next write of the sector lands this many sectors further on. */
  | { readonly kind: 'misdirected-write'; readonly sector: number; readonly by: number }
  /** The next read of the sector brings that of another place. */
  | { readonly kind: 'misdirected-read'; readonly sector: number; readonly by: number }
  /** The next operation on the sector never completes. */
  | { readonly kind: 'stuck'; readonly sector: number }
  | { readonly kind: 'flush-fails'; readonly times: number }
  /** Flushes are answered as done and do nothing. */
  | { readonly kind: 'flush-lies' };

interface Planned {
  readonly fault: BlockFault;
  timesLeft: number;
}

export class FaultyWire extends BlockWrapper {
  #plan: Planned[] = [];
  #sectorsLeft = Infinity;
  #writable = true;
  /** Faults that have happened, by kind. */
  readonly happened = new Map<BlockFault['kind'] | 'beyond-end' | 'read-only', number>();

  constructor(inner: BlockWire, faults: readonly BlockFault[] = []) {
    super(inner);
    for (const fault of faults) this.inject(fault);
  }

  inject(fault: BlockFault): void {
    const timesLeft = 'times' in fault ? fault.times : Infinity;
    this.#plan.push({ fault, timesLeft });
  }

  /** Takes all planned faults back. */
  heal(): void {
    this.#plan = [];
  }

  /** The medium ends earlier from now on. */
  shrinkTo(sectors: number): void {
    this.#sectorsLeft = sectors;
    this.end?.geometryChanged();
  }

  becomeReadOnly(): void {
    this.#writable = false;
    this.end?.geometryChanged();
  }

  override sectors(): number {
    return Math.min(this.#sectorsLeft, this.inner.sectors());
  }

  override isReadOnly(): boolean {
    return !this.#writable || this.inner.isReadOnly();
  }

  override read(tag: number, sector: number, at: number, lengthBytes: number): BlockStatus {
    const sectors = lengthBytes / SECTOR_BYTES;
    if (this.#isBeyondEnd(sector, sectors)) return BLOCK_IO_ERROR;
    const fault = this.#strike(sector, sectors, isReadFault);
    switch (fault?.kind) {
      case undefined:
        return this.inner.read(tag, sector, at, lengthBytes);
      case 'stuck':
        return BLOCK_PENDING;
      case 'misdirected-read':
        return this.inner.read(tag, this.#elsewhere(sector, sectors, fault.by), at, lengthBytes);
      default:
        return BLOCK_IO_ERROR;
    }
  }

  override write(tag: number, sector: number, at: number, lengthBytes: number): BlockStatus {
    const sectors = lengthBytes / SECTOR_BYTES;
    if (this.#isRefused(sector, sectors)) return BLOCK_IO_ERROR;
    this.#plan = this.#plan.filter(
      ({ fault }) => !(fault.kind === 'latent-sector-error' && covers(sector, sectors, fault)),
    );
    const fault = this.#strike(sector, sectors, isWriteFault);
    switch (fault?.kind) {
      case undefined:
        return this.inner.write(tag, sector, at, lengthBytes);
      case 'stuck':
        return BLOCK_PENDING;
      case 'lost-write':
        return BLOCK_OK;
      case 'misdirected-write':
        return this.inner.write(tag, this.#elsewhere(sector, sectors, fault.by), at, lengthBytes);
      default:
        return BLOCK_IO_ERROR;
    }
  }

  override flush(tag: number): BlockStatus {
    const planned = this.#plan.find(
      ({ fault }) => fault.kind === 'flush-fails' || fault.kind === 'flush-lies',
    );
    if (planned === undefined) return this.inner.flush(tag);
    this.#use(planned);
    return planned.fault.kind === 'flush-fails' ? BLOCK_IO_ERROR : BLOCK_OK;
  }

  override discard(tag: number, sector: number, sectors: number): BlockStatus {
    if (this.#isRefused(sector, sectors)) return BLOCK_IO_ERROR;
    return this.inner.discard(tag, sector, sectors);
  }

  override writeZeroes(tag: number, sector: number, sectors: number): BlockStatus {
    if (this.#isRefused(sector, sectors)) return BLOCK_IO_ERROR;
    return this.inner.writeZeroes(tag, sector, sectors);
  }

  #isRefused(sector: number, sectors: number): boolean {
    if (this.#writable) return this.#isBeyondEnd(sector, sectors);
    this.#count('read-only');
    return true;
  }

  #isBeyondEnd(sector: number, sectors: number): boolean {
    if (sector + sectors <= this.sectors()) return false;
    this.#count('beyond-end');
    return true;
  }

  #strike(
    sector: number,
    sectors: number,
    applies: (fault: BlockFault) => boolean,
  ): BlockFault | undefined {
    const planned = this.#plan.find(
      ({ fault }) => 'sector' in fault && applies(fault) && covers(sector, sectors, fault),
    );
    if (planned === undefined) return undefined;
    this.#use(planned);
    return planned.fault;
  }

  #use(planned: Planned): void {
    const { fault } = planned;
    this.#count(fault.kind);
    planned.timesLeft -= 1;
    const happensOnce =
      fault.kind === 'stuck' || fault.kind === 'lost-write' || fault.kind.startsWith('misdirected');
    if (planned.timesLeft <= 0 || happensOnce) {
      this.#plan = this.#plan.filter((other) => other !== planned);
    }
  }

  #elsewhere(sector: number, sectors: number, by: number): number {
    return Math.max(0, Math.min(sector + by, this.inner.sectors() - sectors));
  }

  #count(kind: BlockFault['kind'] | 'beyond-end' | 'read-only'): void {
    this.happened.set(kind, (this.happened.get(kind) ?? 0) + 1);
  }
}

function covers(sector: number, sectors: number, fault: BlockFault): boolean {
  return 'sector' in fault && fault.sector >= sector && fault.sector < sector + sectors;
}

function isReadFault(fault: BlockFault): boolean {
  return !['lost-write', 'misdirected-write'].includes(fault.kind);
}

function isWriteFault(fault: BlockFault): boolean {
  return !['latent-sector-error', 'misdirected-read'].includes(fault.kind);
}
