/**
 * The imports of the project's own sources, read from their text: no tool that could stop reading
 * files stands between.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { outerRoom, ROOMS } from './rooms.ts';

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Rooms that are folders of their own and are there. */
export const FOLDERS = Object.keys(ROOMS).filter(
  (room) => room === outerRoom(room) && existsSync(join(ROOT, room)),
);

export interface Import {
  readonly from: string;
  /** Path of the file from the root, or the name of a module of Node or of a package. */
  readonly to: string;
  readonly kind: 'value' | 'type';
  /** What is imported, as it is written. */
  readonly names: string;
}

/** @returns the paths of all sources, tests included, from the root */
export function sourceFiles(): string[] {
  return FOLDERS.flatMap((room) => filesUnder(join(ROOT, room)));
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    // What is built is no source.
    if (entry.isDirectory()) return entry.name === 'dist' ? [] : filesUnder(path);
    return /\.tsx?$/.test(entry.name) ? [relative(ROOT, path)] : [];
  });
}

/** @returns what all sources import, those of tests included */
export function allImports(files: readonly string[]): Import[] {
  return files.flatMap((file) => importsOf(file, readFileSync(join(ROOT, file), 'utf8')));
}

const STATEMENT = /^(?:import|export)\s+(type\s+)?([^'";]*?from\s*)?['"]([^'"]+)['"]/gm;
/** What is loaded only when it is asked for is imported all the same. */
const LATE = /\bawait import\('([^']+)'\)/g;

export function importsOf(file: string, text: string): Import[] {
  const to = (specifier: string): string =>
    specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : specifier;
  const statements = [...text.matchAll(STATEMENT)].map(
    ([, type, names = '', specifier = '']): Import => ({
      from: file,
      to: to(specifier),
      kind: type === undefined ? 'value' : 'type',
      names,
    }),
  );
  const late = [...text.matchAll(LATE)].map(([, specifier = '']): Import => ({
    from: file,
    to: to(specifier),
    kind: 'value',
    names: '',
  }));
  return [...statements, ...late];
}

export function isTest(file: string): boolean {
  return file.endsWith('.test.ts');
}
