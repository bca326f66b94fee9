/**
 * Which protection domain's program has begun a promise or a timer: what goes on behind an entry
 * point, and fails there, is that domain's fault, and nothing in the error says whose it is.
 *
 * Node tells when each promise or timer begins. One that begins while a program runs belongs to
 * that program; one that begins inside a promise or timer belongs to the same program as that.
 *
 * Whose each is stands with the thing itself and is forgotten with it: a list by number would grow
 * for as long as a program gives the host no turn in which to tidy up.
 */

import { type AsyncHook, createHook, executionAsyncResource } from 'node:async_hooks';

const OWNER = Symbol('domain');

type Owned = Partial<Record<typeof OWNER, string>>;

export class AsyncBlame {
  readonly #hook: AsyncHook;
  #last: string | undefined;

  /** @param running the domain whose program runs now, if one does */
  constructor(running: () => string | undefined) {
    this.#hook = createHook({
      init: (_id, _type, _trigger, resource: Owned) => {
        const domain = running() ?? this.ofNow();
        if (domain === undefined) return;
        resource[OWNER] = domain;
        this.#last = domain;
      },
    }).enable();
  }

  /** @returns whose promise it is, undefined for the testbed's own */
  ofPromise(promise: object): string | undefined {
    return (promise as Owned)[OWNER];
  }

  /** @returns whose code runs now outside of an entry point */
  ofNow(): string | undefined {
    return (executionAsyncResource() as Owned)[OWNER];
  }

  /** @returns who was the last to begin something: who does so for ever, while nobody else runs */
  get last(): string | undefined {
    return this.#last;
  }

  end(): void {
    this.#hook.disable();
  }
}
