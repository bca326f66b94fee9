// The block class as a user has it: `sddf run blk`, `sddf run fat` and `sddf disk create`.

import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { sddfInProcess } from '../support/sddf-in-process.ts';

const directory = mkdtempSync(join(tmpdir(), 'block-commands-'));
const IMAGE = join(directory, 'two-partitions.img');

beforeAll(async () => {
  const made = await sddfInProcess(
    'disk',
    'create',
    IMAGE,
    '--size',
    '64M',
    '--gpt',
    'fat:32M,raw:24M',
  );
  expect(made.status).toBe(0);
});

/**
 * Types lines at the file system's console, ahead of its answers.
 * @returns what it has answered, between the echoes
 */
async function atConsole(lines: readonly string[], ...more: readonly string[]): Promise<string> {
  const script = join(directory, 'script.txt');
  const log = join(directory, 'log.txt');
  writeFileSync(script, lines.map((line) => `${line}\r`).join(''));
  const run = await sddfInProcess(
    'run',
    'fat',
    '--clock',
    'virtual',
    '--serial',
    `file,in=${script},out=${log}`,
    ...more,
  );
  expect(run).toMatchObject({ status: 0, stderr: expect.not.stringMatching(/error/i) });
  return readFileSync(log, 'latin1').replaceAll('\r', '');
}

describe('sddf run blk', () => {
  it('ends when all is quiet, under the virtual clock', async () => {
    const run = await sddfInProcess('run', 'blk', '--clock', 'virtual', '--json');
    const { ending, timeNs } = JSON.parse(run.stdout) as { ending: string; timeNs: number };

    expect(ending).toBe('quiet');
    expect(timeNs).toBeLessThan(50e6);
    expect(run.stderr).toContain('CLIENT|INFO: basic: successfully finished!');
  });

  it('ends with 1 when the check has failed', async () => {
    const run = await sddfInProcess('run', 'blk', '--clock', 'virtual', '--set', 'partition=3');

    expect(run.stderr + run.stdout).toContain('there is no partition table');
    expect(run.status).toBe(1);
  });

  it('gives each client the first partition of its own disk, or all of a disk that has no table', async () => {
    const delta = join(directory, 'delta.img');
    const disks = ['--disk', `file=${IMAGE},overlay=${delta}`, '--disk', 'mem=64M,sector=4096'];
    const args = ['run', 'blk', ...disks, '--clock', 'virtual'];
    // The second run finds an overlay, and reads the table through it.
    for (const run of [await sddfInProcess(...args), await sddfInProcess(...args)]) {
      expect(run.status).toBe(0);
      expect(run.stdout + run.stderr).toMatch(/^client: CLIENT\|INFO: device size: 0x2000000 /m);
      expect(run.stdout + run.stderr).toMatch(/^client1: CLIENT\|INFO: device size: 0x4000000 /m);
    }
  });

  it('says that its client writes, on a disk that is read-only', async () => {
    const run = await sddfInProcess(
      'run',
      'blk',
      '--disk',
      `file=${IMAGE},ro`,
      '--clock',
      'virtual',
    );

    expect(run.stdout + run.stderr).toContain(
      'failed: this client writes, and the disk is read-only',
    );
    expect(run.status).toBe(1);
  });
});

const NO_DISK = 'the system has no disk; leave --disk, --nbd and --policy out';

describe('mistakes', () => {
  it.each([
    [['disk'], 'disk needs a command of its own; see sddf disk --help'],
    [['disk', 'create', 'x.img', '--size', 'lots'], "--size: 'lots' is not a size such as 512K"],
    [['disk', 'create', '.', '--size', '1M'], '.: exists already; --force replaces it'],
    [['run', 'blk', '--disk', 'file=nosuch.img'], 'nosuch.img: no such file or directory'],
    [['run', 'blk', '--disk', 'mem=8M,fat=12'], '--disk mem=8M,fat=12: fat takes no value'],
    [['run', 'blk', '--nbd', 'unix:/nowhere/s'], 'permission denied, or no such directory'],
    [['run', 'echo', '--disk', 'mem=1M'], `echo: ${NO_DISK}`],
    [['run', 'echo', '--nbd', 'unix:e.sock'], `echo: ${NO_DISK}`],
    [['run', 'echo', '--policy', 'drr'], `echo: ${NO_DISK}`],
    [['run', 'echo', '--uart', 'pl011'], 'echo: the system has no UART; leave --serial and --uart'],
    [['run', 'fat', '--uart', 'pl011'], "fat: the system's UART is ns16550a; leave --uart out"],
    [['run', 'fat', '--policy', 'drr'], "fat: the system's policy is fixed; leave --policy out"],
    [['run', 'fat', '--nbd', 'unix:e.sock'], 'fat: the system has no NBD server; leave --nbd out'],
    [
      ['run', 'fat', '--disk', 'mem=64M'],
      'fat: there is no file system on the disk in memory; use',
    ],
    [['run', 'blk', '--disk', 'mem=1'], 'give a size such as 64M, or choose another sector'],
    [['run', 'echo', '--set', 'disks=1'], "echo: this system has no option 'disks'"],
    [
      ['run', 'blk', '--nbd', 'unix:e.sock,client=0', '--for', '1s'],
      '--nbd client=0: a disk in memory has no partitions; leave client= out',
    ],
    [
      ['run', 'blk', '--disk', `file=${IMAGE}`, '--nbd', 'unix:e.sock,client=7', '--for', '1s'],
      'two-partitions.img has no partition 7; there are 0 (fat0), 1 (raw1)\n',
    ],
  ])('%j ends with 2 and one line', async (args, message) => {
    const { status, stdout, stderr } = await sddfInProcess(...args);

    expect(stderr).toContain(message);
    expect([status, stdout, stderr.split('\n').length]).toEqual([2, '', 2]);
  });
});

describe('sddf run fat', () => {
  it('has a file system in memory when it is given no disk', async () => {
    const said = await atConsole([
      'mkdir notes',
      // Corrected while typing: only the file has the words as they are looked for.
      'write notes/today.txt writtenn\b by hand',
      'cat notes/today.txt',
      'rm notes',
      'rm notes/today.txt',
      'rm notes',
      'ls',
      'df',
    ]);

    expect(said).toContain('notes/today.txt: 16 bytes');
    expect(said).toContain('written by hand\n');
    expect(said).toContain('error: notes: the directory is not empty');
    expect(said).not.toContain('<dir>');
    const [, free, total] = /'SDDF': (\d+) of (\d+) bytes free\n/.exec(said) ?? [];
    expect(free).toBe(total);
  });

  it('keeps in an image what is written to it, and nothing with an overlay', async () => {
    const image = join(directory, 'disk.img');
    const size = ['--size', '64M', '--gpt', 'fat:32M,raw:24M'];
    expect((await sddfInProcess('disk', 'create', image, ...size)).status).toBe(0);
    await atConsole(['write A.TXT kept'], '--disk', `file=${image},overlay=none`);
    await atConsole(['write B.TXT gone'], '--disk', `file=${image}`);
    const said = await atConsole(['cat A.TXT', 'cat B.TXT'], '--disk', `file=${image},ro`);

    expect(said).toContain('kept\n');
    expect(said).toContain('error: B.TXT: no such file');
  });

  it('ends with 1 and one line when its disk has no file system', async () => {
    const image = join(directory, 'blank.img');
    writeFileSync(image, new Uint8Array(4 << 20));
    const script = join(directory, 'two-commands.txt');
    writeFileSync(script, 'ls\rdf\r');
    const serial = `file,in=${script},out=${join(directory, 'blank.txt')}`;
    const disk = ['--disk', `file=${image},ro`];
    const run = await sddfInProcess(
      'run',
      'fat',
      ...disk,
      '--clock',
      'virtual',
      '--serial',
      serial,
      '--json',
    );

    expect(run.stderr.split('\n').filter((line) => line.includes('ERROR'))).toEqual([
      'fat: CLIENT|ERROR: the disk cannot be used: no file system: no boot sector; ' +
        'choose another partition, or make a file system with sddf disk create',
    ]);
    expect(run.status).toBe(1);
  });
});
