/**
 * The times of recorded events. Reading the host's clock costs as much as a dozen events, so under
 * the host clock a few events have a time, and those of the others are interpolated when the
 * recording is read:
 *
 * - the first event of each turn of the board, because the board reads the clock there anyway;
 * - within a turn, as many as make one reading in about 4 µs: every 64th event where events are
 *   close together, each one where they are far apart.
 */

import type { HostClock } from '../../board/host-clock.ts';
import { FLOAT_ZERO } from '../../memory/small-integer.ts';
import type { VirtualClock } from '../../board/virtual-clock.ts';

/** In place of a time: to be interpolated. A time behind a pause is written as `FIRST - time`. */
export const UNSTAMPED = -1;
const FIRST = -2;
/** How far apart unstamped events before a pause are taken to be. */
const EVENT_NS = 200;

/**
 * Where readings of the clock are closer together than this, fewer are made; and more where they
 * are twice as far.
 */
const CLOSE_NS = 3_000;
const GAP_MAX = 64;

export class Stamps {
  /** The board's. */
  clock: VirtualClock | HostClock | undefined;
  /** Events that one reading of the clock serves. */
  #gap = GAP_MAX / 2;
  readonly #isFixed: boolean;
  /** Host clock: the last time that was written. */
  lastNs = FLOAT_ZERO;
  #isTurn = 1;
  #isFirst = 1;

  /**
   * @param every host clock: events that one reading serves at most; as many as its cost is worth
   * unless told
   */
  constructor(every?: number) {
    this.#isFixed = every !== undefined;
    if (every !== undefined) this.#gap = every;
  }

  /**
   * Writes the time into `times[slot]`: returned, it would be boxed (`docs/hot-code.md`).
   *
   * @returns how many events that follow need no time
   */
  write(times: Float64Array, slot: number): number {
    const { clock } = this;
    if (clock === undefined) {
      times[slot] = 0;
      return 0;
    }
    if (clock.kind === 'virtual') {
      times[slot] = clock.now();
      return 0;
    }
    const isTurn = this.#isTurn === 1;
    const nowNs = isTurn ? clock.now() : clock.refresh();
    if (!isTurn && !this.#isFixed) this.#adapt(nowNs - this.lastNs);
    times[slot] = this.#isFirst === 1 ? FIRST - nowNs : nowNs;
    this.lastNs = nowNs;
    this.#isTurn = 0;
    this.#isFirst = 0;
    return this.#gap - 1;
  }

  get isVirtual(): boolean {
    return this.clock?.kind === 'virtual';
  }

  /** The board's turn is next: the event behind it has its time. */
  turn(): void {
    this.#isTurn = 1;
  }

  /** There may have been a pause: the next event has a time, and nothing is interpolated across. */
  pause(): void {
    this.#isTurn = 1;
    this.#isFirst = 1;
  }

  #adapt(elapsedNs: number): void {
    if (elapsedNs < CLOSE_NS) this.#gap = Math.min(this.#gap * 2, GAP_MAX);
    else if (elapsedNs > 2 * CLOSE_NS) this.#gap = Math.max(this.#gap >>> 1, 1);
  }
}

/**
 * Fills in the times of events without a stamp: evenly between those around them, and shortly after
 * the last one before a pause.
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
