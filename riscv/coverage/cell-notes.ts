/**
 * Notes of coverage by the indices of cells, as the interpreter's loop has them: see
 * `../interpreter/cells.ts`. A cell stands for a halfword of code, and so do the notes.
 */

import { CELL_WORDS } from '../interpreter/cells.ts';
import { BYTES_PER_HALFWORD, type CoverageMap, NOTED } from './map.ts';

const CELL_SHIFT = Math.log2(CELL_WORDS);

export class CellNotes {
  readonly #bytes: Uint8Array;
  /** Halfwords from the beginning of the covered text to the first cell; maybe below 0. */
  readonly #first: number;
  readonly #halfwords: number;

  private constructor({ bytes }: CoverageMap, first: number) {
    this.#bytes = bytes;
    this.#first = first;
    this.#halfwords = bytes.length / BYTES_PER_HALFWORD;
  }

  /**
   * @param vaddr address of the first cell @param sizeBytes of the code that the cells are of
   * @returns undefined when nothing of it is covered
   */
  static of(map: CoverageMap | undefined, vaddr: number, sizeBytes: number): CellNotes | undefined {
    if (map === undefined) return undefined;
    const { text } = map;
    const isApart = vaddr >= text.vaddr + text.sizeBytes || vaddr + sizeBytes <= text.vaddr;
    return isApart ? undefined : new CellNotes(map, Math.floor((vaddr - text.vaddr) / 2));
  }

  begun(cell: number): void {
    this.#note(cell, NOTED.begun);
  }

  /** @param cell of a conditional branch */
  taken(cell: number): void {
    this.#note(cell, NOTED.taken);
  }

  /** @param cell of a conditional branch */
  notTaken(cell: number): void {
    this.#note(cell, NOTED.notTaken);
  }

  #note(cell: number, noted: number): void {
    const halfword = (cell >> CELL_SHIFT) + this.#first;
    if (halfword < 0 || halfword >= this.#halfwords) return;
    this.#bytes[BYTES_PER_HALFWORD * halfword + noted] = 1;
  }
}
