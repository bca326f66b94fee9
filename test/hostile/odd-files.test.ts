/**
 * Files that are none, in the place of disks and outputs: one line and exit status 2, and no wait
 * for somebody who never comes.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sddfInProcess } from '../support/sddf-in-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'sddf-odd-files-'));
const fifo = join(folder, 'fifo');
const image = join(folder, 'image');
const typed = join(folder, 'typed');
beforeAll(() => {
  execFileSync('mkfifo', [fifo]);
  writeFileSync(image, new Uint8Array(65_536));
  writeFileSync(typed, 'hello\r');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it.each([
  ['a FIFO as disk', ['blk', '--disk', `file=${fifo}`], `${fifo}: is no regular file`],
  ['a FIFO read only', ['blk', '--disk', `file=${fifo},ro`], `${fifo}: is no regular file`],
  [
    'a FIFO as overlay',
    ['blk', '--disk', `file=${image},overlay=${fifo}`],
    `${fifo}: is no regular file`,
  ],
  ['a device as disk', ['blk', '--disk', 'file=/dev/null'], '/dev/null: is no regular file'],
  [
    'output that is full',
    ['serial', '--serial', `file,in=${typed},out=/dev/full`, '--clock', 'virtual', '--for', '2s'],
    '--serial file,out=/dev/full: ENOSPC',
  ],
])('%s', async (_, args, message) => {
  const { status, stderr } = await sddfInProcess('run', ...args);

  const lines = stderr.split('\n').filter((line) => line.startsWith('sddf: '));
  expect(lines.filter((line) => !line.startsWith('sddf: serial: '))).toEqual([
    expect.stringContaining(message),
  ]);
  expect(stderr).not.toContain('    at ');
  expect(status).toBe(2);
});
