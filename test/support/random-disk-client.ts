/**
 * A block client that makes random requests and compares what it reads with a plain array. What it
 * writes says what it is: each sector is filled with one 32-bit number, the version of its block,
 * so that a mixture below the size of a sector shows, and a disk after a power cut can be judged.
 */

import { Random } from '../../board/random.ts';
import type { ProtectionDomain, Program } from '../../microkit/pd.ts';
import type { BlkClientConfig } from '../../queues/blk/config.ts';
import { BlkRequestProducer } from '../../queues/blk/request-queue.ts';
import { BlkResponseConsumer, emptyResponse } from '../../queues/blk/response-queue.ts';
import { isStorageReady, readStorageInfo } from '../../queues/blk/storage-info.ts';

const [READ, WRITE, FLUSH, BARRIER, ZEROES] = [0, 1, 2, 3, 5] as const;
const BLOCK = 4096;
const BLOCKS_MAX = 4;

export interface RandomClientOptions {
  readonly seed: number;
  readonly requests: number;
  readonly depth: number;
  /** Blocks that are used, from the first of the partition. */
  readonly blocks: number;
  /** How many of a hundred requests are WRITE_ZEROES. */
  readonly zeroPercent: number;
}

interface InFlight {
  readonly code: number;
  readonly block: number;
  readonly count: number;
  /** Versions that a write gives its blocks. */
  readonly versions: readonly number[];
  /** Of a flush: the version that each block had when it was sent. */
  readonly covers: Uint32Array | undefined;
}

/** A client as the test sees it from outside. */
export class RandomDiskClient {
  readonly options: RandomClientOptions;
  /** What each block holds: the version of the write that was answered last. */
  readonly model: Uint32Array;
  /** The version of each block that the last flush has made durable. */
  readonly durable: Uint32Array;
  /** The newest version of each block that was sent. */
  readonly newest: Uint32Array;
  readonly mistakes: string[] = [];
  answered = 0;
  readonly counts = { read: 0, write: 0, flush: 0, barrier: 0, zeroes: 0 };
  /** Versions in the order in which they were sent, by block. */
  readonly history: number[][];
  #nextVersion = 1;

  constructor(options: RandomClientOptions) {
    this.options = options;
    this.model = new Uint32Array(options.blocks);
    this.durable = new Uint32Array(options.blocks);
    this.newest = new Uint32Array(options.blocks);
    this.history = Array.from({ length: options.blocks }, () => [0]);
  }

  newVersion(block: number, version: number = this.#nextVersion++): number {
    this.newest[block] = version;
    (this.history[block] as number[]).push(version);
    return version;
  }

  /**
   * @returns what is wrong with a block of a disk after a power cut, undefined when it is one that
   * may be there
   */
  judge(block: number, bytes: Uint8Array): string | undefined {
    const words = new Uint32Array(bytes.slice().buffer);
    const history = this.history[block] as number[];
    const floor = history.lastIndexOf(this.durable[block] as number);
    for (let sector = 0; sector < 8; sector += 1) {
      const first = words[sector * 128] as number;
      for (let i = 1; i < 128; i += 1) {
        if (words[sector * 128 + i] !== first) return `sector ${sector} is mixed`;
      }
      if (history.lastIndexOf(first) < floor) {
        return `sector ${sector} has version ${first}, older than what was flushed`;
      }
    }
    return undefined;
  }

  readonly program: Program<{ readonly blk: BlkClientConfig }> = (pd) => {
    const run = new RandomRun(this, pd);
    return { notified: () => run.notified() };
  };
}

class RandomRun {
  readonly #client: RandomDiskClient;
  readonly #pd: ProtectionDomain<{ readonly blk: BlkClientConfig }>;
  readonly #random: Random;
  readonly #requests: BlkRequestProducer;
  readonly #responses: BlkResponseConsumer;
  readonly #data;
  readonly #inFlight: (InFlight | undefined)[];
  readonly #busy: Uint8Array;
  #sent = 0;

  constructor(client: RandomDiskClient, pd: ProtectionDomain<{ readonly blk: BlkClientConfig }>) {
    const { virt, data } = pd.config.blk;
    this.#client = client;
    this.#pd = pd;
    this.#random = new Random(client.options.seed);
    this.#requests = new BlkRequestProducer(pd.region(virt.requestQueue), virt.capacity);
    this.#responses = new BlkResponseConsumer(pd.region(virt.responseQueue), virt.capacity);
    this.#data = pd.region(data.region);
    this.#inFlight = Array.from({ length: client.options.depth }, () => undefined);
    this.#busy = new Uint8Array(client.options.blocks);
    this.notified();
  }

  notified(): void {
    const { virt } = this.#pd.config.blk;
    const info = this.#pd.readonlyRegion(virt.storageInfo);
    if (!isStorageReady(info)) return;
    if (readStorageInfo(info).capacity < this.#client.options.blocks) {
      this.#client.mistakes.push('the partition is too small');
      return;
    }
    const response = emptyResponse();
    for (let left = this.#responses.available(); left > 0; left -= 1) {
      this.#responses.dequeue(response);
      this.#finished(response.id, response.status, response.successCount);
    }
    this.#responses.release();
    let added = 0;
    for (const [slot, flight] of this.#inFlight.entries()) {
      if (flight === undefined && this.#sendOne(slot)) added += 1;
    }
    if (added === 0) return;
    this.#requests.publish();
    this.#pd.notify(virt.channel);
  }

  /** @returns whether a request was sent: not when all are, or the blocks drawn are in use */
  #sendOne(slot: number): boolean {
    const { options, counts } = this.#client;
    if (this.#sent >= options.requests) return false;
    const draw = this.#random.below(100);
    if (draw < 4) {
      const covers = this.#client.model.slice();
      const code = draw < 3 ? FLUSH : BARRIER;
      counts[code === FLUSH ? 'flush' : 'barrier'] += 1;
      return this.#send(slot, { code, block: 0, count: 0, versions: [], covers });
    }
    const count = 1 + this.#random.below(BLOCKS_MAX);
    const block = this.#random.below(options.blocks - count);
    for (let b = block; b < block + count; b += 1) if (this.#busy[b] === 1) return false;
    this.#busy.fill(1, block, block + count);
    if (draw < 45) {
      counts.read += 1;
      this.#data.fill(slot * BLOCKS_MAX * BLOCK, 0xa5, count * BLOCK);
      return this.#send(slot, { code: READ, block, count, versions: [], covers: undefined });
    }
    const zeroes = draw < 45 + options.zeroPercent;
    counts[zeroes ? 'zeroes' : 'write'] += 1;
    const versions = Array.from({ length: count }, (_, i) =>
      this.#client.newVersion(block + i, ...(zeroes ? [0] : [])),
    );
    if (!zeroes) for (const [i, version] of versions.entries()) this.#fill(slot, i, version);
    return this.#send(slot, {
      code: zeroes ? ZEROES : WRITE,
      block,
      count,
      versions,
      covers: undefined,
    });
  }

  #send(slot: number, flight: InFlight): true {
    this.#inFlight[slot] = flight;
    this.#sent += 1;
    const offset = slot * BLOCKS_MAX * BLOCK;
    this.#requests.enqueue(flight.code, offset, flight.block, flight.count, slot);
    return true;
  }

  #finished(slot: number, status: number, successCount: number): void {
    const client = this.#client;
    const flight = this.#inFlight[slot];
    if (flight === undefined) {
      client.mistakes.push(`an answer to nothing: ${slot}`);
      return;
    }
    this.#inFlight[slot] = undefined;
    client.answered += 1;
    const { code, block, count, versions, covers } = flight;
    if (status !== 0 || successCount !== count) {
      client.mistakes.push(`request of code ${code}: status ${status}, ${successCount} blocks`);
    }
    if (covers !== undefined) return client.durable.set(covers);
    this.#busy.fill(0, block, block + count);
    for (let i = 0; i < count; i += 1) {
      if (code === READ) this.#compare(slot, i, block + i);
      else client.model[block + i] = versions[i] as number;
    }
  }

  #fill(slot: number, index: number, version: number): void {
    const bytes = new Uint8Array(new Uint32Array(BLOCK / 4).fill(version).buffer);
    this.#data.write((slot * BLOCKS_MAX + index) * BLOCK, bytes);
  }

  #compare(slot: number, index: number, block: number): void {
    const bytes = new Uint8Array(BLOCK);
    this.#data.read((slot * BLOCKS_MAX + index) * BLOCK, bytes);
    const wanted = this.#client.model[block] as number;
    const differs = new Uint32Array(bytes.buffer).findIndex((word) => word !== wanted);
    if (differs !== -1) this.#client.mistakes.push(`block ${block} differs at word ${differs}`);
  }
}
