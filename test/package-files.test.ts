/**
 * Goal: what is no TypeScript, and so not compiled, is in the package all the same: a thread or a
 * process that is started by its file would be missed by whoever has installed it alone.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { compiledModule } from './support/sddf-command.ts';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const ROOMS = ['bench', 'board', 'cli', 'debug', 'host', 'riscv', 'sim', 'systems', 'testing'];
/** Of the next to this module, as `new URL('./thread.mjs', import.meta.url)` has it. */
const NAMED = /new URL\('([^']+\.mjs)', import\.meta\.url\)/g;

it('has each file that its modules start', () => {
  const named = ROOMS.flatMap((room) =>
    readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' })
      .filter((file) => /(?<!\.test)\.ts$/.test(file))
      .flatMap((file) => filesNamedIn(join(room, file))),
  );

  expect(named).toContain('host/disk/file-worker.mjs');
  expect(named.filter((file) => !existsSync(compiledModule(file)))).toEqual([]);
});

function filesNamedIn(module: string): readonly string[] {
  const text = readFileSync(join(ROOT, module), 'utf8');
  return [...text.matchAll(NAMED)].map(([, file = '']) => join(dirname(module), file));
}
