/**
 * The two ends of a ring of the i2c class, whatever its entries are: commands or responses.
 *
 * As in the other classes an end works on a private cursor, publishes it once, and believes no
 * index of its peer that cannot be: see the README of `queues/`. Not a hot path: a byte on the bus
 * takes longer than all of this.
 */

import { demand } from '../../memory/misuse.ts';
import { demandRoom, open, type Region } from '../../memory/region.ts';
import { distance32 } from '../../memory/wrapping.ts';
import { I2C_ENTRIES_MAX, I2C_QUEUE_BYTES, I2C_SLOTS } from './layout.ts';

/** Where a ring's parts are, in bytes from its region's beginning. */
export interface RingLayout {
  readonly tail: number;
  readonly head: number;
  readonly entries: number;
  readonly entryBytes: number;
}

/** What both ends have: the cursor of this one, and the other's index. */
class RingEnd {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  protected readonly region: Region;
  /** How often the peer's index was one that cannot be. */
  lies = 0;
  #cursor: number;
  #isClosed = false;
  readonly #own: number;
  readonly #peer: number;
  readonly #layout: RingLayout;

  constructor(region: Region, layout: RingLayout, end: 'producer' | 'consumer') {
    demandRoom(region, I2C_QUEUE_BYTES, `a queue of ${I2C_SLOTS} entries`);
    this.region = region;
    this.#layout = layout;
    this.#own = end === 'producer' ? layout.tail : layout.head;
    this.#peer = end === 'producer' ? layout.head : layout.tail;
    this.#cursor = region.read32(this.#own);
  }

  /** Whether the other end is gone: see {@link close}. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The other end is gone: until {@link open} there is neither room nor an entry. */
  close(): void {
    this.#isClosed = true;
  }

  /** The other end runs again: ours begins where memory says. */
  open(): void {
    this.#isClosed = false;
    this.#cursor = this.region.read32(this.#own);
  }

  protected get cursor(): number {
    return this.#cursor;
  }

  /** The peer's index, read from memory now. */
  protected peerIndex(): number {
    return this.region.read32(this.#peer);
  }

  /** An index that cannot be: an empty queue from there on, and at once for both sides. */
  protected beginAgainAt(index: number): void {
    this.lies += 1;
    this.#cursor = index;
    this.publishCursor();
  }

  protected moveTo(cursor: number): void {
    this.#cursor = cursor >>> 0;
  }

  /** Both indices of a closed ring are zero, and stay so. */
  protected publishCursor(): void {
    if (this.#isClosed) return;
    const { ram, at } = open(this.region);
    ram.store32(at + this.#own, this.#cursor);
  }

  /** @returns where the entry of an index lies in the region */
  protected entryAt(index: number): number {
    return this.#layout.entries + ((index >>> 0) % I2C_SLOTS) * this.#layout.entryBytes;
  }
}

/** What the producers of both queues have in common: the tail, and how much room there is. */
export class RingProducer extends RingEnd {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  /** Entries at the cursor that are not visible yet. */
  #staged = 0;
  readonly #most: number;

  /** @param most entries that this producer has in the ring at once */
  constructor(region: Region, layout: RingLayout, most: number = I2C_ENTRIES_MAX) {
    super(region, layout, 'producer');
    demand(most > 0 && most <= I2C_ENTRIES_MAX, `an i2c queue holds 1..${I2C_ENTRIES_MAX} entries`);
    this.#most = most;
  }

  /** The consumer is gone; what was not published is gone, too. */
  override close(): void {
    this.abort();
    super.close();
  }

  /** @returns entries that there is room for, beside those that are staged */
  free(): number {
    if (this.isClosed) return 0;
    const head = this.peerIndex();
    const used = distance32(this.cursor, head);
    if (used <= I2C_ENTRIES_MAX) return Math.max(0, this.#most - used - this.#staged);
    this.beginAgainAt(head);
    return this.#most - this.#staged;
  }

  /** Makes what is staged visible, all at once. */
  publish(): void {
    this.moveTo(this.cursor + this.#staged);
    this.#staged = 0;
    this.publishCursor();
  }

  /** Forgets what is staged. */
  abort(): void {
    this.#staged = 0;
  }

  /** @returns where the next entry is written, which is then staged */
  protected stage(): number {
    const at = this.entryAt(this.cursor + this.#staged);
    this.#staged += 1;
    return at;
  }
}

/** What the consumers of both queues have in common: the head, and how much there is to take. */
export class RingConsumer extends RingEnd {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  constructor(region: Region, layout: RingLayout) {
    super(region, layout, 'consumer');
  }

  /** @returns entries that wait */
  available(): number {
    if (this.isClosed) return 0;
    const tail = this.peerIndex();
    const length = distance32(tail, this.cursor);
    if (length <= I2C_ENTRIES_MAX) return length;
    this.beginAgainAt(tail);
    return 0;
  }

  /** Gives the slots of everything taken back to the producer. */
  release(): void {
    this.publishCursor();
  }

  /** @returns where the oldest entry lies, which is then taken. There must be one. */
  protected take(): number {
    const at = this.entryAt(this.cursor);
    this.moveTo(this.cursor + 1);
    return at;
  }
}
