/**
 * Destination addresses: a signed word and a halfword, as a frame in memory holds them, and whose
 * they are.
 */

import { demand } from '../../memory/misuse.ts';
import { Configured } from '../../memory/configured.ts';

// Folded constants: docs/hot-code.md.
const NONE = -1;
/** {@link MacTable.find}: nobody has the address. */
export const NOBODY = NONE;

const ENTRY_WORDS = 3;

/** Made from addresses such as "52:54:01:00:00:0a", by owner. */
export class MacTable extends Configured<readonly (readonly string[])[]> {
  /** Of each address the word, the halfword and the owner. */
  readonly #entries: Int32Array = Int32Array.from(
    this.options.flatMap((own, owner) => own.flatMap((mac) => [...parseMac(mac), owner])),
  );

  /** All of them: word, halfword, owner. */
  get addresses(): readonly (readonly [number, number, number])[] {
    return this.options.flatMap((own, owner) =>
      own.map((mac) => [...parseMac(mac), owner] as const),
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

function parseMac(text: string): readonly [number, number] {
  const bytes = text.split(':').map((byte) => Number.parseInt(byte, 16));
  demand(bytes.length === 6 && bytes.every((byte) => byte <= 0xff), `'${text}' is no MAC address`);
  const view = new DataView(Uint8Array.from(bytes).buffer);
  return [view.getInt32(0, true), view.getUint16(4, true)];
}
