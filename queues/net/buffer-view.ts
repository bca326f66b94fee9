/**
 * One network buffer at a time, seen as words: for headers that are read and written for every
 * packet.
 *
 * A view is moved to a buffer with one check; after that its accessors cannot leave the buffer,
 * because an index is reduced to the buffer's size instead of being compared with it. What lies
 * behind a frame's end is old bytes of the same buffer, so the reader minds the length.
 *
 * Words are little-endian and signed, so that none of them needs boxing.
 */

import { demand } from '../../memory/misuse.ts';
import { open, type ReadonlyRegion, type Region } from '../../memory/region.ts';
import type { Ram } from '../../memory/ram.ts';
import { partsOf, Sealed } from '../../memory/sealed.ts';
import { NET_BUFFER_BYTES } from './queue.ts';

const BUFFER_SHIFT = 11;
const WORD_MASK = (NET_BUFFER_BYTES >>> 2) - 1;
const HALF_MASK = (NET_BUFFER_BYTES >>> 1) - 1;

/** Where buffers lie. */
interface Buffers {
  readonly ram: Ram;
  readonly firstWord: number;
  readonly buffers: number;
}

function place(region: ReadonlyRegion, buffers: number): Buffers {
  const isHeld = buffers > 0 && buffers * NET_BUFFER_BYTES <= region.sizeBytes;
  demand(isHeld, `a region of ${region.sizeBytes} bytes does not hold ${buffers} buffers`);
  const { ram, at } = open(region);
  return { ram, firstWord: at >>> 2, buffers };
}

/** One buffer at a time, for reading. */
export class BufferReader extends Sealed<Buffers> {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  readonly #i32: Int32Array = partsOf(this).ram.i32;
  readonly #u16: Uint16Array = partsOf(this).ram.u16;
  readonly #firstWord: number = partsOf(this).firstWord;
  readonly #buffers: number = partsOf(this).buffers;
  #word = this.#firstWord;

  /** @param buffers how many buffers the region holds, from its beginning */
  constructor(region: ReadonlyRegion, buffers: number) {
    super(place(region, buffers));
  }

  /** @returns false, without moving, when there is no such buffer */
  moveTo(index: number): boolean {
    if (index >>> 0 >= this.#buffers) return false;
    this.#word = this.#firstWord + (index << (BUFFER_SHIFT - 2));
    return true;
  }

  /** @returns the signed 32-bit word `index` of the buffer */
  word(index: number): number {
    return this.#i32[(this.#word + (index & WORD_MASK)) | 0] as number;
  }

  /** @returns the 16-bit halfword `index` of the buffer */
  half(index: number): number {
    return this.#u16[(this.#word << 1) + (index & HALF_MASK)] as number;
  }
}

/** One buffer at a time, for writing. */
export class BufferWriter extends Sealed<Buffers> {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  readonly #i32: Int32Array = partsOf(this).ram.i32;
  readonly #u16: Uint16Array = partsOf(this).ram.u16;
  readonly #firstWord: number = partsOf(this).firstWord;
  readonly #buffers: number = partsOf(this).buffers;
  #word = this.#firstWord;

  /** @param buffers how many buffers the region holds, from its beginning */
  constructor(region: Region, buffers: number) {
    super(place(region, buffers));
  }

  /** @returns false, without moving, when there is no such buffer */
  moveTo(index: number): boolean {
    if (index >>> 0 >= this.#buffers) return false;
    this.#word = this.#firstWord + (index << (BUFFER_SHIFT - 2));
    return true;
  }

  /** Stores the 32-bit word `index` of the buffer. */
  setWord(index: number, value: number): void {
    this.#i32[(this.#word + (index & WORD_MASK)) | 0] = value;
  }

  /** Stores the 16-bit halfword `index` of the buffer. */
  setHalf(index: number, value: number): void {
    this.#u16[(this.#word << 1) + (index & HALF_MASK)] = value;
  }
}
