/**
 * Calls of the host that may not come back, while programs of a user's are watched: where one was
 * made is told before it begins. Node's debugger, by which the watchman sees where a program is,
 * gets no answer from a thread that waits in one.
 */

import childProcess from 'node:child_process';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { userFrame } from '../../systems/exception-text.ts';

type Functions = Record<string, (...args: unknown[]) => unknown>;

const CALLS = [
  [childProcess, ['execSync', 'execFileSync', 'spawnSync']],
  [fs, ['readFileSync']],
  [Atomics, ['wait']],
] as const;

/**
 * @param tell called with the name of a program's call and its file and line, and with undefined
 * when it has come back
 * @returns what makes them as they were, as far as they are not constant (`--harden`)
 */
export function tellOfHostCalls(tell: (call: string | undefined) => void): () => void {
  const undo = CALLS.flatMap(([object, names]) =>
    names.map((name) => told(object as unknown as Functions, name, tell)),
  );
  syncBuiltinESMExports();
  return () => {
    for (const each of undo) each();
    syncBuiltinESMExports();
  };
}

function told(
  object: Functions,
  name: string,
  tell: (call: string | undefined) => void,
): () => void {
  const inner = object[name] as Functions[string];
  const outer = function (this: unknown, ...args: unknown[]): unknown {
    const where = userFrame(new Error());
    if (where === undefined) return Reflect.apply(inner, this, args);
    tell(`${name} (${where})`);
    try {
      return Reflect.apply(inner, this, args);
    } finally {
      tell(undefined);
    }
  };
  Reflect.set(object, name, outer);
  return () => void Reflect.set(object, name, inner);
}
