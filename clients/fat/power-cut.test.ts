/**
 * Goal: a directory whose entries lie in several sectors is old or new after a power cut, with
 * names that are too long for one entry. Method: files made and removed at random; before each
 * flush, disks on which each sector written since the last one is any of what it has been.
 */

import { expect, it } from 'vitest';
import { Random } from '../../board/random.ts';
import { fatPatches } from '../../host/disk/fat-format.ts';
import type { BlockTask, BlockWish } from './block-io.ts';
import { FatFileSystem } from './file-system.ts';

const DISK_BYTES = 1 << 20;
const BLOCK = 4096;
const SECTOR = 512;
/** Together more entries than a sector has. */
const NAMES = [
  'A.TXT',
  'a name that is long.text',
  `one of ${'many, many '.repeat(6)}entries`,
  'B',
  'another name that is long.text',
  `and one of ${'many, many '.repeat(5)}more`,
];
const SEED = 5;

/** A disk that keeps what each sector has been since the last flush. */
class Disk {
  readonly image = new Uint8Array(DISK_BYTES);
  readonly #versions = new Map<number, Uint8Array[]>();
  readonly #onFlush: () => void;

  constructor(onFlush: () => void) {
    this.#onFlush = onFlush;
    const made = fatPatches({
      startBytes: 0,
      sizeBytes: DISK_BYTES,
      sectorBytes: SECTOR,
      label: 'T',
      serial: 1,
    });
    if ('problem' in made) throw new Error(made.problem);
    for (const { at, bytes } of made) this.image.set(bytes, at);
  }

  answer(wish: BlockWish): Uint8Array {
    if (wish.kind === 'read') {
      return this.image.slice(wish.block * BLOCK, (wish.block + wish.count) * BLOCK);
    }
    if (wish.kind === 'write') this.#write(wish.block * BLOCK, wish.bytes);
    else {
      this.#onFlush();
      this.#versions.clear();
    }
    return new Uint8Array(0);
  }

  #write(start: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += SECTOR) {
      const known = this.#versions.get(start + at) ?? [this.#sector(start + at)];
      this.#versions.set(start + at, [...known, bytes.slice(at, at + SECTOR)]);
    }
    this.image.set(bytes, start);
  }

  afterCut(random: Random): Uint8Array {
    const left = this.image.slice();
    for (const [at, versions] of this.#versions) {
      left.set(versions[random.below(versions.length)] ?? [], at);
    }
    return left;
  }

  #sector(at: number): Uint8Array {
    return this.image.slice(at, at + SECTOR);
  }
}

function run<Result>(task: BlockTask<Result>, answer: (wish: BlockWish) => Uint8Array): Result {
  let step = task.next();
  while (step.done !== true) step = task.next(answer(step.value));
  return step.value;
}

function namesOn(image: Uint8Array): readonly string[] {
  const read = (wish: BlockWish): Uint8Array => {
    if (wish.kind !== 'read') throw new Error('reading does not write');
    return image.slice(wish.block * BLOCK, (wish.block + wish.count) * BLOCK);
  };
  const fs = run(FatFileSystem.mount(DISK_BYTES / BLOCK), read);
  return run(fs.list('/'), read).map(({ name }) => name);
}

it(`keeps long names or loses them, and never in part (seed ${SEED})`, () => {
  const random = new Random(SEED);
  const seen = { cuts: 0, strange: new Set<string>() };
  const disk = new Disk(() => {
    for (let i = 0; i < 4; i += 1) {
      seen.cuts += 1;
      const strange = namesOn(disk.afterCut(random)).filter((name) => !NAMES.includes(name));
      for (const name of strange) seen.strange.add(name);
    }
  });
  const answer = (wish: BlockWish): Uint8Array => disk.answer(wish);
  const fs = run(FatFileSystem.mount(DISK_BYTES / BLOCK), answer);
  const there = new Set<string>();
  for (let step = 0; step < 120; step += 1) {
    const name = NAMES[random.below(NAMES.length)] ?? '';
    if (there.delete(name)) run(fs.remove(name), answer);
    else {
      there.add(name);
      run(fs.writeFile(name, new Uint8Array(random.below(2000))), answer);
    }
  }
  expect(seen.cuts).toBeGreaterThan(500);
  expect([...seen.strange]).toEqual([]);
  expect(namesOn(disk.image).toSorted()).toEqual([...there].toSorted());
});
