/**
 * Loads modules of a user's own for a command: what is wrong with one is the user's mistake, in one
 * line.
 */

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { UserMistake } from '../../host/problem.ts';
import { importUserModule, newInstance } from '../../systems/user-modules.ts';
import { holdExports } from './own-exports.ts';
import { loadUnchanging } from './pollution.ts';
import { forbidEndingTo } from './user-system.ts';
import { thrownText } from '../../memory/thrown-text.ts';

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
  try {
    const instance = domain === undefined ? undefined : newInstance(domain);
    return await loadUnchanging(whose, () => importUserModule(pathToFileURL(absolute), instance));
  } catch (error) {
    if (error instanceof UserMistake) throw error;
    throw new UserMistake(`${path}: cannot be loaded: ${loadProblem(error)}`);
  } finally {
    allowEnding();
  }
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
