/**
 * Programs and systems of the package as text, to make one's own of. A copy imports what the
 * original imports, under the names by which a project of somebody's finds it: so it runs in the
 * page and at home.
 */

import { baseName } from '../../engine/own/file-names.ts';
import { PACKAGE, pathBeside } from '../../engine/own/module-names.ts';
import type { OwnSystem } from '../../engine/scenario.ts';

const UP = '../../../';
const SOURCES = rooted(
  import.meta.glob<string>(
    [
      '../../../{drivers,virtualisers,clients}/**/*.ts',
      '../../../systems/*.ts',
      '../../../systems/microkit-examples/*.ts',
      '../../../{memory,queues,microkit}/public.ts',
      '!../../../**/*.test.ts',
    ],
    { eager: true, query: '?raw', import: 'default' },
  ),
);
const PROGRAM = /^(?:drivers|virtualisers|clients)\//;
/** An import or export of names, over as many lines as it takes. */
const IMPORT =
  /^(?:import|export)\s+(?:type\s+)?(?:\{([^}]*)\}|\*(?:\s+as\s+\w+)?)\s+from\s+'([^']+)'/gm;

function rooted(found: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(found).map(([path, text]) => [path.slice(UP.length), text]),
  );
}

/**
 * @returns the file of a ready-made system, such as `systems/echo.ts`; undefined when it is none
 */
export function systemFile(name: string): string | undefined {
  const list = SOURCES['systems/index.ts'] ?? '';
  const row = new RegExp(`name: '${name}',.*?import\\('\\./([\\w/-]+\\.ts)'\\)`, 's').exec(list);
  return row?.[1] === undefined ? undefined : `systems/${row[1]}`;
}

/** @returns the files that a ready-made system is made of, its own first, then its programs' */
export function filesOfSystem(name: string): readonly string[] {
  const start = systemFile(name);
  if (start === undefined) return [];
  const found = new Set([start]);
  // A set that grows is walked to its new end.
  for (const path of found) {
    for (const { target } of importsOf(path, SOURCES[path] ?? '')) {
      if (PROGRAM.test(target) && SOURCES[target] !== undefined) found.add(target);
    }
  }
  return [...found];
}

/** @returns the start of a system of one's own: a copy of a ready-made system's own file */
export function ownCopy(name: string): OwnSystem | undefined {
  const path = systemFile(name);
  if (path === undefined) return undefined;
  const main = baseName(path);
  return { main, files: { [main]: asImported(path, SOURCES[path] ?? '') } };
}

/** @returns the system with a copy of one more file, which its other files import from now on */
export function withCopy(own: OwnSystem, path: string): OwnSystem {
  if (Object.hasOwn(own.files, path)) return own;
  const all = { ...own.files, [path]: asImported(path, SOURCES[path] ?? '') };
  const files = Object.fromEntries(
    Object.entries(all).map(([file, text]) => [file, withOwnImports(file, text, Object.keys(all))]),
  );
  return { ...own, files };
}

/** A text of the package as a project has it: what it imports is the package's. */
function asImported(path: string, text: string): string {
  let changed = text;
  for (const { specifier, target, names } of importsOf(path, text)) {
    changed = changed.replaceAll(`from '${specifier}'`, `from '${publicName(target, names)}'`);
  }
  return changed;
}

/** Imports that have become a file's beside it. */
function withOwnImports(file: string, text: string, files: readonly string[]): string {
  let changed = text;
  for (const target of files) {
    const name = `'${PACKAGE}${target.replace(/\.ts$/, '')}'`;
    changed = changed.replaceAll(`from ${name}`, `from '${relative(file, target)}'`);
  }
  return changed;
}

interface Imported {
  readonly specifier: string;
  /** From the root of the package. */
  readonly target: string;
  readonly names: readonly string[];
}

function importsOf(path: string, text: string): readonly Imported[] {
  return [...text.matchAll(IMPORT)].flatMap(([, list = '*', specifier = '']) => {
    if (!specifier.startsWith('.')) return [];
    const names = list.split(',').flatMap((each) => {
      const [name = ''] = each
        .trim()
        .replace(/^type /, '')
        .split(' as ');
      return name === '' ? [] : [name];
    });
    return [{ specifier, target: pathBeside(path, specifier), names }];
  });
}

/** The room's one name where that exports all of these, else the file's. */
function publicName(target: string, names: readonly string[]): string {
  const [room = ''] = target.split('/');
  const list = SOURCES[`${room}/public.ts`] ?? '';
  const isAll = names.includes('*')
    ? false
    : exportsAll(list, target.slice(room.length + 1), names);
  return `${PACKAGE}${isAll ? room : target.replace(/\.ts$/, '')}`;
}

function exportsAll(list: string, file: string, names: readonly string[]): boolean {
  const rows = [...list.matchAll(/^export (?:type )?(\*|\{[^}]*\}) from '\.\/([^']+)'/gms)];
  const row = rows.find(([, , path]) => path === file);
  if (row === undefined) return false;
  const [, what = ''] = row;
  const exported = new Set(what.match(/\w+/g));
  return what === '*' || names.every((name) => exported.has(name));
}

function relative(from: string, to: string): string {
  const [here, there] = [from.split('/').slice(0, -1), to.split('/')];
  let shared = 0;
  while (shared < here.length && here[shared] === there[shared]) shared += 1;
  const up = here.length - shared;
  return `${up === 0 ? './' : '../'.repeat(up)}${there.slice(shared).join('/')}`;
}
