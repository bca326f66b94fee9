/**
 * The receiving half of the PL011: a FIFO of 12-bit entries (data and the conditions of that
 * character), the receive time-out of 32 bit periods, and the overrun that marks the next character
 * stored.
 */

import type { Clock, ClockEvent } from '../clock.ts';
import { CharacterFifo } from './character-fifo.ts';
import { DR_OE, FIFO_DEPTH } from './pl011-registers.ts';

export class Pl011Receiver implements ClockEvent {
  readonly #fifo = new CharacterFifo(FIFO_DEPTH);
  readonly #clock: Clock;
  readonly #timedOut: () => void;
  #depth = 1;
  /** Characters at which received data interrupts. */
  trigger = 1;
  #bitNs = 0;
  #activityNs = 0;
  #scheduled = false;
  #overrun = false;

  /** @param timedOut nothing has been received for 32 bit periods and the FIFO is not empty */
  constructor(clock: Clock, timedOut: () => void) {
    this.#clock = clock;
    this.#timedOut = timedOut;
  }

  get length(): number {
    return this.#fifo.length;
  }

  get depth(): number {
    return this.#depth;
  }

  setDepth(depth: number): void {
    this.#depth = depth;
    this.#fifo.clear();
    this.#overrun = false;
  }

  /** @param bitNs time of a bit, 0 on a fast line */
  setBitTime(bitNs: number): void {
    this.#bitNs = bitNs;
  }

  /**
   * @param character data with its conditions, as UARTDR shows them.
   * @returns whether there was room
   */
  arrived(character: number): 'stored' | 'overrun' {
    this.#activityNs = this.#clock.now();
    if (!this.#scheduled) this.#schedule(this.#dueNs());
    if (this.#fifo.length >= this.#depth) {
      this.#overrun = true;
      return 'overrun';
    }
    this.#fifo.push(this.#overrun ? character | DR_OE : character);
    this.#overrun = false;
    return 'stored';
  }

  /** What a read gives: the oldest character with its conditions, 0 when there is none. */
  get next(): number {
    return this.#fifo.top();
  }

  /** @returns the oldest character with its conditions, 0 when there is none */
  read(): number {
    return this.#fifo.length === 0 ? 0 : this.#fifo.shift();
  }

  reset(): void {
    this.setDepth(1);
    this.#clock.cancel(this);
    this.#scheduled = false;
  }

  fire(nowNs: number): void {
    this.#scheduled = false;
    if (this.#fifo.length === 0) return;
    const dueNs = this.#dueNs();
    if (nowNs < dueNs) this.#schedule(dueNs);
    else this.#timedOut();
  }

  #dueNs(): number {
    return Math.round(this.#activityNs + 32 * this.#bitNs);
  }

  #schedule(atNs: number): void {
    this.#scheduled = true;
    this.#clock.schedule(this, atNs);
  }
}
