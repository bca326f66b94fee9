/** Destination addresses: a signed word and a halfword, as a frame in memory holds them, and whose they are. */

import { assert } from '../../../memory/assert.ts';

/** {@link MacTable.find}: nobody has the address. */
export const NOBODY = -1;

export class MacTable {
  readonly #words: Int32Array;
  readonly #owners: readonly number[];

  /** @param macs addresses such as "52:54:01:00:00:0a", by owner */
  constructor(macs: readonly (readonly string[])[]) {
    this.#words = Int32Array.from(macs.flat().flatMap(parseMac));
    this.#owners = macs.flatMap((own, owner) => own.map(() => owner));
  }

  /** @returns the owner's number, or {@link NOBODY} */
  find(word: number, half: number): number {
    for (let at = 0; at < this.#words.length; at += 2) {
      if (this.#words[at] !== word || this.#words[at + 1] !== half) continue;
      return this.#owners[at >>> 1] as number;
    }
    return NOBODY;
  }
}

function parseMac(text: string): readonly number[] {
  const bytes = text.split(':').map((byte) => Number.parseInt(byte, 16));
  assert(bytes.length === 6 && bytes.every((byte) => byte <= 0xff), 'a MAC has six bytes');
  const view = new DataView(Uint8Array.from(bytes).buffer);
  return [view.getInt32(0, true), view.getUint16(4, true)];
}
