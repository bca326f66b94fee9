/** Destination addresses: a signed word and a halfword, as a frame in memory holds them, and whose they are. */

import { assert } from '../../memory/assert.ts';
import { NO_WORDS } from '../../memory/empty-arrays.ts';

// Not exported, so that V8 folds it into the code.
const NONE = -1;
/** {@link MacTable.find}: nobody has the address. */
export const NOBODY = NONE;

const ENTRY_WORDS = 3;

export class MacTable {
  /** Of each address the word, the halfword and the owner. */
  readonly #entries: Int32Array = NO_WORDS;

  /** @param macs addresses such as "52:54:01:00:00:0a", by owner */
  constructor(macs: readonly (readonly string[])[]) {
    this.#entries = Int32Array.from(
      macs.flatMap((own, owner) => own.flatMap((mac) => [...parseMac(mac), owner])),
    );
  }

  /** @returns the owner's number, or {@link NOBODY} */
  find(word: number, half: number): number {
    const entries = this.#entries;
    for (let at = 0; at < entries.length; at += ENTRY_WORDS) {
      if (entries[at] === word && entries[at + 1] === half) return entries[at + 2] as number;
    }
    return NONE;
  }
}

function parseMac(text: string): readonly number[] {
  const bytes = text.split(':').map((byte) => Number.parseInt(byte, 16));
  assert(bytes.length === 6 && bytes.every((byte) => byte <= 0xff), 'a MAC has six bytes');
  const view = new DataView(Uint8Array.from(bytes).buffer);
  return [view.getInt32(0, true), view.getUint16(4, true)];
}
