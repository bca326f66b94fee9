/**
 * The receiving end of a break: the line goes to space. If it is still there after a whole
 * character, that is a break; if it comes back before, the receiver has taken it for a start bit
 * and made a character of what it sampled.
 */

import type { Clock, ClockEvent } from '../clock.ts';
import { bitNs, CHAR_BREAK, CHAR_FRAMING_ERROR, characterNs } from '../serial-wire.ts';
import type { LineFormat } from '../serial-wire.ts';

export class BreakDetector implements ClockEvent {
  readonly #clock: Clock;
  readonly #deliver: (character: number) => void;
  #format: LineFormat | undefined;
  #startNs = 0;
  #endNs = Infinity;

  constructor(clock: Clock, deliver: (character: number) => void) {
    this.#clock = clock;
    this.#deliver = deliver;
  }

  /**
   * The line has changed its level.
   *
   * @param waitNs time of a character at the receiver, 0 on a fast line
   */
  changed(level: 'mark' | 'space', format: LineFormat, waitNs: number): void {
    const nowNs = this.#clock.now();
    if (level === 'mark') {
      this.#endNs = nowNs;
      return;
    }
    this.#format = format;
    this.#startNs = nowNs;
    this.#endNs = Infinity;
    this.#clock.schedule(this, Math.round(nowNs + waitNs));
  }

  fire(): void {
    const format = this.#format;
    if (format === undefined || format.baud === 0) return;
    const lowNs = this.#endNs - this.#startNs;
    if (lowNs >= characterNs(format)) {
      this.#deliver(CHAR_BREAK | CHAR_FRAMING_ERROR);
      return;
    }
    const lowBits = Math.round(lowNs / bitNs(format));
    // Shorter than half a bit: no start bit in the middle of it, so it was noise.
    if (lowBits > 0) this.#deliver((0xff << (lowBits - 1)) & ((1 << format.dataBits) - 1));
  }

  reset(): void {
    this.#clock.cancel(this);
    this.#endNs = Infinity;
  }
}
