/**
 * What `sddf new` writes: a driver, a client or a system that runs and has a passing test at once.
 * In this repository the files import each other; in a project of one's own they import the
 * package, and the test is for `node --test`.
 */

import { clientFiles } from './scaffold-client.ts';
import type { Dialect, ScaffoldNames } from './scaffold-dialect.ts';
import { driverFiles } from './scaffold-driver.ts';
import { systemFiles } from './scaffold-system.ts';
import { testFiles } from './scaffold-test.ts';

export type ScaffoldKind = 'driver' | 'client' | 'system' | 'test';

/**
 * Where the files are to be: in this repository, or in a project that has the package installed.
 */
export type Place = 'repository' | 'project';

export interface Scaffold {
  /** Contents by path, relative to the project's root. */
  readonly files: ReadonlyMap<string, string>;
  /** What to do next, a command each. */
  readonly next: readonly string[];
}

const REPOSITORY: Dialect = {
  from: (room, file, up) => `'${up}${room}/${file}'`,
  testImports: "import { describe, expect, it } from 'vitest';",
  equal: (found, expected) => `expect(${found}).toEqual(${expected});`,
};

const PROJECT: Dialect = {
  from: (room) => `'sddf-testbed/${room}'`,
  testImports:
    "import { deepEqual } from 'node:assert/strict';\nimport { describe, it } from 'node:test';",
  equal: (found, expected) => `deepEqual(${found}, ${expected});`,
};

/** @param name for a driver `CLASS/NAME`, else a name; lower-case words joined by `-` */
export function scaffold(kind: ScaffoldKind, name: string, place: Place): Scaffold {
  const dialect = place === 'repository' ? REPOSITORY : PROJECT;
  const [first = '', second = ''] = name.split('/');
  if (kind === 'test') {
    return { files: testFiles(first), next: [`npx sddf test tests/${first}.yaml`] };
  }
  const files =
    kind === 'driver'
      ? driverFiles(first, names(second), dialect)
      : kind === 'client'
        ? clientFiles(names(first), dialect)
        : systemFiles(names(first), dialect);
  return { files, next: nextCommands(kind, [...files.keys()], place) };
}

function nextCommands(kind: ScaffoldKind, files: readonly string[], place: Place): string[] {
  const test = files.find((file) => file.endsWith('.test.ts')) ?? '';
  const system = files.find((file) => file.startsWith('systems/') && file !== test);
  const runTest =
    place === 'repository' ? `npx vitest run ${test}` : `node --import tsx --test ${test}`;
  if (kind === 'driver' || system === undefined) return [runTest];
  return [runTest, `npx sddf run ./${system} --clock virtual`];
}

function names(file: string): ScaffoldNames {
  const words = file.split('-');
  const type = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
  const variable = type.charAt(0).toLowerCase() + type.slice(1);
  return { file, type, variable, pd: words.join('_') };
}
