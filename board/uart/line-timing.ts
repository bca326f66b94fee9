/**
 * A UART's line format, and what follows from it: the times of bits and characters, and the bits of
 * a character.
 */

import { bitNs, characterNs } from '../serial-wire.ts';
import type { LineFormat, SerialWire } from '../serial-wire.ts';

export class LineTiming {
  format: LineFormat = { baud: 0, dataBits: 5, parity: 'none', stopBits: 1 };
  /** Time of one character in ns; 0 on a fast line, and without a clock. */
  characterNs = 0;
  /** Time of one bit in ns; 0 on a fast line, and without a clock. */
  bitNs = 0;
  dataMask = 0x1f;
  /** A fast line with a clock: characters take no time. */
  isInstant = false;
  readonly #wire: SerialWire;

  constructor(wire: SerialWire) {
    this.#wire = wire;
  }

  set(format: LineFormat): void {
    this.format = format;
    const clocked = format.baud > 0;
    const timed = clocked && this.#wire.rate === 'real';
    this.characterNs = timed ? characterNs(format) : 0;
    this.bitNs = timed ? bitNs(format) : 0;
    this.dataMask = (1 << format.dataBits) - 1;
    this.isInstant = clocked && !timed;
    this.#wire.setFormat(format);
  }
}
