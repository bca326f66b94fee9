/** Offsets in a text to lines and columns. Columns count characters, not UTF-16 units. */

import type { Span } from '../diagnostic.ts';

export class LineIndex {
  readonly #text: string;
  readonly #starts: number[] = [0];

  constructor(text: string) {
    this.#text = text;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
      this.#starts.push(at + 1);
    }
  }

  /** @param length UTF-16 units; the part behind the end of the line does not count */
  span(offset: number, length: number): Span {
    const line = this.#lineAt(offset);
    const start = this.#starts[line] ?? 0;
    const end = Math.min(offset + length, (this.#starts[line + 1] ?? this.#text.length + 1) - 1);
    return {
      line: line + 1,
      column: characters(this.#text.slice(start, offset)) + 1,
      length: Math.max(1, characters(this.#text.slice(offset, end))),
    };
  }

  /** Index of the last line that starts at or before `offset`. */
  #lineAt(offset: number): number {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function characters(text: string): number {
  let count = text.length;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit >= 0xd800 && unit < 0xdc00) count -= 1;
  }
  return count;
}
