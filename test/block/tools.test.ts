/**
 * Goal: other people's tools and ours agree. Images made by sfdisk, mkfs.vfat and mtools are read;
 * ours pass sfdisk --verify and fsck.vfat; qemu-io, nbdinfo, nbdcopy and fio are content with the
 * NBD server, and so with everything behind it. A tool that is not installed is skipped by name.
 */

import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BlockTask } from '../../clients/fat/block-io.ts';
import { FatFileSystem } from '../../clients/fat/file-system.ts';
import { createImage } from '../../host/disk/create-image.ts';
import { PartitionScan } from '../../virtualisers/blk/partition/scan.ts';
import { type LiveBlk, startLiveBlk } from '../support/live-blk.ts';

const MIB = 1 << 20;
const run = promisify(execFile);

function isInstalled(tool: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0;
}

/** A test that needs tools; skipped by their names where they are missing. */
function withTools(tools: readonly string[], name: string, body: () => void | Promise<void>): void {
  const missing = tools.filter((tool) => !isInstalled(tool));
  const title = missing.length === 0 ? name : `${name} (not installed: ${missing.join(', ')})`;
  it.skipIf(missing.length > 0)(title, { timeout: 600_000 }, body);
}

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sddf-tools-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function scan(image: Uint8Array) {
  const scanner = new PartitionScan({
    diskBlocks: image.length / 4096,
    sectorBytes: 512,
    bufferBytes: 65_536,
  });
  while (scanner.next !== undefined) {
    const { block, count } = scanner.next;
    scanner.feed(image.slice(block * 4096, (block + count) * 4096));
  }
  return scanner.result;
}

function onArray<Result>(disk: Uint8Array, task: BlockTask<Result>): Result {
  let step = task.next();
  while (step.done !== true) {
    const wish = step.value;
    let answer = new Uint8Array(0);
    if (wish.kind === 'read')
      answer = disk.slice(wish.block * 4096, (wish.block + wish.count) * 4096);
    if (wish.kind === 'write') disk.set(wish.bytes, wish.block * 4096);
    step = task.next(answer);
  }
  return step.value;
}

/** As `onArray`, in a file, of which only what is touched is read and written. */
function onFile<Result>(path: string, task: BlockTask<Result>): Result {
  const file = openSync(path, 'r+');
  let step = task.next();
  while (step.done !== true) {
    const wish = step.value;
    let answer = new Uint8Array(0);
    if (wish.kind === 'read') {
      answer = new Uint8Array(wish.count * 4096);
      readSync(file, answer, 0, answer.length, wish.block * 4096);
    }
    if (wish.kind === 'write') writeSync(file, wish.bytes, 0, null, wish.block * 4096);
    step = task.next(answer);
  }
  closeSync(file);
  return step.value;
}

describe('partition tables', () => {
  withTools(['sfdisk'], 'of sfdisk are read, GPT and MBR', () => {
    for (const [label, scheme] of [
      ['gpt', 'gpt'],
      ['dos', 'mbr'],
    ] as const) {
      const path = join(folder, `${label}.img`);
      writeFileSync(path, new Uint8Array(32 * MIB));
      const input = `label: ${label}\nsize=8M\nsize=10M\n`;
      execFileSync('sfdisk', ['--quiet', path], { input });

      expect(scan(readFileSync(path))).toMatchObject({
        kind: 'table',
        table: {
          scheme,
          warnings: [],
          partitions: [
            { index: 0, firstSector: 2048, sectors: 16_384 },
            { index: 1, firstSector: 18_432, sectors: 20_480 },
          ],
        },
      });
    }
  });

  withTools(['sfdisk'], 'of sfdisk with logical partitions are read', () => {
    const path = join(folder, 'logical.img');
    writeFileSync(path, new Uint8Array(32 * MIB));
    const input = 'label: dos\nsize=8M\ntype=extended\nsize=4M\nsize=6M\nsize=3M\n';
    execFileSync('sfdisk', ['--quiet', path], { input });
    const dump = execFileSync('sfdisk', ['--json', path], { encoding: 'utf8' });
    const { partitions } = (
      JSON.parse(dump) as { partitiontable: { partitions: { start: number; size: number }[] } }
    ).partitiontable;

    const [primary, , ...logical] = partitions;
    expect(scan(readFileSync(path))).toMatchObject({
      kind: 'table',
      table: {
        warnings: [],
        partitions: [
          { index: 0, firstSector: primary?.start, sectors: primary?.size },
          { index: 1, problem: 'it is the extended partition' },
          ...logical.map(({ start, size }, i) => ({
            index: 4 + i,
            firstSector: start,
            sectors: size,
          })),
        ],
      },
    });
    expect(logical.length).toBe(3);
  });

  withTools(['sfdisk'], 'of ours pass sfdisk --verify', () => {
    for (const scheme of ['gpt', 'mbr'] as const) {
      const path = join(folder, `${scheme}.img`);
      createImage({
        path,
        sizeBytes: 64 * MIB,
        sectorBytes: 512,
        scheme,
        partitions: [
          { use: 'fat', name: 'boot', sizeBytes: 32 * MIB },
          { use: 'raw', name: 'data', sizeBytes: 24 * MIB },
        ],
        existing: 'refuse',
        randomBytes,
      });
      const verified = execFileSync('sfdisk', ['--verify', path], { encoding: 'utf8' });
      expect(verified).toContain('No errors detected');
    }
  });
});

describe('FAT', () => {
  withTools(['mkfs.vfat', 'mcopy', 'mmd'], 'of mkfs.vfat and mtools is read', () => {
    for (const [mib, bits] of [
      [4, '12'],
      [32, '16'],
      [64, '32'],
    ] as const) {
      const path = join(folder, `${bits}.img`);
      writeFileSync(path, new Uint8Array(mib * MIB));
      execFileSync('mkfs.vfat', ['-F', bits, path]);
      const source = join(folder, 'a file with a long name.bin');
      const contents = randomBytes(123_456);
      writeFileSync(source, contents);
      execFileSync('mmd', ['-i', path, '::/some folder']);
      execFileSync('mcopy', ['-i', path, source, '::/some folder/']);

      const disk = new Uint8Array(readFileSync(path));
      const fs = onArray(disk, FatFileSystem.mount(disk.length / 4096));
      expect(fs.geometry.type).toBe(Number(bits));
      const file = onArray(disk, fs.readFile('some folder/a file with a long name.bin'));
      expect(Buffer.compare(file, contents)).toBe(0);
    }
  });

  withTools(['fsck.vfat', 'mtype'], 'of ours passes fsck.vfat and is read by mtools', () => {
    for (const mib of [4, 32, 512]) {
      const path = join(folder, `${mib}.img`);
      createImage({
        path,
        sizeBytes: mib * MIB,
        sectorBytes: 512,
        scheme: 'none',
        partitions: [{ use: 'fat', name: 'OURS', sizeBytes: mib * MIB }],
        existing: 'refuse',
        randomBytes,
      });
      const fs = onFile(path, FatFileSystem.mount((mib * MIB) / 4096));
      const contents = randomBytes(50_000);
      onFile(path, fs.writeFile('X.BIN', contents));
      onFile(path, fs.writeFile('a longer name.txt', contents));
      onFile(path, fs.writeFile('X.BIN', contents.subarray(0, 777)));
      onFile(path, fs.makeDirectory('a directory'));
      onFile(path, fs.makeDirectory('a directory/inner'));
      onFile(path, fs.writeFile('a directory/inner/gone again', contents));
      onFile(path, fs.remove('a directory/inner/gone again'));

      // FAT32 keeps a count of free clusters as a hint, which a writer need not keep up: fsck
      // mentions it.
      const checked = spawnSync('fsck.vfat', ['-n', path], { encoding: 'utf8' });
      const HINT =
        /Free cluster summary.*\n|.*Auto-correcting.*\n|Leaving filesystem unchanged.\n/g;
      expect(checked.stdout.replaceAll(HINT, '').trim()).toMatch(
        /^fsck.fat .*\n+.*: \d+ files, \d+\/\d+ clusters$/,
      );
      const typed = execFileSync('mtype', ['-i', path, '::/a longer name.txt']);
      expect(Buffer.compare(typed, contents)).toBe(0);
    }
  });
});

describe('NBD', () => {
  let live: LiveBlk | undefined;
  afterEach(async () => {
    await live?.stop();
    live = undefined;
  });

  /** Starts the system with a server on a socket of its own. @returns how tools name it */
  async function serve(disk: string): Promise<string> {
    const socket = join(folder, 's.sock');
    live = await startLiveBlk([disk], `unix:${socket}`);
    return `nbd+unix:///disk?socket=${socket}`;
  }

  withTools(['nbdinfo'], 'tells nbdinfo what it exports', async () => {
    const uri = await serve('mem=16M');
    const { stdout } = await run('nbdinfo', ['--json', uri]);
    const [exported] = (JSON.parse(stdout) as { exports: Record<string, unknown>[] }).exports;
    expect(exported).toMatchObject({
      'export-name': 'disk',
      'export-size': 16 * MIB,
      is_read_only: false,
      can_flush: true,
      can_fua: true,
      can_trim: true,
      can_zero: true,
    });
  });

  withTools(['qemu-io'], 'keeps what qemu-io writes, at any offset', async () => {
    const uri = await serve('mem=16M');
    const commands = [
      'write -P 0xab 1M 512k',
      'write -P 0x11 1000 3000',
      'write -P 0x22 4095 2',
      'write -f -P 0x33 8M 2M',
      'read -P 0xab 1M 512k',
      'read -P 0x11 1000 3000',
      'read -P 0x22 4095 2',
      'read -P 0x33 8M 2M',
      'write -z 8200k 300k',
      'read -P 0 8200k 300k',
      'read -P 0x33 8M 8k',
      'discard 4M 1M',
      'flush',
    ];
    const { stdout } = await run('qemu-io', [
      '-f',
      'raw',
      uri,
      ...commands.flatMap((command) => ['-c', command]),
    ]);
    expect(stdout).not.toMatch(/fail|error|verification/i);
    expect(stdout.match(/ops;/g)?.length).toBe(commands.length - 1);
  });

  withTools(
    ['nbdcopy', 'cmp'],
    'gives nbdcopy back what it has written, through a file',
    async () => {
      const image = join(folder, 'disk.img');
      writeFileSync(image, new Uint8Array(16 * MIB));
      const uri = await serve(`file=${image}`);
      const source = join(folder, 'source');
      writeFileSync(source, randomBytes(16 * MIB));

      await run('nbdcopy', ['--flush', source, uri]);
      await run('nbdcopy', [uri, join(folder, 'copy')]);

      await run('cmp', [source, join(folder, 'copy')]);
      await run('cmp', [source, image]);
    },
  );

  withTools(['fio'], 'passes a verified run of fio', async () => {
    const uri = await serve('mem=16M');
    const { stdout } = await run(
      'fio',
      [
        '--name=verify',
        '--ioengine=nbd',
        `--uri=${uri}`,
        '--rw=randwrite',
        '--bs=4k',
        '--size=16M',
        '--iodepth=32',
        '--verify=crc32c',
        '--do_verify=1',
        '--output-format=json',
      ],
      { cwd: folder },
    );
    // It says first that it is connected.
    const json = stdout.slice(stdout.indexOf('{'));
    const [job] = (JSON.parse(json) as { jobs: Record<string, { total_ios: number }>[] }).jobs;
    expect(job).toMatchObject({ error: 0, read: { total_ios: 4096 }, write: { total_ios: 4096 } });
  });

  withTools(['nbdinfo'], 'exports nothing when the partition is missing', async () => {
    const image = join(folder, 'disk.img');
    writeFileSync(image, new Uint8Array(16 * MIB));
    const socket = join(folder, 's.sock');
    live = await startLiveBlk([`file=${image}`], `unix:${socket},client=3`);
    await expect(run('nbdinfo', [`nbd+unix:///disk?socket=${socket}`])).rejects.toThrow();
    expect(live.lines.join('\n')).toContain('there is no device to export');
  });
});
