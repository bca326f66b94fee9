/**
 * Goal: a file that is written is used once, by whatever name; what is only read may be read twice.
 */

import { linkSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type FileUse, refuseClashes } from './file-use.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sddf-use-'));
  writeFileSync(join(folder, 'a'), '');
  symlinkSync('a', join(folder, 'link'));
  linkSync(join(folder, 'a'), join(folder, 'hard'));
  symlinkSync('.', join(folder, 'here'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const use = (name: string, how: FileUse['use']): FileUse => ({
  path: name.startsWith('/') ? name : join(folder, name),
  use: how,
  by: `--${how}`,
});

it.each([
  ['read', 'a', 'written', 'a'],
  ['written', 'a', 'read', 'link'],
  ['written', 'hard', 'written', 'a'],
  ['written', 'new', 'written', 'here/new'],
] as const)('refuses %s %s and %s %s', (first, a, second, b) => {
  expect(() => refuseClashes([use(a, first), use(b, second)])).toThrow(
    `--${second}: ${join(folder, b)} is ${first} already, by --${first}; name another file`,
  );
});

it.each([
  ['read', 'a', 'read', 'hard'],
  ['written', 'a', 'written', 'b'],
  ['written', '/dev/null', 'written', '/dev/null'],
  ['written', 'none/a', 'written', 'none/b'],
] as const)('takes %s %s and %s %s', (first, a, second, b) => {
  expect(() => refuseClashes([use(a, first), use(b, second)])).not.toThrow();
});

it('remembers who reads when a third one writes', () => {
  const uses = [use('a', 'read'), use('link', 'read'), use('hard', 'written')];
  expect(() => refuseClashes(uses)).toThrow(/is read already/);
});
