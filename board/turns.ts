/**
 * When devices work. A device is marked due by a register write, a frame that arrives, and so on;
 * it works in the board's turn (live) or at an event of the clock a fixed latency later (virtual).
 * So batches form as on hardware.
 */

import { assert } from '../memory/assert.ts';
import { deviceFailure } from './device-failure.ts';
import type { Clock, ClockEvent } from './clock.ts';
import type { Turn, TurnQueue } from './device.ts';

/** Live: whatever is due works in the next turn, in the order in which it was marked. */
export class LiveTurns implements TurnQueue {
  #due: Turn[] = [];
  #dueCount = 0;
  // What was marked before the turn began; a device that marks itself again waits for the next one.
  #working: Turn[] = [];

  markDue(turn: Turn): void {
    for (let i = 0; i < this.#dueCount; i++) if (this.#due[i] === turn) return;
    this.#due[this.#dueCount] = turn;
    this.#dueCount += 1;
  }

  get anyDue(): boolean {
    return this.#dueCount > 0;
  }

  /** @returns how many worked */
  work(): number {
    const count = this.#dueCount;
    const working = this.#due;
    this.#due = this.#working;
    this.#working = working;
    this.#dueCount = 0;
    for (let i = 0; i < count; i++) work(working[i] as Turn);
    return count;
  }
}

function work(turn: Turn): void {
  try {
    turn.work();
  } catch (error) {
    throw deviceFailure("a device's turn", error);
  }
}

/** Virtual: each device works `latencyNs` after it was marked, at its own event. */
export class VirtualTurns implements TurnQueue {
  readonly #clock: Clock;
  readonly #latencyNs: number;
  readonly #events: TurnEvent[] = [];

  constructor(clock: Clock, latencyNs: number) {
    assert(latencyNs > 0, 'a device that marks itself due must not stop time');
    this.#clock = clock;
    this.#latencyNs = latencyNs;
  }

  markDue(turn: Turn): void {
    const event = this.#eventOf(turn);
    if (event.due) return;
    event.due = true;
    this.#clock.schedule(event, this.#clock.now() + this.#latencyNs);
  }

  #eventOf(turn: Turn): TurnEvent {
    for (const event of this.#events) if (event.turn === turn) return event;
    const event = new TurnEvent(turn);
    this.#events.push(event);
    return event;
  }
}

class TurnEvent implements ClockEvent {
  readonly turn: Turn;
  due = false;

  constructor(turn: Turn) {
    this.turn = turn;
  }

  fire(): void {
    this.due = false;
    this.turn.work();
  }
}
