/**
 * The two ends of a ring of the block class, whatever its entries are: requests or responses.
 *
 * Each end works on a private cursor and publishes it once per batch. The peer's index is read from
 * shared memory once per look and never believed beyond the capacity, which is private to each end:
 * one that cannot be is counted, and the queue begins again there, empty (see the README). The
 * layout is that of sDDF 0.7, `blk/queue.h`.
 */

import { demandRoom, open, type Region } from '../../memory/region.ts';
import { demandCapacity, distance32 } from '../../memory/wrapping.ts';

/** Where a ring's parts are, in bytes from its region's beginning. */
export interface RingLayout {
  readonly head: number;
  readonly tail: number;
  readonly entries: number;
  readonly entryBytes: number;
  readonly bytes: (capacity: number) => number;
  /** For messages. */
  readonly entryName: string;
}

/** Where an end finds its entries. Its words are those of all RAM: a queue keeps it to itself. */
export interface OpenRing {
  readonly u32: Uint32Array;
  readonly base: number;
}

/** @throws Misuse when the region has no room for the ring */
export function openRing(region: Region, capacity: number, layout: RingLayout): OpenRing {
  demandCapacity(capacity, 32);
  demandRoom(region, layout.bytes(capacity), `a queue of ${capacity} ${layout.entryName}`);
  const { ram, at } = open(region);
  return { u32: ram.u32, base: at >>> 2 };
}

/** What both kinds of producers do with the indices. */
export class RingProducer {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  readonly capacity: number;
  readonly #u32: Uint32Array;
  readonly #store32: (at: number, value: number) => void;
  readonly #headWord: number;
  readonly #tailAt: number;
  readonly #entriesWord: number;
  readonly #entryWords: number;
  readonly #tailWord: number;
  #tail: number;
  #isClosed = false;
  /** How often the consumer's index was one that cannot be. */
  lies = 0;

  constructor(region: Region, capacity: number, layout: RingLayout) {
    const { u32, base } = openRing(region, capacity, layout);
    this.capacity = capacity;
    this.#u32 = u32;
    this.#store32 = open(region).ram.store32;
    this.#headWord = base + layout.head / 4;
    this.#tailAt = base * 4 + layout.tail;
    this.#entriesWord = base + layout.entries / 4;
    this.#entryWords = layout.entryBytes / 4;
    this.#tailWord = base + layout.tail / 4;
    this.#tail = u32[this.#tailWord] as number;
  }

  /** @returns slots that the consumer has freed */
  free(): number {
    if (this.#isClosed) return 0;
    const head = this.#u32[this.#headWord] as number;
    const used = distance32(this.#tail, head);
    if (used <= this.capacity) return this.capacity - used;
    // An index that cannot be: an empty queue from there on, and at once for both sides.
    this.lies += 1;
    this.#tail = head;
    this.publish();
    return this.capacity;
  }

  /** Makes everything enqueued visible: one ordered store for the whole batch. */
  publish(): void {
    if (this.#isClosed) return;
    this.#store32(this.#tailAt, this.#tail);
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
    this.#tail = this.#u32[this.#tailWord] as number;
  }

  /** @returns the word at which the next entry begins, which is then taken */
  protected takeSlot(): number {
    const slot = this.#tail & (this.capacity - 1);
    this.#tail = (this.#tail + 1) >>> 0;
    return this.#entriesWord + slot * this.#entryWords;
  }
}

/** What both kinds of consumers do with the indices. */
export class RingConsumer {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  readonly capacity: number;
  readonly #u32: Uint32Array;
  readonly #store32: (at: number, value: number) => void;
  readonly #headAt: number;
  readonly #headWord: number;
  readonly #tailWord: number;
  readonly #entriesWord: number;
  readonly #entryWords: number;
  #head: number;
  #isClosed = false;
  /** How often the producer's index was one that cannot be. */
  lies = 0;

  constructor(region: Region, capacity: number, layout: RingLayout) {
    const { u32, base } = openRing(region, capacity, layout);
    this.capacity = capacity;
    this.#u32 = u32;
    this.#store32 = open(region).ram.store32;
    this.#headAt = base * 4 + layout.head;
    this.#tailWord = base + layout.tail / 4;
    this.#entriesWord = base + layout.entries / 4;
    this.#entryWords = layout.entryBytes / 4;
    this.#headWord = base + layout.head / 4;
    this.#head = u32[this.#headWord] as number;
  }

  /** @returns entries that wait */
  available(): number {
    if (this.#isClosed) return 0;
    const tail = this.#u32[this.#tailWord] as number;
    const length = distance32(tail, this.#head);
    if (length <= this.capacity) return length;
    // An index that cannot be: an empty queue from there on, and at once for both sides.
    this.lies += 1;
    this.#head = tail;
    this.release();
    return 0;
  }

  /** Gives the slots of everything dequeued back to the producer. */
  release(): void {
    if (this.#isClosed) return;
    this.#store32(this.#headAt, this.#head);
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
    this.#head = this.#u32[this.#headWord] as number;
  }

  /** @returns the word at which the oldest entry begins, which is then taken */
  protected takeSlot(): number {
    const slot = this.#head & (this.capacity - 1);
    this.#head = (this.#head + 1) >>> 0;
    return this.#entriesWord + slot * this.#entryWords;
  }
}
