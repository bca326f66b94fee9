/** Offsets in a text to lines and columns. Columns count characters, not UTF-16 units. */

import type { Span } from '../diagnostic.ts';

/** Finds line and column of a place in a text. */
export class LineIndex {
  readonly #text: string;
  /** Offsets at which lines start; none before the first question. */
  readonly #starts: number[] = [];
  /** Offsets of the characters that take two UTF-16 units. */
  readonly #wide: number[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  #build(): void {
    const text = this.#text;
    this.#starts.push(0);
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
      this.#starts.push(at + 1);
    }
    for (const match of text.matchAll(/[\u{10000}-\u{10ffff}]/gu)) this.#wide.push(match.index);
  }

  /** @param length UTF-16 units; the part behind the end of the line does not count */
  span(offset: number, length: number): Span {
    if (this.#starts.length === 0) this.#build();
    const line = countBefore(this.#starts, offset + 1) - 1;
    const start = this.#starts[line] ?? 0;
    const end = Math.min(offset + length, (this.#starts[line + 1] ?? this.#text.length + 1) - 1);
    return {
      line: line + 1,
      column: this.#characters(start, offset) + 1,
      length: Math.max(1, this.#characters(offset, end)),
    };
  }

  #characters(from: number, to: number): number {
    return to - from - (countBefore(this.#wide, to) - countBefore(this.#wide, from));
  }
}

/** @returns how many of the ascending `offsets` are below `limit` */
function countBefore(offsets: readonly number[], limit: number): number {
  let low = 0;
  let high = offsets.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((offsets[middle] ?? 0) < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
