/**
 * What the programs of a test have left behind, a promise or a timer, and that fails with nobody to
 * catch it. It fails the test, and not the command with all others that it was to run.
 */

import { breathe } from '../../host/event-loop.ts';
import { thrownText } from '../../memory/thrown-text.ts';
import { userBlame } from '../../systems/exception-text.ts';

/** A timer that fails each time it strikes says no more than its first few times. */
const TOLD_MAX = 4;
const EVENTS = ['uncaughtException', 'unhandledRejection'] as const;

export class Uncaught {
  readonly #errors: unknown[] = [];
  readonly #take = (error: unknown): void => {
    this.#errors.push(error);
  };

  /** Listens from now on. */
  constructor() {
    for (const event of EVENTS) process.on(event, this.#take);
  }

  /**
   * Listens for another turn of the host, in which that comes to light, and no longer.
   *
   * @returns what has failed, a line each, of many the first; empty when nothing has
   * @throws what is a failure of ours
   */
  async end(): Promise<readonly string[]> {
    await breathe();
    for (const event of EVENTS) process.off(event, this.#take);
    const all = this.#errors.slice(0, TOLD_MAX).map(whatNobodyCatches);
    const left = this.#errors.length - all.length;
    return left === 0 ? all : [...all, `and ${left} more of the same kind`];
  }
}

/** @throws what is a failure of ours */
function whatNobodyCatches(error: unknown): string {
  const words = error instanceof Error ? userBlame(error) : thrownText(error);
  if (words === undefined) throw error;
  return `a program has thrown what nobody catches: ${words}`;
}
