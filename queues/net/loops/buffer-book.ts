/**
 * A byte for each buffer of a region: what a virtualiser remembers of where they are. It lies where
 * loops over batches can reach it and no program's region can; where there is no such loop, in
 * ordinary memory.
 */

import { demand } from '../../../memory/misuse.ts';
import { openWritable, type Region } from '../../../memory/region.ts';
import { partsOf, Sealed } from '../../../memory/sealed.ts';
import type { NetConsumer, NetProducer } from '../queue.ts';
import { hasStaging } from '../../loops/block.ts';
import { demandBuffers, ramOf } from './entries.ts';

/** No queue is longer. */
const BUFFERS_MOST = 32_768;

interface Parts {
  readonly bytes: Uint8Array;
  /** Offset in RAM; -1 in ordinary memory. */
  readonly at: number;
}

export class BufferBook extends Sealed<Parts> {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  /** Of all memory: an index of it is always a number. */
  readonly #bytes: Uint8Array = partsOf(this).bytes;

  /**
   * All bytes are 0.
   *
   * @param queue one of those that the loops are to work on
   * @throws Misuse for a number of buffers that no queue has
   */
  constructor(queue: NetConsumer | NetProducer, buffers: number) {
    super(place(queue, buffers));
  }

  /** Of how many buffers. */
  get length(): number {
    return this.#bytes.length;
  }

  /** @returns undefined for a buffer that there is not */
  get(buffer: number): number | undefined {
    return this.#bytes[buffer | 0];
  }

  set(buffer: number, value: number): void {
    this.#bytes[buffer | 0] = value;
  }
}

/** A book, or a region that is one: a byte for each buffer from its beginning. */
export type Book = BufferBook | Region;

/** Where a book lies in RAM, and of how many buffers; -1 when no loop can reach it. */
export interface Place {
  readonly at: number;
  readonly length: number;
}

export function placeOf(book: Book): Place {
  if (book instanceof BufferBook) {
    // Not `book.length`, which whoever made the book can write anew.
    const { at, bytes } = partsOf(book);
    return { at, length: bytes.length };
  }
  const { at, sizeBytes } = openWritable(book);
  return { at, length: sizeBytes };
}

/** @returns how many of so many buffers there are in all of these books: a loop goes no further */
export function buffersIn(buffers: number, books: readonly Place[]): number {
  demandBuffers(buffers);
  return Math.min(buffers, ...books.map(({ length }) => length));
}

function place(queue: NetConsumer | NetProducer, buffers: number): Parts {
  demandBuffers(buffers);
  demand(buffers <= BUFFERS_MOST, `a book of ${buffers} buffers, not at most ${BUFFERS_MOST}`);
  const ram = ramOf(queue);
  if (ram.batches === 'steps' || !hasStaging(ram, buffers)) {
    return { bytes: new Uint8Array(buffers), at: -1 };
  }
  const at = ram.takeStaging(buffers);
  return { bytes: new Uint8Array(ram.u8.buffer, at, buffers).fill(0), at };
}
