/**
 * What files held before a world wrote to them, so that a world that is made again finds them as
 * the first one did. It is kept in memory, each block of a file once.
 */

import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { explainSystemError } from '../problem.ts';

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

  /** Writes back what was written over. @throws UserMistake when a file cannot be written */
  restore(): void {
    for (const [path, blocks] of this.#files) {
      try {
        const fd = openSync(path, 'r+');
        for (const [block, bytes] of blocks) {
          writeSync(fd, bytes, 0, bytes.length, block * BLOCK_BYTES);
        }
        closeSync(fd);
      } catch (error) {
        throw explainSystemError(error, path);
      }
    }
    // They stay: the next world writes over the same, and can be made again as well.
  }
}
