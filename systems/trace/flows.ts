/**
 * Arrows: what left one track and has not arrived at another. Signals on one channel merge, so that
 * one wake-up may be the end of several arrows; an arrow whose end was not recorded is not drawn.
 */

import type { Place, TraceText } from './trace-text.ts';

/**
 * Signals that nobody takes, to a domain that is stopped for instance, are not collected without
 * end.
 */
const WAITING_MAX = 1024;

export class FlowBook {
  readonly #text: TraceText;
  readonly #waiting = new Map<string, Place[]>();
  #next = 1;

  constructor(text: TraceText) {
    this.#text = text;
  }

  /** @param to what it goes to, such as "signal 3 1" */
  leave(to: string, from: Place): void {
    const waiting = this.#waiting.get(to) ?? [];
    if (waiting.length < WAITING_MAX) waiting.push(from);
    this.#waiting.set(to, waiting);
  }

  arrive(to: string, place: Place): void {
    const name = to.split(' ')[0] as string;
    for (const from of this.#waiting.get(to) ?? []) {
      this.#text.flow('s', name, this.#next, from);
      this.#text.flow('f', name, this.#next, place);
      this.#next += 1;
    }
    this.#waiting.delete(to);
  }
}
