/**
 * The response queue of the block class: one producer, one consumer. See `request-queue.ts` for how
 * an end works.
 */

import type { Region } from '../../memory/region.ts';
import { demandRoom, open } from '../../memory/region.ts';
import { demandCapacity, distance32 } from '../../memory/wrapping.ts';
import {
  BlkResponseLayout,
  RESPONSE_ENTRIES,
  RESPONSE_HEAD,
  RESPONSE_TAIL,
  responseQueueBytes,
} from './layout.ts';

const WORDS = BlkResponseLayout.SIZE / 4;
const STATUS = BlkResponseLayout.status.offset / 4;
const COUNT = BlkResponseLayout.successCount.offset / 4;
const ID = BlkResponseLayout.id.offset / 4;

/** One response, as its consumer copies it out. Made once and filled again and again. */
export interface BlkResponse {
  /** `BLK_OK` or an error; see `layout.ts`. */
  status: number;
  /**
   * Blocks transferred, counted from the first; on an error the blocks before the one that failed.
   */
  successCount: number;
  /** That of the request. */
  id: number;
}

export function emptyResponse(): BlkResponse {
  return { status: 0, successCount: 0, id: 0 };
}

/** The producer's end: the driver, or the virtualiser towards a client. */
export class BlkResponseProducer {
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
    demandRoom(region, responseQueueBytes(capacity), `a queue of ${capacity} responses`);
    const memory = open(region);
    this.capacity = capacity;
    this.#u32 = memory.ram.u32;
    this.#store32 = memory.ram.store32;
    this.#base = memory.at >>> 2;
    this.#tail = this.#u32[this.#base + RESPONSE_TAIL / 4] as number;
  }

  /** @returns slots that the consumer has freed */
  free(): number {
    if (this.#isClosed) return 0;
    const head = this.#u32[this.#base + RESPONSE_HEAD / 4] as number;
    const used = distance32(this.#tail, head);
    if (used <= this.capacity) return this.capacity - used;
    // An index that cannot be: an empty queue from there on, and at once for both sides.
    this.lies += 1;
    this.#tail = head;
    this.publish();
    return this.capacity;
  }

  /** Adds a response; the consumer sees it after {@link publish}. There must be a free slot. */
  enqueue(status: number, successCount: number, id: number): void {
    const slot = this.#tail & (this.capacity - 1);
    const at = this.#base + RESPONSE_ENTRIES / 4 + slot * WORDS;
    const u32 = this.#u32;
    u32[at + STATUS] = status;
    u32[at + COUNT] = successCount;
    u32[at + ID] = id;
    this.#tail = (this.#tail + 1) >>> 0;
  }

  publish(): void {
    if (this.#isClosed) return;
    this.#store32(this.#base * 4 + RESPONSE_TAIL, this.#tail);
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
    this.#tail = this.#u32[this.#base + RESPONSE_TAIL / 4] as number;
  }
}

/** The consumer's end: a client, or the virtualiser towards the driver. */
export class BlkResponseConsumer {
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
    demandRoom(region, responseQueueBytes(capacity), `a queue of ${capacity} responses`);
    const memory = open(region);
    this.capacity = capacity;
    this.#u32 = memory.ram.u32;
    this.#store32 = memory.ram.store32;
    this.#base = memory.at >>> 2;
    this.#head = this.#u32[this.#base + RESPONSE_HEAD / 4] as number;
  }

  /** @returns responses that wait */
  available(): number {
    if (this.#isClosed) return 0;
    const tail = this.#u32[this.#base + RESPONSE_TAIL / 4] as number;
    const length = distance32(tail, this.#head);
    if (length <= this.capacity) return length;
    // An index that cannot be: an empty queue from there on, and at once for both sides.
    this.lies += 1;
    this.#head = tail;
    this.release();
    return 0;
  }

  /**
   * Copies the oldest response out, each field read once. There must be one: see {@link available}.
   */
  dequeue(into: BlkResponse): void {
    const slot = this.#head & (this.capacity - 1);
    const at = this.#base + RESPONSE_ENTRIES / 4 + slot * WORDS;
    const u32 = this.#u32;
    into.status = u32[at + STATUS] as number;
    into.successCount = (u32[at + COUNT] as number) & 0xffff;
    into.id = u32[at + ID] as number;
    this.#head = (this.#head + 1) >>> 0;
  }

  /** Gives the slots of everything dequeued back to the producer. */
  release(): void {
    if (this.#isClosed) return;
    this.#store32(this.#base * 4 + RESPONSE_HEAD, this.#head);
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
    this.#head = this.#u32[this.#base + RESPONSE_HEAD / 4] as number;
  }
}
