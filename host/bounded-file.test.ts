// What is no file that can be read as a whole is refused at once.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { firstBytes, readBounded } from './bounded-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'sddf-bounded-'));
const pipe = join(folder, 'pipe');
const hasPipe = spawnSync('mkfifo', [pipe]).status === 0;

afterAll(() => rmSync(folder, { recursive: true }));

it.skipIf(!hasPipe)('a pipe that nobody writes to is refused (needs mkfifo)', () => {
  expect(() => firstBytes(pipe, 4)).toThrow(`${pipe}: is no regular file; name one`);
  expect(() => readBounded(pipe, 4)).toThrow('is no regular file');
});

it('a directory, a device and what is not there are refused', () => {
  expect(() => firstBytes(folder, 4)).toThrow(`${folder}: is a directory; name a file`);
  expect(() => firstBytes('/dev/zero', 4)).toThrow('/dev/zero: is no regular file; name one');
  expect(() => firstBytes(join(folder, 'none'), 4)).toThrow('no such file or directory');
});
