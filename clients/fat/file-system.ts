/**
 * A FAT12, FAT16 or FAT32 file system on blocks: list, read, write, remove, make directories.
 *
 * A write is safe against power cuts. The new contents and their chain are made durable before the
 * directory entry that points to them, which is one sector and so changes at once; the old contents
 * are given back after that. So a file is always whole, the old one or the new one; what a cut can
 * leave behind is clusters that belong to nobody. Removing goes the same way: first the entry, then
 * the clusters. A long name lies in entries of its own, perhaps in another sector: its parts come
 * before the short entry that makes the file, and go after it; without that entry they are nothing.
 *
 * Not modelled: time stamps, FSInfo's hint (left as it is).
 */

import { AllocationTable } from './allocation.ts';
import { type BlockTask, FatError, VolumeBytes } from './block-io.ts';
import {
  DELETED,
  type DirectoryContents,
  dotEntries,
  ENTRY_BYTES,
  type FatEntry,
  isLegalName,
  makeEntries,
  parseDirectory,
  setContents,
} from './directory.ts';
import { type FatGeometry, parseBootSector } from './geometry.ts';

/** A directory: the fixed root of FAT12 and FAT16, or a chain of clusters. */
type Directory =
  | { readonly kind: 'fixed' }
  | { readonly kind: 'chain'; readonly clusters: readonly number[] };

export interface SpaceUse {
  readonly totalBytes: number;
  readonly freeBytes: number;
  readonly label: string;
  readonly type: 12 | 16 | 32;
}

const BOOT_BYTES = 512;
/** Entries in what a disk writes whole or not at all; where it writes more, that is no harm. */
const SECTOR_ENTRIES = 512 / ENTRY_BYTES;
const FILE_BYTES_MAX = 0xffff_ffff;

export class FatFileSystem {
  readonly geometry: FatGeometry;
  readonly #volume: VolumeBytes;
  readonly #table: AllocationTable;

  private constructor(volume: VolumeBytes, geometry: FatGeometry) {
    this.#volume = volume;
    this.geometry = geometry;
    this.#table = new AllocationTable(volume, geometry);
  }

  /** @param blocks size of the disk in blocks of 4096 bytes @throws FatError */
  static *mount(blocks: number): BlockTask<FatFileSystem> {
    const volume = new VolumeBytes(blocks);
    const boot = yield* volume.read(0, BOOT_BYTES);
    return new FatFileSystem(volume, parseBootSector(boot, volume.sizeBytes));
  }

  *list(path: string): BlockTask<readonly FatEntry[]> {
    const names = split(path);
    const { entries } = yield* this.#contents(yield* this.#directory(names));
    return entries.filter((entry) => !isDot(entry));
  }

  *readFile(path: string): BlockTask<Uint8Array> {
    const { entry } = yield* this.#find(path);
    if (entry === undefined) throw new FatError(`${path}: no such file`);
    if (entry.kind === 'directory') throw new FatError(`${path}: is a directory`);
    const chain = yield* this.#table.chain(entry.firstCluster);
    const { clusterBytes } = this.geometry;
    if (chain.length * clusterBytes < entry.sizeBytes) throw new FatError(`${path}: is damaged`);
    const bytes = new Uint8Array(entry.sizeBytes);
    for (const [index, cluster] of chain.entries()) {
      const length = Math.min(clusterBytes, entry.sizeBytes - index * clusterBytes);
      if (length <= 0) break;
      bytes.set(yield* this.#volume.read(this.#clusterAt(cluster), length), index * clusterBytes);
    }
    return bytes;
  }

  /** Makes a file, or replaces its contents. It is durable when this is over. */
  writeFile(path: string, bytes: Uint8Array): BlockTask<void> {
    return this.#whollyOrNot(this.#write(path, bytes));
  }

  /** Makes a directory. It is durable when this is over. */
  makeDirectory(path: string): BlockTask<void> {
    return this.#whollyOrNot(this.#makeDirectory(path));
  }

  /** Removes a file, or an empty directory. It is durably gone when this is over. */
  remove(path: string): BlockTask<void> {
    return this.#whollyOrNot(this.#remove(path));
  }

  *spaceUse(): BlockTask<SpaceUse> {
    const { clusters, clusterBytes, label, type } = this.geometry;
    const free = yield* this.#table.countFree();
    return { totalBytes: clusters * clusterBytes, freeBytes: free * clusterBytes, label, type };
  }

  *#whollyOrNot(change: BlockTask<void>): BlockTask<void> {
    try {
      yield* change;
    } catch (error) {
      this.#volume.abandon();
      throw error;
    }
  }

  *#write(path: string, bytes: Uint8Array): BlockTask<void> {
    if (bytes.length > FILE_BYTES_MAX) throw new FatError(`${path}: too long for a FAT file`);
    const { directory, contents, entry, name } = yield* this.#find(path);
    if (entry?.kind === 'directory') throw new FatError(`${path}: is a directory`);
    const old = entry === undefined ? [] : yield* this.#table.chain(entry.firstCluster);
    const chain = yield* this.#writeContents(bytes);
    const first = chain[0] ?? 0;
    if (entry === undefined) {
      const entries = makeEntries(name, 'file', shortNames(contents));
      setContents(entries.subarray(-ENTRY_BYTES), first, bytes.length, this.geometry.type);
      return yield* this.#enter(directory, contents, entries);
    }
    yield* this.#volume.commit();
    yield* this.#point(directory, entry.slot, first, bytes.length);
    yield* this.#volume.commit();
    yield* this.#giveBack(old);
  }

  *#makeDirectory(path: string): BlockTask<void> {
    const { directory, contents, entry, name } = yield* this.#find(path);
    if (entry !== undefined) throw new FatError(`${path}: exists already`);
    const { type, rootCluster, clusterBytes } = this.geometry;
    const [first] = yield* this.#table.allocate(1);
    if (first === undefined) throw new FatError('the disk is full');
    const above = directory.kind === 'fixed' ? 0 : (directory.clusters[0] ?? 0);
    const bytes = new Uint8Array(clusterBytes);
    bytes.set(dotEntries(first, above === rootCluster ? 0 : above, type));
    yield* this.#volume.write(this.#clusterAt(first), bytes);
    const entries = makeEntries(name, 'directory', shortNames(contents));
    setContents(entries.subarray(-ENTRY_BYTES), first, 0, type);
    yield* this.#enter(directory, contents, entries);
  }

  *#remove(path: string): BlockTask<void> {
    const { directory, entry } = yield* this.#find(path);
    if (entry === undefined) throw new FatError(`${path}: no such file or directory`);
    const chain = yield* this.#table.chain(entry.firstCluster);
    if (entry.kind === 'directory') {
      const inside = yield* this.#contents({ kind: 'chain', clusters: chain });
      const isEmpty = inside.entries.every(isDot);
      if (!isEmpty) throw new FatError(`${path}: the directory is not empty`);
    }
    yield* this.#volume.write(this.#slotAt(directory, entry.slot), Uint8Array.of(DELETED));
    if (isInTwoSectors(entry.firstSlot, entry.slot)) yield* this.#volume.commit();
    for (let slot = entry.firstSlot; slot < entry.slot; slot += 1) {
      yield* this.#volume.write(this.#slotAt(directory, slot), Uint8Array.of(DELETED));
    }
    yield* this.#volume.commit();
    yield* this.#giveBack(chain);
  }

  /** Clusters that nothing points to any more become free. */
  *#giveBack(chain: readonly number[]): BlockTask<void> {
    if (chain.length === 0) return;
    yield* this.#table.release(chain);
    yield* this.#volume.commit();
  }

  *#writeContents(bytes: Uint8Array): BlockTask<readonly number[]> {
    const { clusterBytes } = this.geometry;
    const chain = yield* this.#table.allocate(Math.ceil(bytes.length / clusterBytes));
    for (const [index, cluster] of chain.entries()) {
      const part = bytes.subarray(index * clusterBytes, (index + 1) * clusterBytes);
      yield* this.#volume.write(this.#clusterAt(cluster), part);
    }
    return chain;
  }

  /**
   * Puts the entries of something new into a directory, in free slots that follow each other; grows
   * the directory if it must. What they point to is made durable first.
   */
  *#enter(directory: Directory, contents: DirectoryContents, entries: Uint8Array): BlockTask<void> {
    const count = entries.length / ENTRY_BYTES;
    let slot = findRun(contents.free, count);
    let place = directory;
    if (slot === undefined) {
      place = yield* this.#grow(directory);
      const more = this.geometry.clusterBytes / ENTRY_BYTES;
      const added = Array.from({ length: more }, (_, i) => contents.slots + i);
      slot = findRun([...contents.free, ...added], count);
      if (slot === undefined) throw new FatError('the directory is full');
    }
    yield* this.#volume.commit();
    const last = slot + count - 1;
    yield* this.#writeEntries(place, slot, entries.subarray(0, -ENTRY_BYTES));
    if (isInTwoSectors(slot, last)) yield* this.#volume.commit();
    yield* this.#writeEntries(place, last, entries.subarray(-ENTRY_BYTES));
    yield* this.#volume.commit();
  }

  *#writeEntries(directory: Directory, slot: number, entries: Uint8Array): BlockTask<void> {
    for (let i = 0; i < entries.length / ENTRY_BYTES; i += 1) {
      const entry = entries.subarray(i * ENTRY_BYTES, (i + 1) * ENTRY_BYTES);
      yield* this.#volume.write(this.#slotAt(directory, slot + i), entry);
    }
  }

  *#grow(directory: Directory): BlockTask<Directory> {
    if (directory.kind === 'fixed') throw new FatError('the root directory is full');
    const [added] = yield* this.#table.allocate(1);
    const last = directory.clusters.at(-1);
    if (added === undefined || last === undefined) throw new FatError('the directory is damaged');
    const zeroes = new Uint8Array(this.geometry.clusterBytes);
    yield* this.#volume.write(this.#clusterAt(added), zeroes);
    yield* this.#table.link(last, added);
    return { kind: 'chain', clusters: [...directory.clusters, added] };
  }

  /** Points a short entry at a file's contents: the one moment at which the file changes. */
  *#point(directory: Directory, slot: number, first: number, size: number): BlockTask<void> {
    const at = this.#slotAt(directory, slot);
    const entry = yield* this.#volume.read(at, ENTRY_BYTES);
    setContents(entry, first, size, this.geometry.type);
    yield* this.#volume.write(at, entry);
  }

  *#find(path: string): BlockTask<{
    directory: Directory;
    contents: DirectoryContents;
    entry: FatEntry | undefined;
    name: string;
  }> {
    const names = split(path);
    const name = names.pop();
    if (name === undefined) throw new FatError(`${path}: is a directory`);
    if (!isLegalName(name)) throw new FatError(`${path}: no name for a file`);
    const directory = yield* this.#directory(names);
    const contents = yield* this.#contents(directory);
    return { directory, contents, entry: findEntry(contents, name), name };
  }

  /** Follows a path of directories from the root. */
  *#directory(names: readonly string[]): BlockTask<Directory> {
    const { type, rootCluster } = this.geometry;
    let directory: Directory =
      type === 32
        ? { kind: 'chain', clusters: yield* this.#table.chain(rootCluster) }
        : { kind: 'fixed' };
    for (const name of names) {
      const entry = findEntry(yield* this.#contents(directory), name);
      if (entry?.kind !== 'directory') throw new FatError(`${name}: no such directory`);
      directory = { kind: 'chain', clusters: yield* this.#table.chain(entry.firstCluster) };
    }
    return directory;
  }

  *#contents(directory: Directory): BlockTask<DirectoryContents> {
    const { type, rootAt, rootBytes, clusterBytes } = this.geometry;
    if (directory.kind === 'fixed')
      return parseDirectory(yield* this.#volume.read(rootAt, rootBytes), type);
    const bytes = new Uint8Array(directory.clusters.length * clusterBytes);
    for (const [index, cluster] of directory.clusters.entries()) {
      const part = yield* this.#volume.read(this.#clusterAt(cluster), clusterBytes);
      bytes.set(part, index * clusterBytes);
    }
    return parseDirectory(bytes, type);
  }

  #slotAt(directory: Directory, slot: number): number {
    const { rootAt, clusterBytes } = this.geometry;
    if (directory.kind === 'fixed') return rootAt + slot * ENTRY_BYTES;
    const perCluster = clusterBytes / ENTRY_BYTES;
    const cluster = directory.clusters[Math.floor(slot / perCluster)];
    if (cluster === undefined) throw new FatError('the directory is damaged');
    return this.#clusterAt(cluster) + (slot % perCluster) * ENTRY_BYTES;
  }

  #clusterAt(cluster: number): number {
    return this.geometry.dataAt + (cluster - 2) * this.geometry.clusterBytes;
  }
}

/** Whether a power cut may keep one of these entries of a directory and lose the other. */
function isInTwoSectors(slot: number, other: number): boolean {
  return Math.floor(slot / SECTOR_ENTRIES) !== Math.floor(other / SECTOR_ENTRIES);
}

/** Whether it is the directory itself, or the one it is in. */
function isDot(entry: FatEntry): boolean {
  return entry.shortName === '.' || entry.shortName === '..';
}

function shortNames(contents: DirectoryContents): ReadonlySet<string> {
  return new Set(contents.entries.map((one) => one.shortName));
}

function split(path: string): string[] {
  return path.split('/').filter((part) => part !== '');
}

/** Names differ in more than case. */
function findEntry(contents: DirectoryContents, name: string): FatEntry | undefined {
  const wanted = name.toUpperCase();
  return contents.entries.find(
    (entry) => entry.name.toUpperCase() === wanted || entry.shortName === wanted,
  );
}

/** @returns the first of `count` free slots that follow each other */
function findRun(free: readonly number[], count: number): number | undefined {
  let start = 0;
  for (let i = 0; i < free.length; i += 1) {
    if (i > start && free[i] !== (free[i - 1] as number) + 1) start = i;
    if (i - start + 1 === count) return free[start];
  }
  return undefined;
}
