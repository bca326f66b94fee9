/**
 * Which code a hart has executed: three bytes for each halfword of its text, in the staging area,
 * where translated code reaches them too. Both engines write a 1 where something has happened, and
 * nobody counts.
 */

import type { Ram } from '../../memory/ram.ts';

/** What is noted at the address of an instruction. */
export const NOTED = {
  /** Execution came here by another way than straight from the instruction before. */
  begun: 0,
  /** A conditional branch was taken, or was not. */
  taken: 1,
  notTaken: 2,
} as const;

export type Noted = (typeof NOTED)[keyof typeof NOTED];

const BYTES_PER_HALFWORD = 3;

/** A stretch of addresses that may hold code. */
export interface CoveredText {
  readonly vaddr: number;
  readonly sizeBytes: number;
}

export class CoverageMap {
  readonly text: CoveredText;
  readonly #bytes: Uint8Array;
  readonly #at: number;

  private constructor(ram: Ram, text: CoveredText, at: number) {
    this.text = text;
    this.#bytes = ram.u8;
    this.#at = at;
  }

  /** @returns undefined when the staging area has no room for it */
  static create(ram: Ram, text: CoveredText): CoverageMap | undefined {
    const lengthBytes = BYTES_PER_HALFWORD * ((text.sizeBytes + 1) >>> 1);
    if (lengthBytes > ram.stagingLeft) return undefined;
    const at = ram.takeStaging(lengthBytes);
    ram.u8.fill(0, at, at + lengthBytes);
    return new CoverageMap(ram, text, at);
  }

  /** @returns position in memory of a note; -1 for an address that is outside */
  placeOf(pc: number, noted: Noted): number {
    const offset = pc - this.text.vaddr;
    if (offset < 0 || offset >= this.text.sizeBytes) return -1;
    return this.#at + BYTES_PER_HALFWORD * (offset >>> 1) + noted;
  }

  note(pc: number, noted: Noted): void {
    const place = this.placeOf(pc, noted);
    if (place >= 0) this.#bytes[place] = 1;
  }

  has(pc: number, noted: Noted): boolean {
    const place = this.placeOf(pc, noted);
    return place >= 0 && this.#bytes[place] === 1;
  }
}
