/**
 * Loads a user's own TypeScript: systems and programs outside this package.
 *
 * A `.ts` file counts as an ES module whatever the nearest package.json says: `npm init` writes
 * "type": "commonjs", and a CommonJS copy of a user's module would pull in CommonJS copies of this
 * package's modules, with classes of their own.
 */

import { existsSync } from 'node:fs';
import { register } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { UserMistake } from '../../host/problem.ts';
import { forbidExitTo } from './user-system.ts';

/**
 * A module customisation hook; it runs in the loader's own thread, hence as text. What tsx would
 * look through for the names that a CommonJS file exports, it is told to take as it is: else the
 * module's address is a data: URL with all of its code, and so is every line of a stack.
 */
const TYPESCRIPT_IS_ESM = `
export async function resolve(specifier, context, next) {
  const found = await next(specifier, context);
  const url = found.url.replace(/(?:%3F|[?])tsx-commonjs-.*$/, '');
  return /^file:.*[.]ts(?:[?]|$)/.test(url) ? { ...found, url, format: 'module' } : found;
}`;

/**
 * @param path of a module, relative to the working directory
 * @param instance with a name, another instance of the module than without, or with another name
 * @throws UserMistake when there is none, or it cannot be loaded
 */
export async function importUserModule(
  path: string,
  instance?: string,
): Promise<Record<string, unknown>> {
  const absolute = resolve(path);
  if (!existsSync(absolute)) {
    throw new UserMistake(`${path}: no such file or directory; check the path`);
  }
  const url = pathToFileURL(absolute);
  if (instance !== undefined) url.searchParams.set('domain', instance);
  const allowExit = forbidExitTo(path);
  try {
    return (await import(url.href)) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof UserMistake) throw error;
    throw new UserMistake(`${path}: cannot be loaded: ${loadProblem(error)}`);
  } finally {
    allowExit();
  }
}

/** Registers the loaders for user modules; once, before the first is imported. */
export async function prepareUserModules(): Promise<void> {
  // From source tsx is there already; the installed package runs as JavaScript and has to bring it.
  if (!import.meta.url.endsWith('.ts')) {
    const tsx = await import('tsx/esm/api');
    tsx.register();
  }
  register(`data:text/javascript,${encodeURIComponent(TYPESCRIPT_IS_ESM)}`);
}

/** One line: a compiler's message goes on over several, of which the second says where. */
function loadProblem(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const [first = '', second] = message.split('\n').filter((line) => line.trim() !== '');
  if (message.includes("Cannot find package 'sddf-testbed'")) {
    return `${first}; install the package in this project first (npm install PATH/sddf-testbed-….tgz)`;
  }
  return first.endsWith(':') && second !== undefined ? `${first} ${second.trim()}` : first;
}
