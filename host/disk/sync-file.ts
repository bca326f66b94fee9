/**
 * A raw file as a disk, its I/O done at once: for the virtual clock, where time passes by the model
 * and not while a file is read, and a run has to be the same every time.
 */

import { closeSync, fdatasyncSync, readSync, writeSync } from 'node:fs';
import type { BlockEnd, BlockStatus, BlockWire } from '../../board/block-wire.ts';
import { BLOCK_IO_ERROR, BLOCK_OK, SECTOR_BYTES } from '../../board/block-wire.ts';
import type { FileUndo } from './file-undo.ts';
import { type FileDiskOptions, openImage } from './worker-file.ts';
import { thrownText } from '../../memory/thrown-text.ts';

const ZERO_BYTES = 1 << 20;

export interface SyncFileOptions extends Omit<FileDiskOptions, 'turns' | 'wake'> {
  /** Is told what is about to be written over; undefined where nobody goes back. */
  readonly undo?: FileUndo | undefined;
}

export class SyncFileDisk implements BlockWire {
  readonly #options: SyncFileOptions;
  readonly #fd: number;
  readonly #zeroes = new Uint8Array(ZERO_BYTES);

  constructor(options: SyncFileOptions) {
    this.#options = options;
    this.#fd = openImage(options);
  }

  attach(_end: BlockEnd): void {}

  sectors(): number {
    return this.#options.sizeBytes / SECTOR_BYTES;
  }

  isReadOnly(): boolean {
    return this.#options.access === 'read-only';
  }

  canDiscard(): boolean {
    return false;
  }

  serialNumber(): string {
    return 'file';
  }

  read(_tag: number, sector: number, at: number, lengthBytes: number): BlockStatus {
    const { u8 } = this.#options.ram;
    return this.#attempt(() => {
      const got = readSync(this.#fd, u8, at, lengthBytes, this.#position(sector));
      if (got !== lengthBytes) throw new Error('the file ends early');
    });
  }

  write(_tag: number, sector: number, at: number, lengthBytes: number): BlockStatus {
    if (this.isReadOnly()) return BLOCK_IO_ERROR;
    const { u8 } = this.#options.ram;
    return this.#attempt(() => {
      this.#keep(sector, lengthBytes);
      writeSync(this.#fd, u8, at, lengthBytes, this.#position(sector));
    });
  }

  flush(_tag: number): BlockStatus {
    if (this.isReadOnly()) return BLOCK_OK;
    return this.#attempt(() => fdatasyncSync(this.#fd));
  }

  discard(): BlockStatus {
    return BLOCK_OK;
  }

  writeZeroes(_tag: number, sector: number, sectors: number): BlockStatus {
    if (this.isReadOnly()) return BLOCK_IO_ERROR;
    return this.#attempt(() => {
      const length = sectors * SECTOR_BYTES;
      this.#keep(sector, length);
      for (let done = 0; done < length;) {
        const part = Math.min(ZERO_BYTES, length - done);
        done += writeSync(this.#fd, this.#zeroes, 0, part, this.#position(sector) + done);
      }
    });
  }

  submit(): void {}

  abandon(): void {}

  close(): Promise<void> {
    closeSync(this.#fd);
    return Promise.resolve();
  }

  #keep(sector: number, lengthBytes: number): void {
    const { undo, path } = this.#options;
    undo?.keep(path, this.#fd, this.#position(sector), lengthBytes);
  }

  #position(sector: number): number {
    return (this.#options.startBytes ?? 0) + sector * SECTOR_BYTES;
  }

  #attempt(action: () => void): BlockStatus {
    try {
      action();
      return BLOCK_OK;
    } catch (error) {
      const why = thrownText(error);
      this.#options.onNotice(`${this.#options.path}: ${why}`);
      return BLOCK_IO_ERROR;
    }
  }
}
