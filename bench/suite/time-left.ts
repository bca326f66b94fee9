/**
 * How long a run will still take: from what its parts were planned to take, at the pace of this
 * machine. At first that is a guess; what the finished parts took says it better and better.
 */

const SLOWER_MAX = 5;
const FASTER_MAX = 0.3;
/** The guess counts as much as so many seconds of finished parts. */
const GUESS_SECONDS = 5;

export class TimeLeft {
  readonly #planned: readonly number[];
  readonly #guess: number;
  #current = 0;
  #currentSince: number;
  #plannedDone = 0;
  #tookDone = 0;

  /**
   * @param planned seconds of each part, in the order in which they run
   * @param now seconds, from any start
   * @param guess how much longer than planned things take here, for all that is known before
   */
  constructor(planned: readonly number[], now: number, guess = 1) {
    this.#planned = planned;
    this.#guess = guess;
    this.#currentSince = now;
  }

  /** The part that runs has ended, and the next one begins. */
  next(now: number): void {
    this.#plannedDone += this.#planned[this.#current] ?? 0;
    this.#tookDone += now - this.#currentSince;
    this.#current += 1;
    this.#currentSince = now;
  }

  /** @returns seconds */
  left(now: number): number {
    const pace = this.#pace();
    const current = (this.#planned[this.#current] ?? 0) * pace - (now - this.#currentSince);
    const later = this.#planned.slice(this.#current + 1).reduce((sum, each) => sum + each, 0);
    return Math.max(0, current) + later * pace;
  }

  /** How much longer than planned things take here. */
  #pace(): number {
    const took = this.#tookDone + this.#guess * GUESS_SECONDS;
    const pace = took / (this.#plannedDone + GUESS_SECONDS);
    return Math.min(SLOWER_MAX, Math.max(FASTER_MAX, pace));
  }
}

/** Such as `2 min 10 s`; seconds by tens above a minute, since nobody knows better. */
export function sayTimeLeft(seconds: number): string {
  if (seconds < 1) return 'almost done';
  if (seconds < 60) return `about ${Math.ceil(seconds)} s left`;
  const tens = Math.round(seconds / 10) * 10;
  const rest = tens % 60 === 0 ? '' : ` ${tens % 60} s`;
  return `about ${Math.floor(tens / 60)} min${rest} left`;
}
