/**
 * The two ends of a ring of the block class, whatever its entries are: requests or responses.
 *
 * Each end works on a private cursor and publishes it once per batch. The peer's index is read from
 * shared memory once per look and never believed beyond the capacity, which is private to each end:
 * one that cannot be is counted, and the queue begins again there, empty (see the README). The
 * layout is that of sDDF 0.7, `blk/queue.h`.
 */

import type { Ram } from '../../memory/ram.ts';
import { demandRoom, open, type Region } from '../../memory/region.ts';
import { partsOf, Sealed } from '../../memory/sealed.ts';
import { smallInteger } from '../../memory/small-integer.ts';
import { demand } from '../../memory/misuse.ts';
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

/** What both ends of a ring are made from. */
export interface RingPlace {
  readonly ram: Ram;
  readonly layout: RingLayout;
  readonly capacity: number;
  /** Offset in RAM of the first entry. */
  readonly entriesAt: number;
  readonly headAt: number;
  readonly tailAt: number;
}

/** @throws Misuse when the region has no room for the ring */
function placeRing(region: Region, capacity: number, layout: RingLayout): RingPlace {
  demandCapacity(capacity, 32);
  demandRoom(region, layout.bytes(capacity), `a queue of ${capacity} ${layout.entryName}`);
  const { ram, at } = open(region);
  const [entriesAt, headAt, tailAt] = [at + layout.entries, at + layout.head, at + layout.tail];
  return { ram, layout, capacity: smallInteger(capacity), entriesAt, headAt, tailAt };
}

/** What both kinds of producers do with the indices. */
export class RingProducer extends Sealed<RingPlace> {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  readonly capacity: number = partsOf(this).capacity;
  readonly #u32: Uint32Array = partsOf(this).ram.u32;
  readonly #store32: (at: number, value: number) => void = partsOf(this).ram.store32;
  readonly #mask: number = partsOf(this).capacity - 1;
  readonly #headWord: number = partsOf(this).headAt >>> 2;
  readonly #tailAt: number = partsOf(this).tailAt;
  readonly #tailWord: number = partsOf(this).tailAt >>> 2;
  readonly #entriesWord: number = partsOf(this).entriesAt >>> 2;
  readonly #entryWords: number = partsOf(this).layout.entryBytes >>> 2;
  #tail: number;
  #isClosed = false;
  /** How often the consumer's index was one that cannot be. */
  lies = 0;

  constructor(region: Region, capacity: number, layout: RingLayout) {
    super(placeRing(region, capacity, layout));
    this.#tail = this.#u32[this.#tailWord] as number;
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
    const slot = this.#tail & this.#mask;
    this.#tail = (this.#tail + 1) >>> 0;
    return this.#entriesWord + slot * this.#entryWords;
  }

  /** The next entry's number, of which the bits of a slot count; signed. */
  get cursor(): number {
    return this.#tail | 0;
  }

  /** Ends a batch: a loop has put `count` entries into free slots. */
  advance(count: number): void {
    demand(count >= 0 && count <= this.capacity, 'a batch has more entries than there are slots');
    this.#tail = (this.#tail + count) >>> 0;
  }
}

/** What both kinds of consumers do with the indices. */
export class RingConsumer extends Sealed<RingPlace> {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  readonly capacity: number = partsOf(this).capacity;
  readonly #u32: Uint32Array = partsOf(this).ram.u32;
  readonly #store32: (at: number, value: number) => void = partsOf(this).ram.store32;
  readonly #mask: number = partsOf(this).capacity - 1;
  readonly #headAt: number = partsOf(this).headAt;
  readonly #headWord: number = partsOf(this).headAt >>> 2;
  readonly #tailWord: number = partsOf(this).tailAt >>> 2;
  readonly #entriesWord: number = partsOf(this).entriesAt >>> 2;
  readonly #entryWords: number = partsOf(this).layout.entryBytes >>> 2;
  #head: number;
  #isClosed = false;
  /** How often the producer's index was one that cannot be. */
  lies = 0;

  constructor(region: Region, capacity: number, layout: RingLayout) {
    super(placeRing(region, capacity, layout));
    this.#head = this.#u32[this.#headWord] as number;
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
    const slot = this.#head & this.#mask;
    this.#head = (this.#head + 1) >>> 0;
    return this.#entriesWord + slot * this.#entryWords;
  }

  /** The oldest entry's number, of which the bits of a slot count; signed. */
  get cursor(): number {
    return this.#head | 0;
  }

  /** Ends a batch: a loop has taken the `count` oldest entries. */
  advance(count: number): void {
    demand(count >= 0 && count <= this.capacity, 'a batch has more entries than there are slots');
    this.#head = (this.#head + count) >>> 0;
  }
}
