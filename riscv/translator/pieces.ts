/**
 * What is translated at once of a text: all of it, unless it is so large that most of it would be
 * translated in vain. Then it is cut into pieces, each for itself when it is executed. Between two
 * pieces the engine hands over.
 */

import type { CodeRun } from '../address-space.ts';

const MOST_BYTES = 1 << 20;
const PIECE_BYTES = 1 << 18;

export class Pieces {
  readonly #pieces = new WeakMap<CodeRun, Map<number, CodeRun>>();

  /** @returns the piece of a text that holds an address; the text itself unless it is large */
  at(code: CodeRun, pc: number): CodeRun {
    if (code.sizeBytes <= MOST_BYTES) return code;
    const pieces = this.#pieces.get(code) ?? new Map<number, CodeRun>();
    this.#pieces.set(code, pieces);
    const number = Math.floor((pc - code.vaddr) / PIECE_BYTES);
    const known = pieces.get(number);
    if (known !== undefined) return known;
    const bytes = code.bytes.subarray(number * PIECE_BYTES, (number + 1) * PIECE_BYTES);
    const vaddr = code.vaddr + number * PIECE_BYTES;
    const piece = { vaddr, sizeBytes: bytes.length, bytes };
    pieces.set(number, piece);
    return piece;
  }
}
