/**
 * The transmitting half of the PL011: its FIFO (or the single holding register) before the shift
 * register, and the interrupt at the passage through its trigger.
 */

import type { Clock } from '../clock.ts';
import type { LineTiming } from './line-timing.ts';
import type { Pl011Interrupts } from './pl011-interrupts.ts';
import { FIFO_DEPTH, INT_TX } from './pl011-registers.ts';
import { Transmitter, type TransmitterOwner } from './transmitter.ts';

export interface Pl011TransmitterParts {
  readonly clock: Clock;
  readonly timing: LineTiming;
  readonly interrupts: Pl011Interrupts;
  /** Whether nothing holds the next character back: UARTCR, flow control, the far end. */
  readonly mayTransmit: () => boolean;
  /** A character's last stop bit has ended. */
  readonly shifted: (character: number) => void;
}

export class Pl011Transmitter implements TransmitterOwner {
  readonly #parts: Pl011TransmitterParts;
  readonly #transmitter: Transmitter;
  #depth = 1;
  #trigger = 0;

  constructor(parts: Pl011TransmitterParts) {
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

  get isFull(): boolean {
    return this.length >= this.#depth;
  }

  /** Queues a character; it must not be {@link isFull}. */
  write(byte: number): void {
    this.#transmitter.push(byte & this.#parts.timing.dataMask);
    // Filled above its trigger, or without a FIFO simply written: the interrupt is no longer true.
    if (this.length > this.#trigger) this.#parts.interrupts.pending &= ~INT_TX;
  }

  /** @param trigger level at which the interrupt is raised when the FIFO falls to it */
  setTrigger(trigger: number): void {
    this.#trigger = trigger;
  }

  setDepth(depth: number): void {
    this.#depth = depth;
    this.#transmitter.clearFifo();
  }

  /** Something that held the transmitter back may have changed. */
  retry(): void {
    this.#transmitter.retry();
  }

  reset(): void {
    this.#depth = 1;
    this.#transmitter.reset();
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
    // Raised once, at the passage through the trigger (§3.3.9): one more than the trigger was
    // there, now the trigger is.
    if (this.length === this.#trigger) this.#parts.interrupts.raise(INT_TX);
  }
}
