/**
 * Goal: every backend of the block wire reads back what was written and nothing else, against a
 * plain array; wrappers change what they say they change; the overlay never touches its base; a
 * power cut leaves old or new sectors only.
 */

import { describe, expect, it } from 'vitest';
import { Ram } from '../../memory/ram.ts';
import type { BlockEnd, BlockWire } from '../block-wire.ts';
import { BLOCK_IO_ERROR, BLOCK_OK, BLOCK_PENDING, BlockWrapper } from '../block-wire.ts';
import { FaultyWire } from './faults.ts';
import { MemoryDisk } from './memory-disk.ts';
import { Overlay, overlayMapBytes } from './overlay.ts';
import { ReadOnlyWire } from './read-only.ts';
import { SparseDisk } from './sparse-disk.ts';
import { VolatileCacheDisk } from './volatile-cache.ts';

const DISK_BYTES = 256 * 1024;
const SECTORS = DISK_BYTES / 512;
const BUFFER = 4096;

function newRam(): Ram {
  return new Ram({ sizeBytes: 131_072, stagingBytes: 2 * 1024 * 1024 });
}

/** A repeatable sequence of numbers below `limit`. */
function sequence(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/** Keeps operations pending until told, and finishes them newest first. */
class Slow extends BlockWrapper {
  readonly #held: (() => void)[] = [];

  override read(tag: number, sector: number, at: number, length: number): number {
    this.#held.push(() => this.end?.completed(tag, this.inner.read(tag, sector, at, length)));
    return BLOCK_PENDING;
  }

  override write(tag: number, sector: number, at: number, length: number): number {
    this.#held.push(() => this.end?.completed(tag, this.inner.write(tag, sector, at, length)));
    return BLOCK_PENDING;
  }

  override flush(tag: number): number {
    this.#held.push(() => this.end?.completed(tag, this.inner.flush(tag)));
    return BLOCK_PENDING;
  }

  finishOne(): boolean {
    const next = this.#held.pop();
    next?.();
    return next !== undefined;
  }
}

interface Rig {
  readonly wire: BlockWire;
  readonly settle: () => void;
}

const BACKENDS: Record<string, (ram: Ram) => Rig> = {
  memory: (ram) => ({ wire: new MemoryDisk(ram, DISK_BYTES), settle: () => {} }),
  sparse: (ram) => ({ wire: new SparseDisk(ram, DISK_BYTES), settle: () => {} }),
  overlay: (ram) => ({ wire: overlayOf(ram, new MemoryDisk(ram, DISK_BYTES)), settle: () => {} }),
  'slow overlay': (ram) => {
    const base = new Slow(new MemoryDisk(ram, DISK_BYTES));
    const delta = new Slow(new SparseDisk(ram, DISK_BYTES));
    const wire = new Overlay({ ram, base, delta, mapAt: mapOf(ram), dataSector: 0 });
    const settle = (): void => {
      while (base.finishOne() || delta.finishOne());
    };
    return { wire, settle };
  },
  'volatile cache': (ram) => ({
    wire: new VolatileCacheDisk(ram, new Uint8Array(DISK_BYTES), () => {}),
    settle: () => {},
  }),
  'faulty without faults': (ram) => ({
    wire: new FaultyWire(new MemoryDisk(ram, DISK_BYTES)),
    settle: () => {},
  }),
};

function mapOf(ram: Ram): number {
  return ram.takeStaging(overlayMapBytes(SECTORS));
}

function overlayOf(ram: Ram, base: BlockWire): Overlay {
  const delta = new SparseDisk(ram, DISK_BYTES);
  return new Overlay({ ram, base, delta, mapAt: mapOf(ram), dataSector: 0 });
}

describe.each(Object.entries(BACKENDS))('%s disk', (_name, make) => {
  it('equals a plain array after 500 random operations', () => {
    const ram = newRam();
    const { wire, settle } = make(ram);
    const statuses: number[] = [];
    const end: BlockEnd = {
      completed: (_tag, status) => statuses.push(status),
      geometryChanged: () => {},
    };
    wire.attach(end);
    const model = new Uint8Array(DISK_BYTES);
    const draw = sequence(7);

    for (let step = 0; step < 500; step += 1) {
      const sector = draw(SECTORS - 16);
      const length = (1 + draw(16)) * 512;
      const kind = draw(5);
      if (kind < 2) {
        const bytes = Uint8Array.from({ length }, () => draw(256));
        ram.u8.set(bytes, BUFFER);
        model.set(bytes, sector * 512);
        statuses.push(wire.write(step, sector, BUFFER, length));
      } else if (kind === 2) {
        model.fill(0, sector * 512, sector * 512 + length);
        statuses.push(wire.writeZeroes(step, sector, length / 512));
      } else if (kind === 3) {
        statuses.push(wire.flush(step));
      } else {
        ram.fill(BUFFER, 0xa5, length);
        statuses.push(wire.read(step, sector, BUFFER, length));
        settle();
        const got = ram.u8.slice(BUFFER, BUFFER + length);
        expect(Buffer.compare(got, model.subarray(sector * 512, sector * 512 + length))).toBe(0);
      }
      settle();
    }

    expect(new Set(statuses.filter((one) => one !== BLOCK_PENDING))).toEqual(new Set([BLOCK_OK]));
  });
});

describe('Overlay', () => {
  it('never writes its base', () => {
    const ram = newRam();
    const base = new MemoryDisk(ram, DISK_BYTES);
    base.load(new Uint8Array(DISK_BYTES).fill(3));
    const wire = overlayOf(ram, new ReadOnlyWire(base));
    ram.fill(BUFFER, 9, 1024);

    expect(wire.write(0, 5, BUFFER, 512)).toBe(BLOCK_OK);
    wire.read(0, 4, BUFFER + 8192, 1536);

    expect([0, 512, 1024].map((at) => ram.u8[BUFFER + 8192 + at])).toEqual([3, 9, 3]);
    expect(base.image().every((byte) => byte === 3)).toBe(true);
  });

  it('keeps its map in the delta at a flush, after the data', () => {
    const ram = newRam();
    const mapBytes = overlayMapBytes(SECTORS);
    const log: string[] = [];
    const delta = new (class extends BlockWrapper {
      override write(tag: number, sector: number, at: number, length: number): number {
        log.push(sector === 0 ? 'map' : 'data');
        return super.write(tag, sector, at, length);
      }
      override flush(tag: number): number {
        log.push('flush');
        return super.flush(tag);
      }
    })(new SparseDisk(ram, DISK_BYTES + mapBytes));
    const wire = new Overlay({
      ram,
      base: new MemoryDisk(ram, DISK_BYTES),
      delta,
      mapAt: mapOf(ram),
      kept: { mapSector: 0, snapshotAt: mapOf(ram) },
      dataSector: mapBytes / 512,
    });

    wire.write(0, 1, BUFFER, 512);
    wire.flush(0);
    wire.flush(0);

    expect(log).toEqual(['data', 'flush', 'map', 'flush', 'flush']);
  });

  it('does not show a write that failed', () => {
    const ram = newRam();
    const delta = new FaultyWire(new SparseDisk(ram, DISK_BYTES), [
      { kind: 'dead-sector', sector: 2 },
    ]);
    const base = new MemoryDisk(ram, DISK_BYTES);
    base.load(new Uint8Array(DISK_BYTES).fill(3));
    const wire = new Overlay({ ram, base, delta, mapAt: mapOf(ram), dataSector: 0 });

    expect(wire.write(0, 2, BUFFER, 512)).toBe(BLOCK_IO_ERROR);
    wire.read(0, 2, BUFFER, 512);

    expect(ram.u8[BUFFER]).toBe(3);
  });
});

describe('VolatileCacheDisk', () => {
  it('loses or keeps each unflushed sector, whole', () => {
    const ram = newRam();
    const disk = new VolatileCacheDisk(ram, new Uint8Array(2048), () => {});
    ram.fill(BUFFER, 1, 1024);
    disk.write(0, 0, BUFFER, 1024);
    disk.flush(0);
    ram.fill(BUFFER, 2, 1024);
    disk.write(0, 1, BUFFER, 1024);
    ram.fill(BUFFER, 3, 512);
    disk.write(0, 1, BUFFER, 512);

    expect(disk.states()).toBe(3 * 2);
    const images = [0, 1, 2].map((choice) =>
      disk.afterPowerCut((sector) => (sector === 1 ? choice : 0)),
    );

    expect(images.map((image) => [0, 511, 512, 1023, 1024].map((at) => image[at]))).toEqual([
      [1, 1, 1, 1, 0],
      [1, 1, 2, 2, 0],
      [1, 1, 3, 3, 0],
    ]);
  });

  it('tells of each moment at which the power may go', () => {
    const moments: string[] = [];
    const disk = new VolatileCacheDisk(newRam(), new Uint8Array(2048), (what) =>
      moments.push(what),
    );

    disk.write(0, 0, BUFFER, 512);
    disk.flush(0);

    expect(moments).toEqual(['write', 'flush']);
  });
});

describe('FaultyWire', () => {
  function faulty(...faults: ConstructorParameters<typeof FaultyWire>[1] & object) {
    const ram = newRam();
    const disk = new MemoryDisk(ram, DISK_BYTES);
    return { ram, wire: new FaultyWire(disk, faults) };
  }

  it('cures a latent sector error by a rewrite, and it alone', () => {
    const { wire } = faulty({ kind: 'latent-sector-error', sector: 4 });

    expect(wire.read(0, 0, BUFFER, 4096)).toBe(BLOCK_IO_ERROR);
    expect(wire.read(0, 0, BUFFER, 2048)).toBe(BLOCK_OK);
    expect(wire.write(0, 4, BUFFER, 512)).toBe(BLOCK_OK);
    expect(wire.read(0, 0, BUFFER, 4096)).toBe(BLOCK_OK);
  });

  it('fails a transient error as often as told', () => {
    const { wire } = faulty({ kind: 'transient-error', sector: 4, times: 2 });

    const answers = [1, 2, 3].map(() => wire.read(0, 4, BUFFER, 512));

    expect(answers).toEqual([BLOCK_IO_ERROR, BLOCK_IO_ERROR, BLOCK_OK]);
  });

  it('loses a write, sends one elsewhere, and counts both', () => {
    const { ram, wire } = faulty(
      { kind: 'lost-write', sector: 1 },
      { kind: 'misdirected-write', sector: 2, by: 8 },
    );
    ram.fill(BUFFER, 6, 512);

    wire.write(0, 1, BUFFER, 512);
    wire.write(0, 2, BUFFER, 512);
    const seen = [1, 2, 10].map((sector) => {
      wire.read(0, sector, BUFFER, 512);
      return ram.u8[BUFFER];
    });

    expect(seen).toEqual([0, 0, 6]);
    expect([...wire.happened]).toEqual([
      ['lost-write', 1],
      ['misdirected-write', 1],
    ]);
  });

  it('refuses what lies beyond a medium that shrank, and writes when it is read-only', () => {
    const { wire } = faulty();
    let changes = 0;
    wire.attach({ completed: () => {}, geometryChanged: () => (changes += 1) });

    wire.shrinkTo(100);
    wire.becomeReadOnly();

    expect([wire.sectors(), wire.isReadOnly(), changes]).toEqual([100, true, 2]);
    expect(wire.read(0, 99, BUFFER, 1024)).toBe(BLOCK_IO_ERROR);
    expect(wire.write(0, 0, BUFFER, 512)).toBe(BLOCK_IO_ERROR);
  });
});
