/**
 * A FAT12, FAT16 or FAT32 file system on blocks: list, read, write.
 *
 * A write is safe against power cuts. The new contents and their chain are made durable before the directory entry that
 * points to them, which is one sector and so changes at once; the old contents are given back after that. So a file is
 * always whole, the old one or the new one; what a cut can leave behind is clusters that belong to nobody.
 *
 * Not modelled: making and removing directories, deleting, time stamps, FSInfo's hint (left as it is).
 */

import { AllocationTable } from './allocation.ts';
import { type BlockTask, FatError, VolumeBytes } from './block-io.ts';
import {
  type DirectoryContents,
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
    return entries.filter((entry) => entry.shortName !== '.' && entry.shortName !== '..');
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
  *writeFile(path: string, bytes: Uint8Array): BlockTask<void> {
    try {
      yield* this.#write(path, bytes);
    } catch (error) {
      this.#volume.abandon();
      throw error;
    }
  }

  *spaceUse(): BlockTask<SpaceUse> {
    const { clusters, clusterBytes, label, type } = this.geometry;
    const free = yield* this.#table.countFree();
    return { totalBytes: clusters * clusterBytes, freeBytes: free * clusterBytes, label, type };
  }

  *#write(path: string, bytes: Uint8Array): BlockTask<void> {
    if (bytes.length > FILE_BYTES_MAX) throw new FatError(`${path}: too long for a FAT file`);
    const { directory, contents, entry, name } = yield* this.#find(path);
    if (entry?.kind === 'directory') throw new FatError(`${path}: is a directory`);
    const old = entry === undefined ? [] : yield* this.#table.chain(entry.firstCluster);
    const chain = yield* this.#writeContents(bytes);
    const first = chain[0] ?? 0;
    const place =
      entry === undefined
        ? yield* this.#placeFor(directory, contents, name)
        : { directory, slot: entry.slot, entries: undefined };
    yield* this.#volume.commit();
    if (place.entries === undefined) {
      yield* this.#point(place.directory, place.slot, first, bytes.length);
    } else {
      setContents(place.entries.subarray(-ENTRY_BYTES), first, bytes.length);
      yield* this.#writeEntries(place.directory, place.slot, place.entries);
    }
    yield* this.#volume.commit();
    if (old.length === 0) return;
    yield* this.#table.release(old);
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
   * Finds free slots that follow each other for the entries of a new file; grows the directory if it must.
   *
   * @returns the directory as it is then, the first slot, and the entries, still without contents
   */
  *#placeFor(
    directory: Directory,
    contents: DirectoryContents,
    name: string,
  ): BlockTask<{ directory: Directory; slot: number; entries: Uint8Array }> {
    const entries = makeEntries(name, new Set(contents.entries.map((one) => one.shortName)));
    const count = entries.length / ENTRY_BYTES;
    const first = findRun(contents.free, count);
    if (first !== undefined) return { directory, slot: first, entries };
    const grown = yield* this.#grow(directory);
    const more = this.geometry.clusterBytes / ENTRY_BYTES;
    const added = Array.from({ length: more }, (_, i) => contents.slots + i);
    const slot = findRun([...contents.free, ...added], count);
    if (slot === undefined) throw new FatError('the directory is full');
    return { directory: grown, slot, entries };
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
    setContents(entry, first, size);
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
    const { rootAt, rootBytes, clusterBytes } = this.geometry;
    if (directory.kind === 'fixed')
      return parseDirectory(yield* this.#volume.read(rootAt, rootBytes));
    const bytes = new Uint8Array(directory.clusters.length * clusterBytes);
    for (const [index, cluster] of directory.clusters.entries()) {
      const part = yield* this.#volume.read(this.#clusterAt(cluster), clusterBytes);
      bytes.set(part, index * clusterBytes);
    }
    return parseDirectory(bytes);
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
