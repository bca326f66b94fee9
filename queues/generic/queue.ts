/**
 * A queue for a class of one's own: entries of any fixed layout, one producer, one consumer, and
 * the signalling of the other classes, in both directions.
 *
 *     export const samples = createQueue({
 *       name: 'samples',
 *       entry: struct(8, { sensor: 'u16', flags: 'u16', value: 'u32' }),
 *       capacity: 64,
 *     });
 *     sys.region('samples', { size: samples.regionBytes });
 *
 *     const out = samples.producer(pd.region('samples'));
 *     if (!out.enqueue({ sensor: 1, flags: 0, value: 21_000 })) counters.add(COUNT.droppedFull, 1);
 *     if (out.publish()) pd.notify(channel);
 *
 * In memory: tail, head, then the two wishes for a signal, 32 bits each; entries from byte 16.
 */

import { demand, Misuse } from '../../memory/misuse.ts';
import { demandRoom, open, type ReadonlyRegion, type Region } from '../../memory/region.ts';
import type { Field, Scalar, Struct } from '../../memory/struct.ts';
import { struct } from '../../memory/struct.ts';
import { demandCapacity, distance32 } from '../../memory/wrapping.ts';

/** Indices are free-running and wrap at 2^32. Of a wish, 0 is: signal me. */
export const GenericQueueHeader = struct(16, {
  tail: 'u32',
  head: 'u32',
  consumerSignalled: 'u32',
  producerSignalled: 'u32',
});

/** Larger ones belong in a data region, with their offset in the entry. */
const ENTRY_BYTES_MAX = 4096;
const WANTS_SIGNAL = 0;
const SIGNALLED = 1;

type Fields = Record<string, Scalar>;

/** An entry, copied out of memory or to be copied in. */
export type Entry<F extends Fields> = { -readonly [K in keyof F]: number };

/** What both ends of a queue have to agree on; it is never read from memory. */
export interface GenericQueueOptions<F extends Fields> {
  /** For messages. */
  readonly name: string;
  /** A layout of 4 to 4096 bytes, a multiple of 4. */
  readonly entry: Struct<F>;
  /** Slots: a power of two. Both ends have it from here, never from memory. */
  readonly capacity: number;
}

/** What both ends share: the layout, and nothing that lies in memory. */
export interface GenericQueue<F extends Fields> {
  /** Bytes that its region has at least. */
  readonly regionBytes: number;
  /** @throws Misuse when the region is too small */
  producer(region: Region): GenericProducer<F>;
  /** @throws Misuse when the region is too small */
  consumer(region: Region): GenericConsumer<F>;
}

/** @throws Misuse for an entry or a capacity that a queue cannot have */
export function createQueue<F extends Fields>(options: GenericQueueOptions<F>): GenericQueue<F> {
  const { name, entry, capacity } = options;
  const bytes: number = entry.SIZE;
  demand(
    bytes > 0 && bytes <= ENTRY_BYTES_MAX && bytes % 4 === 0,
    `an entry of '${name}' has ${bytes} bytes, not 4 to ${ENTRY_BYTES_MAX} in steps of 4`,
  );
  demandCapacity(capacity, 32);
  const regionBytes = GenericQueueHeader.SIZE + capacity * bytes;
  const layout: Layout = {
    fields: fieldsOf(entry),
    entryBytes: bytes,
    capacity,
    regionBytes,
    name,
  };
  return {
    regionBytes,
    producer: (region) => new GenericProducer<F>(region, layout),
    consumer: (region) => new GenericConsumer<F>(region, layout),
  };
}

/** A field of an entry. */
interface EntryField {
  readonly name: string;
  readonly field: Field;
  /** The largest value that its bytes hold. */
  readonly max: number;
}

/** They follow each other without holes: each goes as far as where the next one begins. */
function fieldsOf(entry: Struct<Fields>): readonly EntryField[] {
  const fields = Object.entries(entry).filter(
    ([name]) => name !== 'SIZE',
  ) as unknown as readonly (readonly [string, Field])[];
  return fields.map(([name, field], index) => {
    const end: number = fields[index + 1]?.[1].offset ?? (entry.SIZE as number);
    return { name, field, max: 2 ** (8 * (end - field.offset)) - 1 };
  });
}

interface Layout {
  readonly fields: readonly EntryField[];
  readonly entryBytes: number;
  readonly capacity: number;
  readonly regionBytes: number;
  readonly name: string;
}

/** Where a queue lies in RAM. */
interface Place {
  readonly view: DataView;
  readonly u32: Uint32Array;
  readonly store32: (at: number, value: number) => void;
  readonly at: number;
}

function placeOf(region: ReadonlyRegion, { regionBytes, name }: Layout): Place {
  demandRoom(region, regionBytes, `the queue '${name}'`);
  const { ram, at } = open(region);
  const { buffer } = ram.u8;
  return { view: new DataView(buffer), u32: ram.u32, store32: ram.store32, at };
}

/**
 * The end that puts entries in. They become visible with `publish`; whoever has published notifies
 * the other end when `publish` says so.
 */
export class GenericProducer<F extends Fields> {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  /** How often the consumer's index was one that cannot be. */
  lies = 0;
  readonly #place: Place;
  readonly #layout: Layout;
  #tail: number;
  #published: number;

  constructor(region: Region, layout: Layout) {
    this.#layout = layout;
    this.#place = placeOf(region, layout);
    this.#tail = region.read32(GenericQueueHeader.tail.offset);
    this.#published = this.#tail;
  }

  /** @returns slots that are free now, by a fresh look */
  free(): number {
    const { u32, at } = this.#place;
    const { capacity } = this.#layout;
    const head = u32[(at + GenericQueueHeader.head.offset) >>> 2] as number;
    const used = distance32(this.#tail, head);
    if (used <= capacity) return capacity - used;
    // An index that cannot be: an empty queue from there on, and at once for both sides.
    this.lies += 1;
    this.#tail = head;
    this.#store();
    return capacity;
  }

  /**
   * Puts an entry in, to be published with the batch.
   *
   * @returns false, without change, when the queue is full
   * @throws Misuse when a field is missing, or its value is none that its bytes hold
   */
  enqueue(entry: Readonly<Entry<F>>): boolean {
    if (this.free() === 0) return false;
    const { view, at } = this.#place;
    const { fields, entryBytes, capacity } = this.#layout;
    this.#check(entry);
    const slot = this.#tail & (capacity - 1);
    const to = at + GenericQueueHeader.SIZE + slot * entryBytes;
    for (const { name, field } of fields) field.set(view, to, entry[name] as number);
    this.#tail = (this.#tail + 1) >>> 0;
    return true;
  }

  /**
   * Makes the batch visible with one ordered store.
   *
   * @returns whether the consumer wants to be notified of it; the wish is withdrawn
   */
  publish(): boolean {
    const { u32, at } = this.#place;
    if (this.#tail === this.#published) return false;
    this.#store();
    const wish = (at + GenericQueueHeader.consumerSignalled.offset) >>> 2;
    if (u32[wish] !== WANTS_SIGNAL) return false;
    u32[wish] = SIGNALLED;
    return true;
  }

  /** Asks to be notified when there is room; look at {@link free} again afterwards. */
  requestSignal(): void {
    const { store32, at } = this.#place;
    store32(at + GenericQueueHeader.producerSignalled.offset, WANTS_SIGNAL);
  }

  cancelSignal(): void {
    const { u32, at } = this.#place;
    u32[(at + GenericQueueHeader.producerSignalled.offset) >>> 2] = SIGNALLED;
  }

  /** Leaves the consumer's wish as it is: whoever withdraws it has to notify. */
  #store(): void {
    const { store32, at } = this.#place;
    this.#published = this.#tail;
    store32(at + GenericQueueHeader.tail.offset, this.#tail);
  }

  /** A typed array would store what is none of these as something else, without a word. */
  #check(entry: Readonly<Entry<F>>): void {
    for (const { name, max } of this.#layout.fields) {
      const value: unknown = entry[name];
      if (typeof value === 'number' && value >= 0 && value <= max && Number.isInteger(value)) {
        continue;
      }
      throw new Misuse(
        `'${name}' of an entry of '${this.#layout.name}' is ${shown(value)}, and no integer from 0 to ${max}`,
      );
    }
  }
}

function shown(value: unknown): string {
  return typeof value === 'number' || value === undefined ? String(value) : typeof value;
}

/**
 * The end that takes entries out, each copied and checked once. It asks to be signalled and looks
 * again before it sleeps: see `../signal.ts`.
 */
export class GenericConsumer<F extends Fields> {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  /** How often the producer's index was one that cannot be. */
  lies = 0;
  readonly #place: Place;
  readonly #layout: Layout;
  #head: number;
  #published: number;

  constructor(region: Region, layout: Layout) {
    this.#layout = layout;
    this.#place = placeOf(region, layout);
    this.#head = region.read32(GenericQueueHeader.head.offset);
    this.#published = this.#head;
  }

  /** @returns entries that wait now, by a fresh look */
  length(): number {
    const { u32, at } = this.#place;
    const tail = u32[(at + GenericQueueHeader.tail.offset) >>> 2] as number;
    const waiting = distance32(tail, this.#head);
    if (waiting <= this.#layout.capacity) return waiting;
    this.lies += 1;
    this.#head = tail;
    this.#store();
    return 0;
  }

  /**
   * Takes the oldest entry out, each field read once; its slot is free after {@link publish}.
   *
   * @returns undefined when the queue is empty
   */
  dequeue(): Entry<F> | undefined {
    if (this.length() === 0) return undefined;
    const { view, at } = this.#place;
    const { fields, entryBytes, capacity } = this.#layout;
    const slot = this.#head & (capacity - 1);
    const from = at + GenericQueueHeader.SIZE + slot * entryBytes;
    this.#head = (this.#head + 1) >>> 0;
    const entry = fields.map(({ name, field }) => [name, field.get(view, from)]);
    return Object.fromEntries(entry) as Entry<F>;
  }

  /**
   * Gives the slots of what was taken back.
   *
   * @returns whether the producer waits for room, and is to be notified; the wish is withdrawn
   */
  publish(): boolean {
    const { u32, at } = this.#place;
    if (this.#head === this.#published) return false;
    this.#store();
    const wish = (at + GenericQueueHeader.producerSignalled.offset) >>> 2;
    if (u32[wish] !== WANTS_SIGNAL) return false;
    u32[wish] = SIGNALLED;
    return true;
  }

  /** Asks to be notified of what comes; look at {@link length} again afterwards. */
  requestSignal(): void {
    const { store32, at } = this.#place;
    store32(at + GenericQueueHeader.consumerSignalled.offset, WANTS_SIGNAL);
  }

  cancelSignal(): void {
    const { u32, at } = this.#place;
    u32[(at + GenericQueueHeader.consumerSignalled.offset) >>> 2] = SIGNALLED;
  }

  /** Leaves the producer's wish as it is: whoever withdraws it has to notify. */
  #store(): void {
    const { store32, at } = this.#place;
    this.#published = this.#head;
    store32(at + GenericQueueHeader.head.offset, this.#head);
  }
}
