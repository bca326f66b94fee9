/**
 * The schedule of a clock: events sorted by time, those of one time in the order in which they were
 * scheduled.
 */

import { assert } from '../memory/assert.ts';
import { demand } from '../memory/misuse.ts';
import type { ClockEvent } from './clock.ts';

/**
 * The array's last entry is the earliest. A board has a few dozen events, so shifting a few entries
 * costs less than a heap, which would have to find an event in order to move it. Nothing is
 * allocated once the arrays have grown.
 */
export class EventSchedule {
  /** Time of the earliest event, `Infinity` when there is none. */
  earliestAt = Infinity;
  readonly #events: ClockEvent[] = [];
  readonly #times: number[] = [];
  #count = 0;

  /** Puts an event on the schedule, or moves it; `Infinity` takes it off. */
  set(event: ClockEvent, atNs: number): void {
    demand(typeof event.fire === 'function', 'an event of the clock is { fire(nowNs) { … } }');
    demand(atNs >= 0, 'an event of the clock is set for a time that is none');
    this.#takeOff(event);
    if (atNs !== Infinity) this.#insert(event, atNs);
    this.#refresh();
  }

  remove(event: ClockEvent): void {
    this.#takeOff(event);
    this.#refresh();
  }

  /** Takes the earliest event off; there must be one. */
  takeEarliest(): ClockEvent {
    assert(this.#count > 0, 'there is an event to take');
    this.#count -= 1;
    const event = this.#events[this.#count] as ClockEvent;
    this.#refresh();
    return event;
  }

  /** @returns whether there is no event but, at most, these */
  hasNoneBut(event: ClockEvent, other: ClockEvent = event): boolean {
    for (let at = 0; at < this.#count; at += 1) {
      if (this.#events[at] !== event && this.#events[at] !== other) return false;
    }
    return true;
  }

  #insert(event: ClockEvent, atNs: number): void {
    let at = this.#count;
    // Behind those of the same time: they fire first, so they stay nearer to the end.
    while (at > 0 && (this.#times[at - 1] as number) <= atNs) {
      this.#events[at] = this.#events[at - 1] as ClockEvent;
      this.#times[at] = this.#times[at - 1] as number;
      at -= 1;
    }
    this.#events[at] = event;
    this.#times[at] = atNs;
    this.#count += 1;
  }

  #takeOff(event: ClockEvent): void {
    let at = 0;
    while (at < this.#count && this.#events[at] !== event) at += 1;
    if (at === this.#count) return;
    for (let i = at + 1; i < this.#count; i++) {
      this.#events[i - 1] = this.#events[i] as ClockEvent;
      this.#times[i - 1] = this.#times[i] as number;
    }
    this.#count -= 1;
  }

  #refresh(): void {
    this.earliestAt = this.#count === 0 ? Infinity : (this.#times[this.#count - 1] as number);
  }
}
