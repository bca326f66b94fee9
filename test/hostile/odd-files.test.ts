/**
 * Files that are none, in the place of disks and outputs: one line and exit status 2, and no wait
 * for somebody who never comes.
 */

import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sddfInProcess } from '../support/sddf-in-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'sddf-odd-files-'));
const fifo = join(folder, 'fifo');
const image = join(folder, 'image');
const typed = join(folder, 'typed');
beforeAll(() => {
  const named = ['pair.system', 'steps.yaml', 'trace.jsonl', 'echo.svg'].map(pipeNamed);
  execFileSync('mkfifo', [fifo, ...named]);
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

/** Each would wait for the other end of the pipe, and hear no signal meanwhile. */
const PIPES: readonly (readonly [option: string, args: readonly string[]])[] = [
  ['--net pcap,in=', ['run', 'echo', '--net', `pcap,in=${fifo}`]],
  ['--serial file,in=', ['run', 'serial', '--serial', `file,in=${fifo}`]],
  ['--cost', ['run', 'echo', '--clock', 'virtual', '--cost', fifo]],
  ['--faults', ['run', 'echo', '--clock', 'virtual', '--faults', fifo]],
  ['a description', ['run', pipeNamed('pair.system')]],
  ['check', ['check', pipeNamed('pair.system')]],
  ['inspect', ['inspect', fifo]],
  ['replay', ['replay', fifo]],
  ['test', ['test', pipeNamed('steps.yaml')]],
  ['bench --from', ['bench', '--from', fifo]],
  ['oracle', ['oracle', pipeNamed('trace.jsonl')]],
];

it.each(PIPES)('a pipe that nobody writes to is no input: %s', async (_, args) => {
  const { status, stderr } = await sddfInProcess(...args);

  expect(stderr).toMatch(/^sddf: .*is no regular file; name (?:one|a \.)[^\n]*\n$/);
  expect(status).toBe(2);
});

const ECHO = ['run', 'echo', '--net', 'loop', '--clock', 'virtual', '--for', '1ms'];
const OUTPUTS: readonly (readonly [option: string, args: readonly string[]])[] = [
  ['--capture', [...ECHO, '--capture', fifo]],
  ['--coverage', [...ECHO, '--coverage', fifo]],
  ['--svg', ['run', 'echo', '--dump-capabilities', '--svg', fifo]],
  ['graph -o', ['graph', 'echo', '-o', pipeNamed('echo.svg')]],
  ['trace -o', ['trace', ...ECHO.slice(1), '--force', '-o', fifo]],
  ['sim --junit', ['sim', 'echo', '--seeds', '1', '--junit', fifo]],
  ['--serial file,out=', ['run', 'serial', '--serial', `file,out=${fifo}`]],
];

it.each(OUTPUTS)('a pipe that nobody reads from is no output: %s', async (_, args) => {
  const { status, stderr } = await sddfInProcess(...args);

  expect(stderr).toMatch(/sddf: [^\n]*nobody reads from this pipe; start its reader first\n$/);
  expect(status).toBe(2);
});

it('a reader that has stopped does not hold a capture, nor the end of the run', async () => {
  const { O_RDONLY, O_NONBLOCK } = constants;
  const reader = openSync(fifo, O_RDONLY | O_NONBLOCK);
  const { status, stderr } = await sddfInProcess(...ECHO, '--capture', fifo);
  const taken = readSync(reader, Buffer.alloc(65_536));
  closeSync(reader);

  expect(stderr).toContain(`${fifo}: the reader has stopped, the last frames are left out`);
  expect(taken).toBeGreaterThan(1000);
  expect(status).toBe(0);
});

it('a description in another encoding is named, and not read with other letters', async () => {
  const latin = join(folder, 'latin.system');
  writeFileSync(latin, Buffer.from('<system><!-- \u00e4 --></system>', 'latin1'));

  expect(await sddfInProcess('check', latin)).toMatchObject({
    status: 2,
    stderr: `sddf: ${latin}: is no UTF-8, as the Microkit tool wants it; save it as UTF-8\n`,
  });
});

it('a file that is refused for being used twice is not left behind', async () => {
  const twice = join(folder, 'twice');
  const { status, stderr } = await sddfInProcess(...ECHO, '--coverage', twice, '--capture', twice);

  expect(stderr).toContain('is written already, by --capture; name another file');
  expect(existsSync(twice)).toBe(false);
  expect(status).toBe(2);
});

/** Made before any test: the tables above name it. */
function pipeNamed(name: string): string {
  return join(folder, name);
}
