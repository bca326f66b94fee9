/**
 * The file that a command writes its result to: opened before the work, so that a mistake costs no
 * waiting.
 */

import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  ftruncateSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { explainSystemError, systemErrorCode, UserMistake } from '../host/problem.ts';
import { openOutput } from '../host/regular-file.ts';

export class OutputFile {
  readonly path: string;
  readonly #fd: number;
  readonly #origin: 'made' | 'was there';
  #state: 'empty' | 'written' | 'closed' = 'empty';
  /** Of what cannot be written anew. */
  #last = '';

  /**
   * @param existing what becomes of a file that is there already
   * @throws UserMistake when the file cannot be made
   */
  constructor(path: string, existing: 'keep' | 'replace') {
    this.path = path;
    try {
      this.#origin = existsSync(path) ? 'was there' : 'made';
      // What is there is kept until something is written: it may turn out to be what the command
      // reads.
      this.#fd =
        existing === 'keep' || this.#origin === 'made'
          ? openOutput(path, constants.O_CREAT | constants.O_EXCL)
          : openOutput(path, 0);
    } catch (error) {
      if (error instanceof UserMistake) throw error;
      if (systemErrorCode(error) === 'EEXIST' && !isDirectory(path)) {
        throw new UserMistake(`${path}: is there already; name another file, or add --force`);
      }
      if (isDirectory(path)) throw new UserMistake(`${path}: is a directory; name a file`);
      throw explainSystemError(error, path);
    }
  }

  /** @throws UserMistake when it cannot be written, because the disk is full for instance */
  write(text: string): void {
    const bytes = Buffer.from(text);
    try {
      if (this.#state === 'empty' && fstatSync(this.#fd).isFile()) ftruncateSync(this.#fd);
      this.#state = 'written';
      for (let at = 0; at < bytes.length;) at += writeSync(this.#fd, bytes, at);
    } catch (error) {
      throw explainSystemError(error, this.path);
    }
  }

  /**
   * Puts this in the place of all that has been written; a pipe gets the last of them, at the end.
   *
   * @throws UserMistake when it cannot be written
   */
  rewrite(text: string): void {
    const bytes = Buffer.from(text);
    try {
      if (!fstatSync(this.#fd).isFile()) {
        this.#last = text;
        return;
      }
      for (let at = 0; at < bytes.length;) {
        at += writeSync(this.#fd, bytes, at, bytes.length - at, at);
      }
      ftruncateSync(this.#fd, bytes.length);
      this.#state = 'written';
    } catch (error) {
      throw explainSystemError(error, this.path);
    }
  }

  /**
   * Closes the file, and removes it when it is new and nothing has been written: the command has
   * failed before.
   */
  close(): void {
    if (this.#state === 'closed') return;
    if (this.#last !== '') this.write(this.#last);
    closeSync(this.#fd);
    if (this.#state === 'empty' && this.#origin === 'made') unlinkSync(this.path);
    this.#state = 'closed';
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
