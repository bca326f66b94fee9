/**
 * Files that others have made, read with a bound: their length is looked at before anything of them
 * is.
 */

import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { explainSystemError, UserMistake } from './problem.ts';

export type BoundedRead =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** More than were asked for; nothing was read. */
  | { readonly kind: 'too long'; readonly lengthBytes: number };

/**
 * @param bytesMax the longest file to be read
 * @throws UserMistake when it cannot be read, or is a directory, a pipe or a device
 */
export function readBounded(path: string, bytesMax: number): BoundedRead {
  return withFile(path, (file) => {
    const { size } = fstatSync(file);
    if (size > bytesMax) return { kind: 'too long', lengthBytes: size };
    return { kind: 'bytes', bytes: readFrom(file, size) };
  });
}

/** @returns the first bytes of a file, fewer when it ends before @throws UserMistake */
export function firstBytes(path: string, count: number): Uint8Array {
  return withFile(path, (file) => readFrom(file, count));
}

function withFile<T>(path: string, use: (file: number) => T): T {
  let file: number;
  try {
    // A pipe that nobody writes to would keep us waiting for somebody who does.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw explainSystemError(error, path);
  }
  try {
    const status = fstatSync(file);
    if (status.isDirectory()) throw new UserMistake(`${path}: is a directory; name a file`);
    if (!status.isFile()) throw new UserMistake(`${path}: is no regular file; name one`);
    return use(file);
  } catch (error) {
    throw error instanceof UserMistake ? error : explainSystemError(error, path);
  } finally {
    closeSync(file);
  }
}

function readFrom(file: number, count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  let done = 0;
  while (done < count) {
    const read = readSync(file, bytes, done, count - done, done);
    if (read === 0) break; // shorter than it was a moment ago
    done += read;
  }
  return bytes.subarray(0, done);
}
