/**
 * Domains that others call, and how a TypeScript one is held up in the middle of its work.
 *
 * Without budget it waits, and others run. On hardware one of them may call it, and waits as well.
 * In TypeScript whoever waits is a JavaScript frame: this one would lie on top of the frame of the
 * one that it waits for, neither could go on, and the kernel would give it up (kernel/README.md,
 * "corners"). So a program that may call does not begin while its callee is in the middle of
 * something: it takes longer over what comes before its call, as a program may.
 */

import type { ProgramImage, UserContext, UserThread } from '../../kernel/user.ts';
import { flatten, type SystemDescription } from '../../microkit/model.ts';

/** Of one step that a program takes longer, ns; the callee's next budget ends it earlier. */
const LONGER_NS = 1_000_000;

/** @returns names of domains that others may make protected calls to */
export function calledDomains(system: SystemDescription): ReadonlySet<string> {
  const called = new Set(callsOf(system).map(({ callee }) => callee));
  return new Set(flatten(system).flatMap(({ pd }) => (called.has(pd.name) ? [pd.name] : [])));
}

export class CallOrder {
  /** By a domain's name whom it waits for when it calls: also whom those call in turn. */
  readonly #awaited: ReadonlyMap<string, readonly string[]>;
  readonly #called: ReadonlySet<string>;
  /** Called domains that have a frame. */
  readonly #busy = new Set<string>();

  constructor(system: SystemDescription) {
    const calls = callsOf(system);
    this.#called = new Set(calls.map(({ callee }) => callee));
    this.#awaited = new Map(calls.map(({ caller }) => [caller, awaitedBy(caller, calls)]));
  }

  /** The image, which begins nothing while one that it may call is busy. */
  around(image: ProgramImage): ProgramImage {
    const { name } = image;
    const awaited = this.#awaited.get(name) ?? [];
    const inner = this.#called.has(name) ? this.#busyImage(image) : image;
    return awaited.length === 0 ? inner : heldImage(inner, () => this.#isBusy(awaited));
  }

  #isBusy(names: readonly string[]): boolean {
    return this.#busy.size > 0 && names.some((name) => this.#busy.has(name));
  }

  #busyImage(image: ProgramImage): ProgramImage {
    const { name } = image;
    return {
      name,
      start: (thread) => {
        const context = image.start(thread);
        return {
          resume: () => {
            this.#busy.add(name);
            try {
              context.resume();
            } finally {
              this.#busy.delete(name);
            }
          },
        };
      },
    };
  }
}

/** It starts when it may, too: what a program does at first may be a call. */
function heldImage(image: ProgramImage, isHeld: () => boolean): ProgramImage {
  return {
    name: image.name,
    start: (thread: UserThread) => {
      let context: UserContext | undefined;
      return {
        resume: () => {
          // Without a system call `resume` is over, and called again when the thread has its turn.
          if (isHeld()) {
            thread.spend(LONGER_NS);
            return;
          }
          context ??= image.start(thread);
          context.resume();
        },
      };
    },
  };
}

interface Call {
  readonly caller: string;
  readonly callee: string;
}

function callsOf({ channels }: SystemDescription): readonly Call[] {
  return channels.flatMap(({ a, b }) => [
    ...(a.pp ? [{ caller: a.pd, callee: b.pd }] : []),
    ...(b.pp ? [{ caller: b.pd, callee: a.pd }] : []),
  ]);
}

function awaitedBy(caller: string, calls: readonly Call[]): readonly string[] {
  const found = new Set([caller]);
  // What is added meanwhile is visited, too.
  for (const name of found) {
    for (const call of calls) if (call.caller === name) found.add(call.callee);
  }
  found.delete(caller);
  return [...found];
}
