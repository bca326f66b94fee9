/**
 * Programs that say what they begin, so that whoever waits for an answer in vain knows who owes it.
 * Only a run that looks for that is made of these.
 */

import type { EntryPoints, Program } from '../../microkit/pd.ts';

/** What runs while no program does. */
export const BETWEEN = 'a device, or the board itself';
/** Between a program and the one that runs on top of it. */
export const ON_TOP = ' → ';

/**
 * Who is in which entry point. A program that notifies one of higher priority has that one run on
 * top of it: a stack.
 */
export class EntryProbe {
  readonly #begins: (what: string) => void;
  readonly #under: string[] = [];

  constructor(begins: (what: string) => void) {
    this.#begins = begins;
  }

  around(name: string, program: Program): Program {
    return (pd) => {
      const entries = this.#in(`${name}, in main()`, () => program(pd));
      return this.#probed(name, entries);
    };
  }

  #probed(name: string, entries: EntryPoints): EntryPoints {
    const { protected: call, fault, progress, awaitsTime, counters } = entries;
    return {
      notified: (channel) =>
        this.#in(`${name}, in notified(${channel})`, () => entries.notified(channel)),
      ...(call === undefined
        ? {}
        : {
            protected: (channel, message) =>
              this.#in(`${name}, in protected(${channel})`, () => call(channel, message)),
          }),
      ...(fault === undefined
        ? {}
        : {
            fault: (child, what) =>
              this.#in(`${name}, in fault(${child})`, () => fault(child, what)),
          }),
      ...(progress === undefined ? {} : { progress }),
      ...(awaitsTime === undefined ? {} : { awaitsTime }),
      ...(counters === undefined ? {} : { counters }),
    };
  }

  #in<Value>(what: string, action: () => Value): Value {
    this.#under.push(what);
    this.#begins(this.#under.join(ON_TOP));
    try {
      return action();
    } finally {
      this.#under.pop();
      this.#begins(this.#under.length === 0 ? BETWEEN : this.#under.join(ON_TOP));
    }
  }
}
