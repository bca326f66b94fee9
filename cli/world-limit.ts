/**
 * Tells `cli/supervisor.mjs`, which limits how long a world or a test may take, that one begins. Of
 * no effect where nobody listens.
 */

import { writeSync } from 'node:fs';

const LINE = process.env['SDDF_WORLDS'];

export function sayWorldBegins(): void {
  sayBegins('the world');
}

/** @param what as a person is to be told of it when it does not end */
export function sayBegins(what: string): void {
  say(`begins ${what.replaceAll('\n', ' ')}`);
}

/** What comes now has no limit. */
export function sayOver(): void {
  say('over');
}

function say(line: string): void {
  if (LINE === undefined) return;
  try {
    writeSync(Number(LINE), `${line}\n`);
  } catch {
    // Whoever has listened is gone; this process ends with its command.
  }
}
