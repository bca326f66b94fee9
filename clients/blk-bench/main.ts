/**
 * A client that keeps a number of requests in flight and counts what comes back: for measurements.
 * It reads or writes blocks at random or one after the other, and looks at no data.
 */

import type { Channel, EntryPoints, ProtectionDomain } from '../../microkit/pd.ts';
import type { BlkClientConfig } from '../../queues/blk/config.ts';
import {
  BLK_FLUSH,
  BLK_OK,
  BLK_READ,
  BLK_TRANSFER_BYTES,
  BLK_WRITE,
} from '../../queues/blk/layout.ts';
import { BlkRequestProducer } from '../../queues/blk/request-queue.ts';
import { BlkResponseConsumer, emptyResponse } from '../../queues/blk/response-queue.ts';
import { isStorageReady, readStorageInfo } from '../../queues/blk/storage-info.ts';
import { Counters, counterNames } from '../../queues/counters.ts';

export const BLK_BENCH_COUNTERS = counterNames('requests', 'blocks', 'errors', 'flushes');

export interface BlkBenchConfig {
  readonly blk: BlkClientConfig;
  readonly order: 'random' | 'sequential';
  /** Of a hundred requests, how many read. */
  readonly readPercent: number;
  /** Bytes of each request; a multiple of 4096. */
  readonly requestBytes: number;
  /** Requests in flight; at most the capacity of the queues, and what the data region holds. */
  readonly depth: number;
  /** So many requests, then a FLUSH, and again; never unless told. */
  readonly flushEvery?: number;
  readonly stats?: string;
}

/** Names of the counters in `stats`, for whoever runs this program from a description. */
export { BLK_BENCH_COUNTERS as counters };

export function main(pd: ProtectionDomain<BlkBenchConfig>): EntryPoints {
  const bench = new BlkBench(pd);
  return { notified: (channel) => bench.notified(channel), counters: bench.counters };
}

class BlkBench {
  readonly #pd: ProtectionDomain<BlkBenchConfig>;
  readonly #config: BlkBenchConfig;
  readonly #channel: Channel;
  readonly #requests: BlkRequestProducer;
  readonly #responses: BlkResponseConsumer;
  readonly counters: Counters<keyof typeof BLK_BENCH_COUNTERS>;
  readonly #response = emptyResponse();
  readonly #blocks: number;
  /** Places at which a request can begin, in requests. */
  #places = 0;
  #next = 0;
  #random = 1;
  #untilFlush = Infinity;

  constructor(pd: ProtectionDomain<BlkBenchConfig>) {
    const { config } = pd;
    const { virt, data } = config.blk;
    this.#pd = pd;
    this.#config = config;
    this.#channel = virt.channel;
    this.#requests = new BlkRequestProducer(pd.region(virt.requestQueue), virt.capacity);
    this.#responses = new BlkResponseConsumer(pd.region(virt.responseQueue), virt.capacity);
    const { stats } = config;
    this.counters = new Counters(
      BLK_BENCH_COUNTERS,
      stats === undefined ? undefined : pd.region(stats),
    );
    this.#blocks = config.requestBytes / BLK_TRANSFER_BYTES;
    this.#untilFlush = config.flushEvery ?? Infinity;
    const fits = Math.floor(pd.region(data.region).sizeBytes / config.requestBytes);
    if (config.depth > virt.capacity || config.depth > fits) {
      throw new Error(`depth ${config.depth} does not fit the queues or the data region`);
    }
    this.#begin();
  }

  notified(_channel: Channel): void {
    if (this.#places === 0) return this.#begin();
    const response = this.#response;
    let left = this.#responses.available();
    if (left === 0) return;
    this.counters.add(BLK_BENCH_COUNTERS.requests, left);
    for (; left > 0; left -= 1) {
      this.#responses.dequeue(response);
      if (response.status !== BLK_OK) this.counters.add(BLK_BENCH_COUNTERS.errors, 1);
      this.counters.add(BLK_BENCH_COUNTERS.blocks, response.successCount);
      this.#send(response.id);
    }
    this.#responses.release();
    this.#requests.publish();
    this.#pd.deferredNotify(this.#channel);
  }

  #begin(): void {
    const page = this.#pd.readonlyRegion(this.#config.blk.virt.storageInfo);
    if (!isStorageReady(page)) return;
    this.#places = Math.floor(readStorageInfo(page).capacity / this.#blocks);
    for (let slot = 0; slot < this.#config.depth; slot += 1) this.#send(slot);
    this.#requests.publish();
    this.#pd.notify(this.#channel);
  }

  #send(slot: number): void {
    this.#untilFlush -= 1;
    if (this.#untilFlush < 0) return this.#flush(slot);
    const { order, readPercent, requestBytes } = this.#config;
    let place = this.#next;
    if (order === 'random') place = this.#draw(this.#places);
    else this.#next = (this.#next + 1) % this.#places;
    const code = readPercent === 100 || this.#draw(100) < readPercent ? BLK_READ : BLK_WRITE;
    this.#requests.enqueue(code, slot * requestBytes, place * this.#blocks, this.#blocks, slot);
  }

  #flush(slot: number): void {
    this.#untilFlush = this.#config.flushEvery ?? Infinity;
    this.counters.add(BLK_BENCH_COUNTERS.flushes, 1);
    this.#requests.enqueue(BLK_FLUSH, 0, 0, 0, slot);
  }

  /** A linear congruential generator (Numerical Recipes): good enough to spread requests. */
  #draw(bound: number): number {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) | 0;
    return ((this.#random >>> 8) % bound) | 0;
  }
}
