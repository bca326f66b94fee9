/**
 * The one door for time. Two clocks, one interface: virtual time jumps from event to event, host
 * time passes by itself. All times are nanoseconds since power-on, as numbers below 2^53 (104
 * days).
 */

/**
 * Something that happens at a time. Made once and scheduled many times, so that scheduling
 * allocates nothing.
 */
export interface ClockEvent {
  /** Called when the time has come; `nowNs` is the clock's time, at or after the time asked for. */
  fire(nowNs: number): void;
}

export interface Clock {
  /** Nanoseconds since power-on; never goes back. */
  now(): number;
  /**
   * Schedules `event`; if it is already scheduled, it is moved. Two events at one time fire in the
   * order scheduled.
   */
  schedule(event: ClockEvent, atNs: number): void;
  /** Takes `event` off the schedule, if it is on it. */
  cancel(event: ClockEvent): void;
  /** @returns the time of the earliest event, `Infinity` when there is none */
  nextEventAt(): number;
  /** @returns whether no event is scheduled but, at most, these */
  hasNoneBut(event: ClockEvent, other?: ClockEvent): boolean;
  /** Fires every event whose time has come. @returns how many fired */
  fireDue(): number;
  /**
   * Virtual time: lets `deltaNs` pass for work done. Host time: does nothing, for it passes by
   * itself.
   */
  charge(deltaNs: number): void;
}
