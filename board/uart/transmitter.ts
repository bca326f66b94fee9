/**
 * The transmitting half of a UART: a FIFO, and a shift register that takes the time of a character
 * for each character. Both UARTs of this board use it; what differs (when it may start, where a
 * character goes) they say themselves.
 */

import type { Clock, ClockEvent } from '../clock.ts';
import { CharacterFifo } from './character-fifo.ts';

export interface TransmitterOwner {
  /**
   * Whether the next character may begin: enabled, clocked, clear to send, and a far end that takes
   * it.
   */
  mayTransmit(): boolean;
  /** The time of one character now, in ns; 0 on a fast line. */
  characterNs(): number;
  /** A character's last stop bit has ended. */
  shifted(character: number): void;
  /** The FIFO's level has fallen by one: a character went into the shift register. */
  levelFell(): void;
}

export class Transmitter implements ClockEvent {
  readonly fifo: CharacterFifo;
  readonly #clock: Clock;
  readonly #owner: TransmitterOwner;
  #shifter = 0;
  #shifting = false;
  #endNs = 0;

  constructor(options: { clock: Clock; owner: TransmitterOwner; depth: number }) {
    this.fifo = new CharacterFifo(options.depth);
    this.#clock = options.clock;
    this.#owner = options.owner;
  }

  /** Whether nothing is in the FIFO and nothing on the line. */
  get idle(): boolean {
    return !this.#shifting && this.fifo.length === 0;
  }

  /** Queues one character; the FIFO must have room. */
  push(character: number): void {
    this.fifo.push(character);
    if (!this.#shifting) this.#startFrom(this.#clock.now());
  }

  /** Something that held the transmitter back may have changed. */
  retry(): void {
    if (!this.#shifting && this.fifo.length > 0) this.#startFrom(this.#clock.now());
  }

  fire(): void {
    this.#shifting = false;
    // The next character begins where this one ended, however late the clock was: the line keeps
    // its rate.
    const character = this.#shifter;
    this.#owner.shifted(character);
    this.#startFrom(this.#endNs);
  }

  /** Empties the FIFO; a character in the shift register is still sent. */
  clearFifo(): void {
    this.fifo.clear();
  }

  reset(): void {
    this.fifo.clear();
    this.#clock.cancel(this);
    this.#shifting = false;
  }

  #startFrom(startNs: number): void {
    const owner = this.#owner;
    while (this.fifo.length > 0 && owner.mayTransmit()) {
      const characterNs = owner.characterNs();
      const character = this.fifo.shift();
      if (characterNs > 0) {
        this.#shifter = character;
        this.#shifting = true;
        this.#endNs = startNs + characterNs;
        this.#clock.schedule(this, Math.round(this.#endNs));
        owner.levelFell();
        return;
      }
      owner.shifted(character);
      owner.levelFell();
    }
  }
}
