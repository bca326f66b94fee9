/**
 * The byte queue of sDDF 0.7, byte for byte: 12 bytes of indices, and the bytes themselves in a
 * region of their own.
 *
 * The signalling differs from the network's: a producer *always* notifies after a batch; a consumer
 * notifies only when the producer has asked for room (`producer_signalled` is 0). Each side holds
 * one handle with a private cursor, and publishes it once for a batch. The peer's index is read,
 * checked and only then used: one that cannot be is counted, and the queue begins again there,
 * empty (see the README).
 */

import { demand } from '../../memory/misuse.ts';
import type { Ram } from '../../memory/ram.ts';
import { demandRoom, open, type ReadonlyRegion, type Region } from '../../memory/region.ts';
import { struct } from '../../memory/struct.ts';
import { demandCapacity, distance32 } from '../../memory/wrapping.ts';

/** `struct serial_queue`. Indices are free-running and wrap at 2^32. */
export const SerialQueueHeader = struct(12, {
  tail: 'u32',
  head: 'u32',
  /** 0: the producer asks to be signalled when there is room. 1: it need not be. */
  producerSignalled: 'u32',
});

/** From here on a copy in one piece is cheaper than byte by byte. */
const BULK_BYTES = 64;
const WANTS_SIGNAL = 0;
const SIGNALLED = 1;

/** Where a queue's parts lie: words in `u32`, the bytes in `u8`. */
interface Placement {
  readonly ram: Ram;
  readonly tailIndex: number;
  readonly headIndex: number;
  readonly flagIndex: number;
  readonly dataAt: number;
}

function place(queue: ReadonlyRegion, data: ReadonlyRegion, capacity: number): Placement {
  demandCapacity(capacity, 32);
  demandRoom(queue, SerialQueueHeader.SIZE, 'the indices of a queue');
  demandRoom(data, capacity, `a queue of ${capacity} characters`);
  const { ram, at } = open(queue);
  return {
    ram,
    tailIndex: (at + SerialQueueHeader.tail.offset) >>> 2,
    headIndex: (at + SerialQueueHeader.head.offset) >>> 2,
    flagIndex: (at + SerialQueueHeader.producerSignalled.offset) >>> 2,
    dataAt: open(data).at,
  };
}

/** The side that puts bytes in. After {@link publish} it always notifies its consumer. */
export class SerialProducer {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  readonly capacity: number;
  /** How often the consumer's index was one that cannot be. */
  lies = 0;
  readonly #place: Placement;
  readonly #ram: Ram;
  readonly #u8: Uint8Array;
  readonly #u32: Uint32Array;
  readonly #mask: number;
  /** Next byte to put in; not published yet when it differs from `#published`. */
  #tail: number;
  #published: number;
  /** Bytes known to be free, from the last look at the consumer's index. */
  #room = 0;

  /**
   * @param capacity bytes: a power of two; both sides know it from their configuration
   * @throws Misuse for another capacity, or when a region is too small
   */
  constructor(queue: Region, data: Region, capacity: number) {
    this.#place = place(queue, data, capacity);
    this.#ram = this.#place.ram;
    this.#u8 = this.#ram.u8;
    this.#u32 = this.#ram.u32;
    this.#mask = capacity - 1;
    this.capacity = capacity;
    this.#tail = this.#u32[this.#place.tailIndex] as number;
    this.#published = this.#tail;
  }

  /** @returns bytes that can be put in now, by a fresh look */
  room(): number {
    const head = this.#u32[this.#place.headIndex] as number;
    const used = distance32(this.#tail, head);
    if (used > this.capacity) this.#beginAgain(head);
    else this.#room = this.capacity - used;
    return this.#room;
  }

  /** The consumer's index cannot be: an empty queue from there on, and at once for both sides. */
  #beginAgain(head: number): void {
    this.lies += 1;
    this.#tail = head;
    this.#published = head;
    this.#room = this.capacity;
    this.#ram.store32(this.#place.tailIndex << 2, head);
  }

  /**
   * Puts one byte in, to be published with the batch.
   * @returns false, without change, when the queue is full
   */
  enqueue(byte: number): boolean {
    if (this.#room === 0 && this.room() === 0) return false;
    this.#u8[this.#place.dataAt + (this.#tail & this.#mask)] = byte;
    this.#tail = (this.#tail + 1) >>> 0;
    this.#room -= 1;
    return true;
  }

  /** Puts bytes in. @returns how many fitted, from the start of `bytes` */
  write(bytes: Uint8Array): number {
    const length = Math.min(bytes.length, this.room());
    if (length < BULK_BYTES) {
      for (let index = 0; index < length; index += 1) this.enqueue(bytes[index] as number);
      return length;
    }
    const at = this.#tail & this.#mask;
    const first = Math.min(length, this.capacity - at);
    this.#u8.set(bytes.subarray(0, first), this.#place.dataAt + at);
    this.#u8.set(bytes.subarray(first, length), this.#place.dataAt);
    this.#tail = (this.#tail + length) >>> 0;
    this.#room -= length;
    return length;
  }

  /** Whether something has been put in that is not published. */
  get unpublished(): boolean {
    return this.#tail !== this.#published;
  }

  /** Makes the batch visible with one ordered store. @returns whether there was one: then notify */
  publish(): boolean {
    if (this.#tail === this.#published) return false;
    this.#published = this.#tail;
    this.#ram.store32(this.#place.tailIndex << 2, this.#tail);
    return true;
  }

  /** Asks the consumer to signal when there is room. Look at {@link room} again afterwards. */
  requestSignal(): void {
    this.#ram.store32(this.#place.flagIndex << 2, WANTS_SIGNAL);
  }

  /** Takes the wish back. */
  cancelSignal(): void {
    this.#u32[this.#place.flagIndex] = SIGNALLED;
  }

  /**
   * Puts in bytes of a region that the same domain maps; at most what {@link room} answered last.
   */
  appendFrom(source: ReadonlyRegion, offset: number, lengthBytes: number): void {
    if (lengthBytes === 0) return;
    const { at, sizeBytes } = open(source);
    demand(offset >= 0 && lengthBytes <= sizeBytes - offset, 'the run lies outside its region');
    this.append(at + offset, lengthBytes);
  }

  /**
   * For {@link SerialConsumer.moveTo}: copies a run of bytes of the same RAM in; the room has been
   * checked.
   */
  append(from: number, lengthBytes: number): void {
    demand(lengthBytes <= this.#room, 'a run is longer than the room that there was');
    const at = this.#tail & this.#mask;
    const first = Math.min(lengthBytes, this.capacity - at);
    this.#ram.copy(this.#place.dataAt + at, from, first);
    if (first < lengthBytes) this.#ram.copy(this.#place.dataAt, from + first, lengthBytes - first);
    this.#tail = (this.#tail + lengthBytes) >>> 0;
    this.#room -= lengthBytes;
  }
}

/** The side that takes bytes out. */
export class SerialConsumer {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  readonly capacity: number;
  /** How often the producer's index was one that cannot be. */
  lies = 0;
  readonly #place: Placement;
  readonly #ram: Ram;
  readonly #u8: Uint8Array;
  readonly #u32: Uint32Array;
  readonly #mask: number;
  #head: number;
  #published: number;
  /** Bytes known to be there, from the last look at the producer's index. */
  #left = 0;

  constructor(queue: Region, data: ReadonlyRegion, capacity: number) {
    this.#place = place(queue, data, capacity);
    this.#ram = this.#place.ram;
    this.#u8 = this.#ram.u8;
    this.#u32 = this.#ram.u32;
    this.#mask = capacity - 1;
    this.capacity = capacity;
    this.#head = this.#u32[this.#place.headIndex] as number;
    this.#published = this.#head;
  }

  /** @returns bytes that can be taken out now, by a fresh look */
  length(): number {
    const tail = this.#u32[this.#place.tailIndex] as number;
    this.#left = distance32(tail, this.#head);
    if (this.#left > this.capacity) this.#beginAgain(tail);
    return this.#left;
  }

  /** The producer's index cannot be: an empty queue from there on, and at once for both sides. */
  #beginAgain(tail: number): void {
    this.lies += 1;
    this.#head = tail;
    this.#published = tail;
    this.#left = 0;
    this.#ram.store32(this.#place.headIndex << 2, tail);
  }

  /**
   * Takes the oldest byte out, to be published with the batch.
   * @returns the byte, or -1 when the queue is empty
   */
  dequeue(): number {
    if (this.#left === 0 && this.length() === 0) return -1;
    const byte = this.#u8[this.#place.dataAt + (this.#head & this.#mask)] as number;
    this.#head = (this.#head + 1) >>> 0;
    this.#left -= 1;
    return byte;
  }

  /**
   * Moves the oldest bytes into another queue; both are to be published afterwards.
   *
   * @param lengthBytes at most what {@link length} answered last and what the producer's `room` did
   */
  moveTo(producer: SerialProducer, lengthBytes: number): void {
    demand(lengthBytes <= this.#left, 'a run is longer than what there was');
    const at = this.#head & this.#mask;
    const first = Math.min(lengthBytes, this.capacity - at);
    producer.append(this.#place.dataAt + at, first);
    if (first < lengthBytes) producer.append(this.#place.dataAt, lengthBytes - first);
    this.#head = (this.#head + lengthBytes) >>> 0;
    this.#left -= lengthBytes;
  }

  /**
   * Moves the oldest bytes into a region that the same domain maps; at most what {@link length}
   * answered last.
   */
  moveToRegion(target: Region, offset: number, lengthBytes: number): void {
    demand(lengthBytes <= this.#left, 'a run is longer than what there was');
    const { at: targetAt, sizeBytes } = open(target);
    demand(offset >= 0 && lengthBytes <= sizeBytes - offset, 'the run lies outside its region');
    const from = this.#head & this.#mask;
    const first = Math.min(lengthBytes, this.capacity - from);
    this.#ram.copy(targetAt + offset, this.#place.dataAt + from, first);
    if (first < lengthBytes) {
      this.#ram.copy(targetAt + offset + first, this.#place.dataAt, lengthBytes - first);
    }
    this.#head = (this.#head + lengthBytes) >>> 0;
    this.#left -= lengthBytes;
  }

  /**
   * Gives the room of the batch back with one ordered store.
   * @returns whether to notify the producer: it has asked
   */
  publish(): boolean {
    if (this.#head === this.#published) return false;
    this.#published = this.#head;
    this.#ram.store32(this.#place.headIndex << 2, this.#head);
    // After the store above: the producer stores its wish and then looks at the head.
    if (this.#u32[this.#place.flagIndex] !== WANTS_SIGNAL) return false;
    this.#u32[this.#place.flagIndex] = SIGNALLED;
    return true;
  }
}

/**
 * Fill level of somebody else's queue, for who may look at it.
 * @returns bytes, at most the capacity
 */
export function serialQueueLevel(queue: ReadonlyRegion, capacity: number): number {
  const tail = queue.read32(SerialQueueHeader.tail.offset);
  const head = queue.read32(SerialQueueHeader.head.offset);
  return Math.min(distance32(tail, head), capacity);
}
