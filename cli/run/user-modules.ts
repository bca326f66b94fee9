/**
 * Loads modules of a user's own for a command: what is wrong with one is the user's mistake, in one
 * line.
 */

import { existsSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { UserMistake } from '../../host/problem.ts';
import { importUserModule, newInstance } from '../../systems/user-modules.ts';
import { exitNow, STATUS } from '../exit.ts';
import { holdExports } from './own-exports.ts';
import { loadUnchanging } from './pollution.ts';
import { forbidEndingTo } from './user-system.ts';
import { thrownText } from '../../memory/thrown-text.ts';

const STDERR = 2;

/** A module, by its name. */
export const MODULE = /\.[cm]?[jt]s$/;

/**
 * @param path of a module, relative to the working directory
 * @param domain with a name, a new instance for this domain
 * @throws UserMistake when there is none, or it cannot be loaded
 */
export async function loadUserModule(
  path: string,
  domain?: string,
): Promise<Record<string, unknown>> {
  const absolute = resolve(path);
  if (!existsSync(absolute)) {
    throw new UserMistake(`${path}: no such file or directory; check the path`);
  }
  await holdExports();
  const allowEnding = forbidEndingTo(path);
  const whose = domain === undefined ? path : `${path}, program of '${domain}',`;
  const untell = tellOfWaiting(whose);
  try {
    const instance = domain === undefined ? undefined : newInstance(domain);
    return await loadUnchanging(whose, () => importUserModule(pathToFileURL(absolute), instance));
  } catch (error) {
    if (error instanceof UserMistake) throw error;
    throw new UserMistake(`${path}: cannot be loaded: ${loadProblem(error)}`);
  } finally {
    untell();
    allowEnding();
  }
}

/**
 * Node ends a process when nothing is left to happen and a module has not come to its end: that of
 * 20 without a word, that of 24 with one that names this command's file. @returns what is to be
 * called when the module has
 */
function tellOfWaiting(whose: string): () => void {
  // Not emitted where the process is ended on purpose.
  const tell = (): never => {
    writeSync(STDERR, `sddf: ${whose} waits, while it is loaded, for what never comes\n`);
    return exitNow(STATUS.mistake);
  };
  process.on('beforeExit', tell);
  return () => process.off('beforeExit', tell);
}

/** One line: a compiler's message goes on over several, of which the second says where. */
function loadProblem(error: unknown): string {
  const message = thrownText(error);
  const [first = '', second] = message.split('\n').filter((line) => line.trim() !== '');
  if (message.includes("Cannot find package 'sddf-testbed'")) {
    return `${first}; install the package in this project first (npm install PATH/sddf-testbed-….tgz)`;
  }
  return first.endsWith(':') && second !== undefined ? `${first} ${second.trim()}` : first;
}
