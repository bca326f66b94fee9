/**
 * Disks as a user asks for them: in memory, or a file, with or without an overlay. First
 * {@link prepareDisk} looks at the file and says what is wrong with it; then
 * {@link PreparedDisk.plugIn} makes the wire for a board.
 */

import { statSync } from 'node:fs';
import { MemoryDisk } from '../../board/block/memory-disk.ts';
import { Overlay, overlayMapBytes } from '../../board/block/overlay.ts';
import { SparseDisk } from '../../board/block/sparse-disk.ts';
import { type BlockWire, SECTOR_BYTES } from '../../board/block-wire.ts';
import type { TurnQueue } from '../../board/device.ts';
import type { Ram } from '../../memory/ram.ts';
import { explainSystemError, UserMistake } from '../problem.ts';
import { fatPatches } from './fat-format.ts';
import type { FileUndo } from './file-undo.ts';
import {
  makeOverlay,
  OVERLAY_MAP_SECTOR,
  overlayDataSector,
  overlayFileBytes,
  readOverlay,
  saveOverlayMap,
} from './overlay-file.ts';
import type { Patch } from './patch.ts';
import { SyncFileDisk } from './sync-file.ts';
import { type FileDiskOptions, WorkerFileDisk } from './worker-file.ts';

export type DiskSpec =
  | {
      readonly kind: 'memory';
      readonly sizeBytes: number;
      readonly sectorBytes: 512 | 4096;
      /** What is on it at first: nothing, or an empty FAT file system. */
      readonly format: 'none' | 'fat';
    }
  | {
      readonly kind: 'file';
      readonly path: string;
      /**
       * 'none': writes go to the file; 'discard': to memory, until the run ends; else to a file.
       */
      readonly overlay: 'none' | 'discard' | { readonly path: string };
      readonly access: 'read-write' | 'read-only';
      readonly sectorBytes: 512 | 4096;
    };

/** What a disk needs of the board it is plugged into. */
export interface DiskParts {
  readonly ram: Ram;
  readonly turns: TurnQueue;
  readonly clock: 'virtual' | 'host';
  /** Keeps what is written over under the virtual clock, for whoever goes back. */
  readonly undo?: FileUndo | undefined;
}

/** Smallest disk: two blocks of 4096 bytes. */
const SIZE_MIN = 8192;
/** Larger disks in memory take it only as they are written. */
const STAGED_BYTES_MAX = 512 * 1024 * 1024;

export class PreparedDisk {
  readonly spec: DiskSpec;
  readonly sizeBytes: number;
  /** Bytes that it takes of the staging area. */
  readonly stagingBytes: number;
  readonly #onNotice: (line: string) => void;
  readonly #open: (SyncFileDisk | WorkerFileDisk)[] = [];
  #wake: () => void = () => undefined;
  /** Brings an overlay's map up to what has been written. */
  #keepMap: () => void = () => undefined;

  constructor(spec: DiskSpec, sizeBytes: number, onNotice: (line: string) => void) {
    this.spec = spec;
    this.sizeBytes = sizeBytes;
    this.#onNotice = onNotice;
    const inStaging = spec.kind === 'memory' && sizeBytes <= STAGED_BYTES_MAX;
    // An overlay's map, and how it was when a flush began.
    this.stagingBytes = inStaging ? sizeBytes : 2 * overlayMapBytes(sizeBytes / SECTOR_BYTES);
  }

  /** Called whenever the host has brought something. */
  onWake(wake: () => void): void {
    this.#wake = wake;
  }

  plugIn(parts: DiskParts): BlockWire {
    const { spec, sizeBytes } = this;
    if (spec.kind === 'memory') {
      if (sizeBytes > STAGED_BYTES_MAX) return new SparseDisk(parts.ram, sizeBytes);
      const disk = new MemoryDisk(parts.ram, sizeBytes);
      if (spec.format === 'fat') for (const { at, bytes } of fatOn(spec)) disk.load(bytes, at);
      return disk;
    }
    if (spec.overlay === 'none' || spec.access === 'read-only') {
      return this.#file(parts, { path: spec.path, access: spec.access, sizeBytes });
    }
    const base = this.#file(parts, { path: spec.path, access: 'read-only', sizeBytes });
    return this.#overlay(parts, base, spec.overlay);
  }

  /** Whether file I/O is under way. */
  get isBusy(): boolean {
    return this.#open.some((file) => file instanceof WorkerFileDisk && file.outstanding > 0);
  }

  /** Ends file I/O of a world that is to be made again: what it has written does not count. */
  async rewind(): Promise<void> {
    this.#keepMap = () => undefined;
    await this.close();
  }

  /** Ends file I/O. What was written is in the file. */
  async close(): Promise<void> {
    for (const file of this.#open) if (file instanceof WorkerFileDisk) file.abandon();
    this.#keepMap();
    this.#keepMap = () => undefined;
    for (const file of this.#open.splice(0)) await file.close();
  }

  #overlay(
    parts: DiskParts,
    base: BlockWire,
    kind: 'discard' | { readonly path: string },
  ): Overlay {
    const { ram } = parts;
    const sectors = this.sizeBytes / SECTOR_BYTES;
    const mapAt = ram.takeStaging(overlayMapBytes(sectors));
    if (kind === 'discard') {
      const delta = new SparseDisk(ram, this.sizeBytes);
      return new Overlay({ ram, base, delta, mapAt, dataSector: 0 });
    }
    const sizeBytes = overlayFileBytes(sectors);
    makeOverlay(kind.path, sectors);
    const delta = this.#file(parts, { path: kind.path, access: 'read-write', sizeBytes });
    // Only now: nobody else changes it any more.
    ram.u8.set(readOverlay(kind.path, sectors), mapAt);
    const dataSector = overlayDataSector(sectors);
    const kept = {
      mapSector: OVERLAY_MAP_SECTOR,
      snapshotAt: ram.takeStaging(overlayMapBytes(sectors)),
    };
    const overlay = new Overlay({ ram, base, delta, mapAt, kept, dataSector });
    this.#keepMap = () => {
      if (!overlay.isMapBehind) return;
      saveOverlayMap(kind.path, ram.u8.slice(mapAt, mapAt + overlayMapBytes(sectors)));
    };
    return overlay;
  }

  #file(
    parts: DiskParts,
    file: Pick<FileDiskOptions, 'path' | 'access' | 'sizeBytes'>,
  ): SyncFileDisk | WorkerFileDisk {
    const { ram, undo } = parts;
    const common = { ...file, ram, undo, onNotice: this.#onNotice };
    try {
      const disk =
        parts.clock === 'virtual'
          ? new SyncFileDisk(common)
          : new WorkerFileDisk({ ...common, turns: parts.turns, wake: () => this.#wake() });
      this.#open.push(disk);
      return disk;
    } catch (error) {
      throw error instanceof UserMistake ? error : explainSystemError(error, file.path);
    }
  }
}

/** @throws UserMistake when the disk cannot be what it is asked to be */
export function prepareDisk(spec: DiskSpec, onNotice: (line: string) => void): PreparedDisk {
  const where = spec.kind === 'memory' ? '--disk mem' : spec.path;
  const sizeBytes = spec.kind === 'memory' ? spec.sizeBytes : sizeOf(spec.path);
  if (sizeBytes % spec.sectorBytes !== 0) {
    const rest = sizeBytes % spec.sectorBytes;
    const isMemory = spec.kind === 'memory';
    const change = isMemory ? 'give a size such as 64M' : 'truncate the file';
    throw new UserMistake(
      `${where}: ${sizeBytes} bytes are no multiple of the sector of ${spec.sectorBytes} ` +
        `(${rest} too many); ${change}, or choose another sector`,
    );
  }
  if (sizeBytes < SIZE_MIN) {
    throw new UserMistake(`${where}: ${sizeBytes} bytes are too small for a disk (at least 8192)`);
  }
  if (spec.kind === 'memory' && spec.format === 'fat') {
    if (sizeBytes > STAGED_BYTES_MAX) {
      throw new UserMistake(
        '--disk mem: fat is for disks up to 512M; make an image of a larger one',
      );
    }
    fatOn(spec);
  }
  return new PreparedDisk(spec, sizeBytes, onNotice);
}

/** @throws UserMistake when the disk is too small or too large for a file system */
function fatOn(spec: {
  readonly sizeBytes: number;
  readonly sectorBytes: 512 | 4096;
}): readonly Patch[] {
  // The serial number tells file systems apart; this one is gone at the end of the run.
  const patches = fatPatches({ ...spec, startBytes: 0, label: 'SDDF', serial: 0 });
  if ('problem' in patches) throw new UserMistake(`--disk mem: ${patches.problem}`);
  return patches;
}

function sizeOf(path: string): number {
  let found;
  try {
    found = statSync(path);
  } catch (error) {
    throw explainSystemError(error, path);
  }
  if (!found.isFile()) throw new UserMistake(`${path}: is not a regular file; name a disk image`);
  return found.size;
}
