/**
 * The network queue of sDDF 0.7, byte for byte: a ring of buffer descriptors between one producer
 * and one consumer.
 *
 * A connection has two of them, *free* (empty buffers) and *active* (filled ones); producer and
 * consumer of one are consumer and producer of the other. Each side holds one handle, which keeps a
 * private cursor and publishes it once for a batch. The peer's index is read, checked and only then
 * used: one that cannot be is counted, and the queue begins again there, empty (see the README).
 *
 * Addresses are pairs of 32-bit halves, low first, held as *signed* integers, so
 * that they are never boxed (`docs/hot-code.md`).
 */

import * as misuse from '../../memory/misuse.ts';
import type { Ram } from '../../memory/ram.ts';
import { demandRoom, openWritable, type Region } from '../../memory/region.ts';
import { partsOf, Sealed } from '../../memory/sealed.ts';
import { smallInteger } from '../../memory/small-integer.ts';
import { struct } from '../../memory/struct.ts';
import * as wrapping from '../../memory/wrapping.ts';

// Folded constants, of functions: docs/hot-code.md.
const demand: typeof misuse.demand = misuse.demand;
const { distance16 } = wrapping;

/** Bytes of every network buffer (`NET_BUFFER_SIZE`). */
export const NET_BUFFER_BYTES = 2048;

/** `struct net_queue`, before its entries. Indices are free-running and wrap at 65,536. */
export const NetQueueHeader = struct(8, {
  tail: 'u16',
  head: 'u16',
  /**
   * 0: the consumer asks to be signalled; 1: it need not be. So zeroed memory begins with a wish.
   */
  consumerSignalled: 'u32',
});

/** `struct net_buff_desc`. */
export const NetBufferDescriptor = struct(16, {
  /** An offset in a data region, or an address for DMA. */
  ioOrOffsetLow: 'u32',
  ioOrOffsetHigh: 'u32',
  len: 'u16',
  /** Index of the sender's data region in the low 6 bits. */
  oid: 'u8',
  padding: 'u8',
  /** With {@link PARTIAL_CHECKSUM}: where the checksum begins, and its field behind that. */
  checksumStart: 'u16',
  checksumOffset: 'u16',
});

/**
 * In the byte of `oid`, above its 6 bits, where sDDF has padding: whoever received this frame has
 * found its checksums right. Ours alone: upstream's programs leave it 0, and do not look.
 */
export const CHECKED_OID = 0x40;
/** The same, in the length and `oid` of {@link NetConsumer.lenAndOidAt}. */
export const CHECKED = CHECKED_OID << 16;

/**
 * Beside {@link CHECKED}, of a frame to be sent: its checksum is left to the device, which sums the
 * bytes from `checksumStart` on (virtio 1.2 §5.1.6.2). The field holds the sum of the
 * pseudo-header. Ours alone, too.
 */
export const PARTIAL_CHECKSUM = 0x80 << 16;

const OID_MASK = 0x3f;
const WANTS_SIGNAL = 0;
const SIGNALLED = 1;

/** @returns bytes of shared memory that a queue of this capacity occupies */
export function netQueueBytes(capacity: number): number {
  return NetQueueHeader.SIZE + capacity * NetBufferDescriptor.SIZE;
}

/** Where a queue's parts lie, in units of the typed array that reaches them. */
interface Placement {
  readonly capacity: number;
  readonly ram: Ram;
  readonly tailIndex: number;
  readonly headIndex: number;
  readonly flagIndex: number;
  readonly entryIndex: number;
}

function place(region: Region, capacity: number): Placement {
  wrapping.demandCapacity(capacity, 16);
  demandRoom(region, netQueueBytes(capacity), `a queue of ${capacity} buffers`);
  const { ram, at } = openWritable(region);
  return {
    capacity,
    ram,
    tailIndex: (at + NetQueueHeader.tail.offset) >>> 1,
    headIndex: (at + NetQueueHeader.head.offset) >>> 1,
    flagIndex: (at + NetQueueHeader.consumerSignalled.offset) >>> 2,
    entryIndex: (at + NetQueueHeader.SIZE) >>> 2,
  };
}

/** The side that puts buffers in. */
export class NetProducer extends Sealed<Placement> {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  readonly capacity: number = partsOf(this).capacity;
  /** How often the consumer's index was one that cannot be. */
  lies = 0;
  readonly #u16: Uint16Array = partsOf(this).ram.u16;
  readonly #i32: Int32Array = partsOf(this).ram.i32;
  readonly #store16: (at: number, value: number) => void = partsOf(this).ram.store16;
  readonly #tailIndex: number = partsOf(this).tailIndex;
  readonly #headIndex: number = partsOf(this).headIndex;
  readonly #flagIndex: number = partsOf(this).flagIndex;
  readonly #entryIndex: number = partsOf(this).entryIndex;
  readonly #mask: number = this.capacity - 1;
  /** Next slot to fill; -1 until the first use, when it begins where the queue's memory says. */
  #tail = -1;
  #publishedTail = -1;
  /** Slots known to be free, from the last look at the consumer's index. */
  #room = 0;
  #isClosed = false;

  /**
   * @param capacity slots: a power of two up to 32,768; both sides know it from their configuration
   * @throws Misuse for another capacity, or when the region is too small
   */
  constructor(region: Region, capacity: number) {
    super(place(region, capacity));
  }

  /**
   * Puts one buffer in, to be published with the batch. Ownership passes with {@link publish}.
   *
   * @param low low half of the offset or address, a signed 32-bit number
   * @returns false, without change, when the queue is full
   */
  enqueue(low: number, high: number, len: number, oid: number): boolean {
    if (this.#room === 0 && this.#look() === 0) return false;
    const at = this.#entryIndex + ((this.#tail & this.#mask) << 2);
    const i32 = this.#i32;
    i32[at] = low;
    i32[at + 1] = high;
    i32[at + 2] = len | (oid << 16);
    this.#tail = (this.#tail + 1) & 0xffff;
    this.#room -= 1;
    return true;
  }

  /**
   * As {@link enqueue}, for a frame whose checksum is left to the device.
   *
   * @param checksum where it begins in the low half, its field behind that in the high one
   */
  enqueuePartial(low: number, high: number, len: number, checksum: number): boolean {
    if (this.#room === 0 && this.#look() === 0) return false;
    const at = this.#entryIndex + ((this.#tail & this.#mask) << 2);
    this.#i32[at + 3] = checksum;
    return this.enqueue(low, high, len, PARTIAL_CHECKSUM >>> 16);
  }

  /** @returns whether a buffer can be put in now */
  hasRoom(): boolean {
    return this.#room > 0 || this.#look() > 0;
  }

  /**
   * @returns how many buffers are known to find room; 0 only after a look at the consumer's index
   */
  room(): number {
    return this.#room > 0 ? this.#room : this.#look();
  }

  /** As {@link room}, without a look at the consumer's index. */
  get knownRoom(): number {
    return this.#room;
  }

  /** Number of the slot that is filled next, in 16 bits; -1 before the first look at the queue. */
  get cursor(): number {
    return this.#tail;
  }

  /**
   * One of a batch: as {@link enqueue}, into the slot that is `index` behind the next one. It
   * counts with {@link advance}.
   *
   * @param index below {@link room}
   * @param lenAndOid the length in the low half, the index of the data region in the high one
   */
  putAt(index: number, low: number, high: number, lenAndOid: number): void {
    // Sums end in `| 0` here, so that nobody looks for an overflow (docs/hot-code.md).
    const at = (this.#entryIndex + (((this.#tail + index) & this.#mask) << 2)) | 0;
    const i32 = this.#i32;
    i32[at] = low;
    i32[(at + 1) | 0] = high;
    i32[(at + 2) | 0] = lenAndOid;
  }

  /** Ends a batch: `count` slots from the next one on have been filled with {@link putAt}. */
  advance(count: number): void {
    if (count === 0) return;
    demand(count <= this.#room, 'a batch is longer than the room that there was');
    this.#tail = (this.#tail + count) & 0xffff;
    this.#room -= count;
  }

  /**
   * Makes everything put in since the last time visible, with one ordered store.
   *
   * @returns whether to notify the consumer: there was something, and it asks for a signal. The
   * wish is withdrawn.
   */
  publish(): boolean {
    if (this.#tail === this.#publishedTail) return false;
    this.#publishedTail = this.#tail;
    this.#store16(this.#tailIndex << 1, this.#tail);
    const flagIndex = this.#flagIndex;
    // After the store above: the consumer stores its wish and then looks at the tail.
    if (this.#i32[flagIndex] !== WANTS_SIGNAL) return false;
    this.#i32[flagIndex] = SIGNALLED;
    return true;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The consumer is gone: until {@link open} there is no room. What was not published is gone. */
  close(): void {
    this.#isClosed = true;
    this.#tail = -1;
    this.#publishedTail = -1;
    this.#room = 0;
  }

  /** Begins again where the queue's memory says, as a producer that has just been made. */
  open(): void {
    this.#isClosed = false;
  }

  /** Reads the consumer's index, once, and believes it as far as it can be true. */
  #look(): number {
    if (this.#tail === -1 && this.#attach() === 'closed') return 0;
    const head = this.#u16[this.#headIndex] as number;
    const used = distance16(this.#tail, head);
    if (used > this.capacity) this.#beginAgain(head);
    else this.#room = this.capacity - used;
    return this.#room;
  }

  /** The consumer's index cannot be: an empty queue from there on, and at once for both sides. */
  #beginAgain(head: number): void {
    this.lies += 1;
    this.#tail = head;
    this.#publishedTail = head;
    this.#room = this.capacity;
    this.#store16(this.#tailIndex << 1, head);
  }

  /** A closed queue is not attached: only one that is not asks whether it is closed. */
  #attach(): 'attached' | 'closed' {
    if (this.#isClosed) return 'closed';
    this.#tail = this.#u16[this.#tailIndex] as number;
    this.#publishedTail = this.#tail;
    return 'attached';
  }
}

/** The side that takes buffers out. */
export class NetConsumer extends Sealed<Placement> {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  readonly capacity: number = partsOf(this).capacity;
  /** How often the producer's index was one that cannot be. */
  lies = 0;
  /**
   * The buffer that {@link dequeue} took last: its own copy, which the producer cannot change any
   * more.
   */
  low = 0;
  high = 0;
  #lenAndOid = 0;
  /** Of a frame with {@link isPartial}: as {@link NetProducer.enqueuePartial} is told. */
  checksum = 0;
  readonly #u16: Uint16Array = partsOf(this).ram.u16;
  readonly #i32: Int32Array = partsOf(this).ram.i32;
  readonly #store16: (at: number, value: number) => void = partsOf(this).ram.store16;
  readonly #store32: (at: number, value: number) => void = partsOf(this).ram.store32;
  readonly #tailIndex: number = partsOf(this).tailIndex;
  readonly #headIndex: number = partsOf(this).headIndex;
  readonly #flagIndex: number = partsOf(this).flagIndex;
  readonly #entryIndex: number = partsOf(this).entryIndex;
  readonly #mask: number = this.capacity - 1;
  /** Next slot to take; -1 until the first use, when it begins where the queue's memory says. */
  #head = -1;
  #publishedHead = -1;
  /** Buffers known to be there, from the last look at the producer's index. */
  #left = 0;
  #isClosed = false;

  /**
   * @param capacity slots: a power of two up to 32,768; both sides know it from their configuration
   * @throws Misuse for another capacity, or when the region is too small
   */
  constructor(region: Region, capacity: number) {
    super(place(region, capacity));
  }

  /**
   * Takes the oldest buffer out, into the fields `low`, `high`, `len` and `oid`.
   *
   * @returns false when the queue is empty
   */
  dequeue(): boolean {
    if (this.#left === 0 && this.#look() === 0) return false;
    const at = this.#entryIndex + ((this.#head & this.#mask) << 2);
    const i32 = this.#i32;
    this.low = i32[at] as number;
    this.high = i32[at + 1] as number;
    this.#lenAndOid = i32[at + 2] as number;
    this.checksum = i32[at + 3] as number;
    this.#head = (this.#head + 1) & 0xffff;
    this.#left -= 1;
    return true;
  }

  /**
   * @returns how many buffers are known to be there; 0 only after a look at the producer's index
   */
  available(): number {
    return this.#left > 0 ? this.#left : this.#look();
  }

  /** As {@link available}, without a look at the producer's index. */
  get knownLeft(): number {
    return this.#left;
  }

  /** Number of the slot that is taken next, in 16 bits; -1 before the first look at the queue. */
  get cursor(): number {
    return this.#head;
  }

  /**
   * One of a batch: low half of the buffer that is `index` behind the oldest one. The producer can
   * still change what lies there, so each word is read once. It is taken out with {@link advance}.
   *
   * @param index below {@link available}
   */
  lowAt(index: number): number {
    return this.#i32[(this.#entryIndex + (((this.#head + index) & this.#mask) << 2)) | 0] as number;
  }

  /** High half; see {@link lowAt}. */
  highAt(index: number): number {
    return this.#i32[
      (this.#entryIndex + (((this.#head + index) & this.#mask) << 2) + 1) | 0
    ] as number;
  }

  /**
   * Length in the low half, index of the data region in bits 16 to 21, {@link CHECKED},
   * {@link PARTIAL_CHECKSUM}; see {@link lowAt}.
   */
  lenAndOidAt(index: number): number {
    return this.#i32[
      (this.#entryIndex + (((this.#head + index) & this.#mask) << 2) + 2) | 0
    ] as number;
  }

  /** Ends a batch: takes the `count` oldest buffers out. */
  advance(count: number): void {
    if (count === 0) return;
    demand(count <= this.#left, 'a batch takes more than there was');
    this.#head = (this.#head + count) & 0xffff;
    this.#left -= count;
  }

  /** Bytes in the buffer that {@link dequeue} took last. */
  get len(): number {
    return this.#lenAndOid & 0xffff;
  }

  /** Number of the sender's data region, 0 to 63: of the buffer that {@link dequeue} took last. */
  get oid(): number {
    return (this.#lenAndOid >>> 16) & OID_MASK;
  }

  /** {@link CHECKED_OID} when the frame's checksums have been found right, else 0. */
  get checkedOid(): number {
    return (this.#lenAndOid >>> 16) & CHECKED_OID;
  }

  /** Whether the checksum of the frame is left to the device: see {@link PARTIAL_CHECKSUM}. */
  get isPartial(): boolean {
    return (this.#lenAndOid & PARTIAL_CHECKSUM) !== 0;
  }

  /** @returns whether there is a buffer to take out now */
  hasItems(): boolean {
    return this.#left > 0 || this.#look() > 0;
  }

  /**
   * Whether nothing is left to do here before the producer signals. Looks at the wish first and
   * then at the queue, as `signal.ts` asks.
   *
   * @returns whether the wish for a signal stands and the queue is empty: a flow from here can then
   * be left alone
   */
  isAtRest(): boolean {
    return this.#i32[this.#flagIndex] === WANTS_SIGNAL && !this.hasItems();
  }

  /**
   * Gives the slots of everything taken out since the last time back, with one plain store: it must
   * not come before the loads, and on one core or x86 it does not; nobody looks at anything because
   * of it.
   */
  publish(): void {
    if (this.#head === this.#publishedHead) return;
    this.#publishedHead = this.#head;
    this.#u16[this.#headIndex] = this.#head;
  }

  /** Asks the producer to signal when it next publishes. Look again afterwards: see `signal.ts`. */
  requestSignal(): void {
    const flagIndex = this.#flagIndex;
    // An ordered store costs as much as several looks, and an old wish is as good as a new one.
    if (this.#i32[flagIndex] !== WANTS_SIGNAL) this.#store32(flagIndex << 2, WANTS_SIGNAL);
  }

  /** Takes the wish back: the producer need not signal. */
  cancelSignal(): void {
    this.#i32[this.#flagIndex] = SIGNALLED;
  }

  /** The producer is gone: there is nothing to take out until {@link open}. */
  close(): void {
    this.#isClosed = true;
    this.#head = -1;
    this.#publishedHead = -1;
    this.#left = 0;
  }

  /** Begins again where the queue's memory says, as a consumer that has just been made. */
  open(): void {
    this.#isClosed = false;
  }

  /** Reads the producer's index, once, and believes it as far as it can be true. */
  #look(): number {
    if (this.#head === -1 && this.#attach() === 'closed') return 0;
    const tail = this.#u16[this.#tailIndex] as number;
    this.#left = distance16(tail, this.#head);
    if (this.#left > this.capacity) this.#beginAgain(tail);
    return this.#left;
  }

  /** The producer's index cannot be: an empty queue from there on, and at once for both sides. */
  #beginAgain(tail: number): void {
    this.lies += 1;
    this.#head = tail;
    this.#publishedHead = tail;
    this.#left = 0;
    this.#store16(this.#headIndex << 1, tail);
  }

  /** A closed queue is not attached: only one that is not asks whether it is closed. */
  #attach(): 'attached' | 'closed' {
    if (this.#isClosed) return 'closed';
    this.#head = this.#u16[this.#headIndex] as number;
    this.#publishedHead = this.#head;
    return 'attached';
  }
}

/**
 * Fills a free queue before its producer's first use (`net_buffers_init`): buffers 0, 1, 2 … of a
 * data region.
 *
 * @param base address of the first buffer for DMA, or 0 when the queue holds offsets; below 2^53
 */
export function fillFreeQueue(producer: NetProducer, buffers: number, base: number): void {
  for (let index = 0; index < buffers; index += 1) {
    const io = base + index * NET_BUFFER_BYTES;
    const added = producer.enqueue(lowHalf(io), highHalf(io), 0, 0);
    demand(
      added,
      `a free queue is full at ${index} of ${buffers} buffers: somebody has left some there`,
    );
  }
}

/** @returns the low 32 bits of an address below 2^53, signed */
export function lowHalf(address: number): number {
  return address | 0;
}

/** @returns the bits of an address below 2^53 above the low 32 */
export function highHalf(address: number): number {
  return smallInteger(Math.floor(address / 0x1_0000_0000));
}
