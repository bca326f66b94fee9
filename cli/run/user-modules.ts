/**
 * Loads modules of a user's own for a command: what is wrong with one is the user's mistake, in one
 * line.
 */

import { existsSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { UserMistake } from '../../host/problem.ts';
import { importUserModule, newInstance } from '../../systems/user-modules.ts';
import { holdExports } from './own-exports.ts';
import { loadUnchanging } from './pollution.ts';
import { forbidEndingTo } from './user-system.ts';
import { thrownText } from '../../memory/thrown-text.ts';

const STDERR = 2;
const EXIT_MISTAKE = 2;
/** Node's: 'unsettled top-level await'. */
const EXIT_UNSETTLED = 13;

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
 * Node ends a process, without a word, when nothing is left to happen and a module has not come to
 * its end. @returns what is to be called when this one has
 */
function tellOfWaiting(whose: string): () => void {
  // Who ends the process on purpose says with what; Node says 0, and then thinks better of it.
  const tell = (status: number): void => {
    if (status !== 0 || process.exitCode !== EXIT_UNSETTLED) return;
    writeSync(STDERR, `sddf: ${whose} waits, while it is loaded, for what never comes\n`);
    process.exitCode = EXIT_MISTAKE;
  };
  process.on('exit', tell);
  return () => process.off('exit', tell);
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
