/**
 * Which files a run reads and writes, so that nothing is read and written at once: a capture over
 * the image that is being read, a disk that is another one's overlay. Two names of one file are the
 * same file.
 */

import { realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { UserMistake } from './problem.ts';

export interface FileUse {
  readonly path: string;
  readonly use: 'read' | 'written';
  /** The option that says so, such as `--capture`. */
  readonly by: string;
}

/** @throws UserMistake when a file that is written is used twice */
export function refuseClashes(uses: readonly FileUse[]): void {
  const known = new Map<string, FileUse>();
  for (const use of uses) {
    const identity = identityOf(use.path);
    if (identity === undefined) continue;
    const other = known.get(identity);
    if (other !== undefined && (other.use === 'written' || use.use === 'written')) {
      throw new UserMistake(
        `${use.by}: ${use.path} is ${other.use} already, by ${other.by}; name another file`,
      );
    }
    // What is written stays known, whoever reads it besides.
    if (other === undefined) known.set(identity, use);
  }
}

/** Undefined for what has no contents of its own: /dev/null, pipes, terminals. */
function identityOf(path: string): string | undefined {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found !== undefined) return found.isFile() ? `${found.dev}:${found.ino}` : undefined;
    return join(realpathSync(dirname(path)), basename(path));
  } catch {
    return undefined; // there is no such folder: whoever opens the file says so
  }
}
