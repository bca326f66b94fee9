/**
 * Goal: buffers that loops post to a virtqueue and take out of it are those that steps post and
 * take, one by one, whatever the other side writes: the program at the queue, and the device at the
 * rings. Method: two memories, one worked on by loops and one by steps, meet the same script; after
 * each move both hold the same bytes. Offsets are declared again, from virtio 1.2 §2.7.
 *
 * SDDF_LOOP_SEEDS: how many scripts, in hundreds.
 */

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Batches, Ram } from '../../../memory/ram.ts';
import { Region } from '../../../memory/region.ts';
import { partsOf } from '../../../memory/sealed.ts';
import { virtqueueLayout } from '../../virtio/split-ring.ts';
import { LIE_USED_ID, LIE_USED_LENGTH, NONE, Virtqueue } from '../../virtio/virtqueue.ts';
import { netQueueBytes, NetConsumer, NetProducer } from '../queue.ts';
import { FromDevice } from './from-device.ts';
import { ToDevice } from './to-device.ts';

const SCRIPTS = 100 * Number(process.env['SDDF_LOOP_SEEDS'] ?? 3);
const HEADER_BYTES = 12;
const CHAINS_OFFSET = 4096;
const RINGS_AT = 8192;
const RINGS_BYTES = 8192;
const QUEUES_AT = 32_768;
const CAPACITY = 16;
/** The longest is longer than a buffer: whoever claims as much lies. */
const FRAME_BYTES = { least: 14, most: 2500 };
const NEEDS_CSUM = 1;
const DATA_VALID = 2;

interface Shape {
  readonly entries: number;
  readonly indirect: 'yes' | 'no';
  /** Who writes headers and buffers: the device, of frames that are received. */
  readonly writer: 'driver' | 'device';
  readonly eventIndex: 'yes' | 'no';
  /** Bytes of the longest frame; those of `FRAME_BYTES` unless told. */
  readonly longest?: number;
}

/** A driver between two queues and a device, by loops or by steps. */
class Side {
  readonly ram: Ram;
  readonly ring: Virtqueue;
  readonly given: NetProducer;
  readonly from: NetConsumer;
  readonly to: NetProducer;
  readonly got: NetConsumer;
  readonly #shape: Shape;
  readonly #post: ToDevice;
  readonly #take: FromDevice;
  readonly #used: number;
  readonly #avail: number;
  readonly #longest: number;
  #seen = 0;
  usedIdx = 0;
  /** What a step has taken last, and how many bytes have been counted. */
  lie = NONE;
  bytes = 0;
  /** How many were posted and taken by loops. */
  byLoops = 0;

  constructor(shape: Shape, batches: Batches) {
    this.#shape = shape;
    this.ram = new Ram({ sizeBytes: 65_536, stagingBytes: 65_536, batches });
    this.ram.fill(0, 0xa5, this.ram.sizeBytes);
    this.ring = new Virtqueue({
      ...shape,
      region: this.#region(RINGS_AT, RINGS_BYTES),
      ringsOffset: 0,
      chainsOffset: CHAINS_OFFSET,
      paddr: RINGS_AT,
      headerBytes: HEADER_BYTES,
    });
    const queues = [0, 1].map((which) => {
      const region = this.#region(QUEUES_AT + which * 4096, netQueueBytes(CAPACITY));
      region.fill(0, 0, region.sizeBytes);
      return region;
    }) as [Region, Region];
    this.given = new NetProducer(queues[0], CAPACITY);
    this.from = new NetConsumer(queues[0], CAPACITY);
    this.to = new NetProducer(queues[1], CAPACITY);
    this.got = new NetConsumer(queues[1], CAPACITY);
    const isReceived = shape.writer === 'device';
    const { from: queue, to, ring } = this;
    this.#post = new ToDevice({ queue, ring, ...(isReceived ? {} : { frameBytes: FRAME_BYTES }) });
    this.#longest = shape.longest ?? FRAME_BYTES.most;
    const flags = NEEDS_CSUM | DATA_VALID;
    const received = { least: FRAME_BYTES.least, most: this.#longest, flags };
    this.#take = new FromDevice({ ring, queue: to, ...(isReceived ? { received } : {}) });
    const layout = virtqueueLayout(shape.entries);
    this.#used = RINGS_AT + layout.used;
    this.#avail = RINGS_AT + layout.avail;
  }

  #region(at: number, sizeBytes: number): Region {
    return new Region({ ram: this.ram, at, sizeBytes, vaddr: 0 });
  }

  get queueAt(): number {
    return QUEUES_AT;
  }

  /** As the driver does; a frame that is not good is dropped. */
  post(): void {
    const { from, ring } = this;
    do this.#count(this.#post);
    while (this.#postNext());
    from.publish();
    ring.publish();
  }

  #postNext(): boolean {
    const { from, ring } = this;
    if (ring.room === 0 || !from.dequeue()) return false;
    const { low, high, len } = from;
    if (this.#shape.writer === 'device') {
      ring.post(low, high, 2048);
      this.bytes += 2048;
    } else if (from.isPartial) {
      ring.postHeaded(low, high, len, Uint16Array.of(NEEDS_CSUM, 7));
    } else if (len >= FRAME_BYTES.least && len <= FRAME_BYTES.most) {
      ring.post(low, high, len);
      this.bytes += len;
    }
    return true;
  }

  #count(loop: ToDevice | FromDevice): void {
    const moved = loop.run();
    this.byLoops += moved;
    if (moved > 0) this.bytes += loop.bytes;
  }

  /** As the driver does, up to the first lie. */
  take(): void {
    do this.#count(this.#take);
    while (this.#takeNext());
    this.to.publish();
    this.ring.requestInterrupt();
  }

  #takeNext(): boolean {
    const { ring, to } = this;
    const chain = ring.take();
    this.lie = Math.min(chain, 0);
    if (chain < 0) return false;
    if (this.#shape.writer === 'driver') {
      to.enqueue(ring.takenLow, ring.takenHigh, 0, 0);
      return true;
    }
    const len = ring.takenBytes - HEADER_BYTES;
    const flags = ring.header16(chain, 0) & (NEEDS_CSUM | DATA_VALID);
    const isGood = len >= FRAME_BYTES.least && len <= this.#longest;
    const isPlain = ring.header16(chain, 5) === 1 && (flags & NEEDS_CSUM) === 0;
    if (isGood && isPlain && to.enqueue(ring.takenLow, ring.takenHigh, len, flags << 5)) {
      this.bytes += len;
    }
    return true;
  }

  /** Heads that have become available since the last look. */
  seeAvailable(): number[] {
    const { view } = this.ram;
    const heads: number[] = [];
    const idx = view.getUint16(this.#avail + 2, true);
    for (; this.#seen !== idx; this.#seen = (this.#seen + 1) & 0xffff) {
      const slot = this.#seen & (this.#shape.entries - 1);
      heads.push(view.getUint16(this.#avail + 4 + 2 * slot, true));
    }
    view.setUint16(this.#used + 4 + 8 * this.#shape.entries, this.#seen, true);
    return heads;
  }

  finish(id: number, bytes: number): void {
    const { view } = this.ram;
    const at = this.#used + 4 + 8 * (this.usedIdx & (this.#shape.entries - 1));
    view.setUint32(at, id, true);
    view.setUint32(at + 4, bytes, true);
    this.setUsedIdx((this.usedIdx + 1) & 0xffff);
  }

  setUsedIdx(value: number): void {
    this.usedIdx = value;
    this.ram.view.setUint16(this.#used + 2, value, true);
  }

  writeHeader(head: number, flags: number, buffers: number): void {
    const chain = this.#shape.indirect === 'yes' ? head : head >> 1;
    const at = RINGS_AT + CHAINS_OFFSET + 16 * chain;
    this.ram.view.setUint16(at, flags, true);
    this.ram.view.setUint16(at + 10, buffers, true);
  }

  /** What both sides must have alike. */
  get state(): readonly unknown[] {
    const { ring, from, to } = this;
    const books = [ring.room, ring.outstanding, ring.hasUsed(), from.lies, to.lies];
    return [...books, this.lie, this.bytes];
  }
}

class World {
  readonly sides: readonly [Side, Side];
  readonly #isReceived: boolean;
  /** What the device has. */
  readonly #heads: number[] = [];

  constructor(shape: Shape) {
    this.#isReceived = shape.writer === 'device';
    this.sides = [new Side(shape, 'wasm'), new Side(shape, 'steps')];
  }

  /** The program at the queue gives `count` entries, of which the last may be a bad one. */
  give(count: number, badLenAndOid: number): void {
    for (const { given } of this.sides) {
      for (let index = 0; index < count; index += 1) {
        const len = index === count - 1 ? badLenAndOid : 60 + index;
        given.enqueue(Math.imul(index, 0x9e37_79b1), index, len & 0xffff, (len >>> 16) & 0xff);
      }
      given.publish();
    }
  }

  post(): void {
    const [heads] = this.sides.map((side) => {
      side.post();
      return side.seeAvailable();
    });
    this.#heads.push(...(heads ?? []));
  }

  /** The device finishes some of what it has, in any order; what is bad is so by chance. */
  finish(count: number, bytes: number, how: 'good' | 'bad'): void {
    for (let left = count; left > 0; left -= 1) {
      const [head] = this.#heads.splice((bytes + left) % Math.max(1, this.#heads.length), 1);
      if (head === undefined) return;
      for (const side of this.sides) {
        // The first and the last of a batch may be bad.
        const isBad = how === 'bad' && (left === 1 || left === count);
        const good = this.#isReceived ? HEADER_BYTES + 60 + left : 0;
        if (this.#isReceived) {
          const flags = isBad && bytes % 3 === 0 ? bytes & 3 : DATA_VALID;
          side.writeHeader(head, flags, isBad && bytes % 7 === 0 ? bytes & 3 : 1);
        }
        side.finish(head, isBad && bytes % 5 === 0 ? bytes : good);
      }
    }
  }

  say(id: number, bytes: number): void {
    for (const side of this.sides) side.finish(id, bytes);
  }

  take(): void {
    for (const side of this.sides) side.take();
  }

  /** The program at the other queue takes what is there. */
  collect(count: number): void {
    for (const { got } of this.sides) {
      for (let left = count; left > 0 && got.dequeue(); left -= 1);
      got.publish();
    }
  }

  /** A program or the device writes anything anywhere into queues and rings. */
  scribble(at: number, value: number): void {
    for (const { ram } of this.sides) ram.u8[at] = value;
  }

  reset(): void {
    for (const { ring } of this.sides) while (ring.reclaim());
  }

  expectSame(): void {
    const [loops, steps] = this.sides;
    expect(loops.state).toEqual(steps.state);
    const [one, other] = [loops, steps].map(({ ram }) => ram.u8.subarray(0, ram.sizeBytes));
    expect(Buffer.compare(one as Uint8Array, other as Uint8Array)).toBe(0);
  }
}

type Move = (world: World) => void;

const small = fc.integer({ min: 0, max: 16 });
const word = fc.oneof(
  fc.integer({ min: 0, max: 3000 }),
  fc.constantFrom(0x8000_0000, 0xffff_ffff, 0x7fff_ffff, 0x80_003c, 0x40_003c, 0x1_003c),
  fc.integer({ min: 0, max: 0xffff_ffff }),
);
const MOVES = fc.oneof(
  fc.record({ count: small, len: word }).map(
    ({ count, len }): Move =>
      (world) =>
        world.give(count, len),
  ),
  fc.constant<Move>((world) => world.post()),
  fc.record({ count: small, bytes: word }).map(
    ({ count, bytes }): Move =>
      (world) =>
        world.finish(count, bytes, 'good'),
  ),
  fc.constant<Move>((world) => world.take()),
  small.map(
    (count): Move =>
      (world) =>
        world.collect(count),
  ),
);
const MISCHIEF = fc.oneof(
  { weight: 8, arbitrary: MOVES },
  fc.record({ count: small, bytes: word }).map(
    ({ count, bytes }): Move =>
      (world) =>
        world.finish(count, bytes, 'bad'),
  ),
  fc.record({ id: fc.oneof(small, word), bytes: word }).map(
    ({ id, bytes }): Move =>
      (world) =>
        world.say(id, bytes),
  ),
  fc.record({ at: fc.integer({ min: 0, max: netQueueBytes(CAPACITY) - 1 }), value: small }).map(
    ({ at, value }): Move =>
      (world) =>
        world.scribble(QUEUES_AT + 4096 * (value & 1) + at, value * 17),
  ),
  fc.record({ at: fc.integer({ min: 0, max: RINGS_BYTES - 1 }), value: small }).map(
    ({ at, value }): Move =>
      (world) =>
        world.scribble(RINGS_AT + at, value * 17),
  ),
  fc.constant<Move>((world) => world.reset()),
);

const yesOrNo = fc.constantFrom('yes' as const, 'no' as const);
const shapes = fc.record({
  entries: fc.constantFrom(4, 8, 16),
  indirect: yesOrNo,
  writer: fc.constantFrom('driver' as const, 'device' as const),
  eventIndex: yesOrNo,
});

describe.each([
  ['an honest device and program', MOVES],
  ['a device and a program that write anything', MISCHIEF],
])('%s', (_, moves) => {
  it('see the same, by loops and by steps', { timeout: 600_000 }, () => {
    const script = fc.array(moves, { maxLength: 80, size: 'max' });
    fc.assert(
      fc.property(shapes, script, (shape, all) => {
        const world = new World(shape);
        for (const move of all) {
          move(world);
          world.expectSame();
        }
      }),
      { numRuns: SCRIPTS },
    );
  });
});

/** @returns a world in which the device has `count` requests and has finished none */
function busy(shape: Shape, count: number): World {
  const world = new World(shape);
  world.give(count, 60);
  world.post();
  return world;
}

it('what the device has damaged of a descriptor stays so, by loops and by steps', () => {
  const world = new World({ entries: 16, indirect: 'yes', writer: 'device', eventIndex: 'yes' });
  for (let round = 0; round < 2; round += 1) {
    world.give(4, 60);
    world.post();
    world.expectSame();
    world.finish(4, 0, 'good');
    world.take();
    world.collect(4);
    // Of the chains that were posted: their buffers' addresses, high halves, and lengths.
    for (const byte of [0, 4, 7, 8, 11]) {
      for (let chain = 0; chain < 4; chain += 1) {
        world.scribble(RINGS_AT + CHAINS_OFFSET + 16 * 16 + 32 * chain + 16 + byte, 0xee);
      }
    }
    world.expectSame();
  }
});

it('loops go on where rings begin again', () => {
  const world = new World({ entries: 16, indirect: 'yes', writer: 'device', eventIndex: 'yes' });
  const [ROUNDS, COUNT] = [7, 6];
  for (let round = 0; round < ROUNDS; round += 1) {
    world.give(COUNT, 60);
    world.post();
    world.finish(COUNT, 0, 'good');
    world.take();
    world.collect(COUNT);
    world.expectSame();
  }
  // A step looks at how much room there is anew, and takes the one or two that are left of it.
  expect(world.sides[0].byLoops).toBeGreaterThanOrEqual(2 * ROUNDS * COUNT - ROUNDS);
});

it.each([
  ['longer than it may be', { bytes: 101, flags: 0, buffers: 1 }],
  ['shorter than it may be', { bytes: 13, flags: 0, buffers: 1 }],
  ['in two buffers', { bytes: 60, flags: DATA_VALID, buffers: 2 }],
  ['without its checksum', { bytes: 60, flags: NEEDS_CSUM, buffers: 1 }],
])('a received frame that is %s is not passed on', (_, { bytes, flags, buffers }) => {
  const shape = { entries: 16, indirect: 'yes', writer: 'device', eventIndex: 'yes' } as const;
  const world = busy({ ...shape, longest: 100 }, 4);
  for (const side of world.sides) {
    for (let chain = 0; chain < 4; chain += 1) {
      const isOther = chain === 2;
      side.writeHeader(chain, isOther ? flags : 0, isOther ? buffers : 1);
      side.finish(chain, HEADER_BYTES + (isOther ? bytes : 60));
    }
  }
  world.take();
  world.expectSame();
  expect(world.sides[0].bytes).toBe(4 * 2048 + 3 * 60);
});

it('a program that says untrue things of its ring changes nothing beside it', () => {
  const world = busy({ entries: 16, indirect: 'yes', writer: 'device', eventIndex: 'yes' }, 8);
  const [side] = world.sides;
  const beside = side.ram.takeStaging(4096);
  side.ram.fill(beside, 0xa5, 4096);
  for (let chain = 0; chain < 4; chain += 1) {
    side.writeHeader(chain, 0, 1);
    side.finish(chain, HEADER_BYTES + 60);
  }
  for (const room of [500, 1000, 1500, 2000]) {
    Object.defineProperty(side.ring, 'room', { value: room, configurable: true });
    side.take();
  }
  const memory = side.ram.u8.subarray(beside, beside + 4096);
  expect(memory.every((byte) => byte === 0xa5)).toBe(true);
});

describe('posting from a list of free chains', () => {
  const SHAPE = { entries: 16, indirect: 'yes', writer: 'driver', eventIndex: 'yes' } as const;

  it('reads no further than the list, whatever is said of the room', () => {
    const [side] = busy(SHAPE, 8).sides;
    const { ring, ram, given } = side;
    const { freeAt, chains } = partsOf(ring);
    const beside = ram.takeStaging(4096);
    ram.fill(beside, 0xa5, 4096);
    // So many that the last of them would be there; of the list's it names the fourth.
    const room = ((((beside - freeAt) >> 1) + 2 * chains) & -chains) + 4;
    Object.defineProperty(ring, 'room', { value: room, configurable: true });
    side.seeAvailable();
    for (let index = 0; index < 4; index += 1) given.enqueue(2048 * index, 0, 60, 0);
    given.publish();
    const list = [3, 2, 1, 0].map((at) => ram.u16[(freeAt >> 1) + at]);
    side.post();

    expect(side.seeAvailable()).toEqual(list);
  });

  it('writes no further than there are chains, whatever the list has', () => {
    const [side] = busy(SHAPE, 8).sides;
    const { ring, ram, given } = side;
    const { freeAt } = partsOf(ring);
    for (let at = 0; at < 4; at += 1) ram.u16[(freeAt >> 1) + 4 + at] = 0x400 + at;
    for (let index = 0; index < 4; index += 1) given.enqueue(2048 * index, 0, 60, 0);
    given.publish();
    const before = ram.u8.slice(RINGS_AT + RINGS_BYTES, QUEUES_AT);
    const beside = ram.takeStaging(4096);
    side.post();

    expect(Buffer.compare(before, ram.u8.slice(RINGS_AT + RINGS_BYTES, QUEUES_AT))).toBe(0);
    const staged = ram.u8.subarray(beside, ram.u8.length);
    expect(staged.every((byte) => byte === 0)).toBe(true);
  });
});

const EVERY_SHAPE: readonly Shape[] = (['yes', 'no'] as const).flatMap((indirect) =>
  (['driver', 'device'] as const).map((writer) => ({
    entries: 16,
    indirect,
    writer,
    eventIndex: 'yes',
  })),
);

describe.each(EVERY_SHAPE)(
  'a device that lies, $indirect indirect, written by the $writer',
  (shape) => {
    const isReceived = shape.writer === 'device';
    const bytes = isReceived ? HEADER_BYTES + 60 : 0;
    /** Chains 0 to 5 as heads; the fourth of six entries of the used ring is a lie. */
    const lieAmong = (id: number, claimed: number): World => {
      const world = busy(shape, 6);
      const step = shape.indirect === 'yes' ? 1 : 2;
      for (const side of world.sides) {
        for (let chain = 0; chain < 6; chain += 1) side.writeHeader(chain * step, DATA_VALID, 1);
        for (let chain = 0; chain < 3; chain += 1) side.finish(chain * step, bytes);
        side.finish(id, claimed);
        for (let chain = 4; chain < 6; chain += 1) side.finish(chain * step, bytes);
      }
      world.take();
      world.expectSame();
      return world;
    };

    it.each([-1, 16, 0x7fff_ffff, 0x8000_0000, shape.indirect === 'yes' ? 0x1_0000 : 7, 0])(
      'names %i, which is no chain of its own, or one for the second time',
      (id) => {
        const [loops] = lieAmong(id, bytes).sides;
        expect([loops.lie, loops.ring.outstanding]).toEqual([LIE_USED_ID, 3]);
      },
    );

    it.each([0, 1000, 0x7ffe_0000, 0xffff_0000 - 2 ** 32])(
      'claims 1 + %i bytes too many',
      (more) => {
        const most = isReceived ? HEADER_BYTES + 2048 : 0;
        const [loops] = lieAmong(shape.indirect === 'yes' ? 3 : 6, most + 1 + more).sides;
        expect(loops.lie).toBe(LIE_USED_LENGTH);
      },
    );
  },
);

it('a queue whose reader lies is looked at when there is something for it, and no sooner', () => {
  const world = busy({ entries: 16, indirect: 'yes', writer: 'driver', eventIndex: 'yes' }, 4);
  // The reader's index, far from where it can be.
  world.scribble(QUEUES_AT + 4096 + 2, 0x99);
  world.say(0xffff, 0);
  world.take();

  world.expectSame();
  expect(world.sides[0].to.lies).toBe(0);
});

it('a queue without room in the staging area works step by step', () => {
  const ram = new Ram({ sizeBytes: 65_536, stagingBytes: 65_536, batches: 'wasm' });
  ram.takeStaging(49_152);
  const region = new Region({ ram, at: RINGS_AT, sizeBytes: RINGS_BYTES, vaddr: 0 });
  const ring = new Virtqueue({
    ...{ region, ringsOffset: 0, chainsOffset: CHAINS_OFFSET, paddr: 0, headerBytes: HEADER_BYTES },
    ...{ entries: 16, writer: 'driver', indirect: 'yes', eventIndex: 'yes' },
  });
  const queue = new NetConsumer(
    new Region({ ram, at: QUEUES_AT, sizeBytes: 4096, vaddr: 0 }),
    CAPACITY,
  );
  expect(new ToDevice({ queue, ring }).run()).toBe(0);
  expect(ram.stagingLeft).toBe(65_536 - 49_152);
});
