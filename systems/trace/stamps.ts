/**
 * The times of recorded events. A stamp is written straight into the recording: a number that a call returns is boxed by V8.
 *
 * Reading the host's clock costs as much as five events, so under the host clock only each eighth event is stamped, and the
 * first one after the processor was idle; the times of those between are interpolated when the recording is read.
 */

import type { Clock } from '../../board/clock.ts';
import { hostNow } from '../../host/event-loop.ts';

export interface Stamps {
  /** Writes the time into `times[slot]`, or {@link UNSTAMPED}. */
  write(times: Float64Array, slot: number): void;
  /** The next event is stamped. */
  renew(): void;
}

/** In place of a time: to be interpolated. */
export const UNSTAMPED = -1;

export class BoardStamps implements Stamps {
  clock: Clock | undefined;

  write(times: Float64Array, slot: number): void {
    if (this.clock !== undefined) times[slot] = this.clock.now();
  }

  renew(): void {
    // Every event is stamped.
  }
}

export class HostStamps implements Stamps {
  readonly #startNs = hostNow();
  readonly #every: number;
  #left = 0;

  /** @param every events that one reading of the clock serves */
  constructor(every: number) {
    this.#every = every;
  }

  write(times: Float64Array, slot: number): void {
    if (this.#left > 0) {
      this.#left -= 1;
      times[slot] = UNSTAMPED;
      return;
    }
    this.#left = this.#every - 1;
    times[slot] = hostNow() - this.#startNs;
  }

  renew(): void {
    this.#left = 0;
  }
}

/** Fills in the times of events without a stamp: evenly between those around them. Ring positions from `from` on. */
export function interpolate(times: Float64Array, from: number, count: number): void {
  const mask = times.length - 1;
  let knownAt = -1;
  let knownNs = 0;
  for (let at = 0; at <= count; at += 1) {
    const ns = at === count ? UNSTAMPED : (times[(from + at) & mask] as number);
    if (ns === UNSTAMPED && at < count) continue;
    // Before the first stamp and after the last there is one side only.
    const untilNs = at === count ? knownNs : ns;
    const sinceNs = knownAt < 0 ? untilNs : knownNs;
    for (let between = knownAt + 1; between < at; between += 1) {
      const share = (between - knownAt) / (at - knownAt);
      times[(from + between) & mask] = sinceNs + (untilNs - sinceNs) * share;
    }
    knownAt = at;
    knownNs = untilNs;
  }
}
