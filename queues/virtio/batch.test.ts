/**
 * Goal: requests posted and taken in batches are those posted and taken one by one, with a device
 * that finishes them in any order, and with one that lies. Method: two queues in memories of their
 * own, one for each way; after every step both memories hold the same bytes. What the device sees
 * is held against what was posted. Offsets are declared again, from virtio 1.2 §2.7.
 */

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ram } from '../../memory/ram.ts';
import { Region } from '../../memory/region.ts';
import { virtqueueLayout } from './split-ring.ts';
import { LIE_USED_ID, LIE_USED_INDEX, LIE_USED_LENGTH, NONE, Virtqueue } from './virtqueue.ts';

const HEADER_BYTES = 12;
const CHAINS_OFFSET = 4096;
const REGION_BYTES = 8192;
const AT = 8192;

interface Shape {
  readonly entries: number;
  readonly indirect: 'yes' | 'no';
  readonly writer: 'driver' | 'device';
  readonly eventIndex: 'yes' | 'no';
}

interface Request {
  readonly low: number;
  readonly high: number;
  readonly len: number;
}

/** What a request came back with; `id` is a chain or one of the lies. */
interface Finished {
  readonly id: number;
  readonly low: number;
  readonly high: number;
  readonly bytes: number;
}

/** Low half of the address of the n-th request. */
function lowOfRequest(n: number): number {
  return Math.imul(n, 0x9e37_79b1);
}

/** A queue, and the device that has the other end of it. */
class Side {
  readonly ram = new Ram({ sizeBytes: 65_536 });
  readonly queue: Virtqueue;
  readonly #shape: Shape;
  readonly #used: number;
  readonly #avail: number;
  #seen = 0;
  usedIdx = 0;

  constructor(shape: Shape) {
    this.#shape = shape;
    this.ram.fill(0, 0xa5, this.ram.sizeBytes);
    const region = new Region({ ram: this.ram, at: AT, sizeBytes: REGION_BYTES, vaddr: 0 });
    this.queue = new Virtqueue({
      ...shape,
      region,
      ringsOffset: 0,
      chainsOffset: CHAINS_OFFSET,
      paddr: AT,
      headerBytes: HEADER_BYTES,
    });
    const layout = virtqueueLayout(shape.entries);
    this.#used = AT + layout.used;
    this.#avail = AT + layout.avail;
  }

  /** Heads that have become available, and the buffers that they lead to. */
  seeAvailable(): { readonly head: number; readonly request: Request }[] {
    const { view } = this.ram;
    const found: { head: number; request: Request }[] = [];
    const idx = view.getUint16(this.#avail + 2, true);
    for (; this.#seen !== idx; this.#seen = (this.#seen + 1) & 0xffff) {
      const slot = this.#seen & (this.#shape.entries - 1);
      const head = view.getUint16(this.#avail + 4 + 2 * slot, true);
      found.push({ head, request: this.#bufferOf(head) });
    }
    view.setUint16(this.#used + 4 + 8 * this.#shape.entries, this.#seen, true);
    return found;
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

  #bufferOf(head: number): Request {
    const { view } = this.ram;
    const ring = AT + 16 * head;
    const at = this.#shape.indirect === 'yes' ? view.getUint32(ring, true) + 16 : ring + 16;
    const [low, high, len] = [0, 4, 8].map((offset) => view.getInt32(at + offset, true));
    return { low: low as number, high: high as number, len: len as number };
  }
}

class World {
  readonly shape: Shape;
  readonly batch: Side;
  readonly single: Side;
  /**
   * What was posted and is not published; what the device has, and what it has finished, by head.
   */
  readonly #posted: Request[] = [];
  readonly #withDevice: { readonly head: number; readonly request: Request }[] = [];
  readonly #finished: { readonly request: Request; readonly bytes: number }[] = [];
  lastId = 0;
  #made = 0;

  constructor(shape: Shape) {
    this.shape = shape;
    this.batch = new Side(shape);
    this.single = new Side(shape);
  }

  get sides(): readonly [Side, Side] {
    return [this.batch, this.single];
  }

  post(amount: number): void {
    const { queue } = this.batch;
    const count = Math.min(amount, queue.room);
    const requests = Array.from({ length: count }, () => this.#make());
    for (const [index, { low, high, len }] of requests.entries()) {
      queue.postAt(index, low, high, len);
    }
    queue.advance(count);
    for (const { low, high, len } of requests) this.single.queue.post(low, high, len);
    this.#posted.push(...requests);
  }

  publish(): void {
    expect(this.batch.queue.publish()).toBe(this.single.queue.publish());
    for (const side of this.sides) {
      const seen = side.seeAvailable();
      expect(seen.map(({ request }) => request)).toEqual(this.#posted);
      if (side === this.batch) this.#withDevice.push(...seen);
    }
    this.#posted.splice(0);
  }

  /** The device finishes one of what it has: any. */
  finish(which: number): void {
    const at = which % Math.max(1, this.#withDevice.length);
    const [done] = this.#withDevice.splice(at, 1);
    if (done === undefined) return;
    const { head, request } = done;
    const bytes = this.shape.writer === 'driver' ? 0 : HEADER_BYTES + (which % (request.len + 1));
    this.say(head, bytes);
    this.#finished.push({ request, bytes });
  }

  /** The device says anything. */
  say(id: number, bytes: number): void {
    this.lastId = id;
    for (const side of this.sides) side.finish(id, bytes);
  }

  setUsedIdx(value: number): void {
    for (const side of this.sides) side.setUsedIdx(value & 0xffff);
  }

  /**
   * As drivers do: a batch up to the first lie, and that one by {@link Virtqueue.take}.
   * @returns the same both ways
   */
  take(amount: number): Finished[] {
    const { queue } = this.batch;
    const found = takeBatch(queue, this.shape, amount);
    const rest = found.length < amount ? takeOne(queue) : undefined;
    if (rest !== undefined && rest.id !== NONE) found.push(rest);
    expect(found).toEqual(Array.from(found, () => takeOne(this.single.queue)));
    return found;
  }

  /**
   * With an honest device: what was posted comes back in the order of finishing, all that is known
   * in one batch.
   */
  takeHonest(amount: number): void {
    const known = this.batch.queue.finished();
    expect(known > 0).toBe(this.#finished.length > 0);
    const taken = takeBatch(this.batch.queue, this.shape, amount);
    expect(taken).toHaveLength(Math.min(amount, known));
    expect(taken).toEqual(Array.from(taken, () => takeOne(this.single.queue)));
    for (const { id, ...found } of taken) {
      expect(id).toBeGreaterThanOrEqual(0);
      const expected = this.#finished.shift();
      const { low, high } = expected?.request ?? {};
      expect(found).toEqual({ low, high, bytes: expected?.bytes });
    }
  }

  /** The device has been reset: everything comes back, the same both ways. */
  reclaim(): void {
    const [one, other] = this.sides.map(({ queue }) => {
      const found: number[][] = [];
      while (queue.reclaim()) found.push([queue.takenLow, queue.takenHigh]);
      expect(queue.room).toBe(queue.chains);
      return found;
    });
    expect(one).toEqual(other);
  }

  expectSame(): void {
    const [{ queue: one, ram }, { queue: other, ram: otherRam }] = this.sides;
    expect([one.room, one.outstanding]).toEqual([other.room, other.outstanding]);
    expect(one.hasUsed()).toBe(other.hasUsed());
    expect(Buffer.compare(ram.u8, otherRam.u8)).toBe(0);
    expect([ram.u8[AT - 1], ram.u8[AT + REGION_BYTES]]).toEqual([0xa5, 0xa5]);
  }

  #make(): Request {
    this.#made += 1;
    const n = this.#made;
    return { low: lowOfRequest(n), high: n >>> 2, len: n % 5 === 0 ? 100 : 2048 };
  }
}

/**
 * @returns what has been finished, at most `amount`, up to the first entry that is not as it should
 * be
 */
function takeBatch(queue: Virtqueue, { writer }: Shape, amount: number): Finished[] {
  const found: Finished[] = [];
  const count = Math.min(amount, queue.finished());
  for (let index = 0; index < count; index += 1) {
    const id = queue.finishedAt(index);
    if (id < 0) break;
    const bytes = queue.finishedBytesAt(index);
    const len = queue.lengthOf(id);
    if (bytes < 0 || bytes > (writer === 'device' ? HEADER_BYTES + len : 0)) break;
    found.push({ id, low: queue.lowOf(id), high: queue.highOf(id), bytes });
    queue.releaseAt(index, id);
  }
  queue.advanceFinished(found.length);
  return found;
}

function takeOne(queue: Virtqueue): Finished {
  const id = queue.take();
  if (id < 0 && id !== LIE_USED_LENGTH) return { id, low: 0, high: 0, bytes: 0 };
  return { id, low: queue.takenLow, high: queue.takenHigh, bytes: queue.takenBytes };
}

type Move = (world: World, amount: number) => void;

const HONEST = fc.constantFrom<Move>(
  (world, amount) => world.post(amount),
  (world) => world.publish(),
  (world, amount) => world.finish(amount * 37),
  (world, amount) => world.finish(amount),
  (world, amount) => world.takeHonest(amount),
  (world) => world.sides.forEach(({ queue }) => queue.requestInterrupt()),
);

const yesOrNo = fc.constantFrom('yes' as const, 'no' as const);
const shapes = fc.record({
  entries: fc.constantFrom(2, 4, 8),
  indirect: yesOrNo,
  writer: fc.constantFrom('driver' as const, 'device' as const),
  eventIndex: yesOrNo,
});
const steps = fc.array(fc.record({ move: HONEST, amount: fc.integer({ min: 0, max: 8 }) }), {
  maxLength: 100,
  size: 'max',
});

function run(world: World, script: readonly { move: Move; amount: number }[]): void {
  for (const { move, amount } of script) {
    move(world, amount);
    world.expectSame();
  }
}

/** @returns a world in which the device has `count` requests and has finished none */
function busy(shape: Shape, count: number): World {
  const world = new World(shape);
  world.post(count);
  world.publish();
  return world;
}

const EVERY_SHAPE: readonly Shape[] = (['yes', 'no'] as const).flatMap((indirect) =>
  (['driver', 'device'] as const).map((writer) => ({
    entries: 8,
    indirect,
    writer,
    eventIndex: 'yes',
  })),
);

describe('batches of requests', () => {
  it('equal one by one, with a device that finishes out of order', () => {
    fc.assert(
      fc.property(shapes, steps, (shape, script) => {
        const world = new World(shape);
        run(world, script);
        world.reclaim();
      }),
      { numRuns: 250 },
    );
  });

  it('equal one by one where the indices wrap', () => {
    fc.assert(
      fc.property(shapes, steps, (shape, script) => {
        const world = new World(shape);
        for (let n = 0; n < 65_530; n += 1) {
          for (const side of world.sides) {
            side.queue.post(n, 0, 64);
            side.queue.publish();
            side.finish(side.seeAvailable()[0]?.head ?? -1, 0);
            side.queue.take();
          }
        }
        run(world, script);
      }),
      { numRuns: 5 },
    );
  });
});

describe.each(EVERY_SHAPE)(
  'a device that lies, $indirect indirect, written by the $writer',
  (shape) => {
    it('names one chain twice in a batch: it is taken once', () => {
      const world = busy(shape, 4);
      world.finish(2);
      world.say(world.lastId, 0);

      const found = world.take(4);
      expect(found.map(({ id }) => id >= 0)).toEqual([true, false]);
      expect(found[1]?.id).toBe(LIE_USED_ID);
      world.expectSame();
      expect(world.batch.queue.room).toBe(world.batch.queue.chains - 3);
      world.reclaim();
    });

    it.each([-1, 8, 0x7fff_ffff, 0x8000_0000, 1])(
      'names %i, which is no chain of its own',
      (id) => {
        const world = busy(shape, 1);
        const before = world.batch.queue.room;
        world.say(id, 0);

        expect(world.take(2).map((each) => each.id)).toEqual([LIE_USED_ID]);
        expect(world.batch.queue.room).toBe(before);
        world.expectSame();
      },
    );

    it.each([0, 1000, 0x7ffe_0000, 0xffff_0000])('claims 1 + %i bytes too many', (more) => {
      const world = busy(shape, 3);
      world.finish(1);
      const most = shape.writer === 'device' ? HEADER_BYTES + 2048 : 0;
      // Chain 0 was posted first.
      world.say(0, most + 1 + more);

      const found = world.take(3);
      expect(found.map(({ id }) => id >= 0)).toEqual([true, false]);
      expect(found[1]).toMatchObject({ id: LIE_USED_LENGTH, bytes: most, low: lowOfRequest(1) });
      world.expectSame();
      world.reclaim();
    });

    it.each([5, 9, 1000, 40_000])('is %i entries further on than it can be', (ahead) => {
      const world = busy(shape, 2);
      world.setUsedIdx(world.batch.usedIdx + ahead);

      expect(world.batch.queue.finished()).toBe(0);
      expect(world.take(4).map((each) => each.id)).toEqual([LIE_USED_INDEX]);
      world.expectSame();
      world.reclaim();
    });
  },
);
