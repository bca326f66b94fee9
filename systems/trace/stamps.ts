/**
 * The times of recorded events. A stamp is written straight into the recording: a number that a call returns is boxed by V8.
 *
 * Reading the host's clock costs as much as several events, so under the host clock only each eighth event is stamped, and the
 * first one of each slice of the live loop; the times of those between are interpolated when the recording is read.
 */

import type { VirtualClock } from '../../board/virtual-clock.ts';
import { hostNow } from '../../host/event-loop.ts';

/** In place of a time: to be interpolated. A time behind a pause is written as `FIRST - time`. */
export const UNSTAMPED = -1;
const FIRST = -2;
/** How far apart unstamped events before a pause are taken to be. */
const EVENT_NS = 200;

/** One class for both clocks, so that every event calls the same function. */
export class Stamps {
  /** Virtual time; else the host's. */
  clock: VirtualClock | undefined;
  readonly #startNs = hostNow();
  readonly #every: number;
  #left = 0;
  #isFirst = 1;

  /** @param every host clock: events that one reading serves */
  constructor(every: number) {
    this.#every = every;
  }

  /** Writes the time into `times[slot]`, or {@link UNSTAMPED}. */
  write(times: Float64Array, slot: number): void {
    if (this.clock !== undefined) {
      times[slot] = this.clock.now();
    } else if (this.#left > 0) {
      this.#left -= 1;
      times[slot] = UNSTAMPED;
    } else {
      this.#left = this.#every - 1;
      const nowNs = hostNow() - this.#startNs;
      times[slot] = this.#isFirst === 1 ? FIRST - nowNs : nowNs;
      this.#isFirst = 0;
    }
  }

  /** There may have been a pause: the next event is stamped, and nothing is interpolated across. */
  renew(): void {
    this.#left = 0;
    this.#isFirst = 1;
  }
}

/**
 * Fills in the times of events without a stamp: evenly between those around them, and shortly after the last one before a
 * pause.
 *
 * @param from slot of the first event; `times` is a ring of a power of two
 */
export function interpolate(times: Float64Array, from: number, count: number): void {
  const mask = times.length - 1;
  let knownAt = -1;
  let knownNs = 0;
  for (let at = 0; at < count; at += 1) {
    const stamp = times[(from + at) & mask] as number;
    if (stamp === UNSTAMPED) continue;
    const isFirst = stamp <= FIRST;
    const nowNs = isFirst ? FIRST - stamp : stamp;
    times[(from + at) & mask] = nowNs;
    const sinceNs = knownAt < 0 ? nowNs : knownNs;
    const steps = at - knownAt;
    const evenNs = (nowNs - sinceNs) / steps;
    fill(times, from + knownAt, steps, sinceNs, isFirst ? Math.min(evenNs, EVENT_NS) : evenNs);
    knownAt = at;
    knownNs = nowNs;
  }
  // After the last stamp there is one side only.
  fill(times, from + knownAt, count - knownAt, knownNs, 0);
}

/** Writes the times of the `steps - 1` events behind the one at `from`. */
function fill(
  times: Float64Array,
  from: number,
  steps: number,
  sinceNs: number,
  stepNs: number,
): void {
  for (let step = 1; step < steps; step += 1) {
    times[(from + step) & (times.length - 1)] = sinceNs + stepNs * step;
  }
}
