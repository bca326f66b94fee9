/** A FIFO of characters with their line conditions, as a UART has on each side of its line. */

import { assert } from '../../memory/assert.ts';

export class CharacterFifo {
  readonly depth: number;
  readonly #slots: Uint16Array;
  #first = 0;
  #length = 0;

  /** @param depth characters it holds at most */
  constructor(depth: number) {
    this.depth = depth;
    this.#slots = new Uint16Array(depth);
  }

  get length(): number {
    return this.#length;
  }

  push(character: number): void {
    assert(this.#length < this.depth, 'a FIFO is pushed to when it has room');
    let at = this.#first + this.#length;
    if (at >= this.depth) at -= this.depth;
    this.#slots[at] = character;
    this.#length += 1;
  }

  /** @returns the oldest character; the FIFO must not be empty */
  shift(): number {
    assert(this.#length > 0, 'a FIFO is read when it holds something');
    const character = this.#slots[this.#first] as number;
    this.#first = this.#first + 1 === this.depth ? 0 : this.#first + 1;
    this.#length -= 1;
    return character;
  }

  /** @returns the oldest character and leaves it, 0 when there is none */
  top(): number {
    return this.#length === 0 ? 0 : (this.#slots[this.#first] as number);
  }

  /** Takes bits out of the oldest character. */
  clearTop(bits: number): void {
    if (this.#length > 0) this.#slots[this.#first] = this.top() & ~bits;
  }

  /** Replaces the newest character: a holding register without a FIFO is overwritten. */
  replaceLast(character: number): void {
    assert(this.#length > 0, 'a character that is replaced is there');
    let at = this.#first + this.#length - 1;
    if (at >= this.depth) at -= this.depth;
    this.#slots[at] = character;
  }

  /** Whether any character carries one of these bits. */
  anyWith(bits: number): boolean {
    for (let index = 0; index < this.#length; index += 1) {
      let at = this.#first + index;
      if (at >= this.depth) at -= this.depth;
      if (((this.#slots[at] as number) & bits) !== 0) return true;
    }
    return false;
  }

  clear(): void {
    this.#first = 0;
    this.#length = 0;
  }
}
