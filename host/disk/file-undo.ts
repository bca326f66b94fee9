/**
 * What files held before a world wrote to them, so that a world that is made again finds them as
 * the first one did. It is kept in memory, each block of a file once.
 */

import { closeSync, readSync, writeSync } from 'node:fs';
import { explainSystemError, UserMistake } from '../problem.ts';
import { openRegular } from '../regular-file.ts';
import { lockImage } from './file-lock.ts';

const BLOCK_BYTES = 4096;
/** What a block takes besides its bytes. */
const ENTRY_BYTES = 100;

export class FileUndo {
  readonly #mayKeep: (bytes: number) => boolean;
  /** By path, then by the number of the block; the last one of a file may be short. */
  readonly #files = new Map<string, Map<number, Uint8Array>>();

  /** @param mayKeep whether there is room for so many bytes more; if not, it is not asked again */
  constructor(mayKeep: (bytes: number) => boolean) {
    this.#mayKeep = mayKeep;
  }

  /** Some bytes of a file are about to be written over. */
  keep(path: string, fd: number, position: number, lengthBytes: number): void {
    const blocks = this.#files.get(path) ?? new Map<number, Uint8Array>();
    this.#files.set(path, blocks);
    const last = Math.floor((position + lengthBytes - 1) / BLOCK_BYTES);
    for (let block = Math.floor(position / BLOCK_BYTES); block <= last; block += 1) {
      if (blocks.has(block)) continue;
      if (!this.#mayKeep(BLOCK_BYTES + ENTRY_BYTES)) return this.#files.clear();
      const bytes = new Uint8Array(BLOCK_BYTES);
      const got = readSync(fd, bytes, 0, BLOCK_BYTES, block * BLOCK_BYTES);
      blocks.set(block, bytes.subarray(0, got));
    }
  }

  /**
   * Writes back what was written over; the files are closed, and locked while it writes.
   *
   * @throws UserMistake when a file cannot be written, or another program has it
   */
  restore(): void {
    for (const [path, blocks] of this.#files) {
      try {
        restoreFile(path, blocks);
      } catch (error) {
        throw error instanceof UserMistake ? error : explainSystemError(error, path);
      }
    }
    // They stay: the next world writes over the same, and can be made again as well.
  }
}

function restoreFile(path: string, blocks: ReadonlyMap<number, Uint8Array>): void {
  const fd = openRegular(path, 'read-write');
  try {
    lockImage(fd, path, 'write');
    for (const [block, bytes] of blocks) {
      for (let done = 0; done < bytes.length;) {
        done += writeSync(fd, bytes, done, bytes.length - done, block * BLOCK_BYTES + done);
      }
    }
  } finally {
    closeSync(fd);
  }
}
