/**
 * What has happened in a world, in words, while its user wants to know. A world that is run again
 * tells of itself from its beginning on, so that one who has gone back sees what was before that.
 */

import type { SystemDescription } from '../microkit/model.ts';
import { EventBook } from '../systems/trace/event-book.ts';

/** Events that are kept; the newest. */
export const TRACE_KEPT = 1000;

export class EventTrace {
  readonly #system: SystemDescription;
  readonly #nowNs: () => number;
  #book: EventBook | undefined;

  constructor(system: SystemDescription, nowNs: () => number) {
    this.#system = system;
    this.#nowNs = nowNs;
  }

  /** Is to be told of everything; undefined while nobody wants to know. */
  get book(): EventBook | undefined {
    return this.#book;
  }

  turn(to: 'on' | 'off'): void {
    if (to === 'off') this.#book = undefined;
    else this.#book ??= this.#newBook();
  }

  /** Another world. */
  begin(): void {
    if (this.#book !== undefined) this.#book = this.#newBook();
  }

  /** @returns the newest ones, a line each, oldest first */
  lines(most: number): readonly string[] {
    const events = this.#book?.events.slice(-most) ?? [];
    return events.map(
      ({ timeNs, text }) => `${(timeNs / 1e6).toFixed(6).padStart(14)} ms  ${text}`,
    );
  }

  #newBook(): EventBook {
    return new EventBook(this.#system, this.#nowNs, TRACE_KEPT);
  }
}
