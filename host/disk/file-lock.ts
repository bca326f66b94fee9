/**
 * Locks of disk images (`flock(2)`): one writer, or readers. Node has no call for it, so it is the
 * C library's, through koffi, as for pseudo-terminals. Where koffi is not installed, or the file
 * system has no locks, images are not guarded against other programs; that two options of one run
 * do not write the same image is checked without it (`host/file-use.ts`).
 *
 * A lock belongs to the open file: it ends when the descriptor is closed, however the program ends.
 */

import { createRequire } from 'node:module';
import { UserMistake } from '../problem.ts';

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const EWOULDBLOCK = 11;

/**
 * Locks an open image.
 *
 * @param purpose 'write': nobody else reads or writes it; 'read': nobody writes it
 * @returns whether it is locked now; 'unguarded' where locks are not to be had
 * @throws UserMistake when somebody else has it
 */
export function lockImage(
  descriptor: number,
  path: string,
  purpose: 'write' | 'read',
): 'locked' | 'unguarded' {
  const calls = loadCalls();
  if (calls === undefined) return 'unguarded';
  const wanted = (purpose === 'write' ? LOCK_EX : LOCK_SH) | LOCK_NB;
  if (calls.flock(descriptor, wanted) === 0) return 'locked';
  if (calls.errno() !== EWOULDBLOCK) return 'unguarded';
  const why = purpose === 'write' ? 'is in use by another program' : 'is being written by another';
  throw new UserMistake(`${path}: ${why}; end that one, or copy the image`);
}

interface Calls {
  readonly flock: (descriptor: number, operation: number) => number;
  readonly errno: () => number;
}

/** Undefined where there is no such call. */
function loadCalls(): Calls | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const koffi = createRequire(import.meta.url)('koffi') as Koffi;
    const flock = koffi.load('libc.so.6').func('int flock(int fd, int operation)');
    return { flock, errno: () => koffi.errno() };
  } catch {
    return undefined; // not installed, or another C library
  }
}

interface Koffi {
  load(library: string): { func(prototype: string): Calls['flock'] };
  errno(): number;
}
