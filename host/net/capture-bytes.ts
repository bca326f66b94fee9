/**
 * A capture file read from front to back through a window, so that a capture of any size needs
 * little memory. It is read while the board runs, and so it is no pipe, for which the run would
 * wait.
 */

import { closeSync, readSync } from 'node:fs';
import { explainSystemError, UserMistake } from '../problem.ts';
import { openRegular } from '../regular-file.ts';

const WINDOW_BYTES = 1024 * 1024;

/** Bytes in order, with their offset in the file. */
export interface ByteSource {
  /** Offset of the next byte. */
  readonly offset: number;
  /**
   * The next bytes, valid until the next call.
   *
   * @returns fewer than asked for when the source ends before
   */
  take(lengthBytes: number): Uint8Array;
  close(): void;
}

export class FileBytes implements ByteSource {
  readonly #fd: number;
  readonly #path: string;
  #window: Uint8Array = new Uint8Array(WINDOW_BYTES);
  #from = 0;
  #to = 0;
  offset = 0;

  /** @throws UserMistake when the file cannot be opened */
  constructor(path: string) {
    this.#path = path;
    try {
      this.#fd = openRegular(path, 'read-only');
    } catch (error) {
      throw error instanceof UserMistake ? error : explainSystemError(error, path);
    }
  }

  take(lengthBytes: number): Uint8Array {
    if (this.#to - this.#from < lengthBytes) this.#fill(lengthBytes);
    const end = Math.min(this.#to, this.#from + lengthBytes);
    const bytes = this.#window.subarray(this.#from, end);
    this.#from = end;
    this.offset += bytes.length;
    return bytes;
  }

  #fill(lengthBytes: number): void {
    const rest = this.#window.subarray(this.#from, this.#to);
    const target = lengthBytes > this.#window.length ? new Uint8Array(lengthBytes) : this.#window;
    target.set(rest);
    this.#window = target;
    this.#to = rest.length;
    this.#from = 0;
    while (this.#to < lengthBytes) {
      const count = this.#read();
      if (count === 0) return;
      this.#to += count;
    }
  }

  #read(): number {
    try {
      return readSync(this.#fd, this.#window, this.#to, this.#window.length - this.#to, null);
    } catch (error) {
      throw explainSystemError(error, this.#path);
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** Bytes that are in memory already: tests, and embedding. */
export class MemoryBytes implements ByteSource {
  readonly #bytes: Uint8Array;
  offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  take(lengthBytes: number): Uint8Array {
    const bytes = this.#bytes.subarray(this.offset, this.offset + lengthBytes);
    this.offset += bytes.length;
    return bytes;
  }

  close(): void {
    // Nothing is open.
  }
}
