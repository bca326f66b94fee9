/**
 * The transmitting half of the NS16550A: its FIFO (or the single holding register) before the shift
 * register, and the rules by which "transmitter holding register empty" becomes pending.
 */

import type { Clock, ClockEvent } from '../clock.ts';
import type { LineTiming } from './line-timing.ts';
import { FIFO_DEPTH } from './ns16550a-registers.ts';
import { Transmitter, type TransmitterOwner } from './transmitter.ts';

export interface Ns16550aTransmitterParts {
  readonly clock: Clock;
  readonly timing: LineTiming;
  /** Whether nothing holds the next character back: flow control, the far end. */
  readonly mayTransmit: () => boolean;
  /** A character's last stop bit has ended. */
  readonly shifted: (character: number) => void;
  /** {@link Ns16550aTransmitter.isEmptyPending} has become true, later than what has caused it. */
  readonly onPending: () => void;
}

export class Ns16550aTransmitter implements TransmitterOwner {
  /** Whether "transmitter holding register empty" is pending. */
  isEmptyPending = false;
  readonly #parts: Ns16550aTransmitterParts;
  readonly #transmitter: Transmitter;
  #hasFifo = false;
  /** Whether two characters were in the FIFO at once since it was last empty. */
  #hadTwo = true;
  readonly #delay: ClockEvent = { fire: () => this.#becomePending() };

  constructor(parts: Ns16550aTransmitterParts) {
    this.#parts = parts;
    this.#transmitter = new Transmitter({ clock: parts.clock, owner: this, depth: FIFO_DEPTH });
  }

  /** Characters that wait for the shift register. */
  get length(): number {
    return this.#transmitter.fifo.length;
  }

  /** Whether nothing waits, and nothing is on the line. */
  get idle(): boolean {
    return this.#transmitter.idle;
  }

  /** On a fast line a character has gone to the line at once, while nothing was queued. */
  bypassed(): void {
    this.isEmptyPending = true;
  }

  /** A write of THR. */
  write(byte: number): 'taken' | 'full' {
    const { fifo } = this.#transmitter;
    const character = byte & this.#parts.timing.dataMask;
    this.isEmptyPending = false;
    this.#parts.clock.cancel(this.#delay);
    if (fifo.length >= (this.#hasFifo ? FIFO_DEPTH : 1)) {
      if (!this.#hasFifo) fifo.replaceLast(character);
      return 'full';
    }
    this.#transmitter.push(character);
    if (fifo.length > 1) this.#hadTwo = true;
    return 'taken';
  }

  /**
   * The interrupt has been enabled: with an empty transmitter it is pending at once, which is the
   * rule that drivers start sending by.
   */
  enabled(): void {
    if (this.length > 0) return;
    this.#parts.clock.cancel(this.#delay);
    this.isEmptyPending = true;
  }

  /** FCR has turned the FIFO on or off. */
  setMode(mode: 'fifo' | 'single'): void {
    this.#hasFifo = mode === 'fifo';
    this.#hadTwo = true;
  }

  /** FCR empties the FIFO. */
  clear(): void {
    if (this.length === 0) return;
    this.#transmitter.clearFifo();
    this.isEmptyPending = true;
  }

  /** Something that held the transmitter back may have changed. */
  retry(): void {
    this.#transmitter.retry();
  }

  reset(): void {
    this.isEmptyPending = false;
    this.setMode('single');
    this.#transmitter.reset();
    this.#parts.clock.cancel(this.#delay);
  }

  mayTransmit(): boolean {
    return this.#parts.timing.format.baud !== 0 && this.#parts.mayTransmit();
  }

  characterNs(): number {
    return this.#parts.timing.characterNs;
  }

  shifted(character: number): void {
    this.#parts.shifted(character);
  }

  levelFell(): void {
    if (this.length > 0) return;
    const { clock, timing } = this.#parts;
    // §8.4.2: the interrupt waits for the last character's time less its stop bit, unless two were
    // queued at once.
    if (this.#hadTwo || !this.#hasFifo || timing.characterNs === 0) {
      this.#becomePending();
    } else {
      const delayNs = timing.characterNs - timing.format.stopBits * timing.bitNs;
      clock.schedule(this.#delay, Math.round(clock.now() + delayNs));
    }
    this.#hadTwo = false;
  }

  #becomePending(): void {
    this.isEmptyPending = true;
    this.#parts.onPending();
  }
}
