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

/**
 * @param name for a driver `CLASS/NAME`, else a name; lower-case words joined by `-`
 * @param virtualiser of a driver: whether its device is shared
 */
export function scaffold(
  kind: ScaffoldKind,
  name: string,
  place: Place,
  virtualiser: 'with' | 'without' = 'without',
): Scaffold {
  const dialect = place === 'repository' ? REPOSITORY : PROJECT;
  const [first = '', second = ''] = name.split('/');
  if (kind === 'test') {
    return { files: testFiles(first), next: [`npx sddf test tests/${first}.yaml`] };
  }
  const files =
    kind === 'driver'
      ? driverFiles({
          deviceClass: first,
          name: names(second),
          dialect,
          hasVirtualiser: virtualiser === 'with',
        })
      : kind === 'client'
        ? clientFiles(names(first), dialect)
        : systemFiles(names(first), dialect);
  return { files, next: nextCommands(kind, [...files.keys()], place) };
}

function nextCommands(kind: ScaffoldKind, files: readonly string[], place: Place): string[] {
  const isTest = (file: string): boolean => file.endsWith('.test.ts');
  const tests = files.filter(isTest).join(' ');
  const system = files.find((file) => file.startsWith('systems/') && !isTest(file));
  const runTest =
    place === 'repository' ? `npx vitest run ${tests}` : `node --import tsx --test ${tests}`;
  if (system === undefined) return [runTest];
  // A device measures for ever.
  const end = kind === 'driver' ? ' --for 5ms' : '';
  return [`npx sddf run ./${system} --clock virtual${end}`, runTest];
}

function names(file: string): ScaffoldNames {
  const words = file.split('-');
  const type = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
  const variable = type.charAt(0).toLowerCase() + type.slice(1);
  const pd = words.join('_');
  return { file, type, variable, pd, constant: pd.toUpperCase() };
}
