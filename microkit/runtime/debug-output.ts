/** The debug console: characters that threads print one at a time, as lines of each thread. */

/** A line that does not end is cut here. */
const LINE_MAX = 1024;
const NEWLINE = 10;
const RETURN = 13;

export class DebugOutput {
  readonly #line: (thread: string, text: string) => void;
  readonly #begun = new Map<string, string>();

  constructor(line: (thread: string, text: string) => void) {
    this.#line = line;
  }

  /** @param code of the character, of which the lowest byte counts */
  putChar(thread: string, code: number): void {
    const character = code & 0xff;
    if (character === RETURN) return;
    const begun = this.#begun.get(thread) ?? '';
    if (character === NEWLINE) {
      this.#begun.delete(thread);
      this.#line(thread, begun);
      return;
    }
    const text = begun + String.fromCharCode(character);
    this.#begun.set(thread, text);
    if (text.length >= LINE_MAX) this.flush(thread);
  }

  /** A line that has begun is shown as it is: nothing more of it may come. */
  flush(thread: string): void {
    const begun = this.#begun.get(thread);
    if (begun === undefined) return;
    this.#begun.delete(thread);
    this.#line(thread, begun);
  }

  flushAll(): void {
    for (const thread of [...this.#begun.keys()]) this.flush(thread);
  }
}
