/**
 * A `.system` file with what lies beside it: prefill files along the search path, and its
 * configuration.
 */

import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserMistake } from '../../host/problem.ts';
import { readRegular, readText } from '../../host/regular-file.ts';
import { type ConfigResult, withConfigs } from '../../microkit/config-file.ts';
import type { SystemDescription } from '../../microkit/model.ts';
import type { ReadResult } from '../../microkit/read/system.ts';
import { readSystemText } from '../../microkit/read/text.ts';
import type { Target } from '../../microkit/target.ts';

export interface DescriptionFile {
  readonly read: ReadResult;
  /** Lines of the file, for diagnostics. */
  readonly source: readonly string[];
  /** Where files that it names are looked for, in order. */
  readonly folders: readonly string[];
}

/**
 * @param searchPath folders before the file's own and the working directory
 * @throws UserMistake when the file cannot be read at all, or a folder is not there
 */
export function readDescriptionFile(
  path: string,
  target: Target,
  searchPath: readonly string[],
): DescriptionFile {
  for (const folder of searchPath) checkFolder(folder);
  const text = readUtf8(path);
  const folders = [...searchPath, dirname(path), '.'];
  const files = { read: (name: string) => readAlong(folders, name) };
  const read = readSystemText(text, { file: path, target, files });
  return { read: named(read, path), source: text.split('\n'), folders };
}

/** UTF-16 is left to the reader, which knows it by its zeros. */
function readUtf8(path: string): string {
  const bytes = readRegular(path);
  try {
    return new TextDecoder('utf-8', { fatal: !bytes.includes(0), ignoreBOM: true }).decode(bytes);
  } catch {
    throw new UserMistake(`${path}: is no UTF-8, as the Microkit tool wants it; save it as UTF-8`);
  }
}

function checkFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new UserMistake(`--search-path: there is no folder ${path}; check the path`);
}

/** A system read from `dir/pair.system` is called `pair`. */
function named(read: ReadResult, path: string): ReadResult {
  if (!read.ok) return read;
  return { ...read, system: { ...read.system, name: basename(path, '.system') } };
}

/**
 * Adds `pair.config.json` to a description from `pair.system`, when it is there.
 *
 * @throws UserMistake when it does not fit
 */
export function withConfigFile(system: SystemDescription, path: string): SystemDescription {
  const file = path.replace(/\.system$/, '.config.json');
  if (!existsSync(file)) return system;
  const result: ConfigResult = withConfigs(system, readText(file));
  if (!result.ok) throw new UserMistake(`${file}: ${result.problem}`);
  return result.system;
}

function readAlong(
  folders: readonly string[],
  name: string,
): Uint8Array | 'missing' | 'unreadable' {
  const path = findAlong(folders, name);
  if (path === undefined) return 'missing';
  try {
    return new Uint8Array(readRegular(path));
  } catch {
    return 'unreadable'; // the reader's message names it
  }
}

/**
 * Where the program of an image lies: along the folders, else in this package, for the drivers,
 * virtualisers and clients that it brings. So a rendered system runs wherever it lies.
 */
export function findProgram(folders: readonly string[], image: string): string | undefined {
  const found = findAlong(folders, image);
  if (found !== undefined || !(OWN_PROGRAM.test(image) || OWN_IMAGE.test(image))) return found;
  // The installed package has them as JavaScript.
  const compiled = import.meta.url.endsWith('.ts') ? image : image.replace(/\.ts$/, '.js');
  const own = fileURLToPath(new URL(`../../${compiled}`, import.meta.url));
  return existsSync(own) ? own : undefined;
}

/** Where `npm run programs` puts images. */
const OWN_IMAGE = /^programs\/build\/[\w-]+\.elf$/;
const OWN_PROGRAM = /^(?:drivers|virtualisers|clients)\/[\w/-]+\.ts$/;

/**
 * A description may be somebody else's, so what it names stays below the folders, symbolic links
 * followed: it cannot have `../../etc/shadow` put into a region.
 */
export function findAlong(folders: readonly string[], name: string): string | undefined {
  return folders
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path) && folders.some((folder) => isBelow(folder, path)));
}

function isBelow(folder: string, path: string): boolean {
  const steps = relative(realpathSync(folder), realpathSync(path));
  return steps !== '' && steps !== '..' && !steps.startsWith(`..${sep}`) && !isAbsolute(steps);
}
