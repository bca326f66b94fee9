/**
 * Which protection domain's program has begun a promise or a timer: what goes on behind an entry
 * point, and fails there, is that domain's fault, and nothing in the error says whose it is.
 *
 * Node tells when each promise or timer begins. One that begins while a program runs belongs to
 * that program; one that begins inside a promise or timer belongs to the same program as that.
 */

import { type AsyncHook, createHook, executionAsyncId } from 'node:async_hooks';

export class AsyncBlame {
  readonly #hook: AsyncHook;
  readonly #domainOf = new Map<number, string>();
  readonly #domainOfResource = new WeakMap<object, string>();

  /** @param running the domain whose program runs now, if one does */
  constructor(running: () => string | undefined) {
    this.#hook = createHook({
      init: (id, _type, trigger, resource) => {
        const domain =
          running() ?? this.#domainOf.get(executionAsyncId()) ?? this.#domainOf.get(trigger);
        if (domain === undefined) return;
        this.#domainOf.set(id, domain);
        this.#domainOfResource.set(resource, domain);
      },
      destroy: (id) => void this.#domainOf.delete(id),
    }).enable();
  }

  /** @returns whose promise it is, undefined for the testbed's own */
  ofPromise(promise: object): string | undefined {
    return this.#domainOfResource.get(promise);
  }

  /** @returns whose code runs now outside of an entry point */
  ofNow(): string | undefined {
    return this.#domainOf.get(executionAsyncId());
  }

  end(): void {
    this.#hook.disable();
  }
}
