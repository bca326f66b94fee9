/**
 * Opening files that a user has named, without waiting. To open a pipe waits for whoever has its
 * other end, and so does reading from one; while it waits, nobody hears Ctrl-C.
 */

import { closeSync, constants, fstatSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { explainSystemError, systemErrorCode, UserMistake } from './problem.ts';

/** A file that is there is emptied, else it is made. */
export const NEW = constants.O_CREAT | constants.O_TRUNC;

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

/**
 * The text of a file that the user has written.
 *
 * @param where what to blame, if not the path
 * @throws UserMistake when it cannot be read, or is none
 */
export function readText(path: string, where = path): string {
  return Buffer.from(readRegular(path, where)).toString('utf8');
}

/** @throws UserMistake when it cannot be read, or is a directory, a pipe or a device */
export function readRegular(path: string, where = path): Uint8Array {
  let fd: number | undefined;
  try {
    fd = openRegular(path, 'read-only');
    return readFileSync(fd);
  } catch (error) {
    throw error instanceof UserMistake ? error : explainSystemError(error, where);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/**
 * Opens a file for output, or a pipe or a device that takes it.
 *
 * @param flags besides `O_WRONLY`, such as {@link NEW}
 * @throws UserMistake when it is a pipe that nobody reads from, or a system error
 */
export function openOutput(path: string, flags: number): number {
  let fd: number;
  try {
    fd = openSync(path, constants.O_WRONLY | flags | constants.O_NONBLOCK);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENXIO') throw error;
    throw new UserMistake(`${path}: nobody reads from this pipe; start its reader first`);
  }
  const status = fstatSync(fd);
  if (status.isFile() || status.isBlockDevice()) return fd;
  // Whoever reads is there: this does not wait, and what is written later may.
  closeSync(fd);
  return openSync(path, constants.O_WRONLY);
}

/** Writes a file anew. @throws UserMistake when it cannot be written */
export function writeOutput(path: string, contents: string | Uint8Array): void {
  let fd: number | undefined;
  try {
    fd = openOutput(path, NEW);
    writeFileSync(fd, contents);
  } catch (error) {
    throw error instanceof UserMistake ? error : explainSystemError(error, path);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
