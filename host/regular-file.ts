/**
 * Opening what has to be a file or a disk: a pipe that nobody writes to would keep us waiting for
 * somebody who does, without a word.
 */

import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { UserMistake } from './problem.ts';

/** @throws UserMistake when it is neither a file nor a disk, or a system error */
export function openRegular(path: string, access: 'read-only' | 'read-write'): number {
  const flags = access === 'read-only' ? constants.O_RDONLY : constants.O_RDWR;
  const fd = openSync(path, flags | constants.O_NONBLOCK);
  const status = fstatSync(fd);
  if (status.isFile() || status.isBlockDevice()) return fd;
  closeSync(fd);
  const what = status.isDirectory()
    ? 'is a directory; name a file'
    : 'is no regular file; name one';
  throw new UserMistake(`${path}: ${what}`);
}
