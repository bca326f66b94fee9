/**
 * What is said when a program of the user's has broken what the command itself writes or ends with,
 * such as `console.error` or `setTimeout`, or when nobody catches what it has thrown: one line
 * instead of Node's own message. It goes by what was taken before any module of the user's was
 * loaded.
 */

import { writeSync } from 'node:fs';
import { thrownText } from '../memory/thrown-text.ts';
import { userBlame, userFrame } from '../systems/exception-text.ts';
import { exitNow } from './exit.ts';
import { withoutControls } from './terminal.ts';

const STDERR = 2;
const EXIT_FAILURE = 1;
const REPLACED =
  'sddf: a program has replaced something of the host that the command needs; the run is ended';
const INTERNAL = 'sddf: internal failure; please report it with the command line';

export function sayLastWord(error: unknown): never {
  return say(() => wordOf(error));
}

/** While a run listens itself, what nobody has caught is its program's. */
export function sayLastWordOfUncaught(): void {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      if (process.listenerCount(event) === 1) say(() => uncaughtWordOf(error));
    });
  }
}

function say(word: () => string): never {
  try {
    writeSync(STDERR, `${word()}\n`);
  } catch {
    // Where there is nothing to say it on, the exit status alone tells.
  }
  return exitNow(EXIT_FAILURE);
}

function wordOf(error: unknown): string {
  const isOurs = error instanceof Error && userFrame(error) === undefined;
  return isOurs ? `${INTERNAL}\n${error.stack ?? error.message}` : REPLACED;
}

function uncaughtWordOf(error: unknown): string {
  // Ours throw errors only.
  const blamed = error instanceof Error ? userBlame(error) : thrownText(error);
  return blamed === undefined
    ? wordOf(error)
    : `sddf: a program has thrown what nobody catches: ${withoutControls(blamed)}`;
}
