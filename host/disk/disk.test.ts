/**
 * Goal: a file behind the disk holds what was written and flushed, read by the thread and without
 * it; overlays leave their base alone and outlive the run; what cannot be a disk is said in one
 * line.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BLOCK_IO_ERROR, BLOCK_OK, BLOCK_PENDING, type BlockWire } from '../../board/block-wire.ts';
import { LiveTurns } from '../../board/turns.ts';
import { Ram } from '../../memory/ram.ts';
import { breathe } from '../event-loop.ts';
import { createImage } from './create-image.ts';
import { type DiskSpec, prepareDisk, type PreparedDisk } from './disk.ts';

const BYTES = 256 * 1024;
const AT = 0x8000;

let folder = '';
let image = '';
const opened: PreparedDisk[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sddf-disk-'));
  image = join(folder, 'disk.img');
  writeFileSync(image, new Uint8Array(BYTES).fill(3));
});

afterEach(async () => {
  for (const disk of opened.splice(0)) await disk.close();
  rmSync(folder, { recursive: true });
});

class Bench {
  readonly ram = new Ram({ sizeBytes: 0x2_0000, stagingBytes: 0x2_0000 });
  readonly turns = new LiveTurns();
  readonly notices: string[] = [];
  readonly disk: PreparedDisk;
  readonly wire: BlockWire;
  readonly #done = new Map<number, number>();
  #tag = 0;

  constructor(spec: Partial<DiskSpec & { kind: 'file' }>, clock: 'virtual' | 'host' = 'host') {
    const full = {
      kind: 'file',
      path: image,
      overlay: 'none',
      access: 'read-write',
      sectorBytes: 512,
    };
    this.disk = prepareDisk({ ...full, ...spec } as DiskSpec, (line) => this.notices.push(line));
    opened.push(this.disk);
    this.wire = this.disk.plugIn({ ram: this.ram, turns: this.turns, clock });
    this.wire.attach({
      completed: (tag, status) => this.#done.set(tag, status),
      geometryChanged: () => undefined,
    });
  }

  /** Starts an operation and waits for its end. */
  async finish(start: (tag: number) => number): Promise<number> {
    const tag = (this.#tag += 1);
    const status = start(tag);
    this.wire.submit();
    if (status !== BLOCK_PENDING) return status;
    while (!this.#done.has(tag)) {
      this.turns.work();
      await breathe();
    }
    return this.#done.get(tag) as number;
  }

  write(sector: number, byte: number, length = 1024): Promise<number> {
    this.ram.fill(AT, byte, length);
    return this.finish((tag) => this.wire.write(tag, sector, AT, length));
  }

  async read(sector: number, length = 1024): Promise<Uint8Array | number> {
    this.ram.fill(AT, 0xa5, length);
    const status = await this.finish((tag) => this.wire.read(tag, sector, AT, length));
    return status === BLOCK_OK ? this.ram.u8.slice(AT, AT + length) : status;
  }

  flush(): Promise<number> {
    return this.finish((tag) => this.wire.flush(tag));
  }
}

describe.each(['host', 'virtual'] as const)('a raw file, %s clock', (clock) => {
  it('equals a plain array after random operations', async () => {
    const bench = new Bench({}, clock);
    const model = new Uint8Array(BYTES).fill(3);
    let state = 5;
    const draw = (limit: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * limit);
    };
    for (let step = 0; step < 150; step += 1) {
      const sector = draw(BYTES / 512 - 8);
      const length = 512 * (1 + draw(8));
      const kind = draw(4);
      if (kind === 0) {
        expect(await bench.write(sector, step & 0xff, length)).toBe(BLOCK_OK);
        model.fill(step & 0xff, sector * 512, sector * 512 + length);
      } else if (kind === 1) {
        const status = await bench.finish((tag) =>
          bench.wire.writeZeroes(tag, sector, length / 512),
        );
        expect(status).toBe(BLOCK_OK);
        model.fill(0, sector * 512, sector * 512 + length);
      } else {
        const wanted = model.slice(sector * 512, sector * 512 + length);
        expect(await bench.read(sector, length)).toEqual(wanted);
      }
    }
    expect(await bench.flush()).toBe(BLOCK_OK);
    expect(Buffer.compare(readFileSync(image), model)).toBe(0);
    expect(bench.notices).toEqual([]);
  });

  it('is not written when it is read-only', async () => {
    const bench = new Bench({ access: 'read-only' }, clock);
    expect(bench.wire.isReadOnly()).toBe(true);
    expect(await bench.write(0, 9)).toBe(BLOCK_IO_ERROR);
    expect(readFileSync(image)[0]).toBe(3);
  });

  it('that has become shorter gives an error, and says so', async () => {
    const bench = new Bench({}, clock);
    writeFileSync(image, new Uint8Array(1024));
    expect(await bench.read(100)).toBe(BLOCK_IO_ERROR);
    while (bench.notices.length === 0) await breathe();
    expect(bench.notices.join()).toContain('the file ends early');
  });
});

describe('a file read by the thread', () => {
  it('is read without it the second time', async () => {
    const bench = new Bench({});
    expect(await bench.read(3)).toEqual(new Uint8Array(1024).fill(3));
    expect(bench.wire.read(99, 3, AT, 1024)).toBe(BLOCK_OK);
  });

  it('takes many operations at once, and forgets those of a device that is reset', async () => {
    const bench = new Bench({});
    for (let i = 0; i < 2000; i += 1) {
      expect(bench.wire.write(i, i % 500, AT, 512)).toBe(BLOCK_PENDING);
    }
    bench.wire.abandon();
    expect(bench.disk.isBusy).toBe(false);
    expect(await bench.write(1, 8)).toBe(BLOCK_OK);
  });
});

describe('an overlay', () => {
  it('in memory leaves the image as it is', async () => {
    const bench = new Bench({ overlay: 'discard' });
    await bench.write(10, 7);
    await bench.flush();
    expect(await bench.read(10)).toEqual(new Uint8Array(1024).fill(7));
    expect(readFileSync(image).every((byte) => byte === 3)).toBe(true);
  });

  it('in a file outlives the run', async () => {
    const overlay = { path: join(folder, 'delta.img') };
    const first = new Bench({ overlay });
    await first.write(10, 7);
    expect(await first.flush()).toBe(BLOCK_OK);
    await first.disk.close();

    const second = new Bench({ overlay });
    expect(await second.read(10)).toEqual(new Uint8Array(1024).fill(7));
    expect(await second.read(12)).toEqual(new Uint8Array(1024).fill(3));
    expect(readFileSync(image).every((byte) => byte === 3)).toBe(true);
  });

  it.each(['host', 'virtual'] as const)(
    'in a file keeps what was written and not flushed when the run ends (%s clock)',
    async (clock) => {
      const overlay = { path: join(folder, 'delta.img') };
      const first = new Bench({ overlay }, clock);
      for (let n = 0; n < 64; n += 1) expect(await first.write(4 * n, n + 10)).toBe(BLOCK_OK);
      await first.disk.close();

      const second = new Bench({ overlay }, clock);
      for (let n = 0; n < 64; n += 1) {
        expect(await second.read(4 * n)).toEqual(new Uint8Array(1024).fill(n + 10));
      }
    },
  );

  it('of something else is refused', () => {
    const path = join(folder, 'delta.img');
    writeFileSync(path, 'hello');
    expect(() => new Bench({ overlay: { path } })).toThrow('is no overlay of this program');
  });
});

describe('what cannot be a disk', () => {
  it.each([
    ['a broken sector', 1000, 512, 'no multiple of the sector of 512'],
    ['half a large sector', 512 * 17, 4096, 'no multiple of the sector of 4096'],
    ['next to nothing', 4096, 512, 'too small'],
  ] as const)('such as %s is refused', (_name, bytes, sectorBytes, message) => {
    writeFileSync(image, new Uint8Array(bytes));
    expect(() => new Bench({ sectorBytes })).toThrow(message);
  });

  it('such as a missing file or a folder is refused', () => {
    expect(() => new Bench({ path: join(folder, 'none') })).toThrow('no such file');
    expect(() => new Bench({ path: folder })).toThrow('not a regular file');
  });
});

describe('a new image', () => {
  const options = {
    sizeBytes: 8 << 20,
    sectorBytes: 512,
    scheme: 'gpt',
    randomBytes: (count: number) => new Uint8Array(count).fill(5),
  } as const;

  it('replaces nothing unasked, and does not take partitions that do not fit', () => {
    const partitions = [{ use: 'raw', name: 'a', sizeBytes: 4 << 20 }] as const;
    const make = (existing: 'refuse' | 'replace', path = image): unknown =>
      createImage({ ...options, path, partitions, existing });

    expect(() => make('refuse')).toThrow('exists already');
    expect(make('replace')).toEqual([{ ...partitions[0], startBytes: 1 << 20 }]);
    expect(() =>
      createImage({
        ...options,
        path: join(folder, 'b.img'),
        partitions: [...partitions, { use: 'raw', name: 'b', sizeBytes: 6 << 20 }],
        existing: 'refuse',
      }),
    ).toThrow('do not fit');
  });
});

describe('locks', () => {
  /** Another program that has the image; `flock` of util-linux is such a one. */
  const isHere = spawnSync('flock', ['--version']).status === 0;

  it('refuse a second writer, within one run too, and a reader beside a writer', () => {
    new Bench({});
    expect(() => new Bench({})).toThrow(/disk.img: is in use by another program/);
    expect(() => new Bench({}, 'virtual')).toThrow(/is in use/);
    expect(() => new Bench({ overlay: 'discard' })).toThrow(/is being written by another/);
    expect(() => {
      createImage({
        path: image,
        sizeBytes: BYTES,
        sectorBytes: 512,
        scheme: 'none',
        partitions: [],
        existing: 'replace',
        randomBytes: (count) => new Uint8Array(count),
      });
    }).toThrow(/is in use/);
    expect(readFileSync(image)[0]).toBe(3);
  });

  it('let many read, above overlays of their own', () => {
    new Bench({ overlay: 'discard' });
    new Bench({ access: 'read-only' });
    const delta = { path: join(folder, 'delta') };
    new Bench({ overlay: delta });
    expect(() => new Bench({ overlay: delta })).toThrow(/delta: is in use/);
    expect(() => new Bench({})).toThrow(/is in use/);
  });

  it('end with the disk', async () => {
    const first = new Bench({});
    await first.disk.close();
    expect(() => new Bench({})).not.toThrow();
  });

  it.skipIf(!isHere)("are other programs' too (flock)", () => {
    new Bench({});
    expect(spawnSync('flock', ['--nonblock', image, 'true']).status).toBe(1);
  });
});
