/**
 * Which code a hart has executed: four bytes for each halfword of its text, in the staging area,
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

/** Of notes, for each halfword of text: a power of two, one more than are used. */
export const BYTES_PER_HALFWORD = 4;
/** Behind a text, so that whoever goes on behind its last instruction need not ask: 4 bytes. */
const HALFWORDS_BEHIND = 2;

/** A stretch of addresses that may hold code. */
export interface CoveredText {
  readonly vaddr: number;
  readonly sizeBytes: number;
}

/** What has been noted of a text, by whichever hart. */
export interface CoverageNotes {
  readonly text: CoveredText;
  has(pc: number, noted: Noted): boolean;
}

export class CoverageMap implements CoverageNotes {
  readonly text: CoveredText;
  /** Position in memory: code that notes there is of use wherever this is the same. */
  readonly at: number;
  readonly #bytes: Uint8Array;

  private constructor(ram: Ram, text: CoveredText, at: number) {
    this.text = text;
    this.#bytes = ram.u8;
    this.at = at;
  }

  /** @returns undefined when the staging area has no room for it */
  static create(ram: Ram, { vaddr, sizeBytes }: CoveredText): CoverageMap | undefined {
    // No instruction begins at an odd address.
    const text = { vaddr: vaddr - (vaddr % 2), sizeBytes: sizeBytes + (vaddr % 2) };
    const lengthBytes = notesBytes(text) + BYTES_PER_HALFWORD * HALFWORDS_BEHIND;
    if (lengthBytes > ram.stagingLeft) return undefined;
    const at = ram.takeStaging(lengthBytes);
    ram.u8.fill(0, at, at + lengthBytes);
    return new CoverageMap(ram, text, at);
  }

  /** @returns position in memory of a note; -1 for an address that is outside */
  placeOf(pc: number, noted: Noted): number {
    const offset = pc - this.text.vaddr;
    if (offset < 0 || offset >= this.text.sizeBytes) return -1;
    return this.at + BYTES_PER_HALFWORD * (offset >>> 1) + noted;
  }

  note(pc: number, noted: Noted): void {
    const place = this.placeOf(pc, noted);
    if (place >= 0) this.#bytes[place] = 1;
  }

  /** All of it, for {@link KeptNotes}; it changes while the hart runs. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(this.at, this.at + notesBytes(this.text));
  }

  has(pc: number, noted: Noted): boolean {
    const place = this.placeOf(pc, noted);
    return place >= 0 && this.#bytes[place] === 1;
  }
}

/** Notes that outlive the memory they were made in: of one text, from any number of harts. */
export class KeptNotes implements CoverageNotes {
  readonly text: CoveredText;
  readonly bytes: Uint8Array;

  constructor(text: CoveredText) {
    this.text = text;
    this.bytes = new Uint8Array(notesBytes(text));
  }

  /** @returns how many of the other's notes, of the same text, are new here */
  add(other: { readonly bytes: Uint8Array }): number {
    const { bytes } = this;
    let added = 0;
    for (let i = 0; i < bytes.length; i += 1) {
      if (other.bytes[i] === 0 || bytes[i] !== 0) continue;
      bytes[i] = 1;
      added += 1;
    }
    return added;
  }

  has(pc: number, noted: Noted): boolean {
    const offset = pc - this.text.vaddr;
    if (offset < 0 || offset >= this.text.sizeBytes) return false;
    return this.bytes[BYTES_PER_HALFWORD * (offset >>> 1) + noted] === 1;
  }
}

function notesBytes({ sizeBytes }: CoveredText): number {
  return BYTES_PER_HALFWORD * ((sizeBytes + 1) >>> 1);
}
