// What modules of one's own may import is what the package exports: the same in the page and at
// home, with all that copies of its programs need, and no door to raw memory.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systems } from '../../../systems/index.ts';
import { ROOT } from '../../../test/imports/source-imports.ts';
import { filesOfSystem, ownCopy, withCopy } from '../../view/write/package-sources.ts';
import { packageModule } from './package-modules.ts';

const { resolve } = createRequire(join(ROOT, 'package.json'));

/** By the package's own list; whether it has been compiled does not matter. */
function isExported(specifier: string): boolean {
  try {
    resolve(specifier);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND';
  }
}

function importedByCopies(): readonly string[] {
  const found = new Set<string>();
  for (const { name } of systems) {
    const start = ownCopy(name);
    if (start === undefined) continue;
    const paths = filesOfSystem(name).slice(1);
    for (const own of [start, ...paths.map((path) => withCopy(start, path))]) {
      const text = Object.values(own.files).join('\n');
      for (const [, specifier = ''] of text.matchAll(/from '(sddf-testbed\/[^']+)'/g)) {
        found.add(specifier);
      }
    }
  }
  return [...found];
}

describe('what the package exports', () => {
  it('is all that copies of its programs and systems import, here and at home', () => {
    const imported = importedByCopies();

    expect(imported.length).toBeGreaterThan(60);
    expect(imported.filter((specifier) => !isExported(specifier))).toEqual([]);
    expect(imported.filter((specifier) => packageModule(specifier) === undefined)).toEqual([]);
  });

  it.each([
    'memory/region',
    'memory/sealed',
    'queues/blk/ring',
    'queues/net/loops/entries',
    'microkit/runtime/image',
  ])('has no door to raw memory: %s', (file) => {
    expect(isExported(`sddf-testbed/${file}`)).toBe(false);
    expect(packageModule(`sddf-testbed/${file}`)).toBeUndefined();
  });
});
