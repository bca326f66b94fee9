// The queue for classes of one's own: any layout, both wishes for a signal, peers that lie, and
// every interleaving that the signalling loop must survive.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Misuse } from '../../memory/misuse.ts';
import { Ram } from '../../memory/ram.ts';
import { Region } from '../../memory/region.ts';
import { struct } from '../../memory/struct.ts';
import { runFlow } from '../signal.ts';
import { createQueue } from './queue.ts';

const entry = struct(12, { kind: 'u8', hole: 'u8', id: 'u16', low: 'u32', high: 'u32' });
const queue = createQueue({ name: 'orders', entry, capacity: 4 });

function page(sizeBytes = 4096): Region {
  const ram = new Ram({ sizeBytes: 131_072 });
  return new Region({ ram, at: 8192, sizeBytes, vaddr: 0x2000_0000 });
}

function ends() {
  const region = page();
  return { region, out: queue.producer(region), taken: queue.consumer(region) };
}

const ORDER = { kind: 7, hole: 0, id: 0xffff, low: 0xffff_ffff, high: 1 };

describe('a generic queue', () => {
  it('has its indices, its wishes and its entries where its head says', () => {
    const { region, out, taken } = ends();
    out.enqueue(ORDER);
    out.publish();

    expect([0, 4, 8, 12].map((at) => region.read32(at))).toEqual([1, 0, 1, 0]);
    expect([16, 20, 24].map((at) => region.read32(at))).toEqual([0xffff_0007, 0xffff_ffff, 1]);
    expect(taken.dequeue()).toEqual(ORDER);
    expect(taken.dequeue()).toBeUndefined();
    expect(queue.regionBytes).toBe(16 + 4 * 12);
  });

  it('is seen when it is published, and full when its slots are', () => {
    const { out, taken } = ends();
    for (let id = 0; id < 4; id += 1) expect(out.enqueue({ ...ORDER, id })).toBe(true);
    expect(out.enqueue(ORDER)).toBe(false);
    expect(taken.length()).toBe(0);
    out.publish();
    expect(taken.length()).toBe(4);
    taken.dequeue();
    expect(out.free()).toBe(0);
    taken.publish();
    expect(out.free()).toBe(1);
  });

  it('notifies once for a batch, and only who asks', () => {
    const { out, taken } = ends();
    out.enqueue(ORDER);
    expect(out.publish()).toBe(true);
    out.enqueue(ORDER);
    expect(out.publish()).toBe(false);
    taken.requestSignal();
    out.enqueue(ORDER);
    expect(out.publish()).toBe(true);
    out.cancelSignal();
    taken.dequeue();
    expect(taken.publish()).toBe(false);
    out.requestSignal();
    taken.dequeue();
    expect(taken.publish()).toBe(true);
    expect(taken.publish()).toBe(false);
  });

  it('begins again, empty, where a peer’s index cannot be', () => {
    const { region, out, taken } = ends();
    region.write32(0, 99);
    expect([taken.length(), taken.lies, region.read32(4)]).toEqual([0, 1, 99]);
    region.write32(4, 5000);
    expect([out.free(), out.lies, region.read32(0)]).toEqual([4, 1, 5000]);
    out.enqueue(ORDER);
    out.publish();
    region.write32(4, 5000);
    expect(queue.consumer(region).dequeue()).toEqual(ORDER);
  });

  it('begins again without taking a wish for a signal away', () => {
    const { region, out, taken } = ends();
    region.write32(4, 5000);
    expect([out.free(), out.lies]).toEqual([4, 1]);
    out.enqueue(ORDER);
    expect(out.publish()).toBe(true);

    region.write32(0, 99);
    out.requestSignal();
    expect([taken.length(), taken.lies]).toEqual([0, 1]);
    region.write32(0, 100);
    taken.dequeue();
    expect(taken.publish()).toBe(true);
  });

  it('keeps order and contents whatever is done in which order', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('put', 'publish', 'take', 'release')), (steps) => {
        const { out, taken } = ends();
        let [put, got] = [0, 0];
        for (const step of steps) {
          if (step === 'put' && out.enqueue({ ...ORDER, low: put })) put += 1;
          if (step === 'publish') out.publish();
          if (step === 'release') taken.publish();
          const found = step === 'take' ? taken.dequeue() : undefined;
          if (found !== undefined) expect(found.low).toBe(got++);
        }
        out.publish();
        for (let found = taken.dequeue(); found !== undefined; found = taken.dequeue()) got += 1;
        expect(got).toBe(put);
      }),
      { numRuns: 200 },
    );
  });

  it('runs in the signalling loop: what comes while it asks is not lost', () => {
    const { out, taken } = ends();
    const seen: number[] = [];
    let late = 3;
    runFlow({
      drain: () => {
        for (let next = taken.dequeue(); next !== undefined; next = taken.dequeue()) {
          seen.push(next.low);
        }
        taken.publish();
      },
      requestSignal: () => {
        // Somebody puts one in just before the wish is seen.
        if (late-- > 0) {
          out.enqueue({ ...ORDER, low: late });
          out.publish();
        }
        taken.requestSignal();
        return 'requested';
      },
      cancelSignal: () => taken.cancelSignal(),
      canMove: () => taken.length() > 0,
    });
    expect(seen).toEqual([2, 1, 0]);
  });

  it.each([
    [{ capacity: 3 }, 'a capacity of 3 is no power of two'],
    [{ capacity: 0 }, 'a capacity of 0 is no power of two'],
    [{ entry: struct(0, {}) }, "an entry of 'orders' has 0 bytes, not 4 to 4096 in steps of 4"],
    [{ entry: struct(2, { a: 'u16' }) }, "an entry of 'orders' has 2 bytes"],
  ])('refuses %j in one line', (wrong, message) => {
    const make = () => createQueue({ name: 'orders', entry, capacity: 4, ...wrong });
    expect(make).toThrow(Misuse);
    expect(make).toThrow(message);
  });

  it.each([
    ['a field that is missing', { id: undefined }, "'id' of an entry of 'orders' is undefined"],
    ['no number', { high: Number.NaN }, 'is NaN, and no integer from 0 to 4294967295'],
    ['a fraction', { low: 1.5 }, 'is 1.5'],
    ['less than none', { low: -1 }, 'is -1'],
    ['more than its bytes hold', { kind: 256 }, 'is 256, and no integer from 0 to 255'],
    ['a string', { id: '7' }, "'id' of an entry of 'orders' is string"],
  ])('refuses %s, and stores nothing of that entry', (_what, wrong, message) => {
    const { out, taken } = ends();
    const put = () => out.enqueue({ ...ORDER, ...wrong } as typeof ORDER);

    expect(put).toThrow(Misuse);
    expect(put).toThrow(message);
    out.enqueue(ORDER);
    out.publish();
    expect([taken.length(), taken.dequeue()]).toEqual([1, ORDER]);
  });

  it('refuses an entry of a megabyte, and a region that is too small', () => {
    const huge = { ...entry, SIZE: 2 ** 20 } as unknown as typeof entry;
    expect(() => createQueue({ name: 'x', entry: huge, capacity: 1 })).toThrow(/1048576 bytes/);
    expect(() => queue.producer(page(32))).toThrow(
      "a region of 32 bytes does not hold the queue 'orders', which takes 64",
    );
  });
});
