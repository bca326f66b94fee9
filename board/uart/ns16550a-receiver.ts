/**
 * The receiving half of the NS16550A: its FIFO (or the single holding register), the errors that
 * LSR shows, and the character time-out.
 */

import type { Clock, ClockEvent } from '../clock.ts';
import { CHAR_BREAK, CHAR_FRAMING_ERROR, CHAR_PARITY_ERROR } from '../serial-wire.ts';
import { CharacterFifo } from './character-fifo.ts';
import { FIFO_DEPTH, LSR_BI, LSR_FE, LSR_OE, LSR_PE } from './ns16550a-registers.ts';

const CHAR_ERRORS = CHAR_FRAMING_ERROR | CHAR_PARITY_ERROR | CHAR_BREAK;
const LSR_CHAR_ERRORS = LSR_PE | LSR_FE | LSR_BI;

export class Ns16550aReceiver implements ClockEvent {
  /** OE, PE, FE, BI as the next read of LSR shows them. */
  lineErrors = 0;
  /** Whether nothing was received and nothing read for the time of four characters (§8.4.1). */
  hasTimedOut = false;
  readonly #fifo = new CharacterFifo(FIFO_DEPTH);
  readonly #clock: Clock;
  readonly #timeoutChanged: () => void;
  #mode: 'fifo' | 'single' = 'single';
  #trigger = 1;
  #characterNs = 0;
  /** Characters in the FIFO behind its top that carry an error. */
  #errorsInFifo = 0;
  /** What a read of an empty receiver buffer returns. */
  #lastRead = 0;
  #scheduled = false;
  #activityNs = 0;

  constructor(clock: Clock, timeoutChanged: () => void) {
    this.#clock = clock;
    this.#timeoutChanged = timeoutChanged;
  }

  get length(): number {
    return this.#fifo.length;
  }

  get depth(): number {
    return this.#mode === 'fifo' ? FIFO_DEPTH : 1;
  }

  /** Characters at which received data is an interrupt's cause. */
  get trigger(): number {
    return this.#trigger;
  }

  setMode(mode: 'fifo' | 'single', trigger: number): void {
    this.#mode = mode;
    this.#trigger = trigger;
  }

  /** @param characterNs time of a character, 0 on a fast line */
  setCharacterTime(characterNs: number): void {
    this.#characterNs = characterNs;
  }

  /** Whether LSR bit 7 shows: an error in the FIFO or not yet read at its top. */
  get hasErrorInFifo(): boolean {
    if (this.#mode === 'single') return false;
    return this.#errorsInFifo > 0 || (this.lineErrors & LSR_CHAR_ERRORS) !== 0;
  }

  arrived(character: number): void {
    if (this.#fifo.length < this.depth) {
      this.#fifo.push(character);
      if ((character & CHAR_ERRORS) !== 0) this.#errorsInFifo += 1;
      if (this.#fifo.length === 1) this.#showTop();
    } else {
      this.lineErrors |= LSR_OE;
      // Without the FIFO the holding register is overwritten; with it only the shift register is.
      if (this.#mode === 'single') {
        this.#fifo.replaceLast(character & 0xff);
        this.lineErrors |= lsrErrors(character);
      }
    }
    this.#restartTimeout();
  }

  /** What a read of the receiver buffer gives. */
  get next(): number {
    return this.#fifo.length === 0 ? this.#lastRead : this.#fifo.top() & 0xff;
  }

  /** Reads the receiver buffer. */
  read(): number {
    if (this.#fifo.length === 0) return this.#lastRead;
    this.#lastRead = this.#fifo.shift() & 0xff;
    this.hasTimedOut = false;
    if (this.#fifo.length > 0) {
      this.#showTop();
      this.#restartTimeout();
    }
    return this.#lastRead;
  }

  clear(): void {
    this.#fifo.clear();
    this.#errorsInFifo = 0;
    this.lineErrors &= ~LSR_CHAR_ERRORS;
    this.hasTimedOut = false;
  }

  reset(): void {
    this.clear();
    this.lineErrors = 0;
    this.#clock.cancel(this);
    this.#scheduled = false;
  }

  fire(nowNs: number): void {
    this.#scheduled = false;
    if (this.#fifo.length === 0 || this.#mode === 'single') return;
    const dueNs = this.#dueNs();
    if (nowNs < dueNs) {
      this.#schedule(dueNs);
      return;
    }
    this.hasTimedOut = true;
    this.#timeoutChanged();
  }

  /**
   * Nothing is moved on the schedule while characters come: the event looks again when it fires.
   */
  #restartTimeout(): void {
    if (this.#mode === 'single') return;
    this.#activityNs = this.#clock.now();
    if (!this.#scheduled) this.#schedule(this.#dueNs());
  }

  #dueNs(): number {
    return Math.round(this.#activityNs + 4 * this.#characterNs);
  }

  #schedule(atNs: number): void {
    this.#scheduled = true;
    this.#clock.schedule(this, atNs);
  }

  /** A character has come to the top of the FIFO: its errors show in LSR. */
  #showTop(): void {
    const top = this.#fifo.top();
    if ((top & CHAR_ERRORS) === 0) return;
    this.lineErrors |= lsrErrors(top);
    this.#errorsInFifo -= 1;
    this.#fifo.clearTop(CHAR_ERRORS);
  }
}

function lsrErrors(character: number): number {
  return (
    ((character & CHAR_PARITY_ERROR) !== 0 ? LSR_PE : 0) |
    ((character & CHAR_FRAMING_ERROR) !== 0 ? LSR_FE : 0) |
    ((character & CHAR_BREAK) !== 0 ? LSR_BI : 0)
  );
}
