/**
 * What the programs of a test have left behind, a promise or a timer, and that fails with nobody to
 * catch it. It fails the test, and not the command with all others that it was to run.
 */

import { breathe } from '../../host/event-loop.ts';
import { thrownText } from '../../memory/thrown-text.ts';
import { userBlame } from '../../systems/exception-text.ts';

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
   * @returns the first that has failed, in a line; undefined when nothing has
   * @throws what is a failure of ours
   */
  async end(): Promise<string | undefined> {
    await breathe();
    for (const event of EVENTS) process.off(event, this.#take);
    if (this.#errors.length === 0) return undefined;
    const [error] = this.#errors;
    const words = error instanceof Error ? userBlame(error) : thrownText(error);
    if (words === undefined) throw error;
    return `a program has thrown what nobody catches: ${words}`;
  }
}
