/**
 * The request queue of the block class: one producer, one consumer.
 *
 * Each end works on a private cursor and publishes it once per batch. The peer's counter is read
 * from shared memory once per look and never believed beyond the capacity, which is private to each
 * end (`reference` sDDF 0.7, `blk/queue.h`, whose layout this is).
 */

import type { Region } from '../../memory/region.ts';
import { demandRoom, open } from '../../memory/region.ts';
import { demandCapacity, distance32 } from '../../memory/wrapping.ts';
import {
  BlkRequestLayout,
  REQUEST_ENTRIES,
  REQUEST_HEAD,
  REQUEST_PLUGGED,
  REQUEST_TAIL,
  requestQueueBytes,
} from './layout.ts';

const WORDS = BlkRequestLayout.SIZE / 4;
const CODE = BlkRequestLayout.code.offset / 4;
const OFFSET = BlkRequestLayout.offsetLow.offset / 4;
const BLOCK = BlkRequestLayout.blockLow.offset / 4;
const COUNT = BlkRequestLayout.count.offset / 4;
const ID = BlkRequestLayout.id.offset / 4;
const TWO_32 = 0x1_0000_0000;

/** One request, as its consumer copies it out. Made once and filled again and again. */
export interface BlkRequest {
  /** `BLK_READ` … `BLK_WRITE_ZEROES`, or anything that the producer wrote. */
  code: number;
  /** Bytes from the start of the data region, or an I/O address between virtualiser and driver. */
  offset: number;
  /**
   * The halves of {@link offset}, signed: an engine hands those on without boxing, unlike numbers
   * above 2^31.
   */
  offsetLow: number;
  offsetHigh: number;
  /** In blocks of 4096 bytes. */
  block: number;
  /** In blocks, 0..65535. */
  count: number;
  /** Chosen by the producer; comes back in the response. */
  id: number;
}

export function emptyRequest(): BlkRequest {
  return { code: 0, offset: 0, offsetLow: 0, offsetHigh: 0, block: 0, count: 0, id: 0 };
}

/** The producer's end: a client, or the virtualiser towards the driver. */
export class BlkRequestProducer {
  readonly capacity: number;
  readonly #u32: Uint32Array;
  readonly #store32: (at: number, value: number) => void;
  readonly #base: number;
  #tail: number;
  #isClosed = false;
  /** How often the consumer's index was one that cannot be. */
  lies = 0;

  constructor(region: Region, capacity: number) {
    demandCapacity(capacity, 32);
    demandRoom(region, requestQueueBytes(capacity), `a queue of ${capacity} requests`);
    const memory = open(region);
    this.capacity = capacity;
    this.#u32 = memory.ram.u32;
    this.#store32 = memory.ram.store32;
    this.#base = memory.at >>> 2;
    this.#tail = this.#word(REQUEST_TAIL);
  }

  /** @returns slots that the consumer has freed */
  free(): number {
    if (this.#isClosed) return 0;
    const head = this.#u32[this.#base + REQUEST_HEAD / 4] as number;
    const used = distance32(this.#tail, head);
    if (used <= this.capacity) return this.capacity - used;
    // An index that cannot be: an empty queue from there on, and at once for both sides.
    this.lies += 1;
    this.#tail = head;
    this.publish();
    return this.capacity;
  }

  /** Adds a request; the consumer sees it after {@link publish}. There must be a free slot. */
  enqueue(code: number, offset: number, block: number, count: number, id: number): void {
    const slot = this.#tail & (this.capacity - 1);
    const at = this.#base + REQUEST_ENTRIES / 4 + slot * WORDS;
    const u32 = this.#u32;
    u32[at + CODE] = code;
    u32[at + OFFSET] = offset;
    u32[at + OFFSET + 1] = offset / TWO_32;
    u32[at + BLOCK] = block;
    u32[at + BLOCK + 1] = block / TWO_32;
    u32[at + COUNT] = count;
    u32[at + ID] = id;
    this.#tail = (this.#tail + 1) >>> 0;
  }

  /** Makes everything enqueued visible: one ordered store for the whole batch. */
  publish(): void {
    if (this.#isClosed) return;
    this.#store32(this.#base * 4 + REQUEST_TAIL, this.#tail);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The consumer is gone: no slot is free until {@link open}. */
  close(): void {
    this.#isClosed = true;
  }

  /** Begins again where the queue's memory says. */
  open(): void {
    this.#isClosed = false;
    this.#tail = this.#u32[this.#base + REQUEST_TAIL / 4] as number;
  }

  /** Asks the consumer to leave the queue alone, so that a batch can grow. */
  plug(): void {
    this.#u32[this.#base + REQUEST_PLUGGED / 4] = 1;
  }

  unplug(): void {
    this.#u32[this.#base + REQUEST_PLUGGED / 4] = 0;
  }

  #word(offset: number): number {
    return this.#u32[this.#base + offset / 4] as number;
  }
}

/** The consumer's end: the virtualiser, or the driver. */
export class BlkRequestConsumer {
  readonly capacity: number;
  readonly #u32: Uint32Array;
  readonly #store32: (at: number, value: number) => void;
  readonly #base: number;
  #head: number;
  #isClosed = false;
  /** How often the producer's index was one that cannot be. */
  lies = 0;

  constructor(region: Region, capacity: number) {
    demandCapacity(capacity, 32);
    demandRoom(region, requestQueueBytes(capacity), `a queue of ${capacity} requests`);
    const memory = open(region);
    this.capacity = capacity;
    this.#u32 = memory.ram.u32;
    this.#store32 = memory.ram.store32;
    this.#base = memory.at >>> 2;
    this.#head = this.#u32[this.#base + REQUEST_HEAD / 4] as number;
  }

  /** @returns requests that wait */
  available(): number {
    if (this.#isClosed) return 0;
    const tail = this.#u32[this.#base + REQUEST_TAIL / 4] as number;
    const length = distance32(tail, this.#head);
    if (length <= this.capacity) return length;
    // An index that cannot be: an empty queue from there on, and at once for both sides.
    this.lies += 1;
    this.#head = tail;
    this.release();
    return 0;
  }

  isPlugged(): boolean {
    return ((this.#u32[this.#base + REQUEST_PLUGGED / 4] as number) & 0xff) !== 0;
  }

  /**
   * Copies the oldest request out, each field read once. There must be one: see {@link available}.
   */
  dequeue(into: BlkRequest): void {
    const slot = this.#head & (this.capacity - 1);
    const at = this.#base + REQUEST_ENTRIES / 4 + slot * WORDS;
    const u32 = this.#u32;
    into.code = u32[at + CODE] as number;
    const low = u32[at + OFFSET] as number;
    const high = u32[at + OFFSET + 1] as number;
    into.offset = low + high * TWO_32;
    into.offsetLow = low | 0;
    into.offsetHigh = high | 0;
    into.block = (u32[at + BLOCK] as number) + (u32[at + BLOCK + 1] as number) * TWO_32;
    into.count = (u32[at + COUNT] as number) & 0xffff;
    into.id = u32[at + ID] as number;
    this.#head = (this.#head + 1) >>> 0;
  }

  /** Gives the slots of everything dequeued back to the producer. */
  release(): void {
    if (this.#isClosed) return;
    this.#store32(this.#base * 4 + REQUEST_HEAD, this.#head);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The producer is gone: nothing waits until {@link open}. */
  close(): void {
    this.#isClosed = true;
  }

  /** Begins again where the queue's memory says. */
  open(): void {
    this.#isClosed = false;
    this.#head = this.#u32[this.#base + REQUEST_HEAD / 4] as number;
  }
}
