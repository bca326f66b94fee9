/** The file allocation table: which cluster follows which, and which are free. */

import { type BlockTask, FatError, type VolumeBytes } from './block-io.ts';
import type { FatGeometry } from './geometry.ts';

const FREE = 0;
const FIRST_CLUSTER = 2;

export class AllocationTable {
  readonly #volume: VolumeBytes;
  readonly #geometry: FatGeometry;
  /** From here on a free cluster is looked for. */
  #searchFrom = FIRST_CLUSTER;

  constructor(volume: VolumeBytes, geometry: FatGeometry) {
    this.#volume = volume;
    this.#geometry = geometry;
  }

  /** Clusters of a chain. @throws FatError for a chain that leaves the table or never ends */
  *chain(first: number): BlockTask<number[]> {
    const chain: number[] = [];
    let cluster = first;
    while (this.#isData(cluster)) {
      chain.push(cluster);
      if (chain.length > this.#geometry.clusters) throw new FatError('a file has no end');
      cluster = yield* this.#get(cluster);
    }
    if (cluster !== FREE && cluster < this.#endMark()) throw new FatError('a file is damaged');
    return chain;
  }

  /**
   * Takes clusters and links them to each other; the last one ends the chain.
   * @throws FatError when there are too few
   */
  *allocate(count: number): BlockTask<number[]> {
    const taken: number[] = [];
    const { clusters } = this.#geometry;
    for (let step = 0; step < clusters && taken.length < count; step += 1) {
      const cluster = FIRST_CLUSTER + ((this.#searchFrom - FIRST_CLUSTER + step) % clusters);
      if ((yield* this.#get(cluster)) === FREE) taken.push(cluster);
    }
    if (taken.length < count) throw new FatError('the disk is full');
    for (const [index, cluster] of taken.entries()) {
      yield* this.#set(cluster, taken[index + 1] ?? this.#endMark());
    }
    this.#searchFrom = (taken.at(-1) ?? this.#searchFrom - 1) + 1;
    if (this.#searchFrom >= FIRST_CLUSTER + clusters) this.#searchFrom = FIRST_CLUSTER;
    return taken;
  }

  /** Appends a chain to another. */
  *link(last: number, next: number): BlockTask<void> {
    yield* this.#set(last, next);
  }

  *release(chain: readonly number[]): BlockTask<void> {
    for (const cluster of chain) yield* this.#set(cluster, FREE);
  }

  *countFree(): BlockTask<number> {
    let free = 0;
    const end = FIRST_CLUSTER + this.#geometry.clusters;
    for (let cluster = FIRST_CLUSTER; cluster < end; cluster += 1) {
      if ((yield* this.#get(cluster)) === FREE) free += 1;
    }
    return free;
  }

  #isData(cluster: number): boolean {
    return cluster >= FIRST_CLUSTER && cluster < FIRST_CLUSTER + this.#geometry.clusters;
  }

  /** The smallest value that ends a chain; also what is written there. */
  #endMark(): number {
    if (this.#geometry.type === 12) return 0xff8;
    return this.#geometry.type === 16 ? 0xfff8 : 0x0fff_fff8;
  }

  *#get(cluster: number): BlockTask<number> {
    const { type, fatAt } = this.#geometry;
    if (type === 12) {
      const pair = yield* this.#volume.read(fatAt + Math.floor(cluster * 1.5), 2);
      const value = (pair[0] as number) | ((pair[1] as number) << 8);
      return cluster % 2 === 0 ? value & 0xfff : value >>> 4;
    }
    const width = type / 8;
    const bytes = yield* this.#volume.read(fatAt + cluster * width, width);
    return number(bytes) & (type === 32 ? 0x0fff_ffff : 0xffff);
  }

  /** Writes an entry into every copy of the table. */
  *#set(cluster: number, value: number): BlockTask<void> {
    const { type, fatAt, fatBytes, fats } = this.#geometry;
    for (let copy = 0; copy < fats; copy += 1) {
      const at = fatAt + copy * fatBytes;
      if (type === 12) yield* this.#set12(at, cluster, value);
      else if (type === 16) {
        yield* this.#volume.write(at + cluster * 2, Uint8Array.of(value & 0xff, value >>> 8));
      } else {
        // The upper four bits are not ours.
        const old = number(yield* this.#volume.read(at + cluster * 4, 4));
        const word = ((old & 0xf000_0000) | value) >>> 0;
        const bytes = [word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, word >>> 24];
        yield* this.#volume.write(at + cluster * 4, Uint8Array.from(bytes));
      }
    }
  }

  *#set12(fatAt: number, cluster: number, value: number): BlockTask<void> {
    const at = fatAt + Math.floor(cluster * 1.5);
    const pair = yield* this.#volume.read(at, 2);
    const old = (pair[0] as number) | ((pair[1] as number) << 8);
    const word = cluster % 2 === 0 ? (old & 0xf000) | value : (old & 0xf) | (value << 4);
    yield* this.#volume.write(at, Uint8Array.of(word & 0xff, (word >>> 8) & 0xff));
  }
}

function number(bytes: Uint8Array): number {
  return bytes.reduceRight((value, byte) => value * 256 + byte, 0);
}
