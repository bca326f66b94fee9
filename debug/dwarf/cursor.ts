/**
 * Reads numbers out of a stretch of bytes that somebody else has written. Behind its end there is
 * nothing but zeros, and {@link Cursor.isOverrun} says that they were asked for: whoever reads
 * looks at that where it matters, and not at each byte.
 */

import { textAt } from '../../microkit/elf/sections.ts';

/** Characters of a path that are kept. */
const TEXT_MAX = 1024;
const TWO_TO_32 = 2 ** 32;

export class Cursor {
  readonly bytes: Uint8Array;
  at: number;
  /** Behind the last byte that may be read. */
  readonly end: number;
  #isOverrun = false;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = Math.min(end, bytes.length);
  }

  /** Whether something was read that is not there. */
  get isOverrun(): boolean {
    return this.#isOverrun;
  }

  get left(): number {
    return this.end - this.at;
  }

  skip(bytes: number): void {
    if (bytes > this.left) {
      this.#isOverrun = true;
      this.at = this.end;
    } else {
      this.at += bytes;
    }
  }

  u8(): number {
    if (this.at >= this.end) {
      this.#isOverrun = true;
      return 0;
    }
    const value = this.bytes[this.at] as number;
    this.at += 1;
    return value;
  }

  i8(): number {
    return (this.u8() << 24) >> 24;
  }

  u16(): number {
    return this.u8() | (this.u8() << 8);
  }

  u32(): number {
    return this.u16() + this.u16() * 2 ** 16;
  }

  /** From 2^53 on it is rounded: all limits are far below. */
  u64(): number {
    return this.u32() + this.u32() * TWO_TO_32;
  }

  /** An unsigned LEB128 number (DWARF 5, 7.6); from 2^53 on it is rounded. */
  uleb(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.u8();
      // Padding beyond 64 bits is allowed, and does not count.
      if (scale < 2 ** 70) value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  sleb(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.u8();
      if (scale < 2 ** 70) value += (byte & 0x7f) * scale;
      if (byte >= 0x80) continue;
      return (byte & 0x40) !== 0 && scale < 2 ** 70 ? value - scale * 128 : value;
    }
  }

  /** A text that ends with a zero byte. */
  text(): string {
    const value = textAt(this.bytes.subarray(0, this.end), this.at, TEXT_MAX);
    while (this.u8() !== 0);
    return value;
  }
}

/** A text in a section of texts. */
export function textIn(section: Uint8Array, offset: number): string {
  return offset < section.length ? textAt(section, offset, TEXT_MAX) : '?';
}
