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
    if (entry.isDirectory()) return filesUnder(path);
    return entry.name.endsWith('.ts') ? [relative(ROOT, path)] : [];
  });
}

/** @returns what all sources import, those of tests included */
export function allImports(files: readonly string[]): Import[] {
  return files.flatMap((file) => importsOf(file, readFileSync(join(ROOT, file), 'utf8')));
}

const STATEMENT = /^(?:import|export)\s+(type\s+)?([^'";]*?from\s*)?['"]([^'"]+)['"]/gm;

export function importsOf(file: string, text: string): Import[] {
  return [...text.matchAll(STATEMENT)].map((match) => {
    const specifier = match[3] as string;
    const isOwn = specifier.startsWith('.');
    return {
      from: file,
      to: isOwn ? posix.join(posix.dirname(file), specifier) : specifier,
      kind: match[1] === undefined ? 'value' : 'type',
      names: match[2] ?? '',
    };
  });
}

export function isTest(file: string): boolean {
  return file.endsWith('.test.ts');
}
