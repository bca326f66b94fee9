/** What protection domains print, in a file for each of them. */

import { closeSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from './make-folder.ts';
import { explainSystemError, UserMistake } from './problem.ts';
import { NEW, openOutput } from './regular-file.ts';

export class LogFiles {
  readonly #folder: string;
  readonly #files = new Map<string, number>();

  /** @throws UserMistake when there is no such folder and it cannot be made */
  constructor(folder: string) {
    this.#folder = folder;
    try {
      makeFolder(folder);
    } catch (error) {
      throw explainSystemError(error, folder);
    }
  }

  /** @throws UserMistake when the file cannot be written */
  write(name: string, line: string): void {
    const path = join(this.#folder, `${name.replaceAll(/[^\w.-]/g, '_')}.log`);
    try {
      const file = this.#files.get(name) ?? openOutput(path, NEW);
      this.#files.set(name, file);
      writeSync(file, `${line}\n`);
    } catch (error) {
      throw error instanceof UserMistake ? error : explainSystemError(error, path);
    }
  }

  close(): void {
    for (const file of this.#files.values()) closeSync(file);
    this.#files.clear();
  }
}
