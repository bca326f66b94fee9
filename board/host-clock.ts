/**
 * Host time: it passes by itself.
 *
 * Reading the host's clock costs tens of nanoseconds, and the kernel asks at every entry. So
 * `now()` answers a cached time, which is read anew at every turn of the board
 * ({@link HostClock.refresh}) and at every {@link HostClock.CALLS_PER_READ}th call. The answer is
 * late by at most the time that many calls take, and never by more than one turn; it is never early
 * and never goes back.
 *
 * While the host has its turn nothing reads the clock anew by itself, and the board may sleep for a
 * minute: what the host brings then, a break on a serial line for instance, has to be dated by the
 * time at which it comes. So between turns each call reads.
 */

import type { RunFailure } from '../memory/assert.ts';
import { FLOAT_ZERO } from '../memory/small-integer.ts';
import type { Clock, ClockEvent } from './clock.ts';
import { deviceFailure } from './device-failure.ts';
import { DevicePart } from './device.ts';
import { EventSchedule } from './event-schedule.ts';

/** Made from the host's monotonic time in ns, from any start; given by `host/`. */
export class HostClock extends DevicePart<() => number> implements Clock {
  /** Calls of `now()` that one reading of the host's clock serves. */
  static readonly CALLS_PER_READ = 256;
  readonly kind = 'host';
  readonly #hostNow: () => number = this.options;
  /** Floating-point from the start, so that a difference to it is, too. */
  readonly #powerOnNs: number = FLOAT_ZERO;
  readonly #schedule = new EventSchedule();
  #nowNs = FLOAT_ZERO;
  failure: RunFailure | undefined;
  #callsLeft = HostClock.CALLS_PER_READ;
  /** Calls that the next reading will serve: one while the host has its turn. */
  #callsPerRead = HostClock.CALLS_PER_READ;

  constructor(hostNow: () => number) {
    super(hostNow);
    this.#powerOnNs = hostNow();
    this.#nowNs = 0;
  }

  now(): number {
    this.#callsLeft -= 1;
    if (this.#callsLeft <= 0) this.#read();
    return this.#nowNs;
  }

  /** Reads the host's clock. @returns the time now */
  refresh(): number {
    this.#read();
    return this.#nowNs;
  }

  /**
   * Returns nothing, for the number would be boxed (`docs/hot-code.md`): this is called for every
   * few packets.
   */
  #read(): void {
    this.#callsLeft = this.#callsPerRead;
    const nowNs = this.#hostNow() - this.#powerOnNs;
    // A host clock that goes back, as some do over a suspend, stands still here.
    if (nowNs > this.#nowNs) this.#nowNs = nowNs;
  }

  /**
   * The board's turn is over: until the next one, each call of {@link now} reads the host's clock.
   */
  handOver(): void {
    this.#callsPerRead = 1;
    this.#callsLeft = 0;
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

  /**
   * Fires what is due at one reading of the clock; an event that asks for a time after it waits for
   * the next turn.
   */
  fireDue(): number {
    this.#callsPerRead = HostClock.CALLS_PER_READ;
    this.#read();
    const nowNs = this.#nowNs;
    let fired = 0;
    while (this.#schedule.earliestAt <= nowNs) {
      this.#fire(this.#schedule.takeEarliest(), nowNs);
      fired += 1;
    }
    return fired;
  }

  #fire(event: ClockEvent, nowNs: number): void {
    try {
      event.fire(nowNs);
    } catch (error) {
      this.failure = deviceFailure('an event of the clock', error);
      throw this.failure;
    }
  }

  charge(): void {
    // Host time passes by itself.
  }
}
