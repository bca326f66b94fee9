/** Folders for what is written besides a command's own text. */

import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a folder and those above it that are missing. Not by mkdir's `recursive`, which in Node 20
 * tries for ever where the system answers "no such file" for a folder that it will not make, as in
 * /proc.
 *
 * @throws as mkdir does
 */
export function makeFolder(path: string): void {
  const there = statSync(path, { throwIfNoEntry: false });
  if (there?.isDirectory() === true) return;
  if (there === undefined) makeFolder(dirname(path));
  mkdirSync(path);
}
