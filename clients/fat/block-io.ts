/**
 * Block I/O for code that is written as if it were synchronous: a function that needs blocks is a
 * generator, yields what it wants, and is resumed with the answer. So a file system reads like a
 * file system, inside a domain that is driven by events and never waits. (A synchronous FAT library
 * would have to be stopped in the middle of a call.)
 */

import { BLK_TRANSFER_BYTES } from '../../queues/blk/layout.ts';

export type BlockWish =
  | { readonly kind: 'read'; readonly block: number; readonly count: number }
  | { readonly kind: 'write'; readonly block: number; readonly bytes: Uint8Array }
  | { readonly kind: 'flush' };

/** Yields wishes; is resumed with the bytes of a read, and an empty array otherwise. */
export type BlockTask<Result> = Generator<BlockWish, Result, Uint8Array>;

/** What went wrong, in words for a person: an I/O error, a name that is not there, a full disk. */
export class FatError extends Error {
  override readonly name = 'FatError';
}

const BLOCK = BLK_TRANSFER_BYTES;
/** Blocks kept: 2 MiB. */
const KEPT_MAX = 512;

interface Kept {
  readonly bytes: Uint8Array;
  isDirty: boolean;
}

/**
 * Bytes of the volume, by way of its blocks. What is changed stays here until
 * {@link VolumeBytes.commit}.
 */
export class VolumeBytes {
  readonly sizeBytes: number;
  readonly #kept = new Map<number, Kept>();

  constructor(blocks: number) {
    this.sizeBytes = blocks * BLOCK;
  }

  *read(offset: number, length: number): BlockTask<Uint8Array> {
    this.#check(offset, length);
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const at = (offset + done) % BLOCK;
      const part = Math.min(BLOCK - at, length - done);
      const kept = yield* this.#block(Math.floor((offset + done) / BLOCK));
      bytes.set(kept.bytes.subarray(at, at + part), done);
      done += part;
    }
    return bytes;
  }

  *write(offset: number, bytes: Uint8Array): BlockTask<void> {
    this.#check(offset, bytes.length);
    let done = 0;
    while (done < bytes.length) {
      const at = (offset + done) % BLOCK;
      const part = Math.min(BLOCK - at, bytes.length - done);
      const kept = yield* this.#block(Math.floor((offset + done) / BLOCK));
      kept.bytes.set(bytes.subarray(done, done + part), at);
      kept.isDirty = true;
      done += part;
    }
  }

  /**
   * Makes everything changed so far durable, in any order, before anything that is changed later.
   */
  *commit(): BlockTask<void> {
    for (const [block, kept] of [...this.#kept].toSorted(([a], [b]) => a - b)) {
      if (!kept.isDirty) continue;
      yield { kind: 'write', block, bytes: kept.bytes };
      kept.isDirty = false;
    }
    yield { kind: 'flush' };
  }

  /** Forgets what was changed and not committed: an operation has failed. */
  abandon(): void {
    this.#kept.clear();
  }

  *#block(block: number): BlockTask<Kept> {
    const known = this.#kept.get(block);
    if (known !== undefined) return known;
    this.#makeRoom();
    const bytes = yield { kind: 'read', block, count: 1 };
    const kept: Kept = { bytes: bytes.slice(), isDirty: false };
    this.#kept.set(block, kept);
    return kept;
  }

  /** Drops clean blocks, the oldest first. */
  #makeRoom(): void {
    if (this.#kept.size < KEPT_MAX) return;
    for (const [block, kept] of this.#kept) {
      if (!kept.isDirty) this.#kept.delete(block);
      if (this.#kept.size < KEPT_MAX) return;
    }
  }

  #check(offset: number, length: number): void {
    if (offset >= 0 && length <= this.sizeBytes - offset) return;
    throw new FatError('the file system points outside the disk');
  }
}
