/**
 * Goal: what is written is read back, by us and by an independent implementation (js-fatfs, the
 * FatFs library of ChaN), on FAT12, FAT16 and FAT32; what the other has written is read by us; full
 * disks and damaged ones are told apart from bugs.
 */

import { describe, expect, it } from 'vitest';
import { fatPatches } from '../../host/disk/fat-format.ts';
import { openFatOracle } from '../../test/support/fatfs-oracle.ts';
import { type BlockTask, FatError } from './block-io.ts';
import { FatFileSystem } from './file-system.ts';

const MIB = 1 << 20;

/** An empty file system. */
function image(mib: number, sectorBytes: 512 | 4096 = 512): Uint8Array {
  const bytes = new Uint8Array(mib * MIB);
  const made = fatPatches({
    startBytes: 0,
    sizeBytes: bytes.length,
    sectorBytes,
    label: 'TEST',
    serial: 7,
  });
  if ('problem' in made) throw new Error(made.problem);
  for (const patch of made) bytes.set(patch.bytes, patch.at);
  return bytes;
}

/** Runs a task on a plain array. */
function run<Result>(disk: Uint8Array, task: BlockTask<Result>): Result {
  let step = task.next();
  while (step.done !== true) {
    const wish = step.value;
    let answer = new Uint8Array(0);
    if (wish.kind === 'read') {
      answer = disk.slice(wish.block * 4096, (wish.block + wish.count) * 4096);
    } else if (wish.kind === 'write') disk.set(wish.bytes, wish.block * 4096);
    step = task.next(answer);
  }
  return step.value;
}

function mount(disk: Uint8Array): FatFileSystem {
  return run(disk, FatFileSystem.mount(disk.length / 4096));
}

function bytesOf(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 17 + (i >>> 8)) & 0xff);
}

describe.each([
  [2, 12, 512],
  [16, 16, 512],
  [600, 32, 512],
  [16, 16, 4096],
] as const)('a volume of %i MiB (FAT%i, sectors of %i)', (mib, type, sectorBytes) => {
  it('keeps files, replaces them, and counts what is free', () => {
    const disk = image(mib, sectorBytes);
    const fs = mount(disk);
    expect(fs.geometry.type).toBe(type);
    const before = run(disk, fs.spaceUse());
    const contents = bytesOf(50_000);

    run(disk, fs.writeFile('A.TXT', bytesOf(10)));
    run(disk, fs.writeFile('a rather long name.text', contents));
    run(disk, fs.writeFile('A.TXT', bytesOf(5000, 2)));
    run(disk, fs.writeFile('EMPTY', new Uint8Array(0)));

    const again = mount(disk);
    const entries = run(disk, again.list('/'));
    expect(entries.map(({ name, sizeBytes }) => [name, sizeBytes])).toEqual([
      ['A.TXT', 5000],
      ['a rather long name.text', 50_000],
      ['EMPTY', 0],
    ]);
    expect(run(disk, again.readFile('a.txt'))).toEqual(bytesOf(5000, 2));
    expect(run(disk, again.readFile('/A RATHER LONG NAME.TEXT'))).toEqual(contents);
    const after = run(disk, again.spaceUse());
    const { clusterBytes } = again.geometry;
    const used = [5000, 50_000].reduce((sum, size) => sum + Math.ceil(size / clusterBytes), 0);
    expect(before.freeBytes - after.freeBytes).toBe(used * clusterBytes);
  });
});

describe.each([2, 16, 64] as const)('an independent implementation, on %i MiB', (mib) => {
  it('reads what we write', async () => {
    const disk = image(mib);
    const fs = mount(disk);
    run(disk, fs.writeFile('SHORT.BIN', bytesOf(12_345)));
    run(disk, fs.writeFile('with a long name.txt', bytesOf(777, 3)));
    run(disk, fs.writeFile('SHORT.BIN', bytesOf(99_999, 5)));

    const oracle = await openFatOracle(disk);

    expect(oracle.list('/')).toEqual([
      { name: 'SHORT.BIN', sizeBytes: 99_999 },
      { name: 'with a long name.txt', sizeBytes: 777 },
    ]);
    expect(oracle.read('with a long name.txt')).toEqual(bytesOf(777, 3));
    expect(oracle.read('SHORT.BIN')).toEqual(bytesOf(99_999, 5));
  });

  it('is read by us, directories too, and can go on with what we have changed', async () => {
    const disk = image(mib);
    const oracle = await openFatOracle(disk);
    oracle.makeDirectory('some directory');
    for (let i = 0; i < 40; i += 1) {
      oracle.write(`some directory/file number ${i}.dat`, bytesOf(i * 100, i));
    }

    const fs = mount(disk);
    const entries = run(disk, fs.list('/some directory'));
    expect(entries.length).toBe(40);
    expect(run(disk, fs.readFile('some directory/file number 39.dat'))).toEqual(bytesOf(3900, 39));
    run(disk, fs.writeFile('some directory/ours.txt', bytesOf(5000, 9)));

    const again = await openFatOracle(disk);
    expect(again.read('some directory/ours.txt')).toEqual(bytesOf(5000, 9));
    expect(again.list('some directory').length).toBe(41);
  });
});

describe.each([2, 16, 600] as const)('removing and making directories, on %i MiB', (mib) => {
  it('gives back every cluster, and the names', () => {
    const disk = image(mib);
    const fs = mount(disk);
    const before = run(disk, fs.spaceUse());
    run(disk, fs.makeDirectory('some directory'));
    run(disk, fs.makeDirectory('some directory/inner'));
    run(disk, fs.writeFile('some directory/inner/a long file name.txt', bytesOf(50_000)));
    run(disk, fs.writeFile('KEPT', bytesOf(10)));

    expect(() => run(disk, fs.remove('some directory'))).toThrow('the directory is not empty');
    expect(() => run(disk, fs.makeDirectory('SOME DIRECTORY'))).toThrow('exists already');
    run(disk, fs.remove('some directory/inner/A LONG FILE NAME.TXT'));
    run(disk, fs.remove('some directory/inner'));
    run(disk, fs.remove('some directory'));
    expect(() => run(disk, fs.remove('some directory'))).toThrow('no such file or directory');

    const again = mount(disk);
    expect(run(disk, again.list('/')).map(({ name }) => name)).toEqual(['KEPT']);
    const { freeBytes } = run(disk, again.spaceUse());
    expect(before.freeBytes - freeBytes).toBe(again.geometry.clusterBytes);
    run(disk, again.writeFile('some directory', bytesOf(3)));
    expect(run(disk, again.readFile('some directory'))).toEqual(bytesOf(3));
  });

  it('is understood by the independent implementation', async () => {
    const disk = image(mib);
    const fs = mount(disk);
    run(disk, fs.makeDirectory('Our Directory'));
    for (let i = 0; i < 30; i += 1) {
      run(disk, fs.writeFile(`Our Directory/a file with number ${i}`, bytesOf(i, i)));
    }
    for (let i = 0; i < 30; i += 2) {
      run(disk, fs.remove(`Our Directory/a file with number ${i}`));
    }

    const oracle = await openFatOracle(disk);
    expect(oracle.list('Our Directory').length).toBe(15);
    expect(oracle.read('Our Directory/a file with number 29')).toEqual(bytesOf(29, 29));
    oracle.makeDirectory('Our Directory/theirs');
    oracle.write('Our Directory/theirs/x', bytesOf(5));
    oracle.write('Our Directory/theirs/UPPER.txt', bytesOf(5));
    const list = run(disk, mount(disk).list('Our Directory/theirs'));
    expect(list.map(({ name }) => name)).toEqual(['x', 'UPPER.txt']);
  });
});

describe('a directory', () => {
  it('grows beyond its cluster on FAT32, and is full at its end on FAT12', () => {
    const large = image(600);
    const fs = mount(large);
    for (let i = 0; i < 100; i += 1) {
      run(large, fs.writeFile(`file with a long name ${i}`, bytesOf(3, i)));
    }
    expect(run(large, mount(large).list('/')).length).toBe(100);
    expect(run(large, mount(large).readFile('file with a long name 99'))).toEqual(bytesOf(3, 99));

    const small = image(2);
    const full = mount(small);
    const fill = (): void => {
      for (let i = 0; i < 512; i += 1) run(small, full.writeFile(`F${i}`, new Uint8Array(0)));
    };
    expect(fill).toThrow('the root directory is full');
    expect(run(small, mount(small).list('/')).length).toBe(511);
  });
});

describe('a full disk', () => {
  it('is said to be, and nothing is changed', () => {
    const disk = image(2);
    const fs = mount(disk);
    run(disk, fs.writeFile('KEEP', bytesOf(100)));
    const before = disk.slice();

    expect(() => run(disk, fs.writeFile('BIG', new Uint8Array(3 * MIB)))).toThrow(
      'the disk is full',
    );

    expect(Buffer.compare(disk, before)).toBe(0);
    expect(run(disk, fs.readFile('KEEP'))).toEqual(bytesOf(100));
  });
});

describe('fields that only one type has', () => {
  /** Where the short entry of a file lies. */
  function entryOf(disk: Uint8Array, name: string): number {
    return Buffer.from(disk.buffer).indexOf(name, 0, 'latin1');
  }

  it.each([
    [2, 12],
    [16, 16],
  ])('are not used: the upper word of a cluster on %i MiB (FAT%i)', (mib) => {
    const disk = image(mib);
    run(disk, mount(disk).writeFile('HELLO.TXT', bytesOf(3000)));
    const at = entryOf(disk, 'HELLO   TXT');
    disk.set([0x12, 0x34], at + 20);

    const fs = mount(disk);
    expect(run(disk, fs.readFile('HELLO.TXT'))).toEqual(bytesOf(3000));
    run(disk, fs.writeFile('HELLO.TXT', bytesOf(5000, 2)));
    expect(run(disk, mount(disk).readFile('HELLO.TXT'))).toEqual(bytesOf(5000, 2));
    // It is others': it stays.
    expect([...disk.subarray(at + 20, at + 22)]).toEqual([0x12, 0x34]);
  });

  it.each([
    [
      'FAT16 by its clusters, FAT32 by its fields',
      16,
      { 17: [0, 0], 22: [0, 0], 36: [64, 0, 0, 0] },
    ],
    ['FAT16 without a root directory', 16, { 17: [0, 0] }],
    ['FAT32 with a root directory of FAT16', 600, { 17: [0, 2] }],
  ] as const)('contradict: %s', (_name, mib, fields) => {
    const disk = image(mib);
    for (const [at, bytes] of Object.entries(fields)) disk.set(bytes, Number(at));
    expect(() => mount(disk)).toThrow(/contradicts itself/);
  });

  it('contradict: FAT32 whose root directory is in no cluster', () => {
    const disk = image(600);
    disk.set([0, 0, 0, 0xf0], 44);
    expect(() => mount(disk)).toThrow(/in no cluster/);
  });
});

describe('mistakes', () => {
  it.each([
    ['a missing file', 'nothing', 'no such file'],
    ['a path through a file', 'FILE/x', 'no such directory'],
    ['a bad name', 'a:b', 'no name for a file'],
    ['no name', '/', 'is a directory'],
  ])('such as %s are told', (_name, path, message) => {
    const disk = image(2);
    const fs = mount(disk);
    run(disk, fs.writeFile('FILE', bytesOf(1)));
    expect(() => run(disk, fs.readFile(path))).toThrow(message);
  });

  it('such as damage are told and never loop', () => {
    const disk = image(2);
    const fs = mount(disk);
    run(disk, fs.writeFile('FILE', bytesOf(5000)));
    let state = 3;
    const draw = (limit: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * limit);
    };
    const outcomes = { fine: 0, told: 0 };
    for (let round = 0; round < 300; round += 1) {
      const damaged = disk.slice(0, 2 * MIB);
      for (let hit = 0; hit < 30; hit += 1) damaged[draw(60_000)] = draw(256);
      try {
        const one = mount(damaged);
        for (const { name, kind } of run(damaged, one.list('/'))) {
          if (kind === 'file') run(damaged, one.readFile(name));
        }
        outcomes.fine += 1;
      } catch (error) {
        if (!(error instanceof FatError)) throw error;
        outcomes.told += 1;
      }
    }
    expect(outcomes.fine).toBeGreaterThan(0);
    expect(outcomes.told).toBeGreaterThan(0);
  });
});
