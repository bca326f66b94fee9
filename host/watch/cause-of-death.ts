/** Why a child process has ended, in a line: its signal or status, and what it said last. */

import type { ChildProcess } from 'node:child_process';
import { after } from '../event-loop.ts';

/** Behind the reason V8 prints a stack of its own; what stands before that is of no use. */
const SAID_MAX = 16_384;
/**
 * What it has printed, and told us by messages, may come behind its end; somebody else may hold its
 * output open for ever.
 */
const LAST_WORDS_MS = 500;
const FATAL = 'FATAL ERROR: ';

/** @returns when it has ended and been heard, such as 'SIGABRT: JavaScript heap out of memory' */
export async function causeOfDeath(child: ChildProcess): Promise<string> {
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-SAID_MAX);
  });
  const silent = new Promise<void>((resolve) => child.stderr?.once('close', () => resolve()));
  // Messages that have come are told before this; one's own disconnect() does as well.
  const untold = new Promise<void>((resolve) => child.once('disconnect', resolve));
  const late = new Promise<void>((resolve) => {
    child.once('exit', () => after(LAST_WORDS_MS, resolve));
  });
  const end = await new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? `status ${String(code)}`));
  });
  await Promise.race([Promise.all([silent, untold]), late]);
  // Nobody can say anything about that one.
  const last = end === 'SIGKILL' ? '' : lastWords(said);
  return last === '' ? end : `${end}: ${last}`;
}

/** @returns of all that a process has printed, the line that tells why it ended; '' without any */
export function lastWords(said: string): string {
  const lines = said.trim().split('\n');
  const fatal = lines.findLast((line) => line.startsWith(FATAL));
  // V8 names what it was about before the reason.
  if (fatal !== undefined) return fatal.slice(FATAL.length).split(' - ').at(-1) ?? '';
  // Node prints a place in the source, the error, its stack, and its own version.
  return lines.findLast((line) => /^[A-Z]\w+: /.test(line)) ?? lines.at(-1) ?? '';
}
