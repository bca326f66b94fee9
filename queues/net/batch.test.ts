/**
 * Goal: a batch equals one by one, and both equal a plain array, wherever the peer publishes or
 * lies in between. Method: two queues; on one each step is done in a batch, on the other with
 * `enqueue` and `dequeue`. What is shared must be the same.
 */

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ram } from '../../memory/ram.ts';
import { Region } from '../../memory/region.ts';
import { NetConsumer, netQueueBytes, NetProducer } from './queue.ts';

const TAIL = 0;
const HEAD = 2;
const SIGNALLED = 4;
const ENTRIES = 8;
const ENTRY_BYTES = 16;
const GUARD = 0xa5;
const AT = 4096;

type Entry = readonly [low: number, high: number, lenAndOid: number];

/** Entry number n: every field differs from that of its neighbours. */
function entryOf(n: number): Entry {
  return [Math.imul(n + 1, 0x9e37_79b1), ~n, (n & 0xffff) | ((n & 0x3f) << 16)];
}

function queueOf(capacity: number, start: number) {
  const ram = new Ram({ sizeBytes: 65_536 });
  ram.fill(0, GUARD, 65_536);
  const region = new Region({ ram, at: AT, sizeBytes: netQueueBytes(capacity), vaddr: 0 });
  region.fill(0, 0, region.sizeBytes);
  // Old entries, which only a lie can bring back.
  for (let slot = 0; slot < capacity; slot += 1) {
    region.write32(ENTRIES + ENTRY_BYTES * slot, 1000 + slot);
  }
  region.write16(TAIL, start);
  region.write16(HEAD, start);
  const producer = new NetProducer(region, capacity);
  const consumer = new NetConsumer(region, capacity);
  return { ram, region, producer, consumer };
}

type Queue = ReturnType<typeof queueOf>;

function indicesOf({ region, producer, consumer }: Queue): number[] {
  const words = [region.read16(TAIL), region.read16(HEAD), region.read32(SIGNALLED)];
  return [...words, producer.lies, consumer.lies];
}

function last(consumer: NetConsumer): Entry {
  return [consumer.low, consumer.high, consumer.len | (consumer.oid << 16)];
}

class World {
  readonly capacity: number;
  readonly batch: Queue;
  readonly single: Queue;
  /** The queue as an array: what has been put in and not been taken out. */
  readonly items: Entry[] = [];
  /** How many of them the consumer can see, and how many slots it has not given back yet. */
  visible = 0;
  held = 0;
  /** From the first lie on, the array says nothing any more. */
  peer: 'honest' | 'lying' = 'honest';
  #next = 0;
  #putting: { readonly room: number; readonly entries: Entry[] } | undefined;
  #taking: { readonly available: number; read: number } | undefined;

  constructor(capacity: number, start: number) {
    this.capacity = capacity;
    this.batch = queueOf(capacity, start);
    this.single = queueOf(capacity, start);
  }

  beginPut(): void {
    if (this.#putting !== undefined) return;
    const room = this.batch.producer.room();
    const free = this.capacity - this.items.length - this.held;
    expect(this.single.producer.hasRoom()).toBe(room > 0);
    expect(room).toBeLessThanOrEqual(this.peer === 'honest' ? free : this.capacity);
    if (this.peer === 'honest') expect(room > 0).toBe(free > 0);
    this.#putting = { room, entries: [] };
  }

  putAt(): void {
    if (this.#putting === undefined) return;
    const { room, entries } = this.#putting;
    if (entries.length === room) return;
    const entry = this.#make();
    this.batch.producer.putAt(entries.length, ...entry);
    entries.push(entry);
  }

  /** Counts all that has been put, or less: the rest is then as if it had not been put. */
  endPut(amount: number): void {
    if (this.#putting === undefined) return;
    const counted = this.#putting.entries.slice(0, amount);
    this.#putting = undefined;
    this.batch.producer.advance(counted.length);
    for (const [low, high, lenAndOid] of counted) {
      const { producer } = this.single;
      expect(producer.enqueue(low, high, lenAndOid & 0xffff, lenAndOid >>> 16)).toBe(true);
    }
    this.items.push(...counted);
  }

  enqueue(): void {
    if (this.#putting !== undefined) return;
    const hasRoom = this.items.length + this.held < this.capacity;
    const entry = this.#make();
    const [low, high, lenAndOid] = entry;
    const [one, other] = [this.batch, this.single].map(({ producer }) =>
      producer.enqueue(low, high, lenAndOid & 0xffff, lenAndOid >>> 16),
    );
    expect(one).toBe(other);
    if (this.peer === 'honest') expect(one).toBe(hasRoom);
    if (one === true) this.items.push(entry);
  }

  publishPut(): void {
    expect(this.batch.producer.publish()).toBe(this.single.producer.publish());
    this.visible = this.items.length;
  }

  beginTake(): void {
    if (this.#taking !== undefined) return;
    const available = this.batch.consumer.available();
    expect(this.single.consumer.hasItems()).toBe(available > 0);
    expect(available).toBeLessThanOrEqual(this.peer === 'honest' ? this.visible : this.capacity);
    if (this.peer === 'honest') expect(available > 0).toBe(this.visible > 0);
    this.#taking = { available, read: 0 };
  }

  readAt(): void {
    const taking = this.#taking;
    if (taking === undefined || taking.read === taking.available) return;
    if (this.peer === 'honest') expect(this.#at(taking.read)).toEqual(this.items[taking.read]);
    taking.read += 1;
  }

  endTake(amount: number): void {
    if (this.#taking === undefined) return;
    const count = Math.min(amount, this.#taking.available);
    this.#taking = undefined;
    const found = Array.from({ length: count }, (_, index) => this.#at(index));
    this.batch.consumer.advance(count);
    for (const entry of found) {
      expect(this.single.consumer.dequeue()).toBe(true);
      expect(last(this.single.consumer)).toEqual(entry);
    }
    this.#take(found);
  }

  dequeue(): void {
    if (this.#taking !== undefined) return;
    const found = [this.batch, this.single].map(({ consumer }) =>
      consumer.dequeue() ? last(consumer) : undefined,
    );
    expect(found[0]).toEqual(found[1]);
    if (this.peer === 'honest') expect(found[0] !== undefined).toBe(this.visible > 0);
    if (found[0] !== undefined) this.#take([found[0]]);
  }

  publishTake(): void {
    for (const { consumer } of [this.batch, this.single]) consumer.publish();
    this.held = 0;
  }

  requestSignal(): void {
    for (const { consumer } of [this.batch, this.single]) consumer.requestSignal();
  }

  /** The peer's index becomes what it cannot or should not be. */
  lie(index: number, value: number): void {
    this.peer = 'lying';
    for (const { region } of [this.batch, this.single]) region.write16(index, value);
  }

  expectSame(): void {
    expect(indicesOf(this.batch)).toEqual(indicesOf(this.single));
    for (const { ram } of [this.batch, this.single]) {
      expect([ram.u8[AT - 1], ram.u8[AT + netQueueBytes(this.capacity)]]).toEqual([GUARD, GUARD]);
    }
  }

  /** What the two queues' memory holds between head and tail. */
  expectContents(): void {
    for (const { region } of [this.batch, this.single]) {
      const shown: Entry[] = [];
      const tail = region.read16(TAIL);
      for (let at = region.read16(HEAD); at !== tail; at = (at + 1) & 0xffff) {
        const from = ENTRIES + ENTRY_BYTES * (at % this.capacity);
        const [low, high, len] = [0, 4, 8].map((offset) => region.read32(from + offset) | 0);
        shown.push([low as number, high as number, len as number]);
      }
      expect(shown.slice(this.held)).toEqual(this.items.slice(0, this.visible));
    }
  }

  #make(): Entry {
    this.#next += 1;
    return entryOf(this.#next);
  }

  #at(index: number): Entry {
    const { consumer } = this.batch;
    return [consumer.lowAt(index), consumer.highAt(index), consumer.lenAndOidAt(index)];
  }

  #take(found: readonly Entry[]): void {
    const expected = this.items.splice(0, found.length);
    if (this.peer === 'honest') expect(found).toEqual(expected);
    this.visible -= found.length;
    this.held += found.length;
  }
}

type Move = (world: World, amount: number) => void;

const PRODUCER: readonly Move[] = [
  (world) => world.beginPut(),
  (world) => world.putAt(),
  (world) => world.putAt(),
  (world) => world.putAt(),
  (world, amount) => world.endPut(amount),
  (world) => world.enqueue(),
  (world) => world.publishPut(),
];
const CONSUMER: readonly Move[] = [
  (world) => world.beginTake(),
  (world) => world.readAt(),
  (world) => world.readAt(),
  (world, amount) => world.endTake(amount),
  (world) => world.dequeue(),
  (world) => world.publishTake(),
  (world) => world.requestSignal(),
];

const capacities = fc.constantFrom(1, 2, 4, 8);
const starts = fc.constantFrom(0, 65_530);
const amounts = fc.integer({ min: 0, max: 8 });

function scripts(moves: readonly Move[]) {
  const step = fc.record({ move: fc.constantFrom(...moves), amount: amounts });
  return fc.array(step, { maxLength: 120, size: 'max' });
}

describe('a batch', () => {
  it('equals one by one, in every interleaving of its steps with the peer’s', () => {
    fc.assert(
      fc.property(scripts([...PRODUCER, ...CONSUMER]), capacities, starts, (script, ...made) => {
        const world = new World(...made);
        for (const { move, amount } of script) {
          move(world, amount);
          world.expectSame();
          world.expectContents();
        }
        expect(indicesOf(world.batch).slice(3)).toEqual([0, 0]);
      }),
      { numRuns: 400 },
    );
  });

  it.each([
    ['consumer', CONSUMER, TAIL],
    ['producer', PRODUCER, HEAD],
  ] as const)('of a %s equals one by one when the peer’s index lies in the middle', (...row) => {
    const [, moves, index] = row;
    const lies = fc.constantFrom<Move>(
      (world, amount) => world.lie(index, world.batch.region.read16(index) + amount),
      (world, amount) => world.lie(index, (world.batch.region.read16(index) - amount) & 0xffff),
      (world, amount) => world.lie(index, amount * 9362),
    );
    const script = fc.array(
      fc.record({ move: fc.oneof(fc.constantFrom(...moves), lies), amount: amounts }),
      { maxLength: 80, size: 'max' },
    );
    let lied = 0;
    fc.assert(
      fc.property(script, capacities, starts, (steps, ...made) => {
        const world = new World(...made);
        world.lie(index, made[1]);
        for (const { move, amount } of steps) {
          move(world, amount);
          world.expectSame();
        }
        lied += world.batch.consumer.lies + world.batch.producer.lies;
      }),
      { numRuns: 200 },
    );
    expect(lied).toBeGreaterThan(100);
  });

  it('takes what it saw at its beginning, whatever the producer’s index is afterwards', () => {
    const world = new World(4, 65_530);
    const { region, producer, consumer } = world.batch;
    expect(producer.room()).toBe(4);
    for (let n = 0; n < 3; n += 1) producer.putAt(n, ...entryOf(n));
    producer.advance(3);
    producer.publish();

    expect(consumer.available()).toBe(3);
    region.write16(TAIL, 30_000);
    expect([0, 1, 2].map((n) => consumer.lowAt(n))).toEqual([0, 1, 2].map((n) => entryOf(n)[0]));
    consumer.advance(3);
    consumer.publish();
    expect(region.read16(HEAD)).toBe((65_530 + 3) & 0xffff);
    expect(consumer.lies).toBe(0);
    // The next look finds the lie.
    expect(consumer.available()).toBe(0);
    expect(consumer.lies).toBe(1);
  });

  it('cannot count more than there is', () => {
    const { producer, consumer } = queueOf(4, 0);
    expect(producer.room()).toBe(4);
    expect(() => producer.advance(5)).toThrow('longer than the room');
    producer.advance(2);
    producer.publish();

    expect(consumer.available()).toBe(2);
    expect(() => consumer.advance(3)).toThrow('a batch takes more');
  });
});
