/**
 * What is said when a program of the user's has broken what the command itself writes or ends with,
 * such as `console.error` or `setTimeout`: one line instead of Node's own message. It goes by what
 * was taken before any module of the user's was loaded.
 */

import { writeSync } from 'node:fs';
import { userFrame } from '../systems/exception-text.ts';
import { exitNow } from './exit.ts';

const STDERR = 2;
const EXIT_FAILURE = 1;
const REPLACED =
  'sddf: a program has replaced something of the host that the command needs; the run is ended';
const INTERNAL = 'sddf: internal failure; please report it with the command line';

export function sayLastWord(error: unknown): never {
  try {
    const isOurs = error instanceof Error && userFrame(error) === undefined;
    writeSync(STDERR, isOurs ? `${INTERNAL}\n${error.stack ?? error.message}\n` : `${REPLACED}\n`);
  } catch {
    // Where there is nothing to say it on, the exit status alone tells.
  }
  return exitNow(EXIT_FAILURE);
}

/** While a run listens itself, what nobody has caught is its program's. */
export function sayLastWordOfUncaught(): void {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      if (process.listenerCount(event) === 1) sayLastWord(error);
    });
  }
}
