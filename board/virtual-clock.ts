/** Virtual time: discrete events, and nothing happens between them. */

import { assert, type RunFailure } from '../memory/assert.ts';
import { FLOAT_ZERO } from '../memory/small-integer.ts';
import type { Clock, ClockEvent } from './clock.ts';
import { DeviceFailure, deviceFailure } from './device-failure.ts';
import { EventSchedule } from './event-schedule.ts';

/** Events that may fire at one point in time before we say that time stands still. */
const EVENTS_AT_ONCE_MAX = 1_000_000;

export class VirtualClock implements Clock {
  readonly kind = 'virtual';
  readonly #schedule = new EventSchedule();
  #nowNs = FLOAT_ZERO;
  failure: RunFailure | undefined;

  constructor() {
    this.#nowNs = 0;
  }

  now(): number {
    return this.#nowNs;
  }

  schedule(event: ClockEvent, atNs: number): void {
    this.#schedule.set(event, atNs);
  }

  cancel(event: ClockEvent): void {
    this.#schedule.remove(event);
  }

  nextEventAt(): number {
    return this.#schedule.earliestAt;
  }

  hasNoneBut(event: ClockEvent, other?: ClockEvent): boolean {
    return this.#schedule.hasNoneBut(event, other);
  }

  fireDue(): number {
    let fired = 0;
    while (this.#schedule.earliestAt <= this.#nowNs) {
      if (fired >= EVENTS_AT_ONCE_MAX) this.#standsStill();
      this.#fire(this.#schedule.takeEarliest());
      fired += 1;
    }
    return fired;
  }

  #fire(event: ClockEvent): void {
    try {
      event.fire(this.#nowNs);
    } catch (error) {
      this.failure = deviceFailure('an event of the clock', error);
      throw this.failure;
    }
  }

  /** Somebody sets an event for now whenever one fires; ours do not. */
  #standsStill(): never {
    const many = EVENTS_AT_ONCE_MAX.toLocaleString('en');
    this.failure = new DeviceFailure(
      `${many} events of the clock at ${this.#nowNs} ns: time stands still`,
    );
    throw this.failure;
  }

  charge(deltaNs: number): void {
    assert(deltaNs >= 0, 'time never goes back');
    this.#nowNs += deltaNs;
  }

  /**
   * Lets time pass until `atNs` and fires every event on the way at exactly its own time, those due
   * already first.
   *
   * @returns how many fired
   */
  runUntil(atNs: number): number {
    // Nothing on the way, as for most of what the kernel charges.
    if (this.#schedule.earliestAt > atNs && atNs >= this.#nowNs) {
      this.#nowNs = atNs;
      return 0;
    }
    assert(atNs >= this.#nowNs && atNs < Infinity, 'time never goes back, nor to its end');
    let fired = this.fireDue();
    while (this.#schedule.earliestAt <= atNs) {
      this.#nowNs = this.#schedule.earliestAt;
      fired += this.fireDue();
    }
    this.#nowNs = atNs;
    return fired;
  }
}
