/** The request queue of the block class: one producer, one consumer. See `ring.ts`. */

import type { Region } from '../../memory/region.ts';
import { partsOf } from '../../memory/sealed.ts';
import {
  BlkRequestLayout,
  REQUEST_ENTRIES,
  REQUEST_HEAD,
  REQUEST_PLUGGED,
  REQUEST_TAIL,
  requestQueueBytes,
} from './layout.ts';
import { RingConsumer, type RingLayout, RingProducer } from './ring.ts';

/** Where the parts of such a queue are. */
export const REQUEST_RING: RingLayout = {
  head: REQUEST_HEAD,
  tail: REQUEST_TAIL,
  entries: REQUEST_ENTRIES,
  entryBytes: BlkRequestLayout.SIZE,
  bytes: requestQueueBytes,
  entryName: 'requests',
};
const CODE = BlkRequestLayout.code.offset / 4;
const OFFSET = BlkRequestLayout.offsetLow.offset / 4;
const BLOCK = BlkRequestLayout.blockLow.offset / 4;
const COUNT = BlkRequestLayout.count.offset / 4;
const ID = BlkRequestLayout.id.offset / 4;
const TWO_32 = 0x1_0000_0000;
/** A product is sooner there than a quotient, and the same. */
const PER_TWO_32 = 2 ** -32;

/** One request, as its consumer copies it out: a copy that the producer cannot change any more. */
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

/** @returns a record to be filled by {@link BlkRequestConsumer.dequeue}, again and again */
export function emptyRequest(): BlkRequest {
  return { code: 0, offset: 0, offsetLow: 0, offsetHigh: 0, block: 0, count: 0, id: 0 };
}

/** The producer's end: a client, or the virtualiser towards the driver. */
export class BlkRequestProducer extends RingProducer {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  readonly #u32: Uint32Array = partsOf(this).ram.u32;
  readonly #plugged: number = (partsOf(this).headAt - REQUEST_HEAD + REQUEST_PLUGGED) >>> 2;

  constructor(region: Region, capacity: number) {
    super(region, capacity, REQUEST_RING);
  }

  /** Adds a request; the consumer sees it after `publish`. There must be a free slot. */
  enqueue(code: number, offset: number, block: number, count: number, id: number): void {
    const at = this.takeSlot();
    const u32 = this.#u32;
    u32[at + CODE] = code;
    u32[at + OFFSET] = offset;
    u32[at + OFFSET + 1] = offset * PER_TWO_32;
    u32[at + BLOCK] = block;
    u32[at + BLOCK + 1] = block * PER_TWO_32;
    u32[at + COUNT] = count;
    u32[at + ID] = id;
  }

  /** Asks the consumer to leave the queue alone, so that a batch can grow. */
  plug(): void {
    this.#u32[this.#plugged] = 1;
  }

  unplug(): void {
    this.#u32[this.#plugged] = 0;
  }
}

/** The consumer's end: the virtualiser, or the driver. */
export class BlkRequestConsumer extends RingConsumer {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  readonly #u32: Uint32Array = partsOf(this).ram.u32;
  readonly #plugged: number = (partsOf(this).headAt - REQUEST_HEAD + REQUEST_PLUGGED) >>> 2;

  constructor(region: Region, capacity: number) {
    super(region, capacity, REQUEST_RING);
  }

  isPlugged(): boolean {
    return ((this.#u32[this.#plugged] as number) & 0xff) !== 0;
  }

  /** Copies the oldest request out, each field read once. There must be one: see `available`. */
  dequeue(into: BlkRequest): void {
    const at = this.takeSlot();
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
  }
}
