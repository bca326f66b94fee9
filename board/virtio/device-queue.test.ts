/**
 * The device's side of the split virtqueue, rule by rule: what `rules.md` lists, suppression of
 * notifications both ways, and the wrap of the 16-bit indices. The mock driver plays the other
 * side.
 */

import { describe, expect, it } from 'vitest';
import { Ram } from '../../memory/ram.ts';
import { RangedDmaWindow } from '../dma.ts';
import { DeviceQueue, NO_CHAIN } from './device-queue.ts';
import { INDIRECT, MockDriver, MockQueue, NEXT, WRITE } from '../../test/support/mock-driver.ts';
import { RingRanges } from './ring-ranges.ts';

const SIZE = 8;

interface Bench {
  readonly ram: Ram;
  readonly dma: RangedDmaWindow;
  readonly device: DeviceQueue;
  readonly driver: MockDriver;
  readonly queue: MockQueue;
  readonly lint: string[];
  readonly broken: number[];
}

interface Variant {
  readonly indirect?: 'negotiated' | 'refused';
  readonly eventIdx?: 'negotiated' | 'refused';
  readonly startIndex?: number;
}

function runningQueue(variant: Variant = {}): Bench {
  const ram = new Ram({ sizeBytes: 1 << 20 });
  const dma = new RangedDmaWindow(ram, [{ paddr: ram.base, sizeBytes: ram.sizeBytes }]);
  const lint: string[] = [];
  const broken: number[] = [];
  const owner = {
    queueBroken: (_queue: DeviceQueue, rule: number) => broken.push(rule),
    queueLint: (_queue: DeviceQueue, _clause: string, what: string) => lint.push(what),
  };
  const startIndex = variant.startIndex ?? 0;
  const rings = new RingRanges(1);
  const device = new DeviceQueue({ index: 0, sizeMax: 64, ram, dma, rings, owner, startIndex });
  const driver = new MockDriver({
    device: { read: () => 0, write: () => undefined },
    ram,
    startIndex,
  });
  const queue = new MockQueue(driver, 0, SIZE, startIndex);
  device.start({
    size: SIZE,
    descAt: queue.descAt,
    availAt: queue.availAt,
    usedAt: queue.usedAt,
    indirect: variant.indirect ?? 'negotiated',
    eventIdx: variant.eventIdx ?? 'refused',
  });
  return { ram, dma, device, driver, queue, lint, broken };
}

function expectBroken(bench: Bench, rule: number): void {
  expect(bench.device.pop()).toBe(NO_CHAIN);
  expect(bench.broken).toEqual([rule]);
  expect(bench.device.brokenRule).toBe(rule);

  // Latched: nothing is read again, and it is not reported again.
  bench.queue.availIdx = (bench.queue.availIdx + 1) & 0xffff;
  expect(bench.device.hasChain()).toBe(false);
  expect(bench.device.pop()).toBe(NO_CHAIN);
  expect(bench.device.enableNotify()).toBe(false);
  expect(bench.broken).toEqual([rule]);
}

describe('chains', () => {
  it('copies out a chain of readable and writable buffers', () => {
    const { device, driver, queue } = runningQueue();
    const a = driver.memory(100);
    const b = driver.memory(200);
    const head = queue.add(
      { at: a, lengthBytes: 100, access: 'readable' },
      { at: b, lengthBytes: 200, access: 'writable' },
    );

    expect(device.pop()).toBe(head);
    expect(device.segments).toBe(2);
    expect(device.readable).toBe(1);
    expect([device.segmentAt(0), device.segmentLength(0)]).toEqual([a, 100]);
    expect([device.segmentAt(1), device.segmentLength(1)]).toEqual([b, 200]);
    expect([device.readableBytes, device.writableBytes]).toEqual([100, 200]);
    expect(device.chainState).toBe('good');
    expect(device.pop()).toBe(NO_CHAIN);
  });

  it('follows an indirect table, also one without alignment and one at the end of a chain', () => {
    const { device, driver, queue } = runningQueue();
    const at = driver.memory(64);
    const tableAt = driver.memory(64) + 6;
    queue.setDescriptor(
      0,
      { low: driver.paddr(at), lengthBytes: 8, flags: NEXT, next: 1 },
      tableAt,
    );
    queue.setDescriptor(1, { low: driver.paddr(at) + 8, lengthBytes: 24, flags: WRITE }, tableAt);
    queue.setDescriptor(4, { low: driver.paddr(at) + 40, lengthBytes: 3, flags: NEXT, next: 5 });
    queue.setDescriptor(5, { low: driver.paddr(tableAt), lengthBytes: 32, flags: INDIRECT });
    queue.makeAvailable(4);

    expect(device.pop()).toBe(4);
    expect([device.segments, device.readable]).toEqual([3, 2]);
    expect(device.segmentAt(0)).toBe(at + 40);
    expect(device.segmentAt(1)).toBe(at);
    expect(device.segmentAt(2)).toBe(at + 8);
    expect([device.readableBytes, device.writableBytes]).toEqual([11, 24]);
  });

  it('takes a chain as long as the queue', () => {
    const { device, driver, queue } = runningQueue();
    const at = driver.memory(64);
    queue.add(
      ...Array.from({ length: SIZE }, () => ({ at, lengthBytes: 8, access: 'readable' as const })),
    );

    expect(device.pop()).not.toBe(NO_CHAIN);
    expect(device.segments).toBe(SIZE);
  });

  it('returns used elements and publishes them with one index', () => {
    const { device, driver, queue } = runningQueue();
    const at = driver.memory(64);
    const first = queue.add({ at, lengthBytes: 64, access: 'writable' });
    const second = queue.add({ at, lengthBytes: 64, access: 'writable' });
    device.push(device.pop(), 10);
    device.push(device.pop(), 20);
    expect(queue.usedIdx).toBe(0);

    expect(device.publish()).toBe(true);
    expect(queue.drainUsed()).toEqual([
      { id: first, lengthBytes: 10 },
      { id: second, lengthBytes: 20 },
    ]);
    expect(device.publish()).toBe(false);
  });

  it('gives back chains that it could not use, in order', () => {
    const { device, driver, queue } = runningQueue();
    const at = driver.memory(64);
    queue.add({ at, lengthBytes: 1, access: 'writable' });
    queue.add({ at, lengthBytes: 2, access: 'writable' });
    const first = device.pop();
    const second = device.pop();
    device.unpop(second);
    device.unpop(first);

    expect(device.pop()).toBe(first);
    expect(device.pop()).toBe(second);
  });

  it('sees no chain of rings that were stopped, though it had observed some', () => {
    const { device, driver, queue } = runningQueue();
    queue.add({ at: driver.memory(64), lengthBytes: 64, access: 'writable' });
    queue.add({ at: driver.memory(64), lengthBytes: 64, access: 'writable' });
    device.pop();
    device.stop();

    expect(device.hasChain()).toBe(false);
    expect(device.pop()).toBe(NO_CHAIN);
  });

  it('does not touch rings that were stopped', () => {
    const { device, driver, queue } = runningQueue();
    queue.add({ at: driver.memory(64), lengthBytes: 64, access: 'writable' });
    const head = device.pop();
    device.stop();

    device.push(head, 64);
    expect(device.publish()).toBe(false);
    expect(queue.usedIdx).toBe(0);
    expect(device.pop()).toBe(NO_CHAIN);
  });
});

describe('malformed rings', () => {
  it('row 1: latches when the available index runs ahead by more than the queue', () => {
    const bench = runningQueue();
    bench.queue.availIdx = SIZE + 1;
    expectBroken(bench, 1);
  });

  it('row 1: latches when the available index goes back', () => {
    const bench = runningQueue();
    bench.queue.add({ at: bench.driver.memory(8), lengthBytes: 8, access: 'readable' });
    bench.device.push(bench.device.pop(), 0);
    bench.queue.availIdx = 0;
    expectBroken(bench, 1);
  });

  it('row 2: latches on a head that is not in the table', () => {
    const bench = runningQueue();
    bench.queue.makeAvailable(SIZE);
    expectBroken(bench, 2);
  });

  it('row 2: latches on a next that is not in the table', () => {
    const bench = runningQueue();
    const low = bench.driver.paddr(bench.driver.memory(8));
    bench.queue.setDescriptor(0, { low, lengthBytes: 8, flags: NEXT, next: SIZE });
    bench.queue.makeAvailable(0);
    expectBroken(bench, 2);
  });

  it('row 2: latches on a next that is not in the indirect table', () => {
    const bench = runningQueue();
    const tableAt = bench.driver.memory(16);
    const low = bench.driver.paddr(bench.driver.memory(8));
    bench.queue.setDescriptor(0, { low, lengthBytes: 8, flags: NEXT, next: 1 }, tableAt);
    const table = { low: bench.driver.paddr(tableAt), lengthBytes: 16, flags: INDIRECT };
    bench.queue.setDescriptor(0, table);
    bench.queue.makeAvailable(0);
    expectBroken(bench, 2);
  });

  it('row 3: latches on a cycle', () => {
    const bench = runningQueue();
    const low = bench.driver.paddr(bench.driver.memory(8));
    bench.queue.setDescriptor(0, { low, lengthBytes: 8, flags: NEXT, next: 1 });
    bench.queue.setDescriptor(1, { low, lengthBytes: 8, flags: NEXT, next: 0 });
    bench.queue.makeAvailable(0);
    expectBroken(bench, 3);
  });

  it('row 3: latches on an indirect chain longer than the queue', () => {
    const bench = runningQueue();
    const at = bench.driver.memory(8);
    bench.queue.addIndirect(
      ...Array.from({ length: SIZE + 1 }, () => ({
        at,
        lengthBytes: 1,
        access: 'readable' as const,
      })),
    );
    expectBroken(bench, 3);
  });

  it('row 3: latches on a chain of more than 2^32 bytes', () => {
    const bench = runningQueue();
    bench.queue.setDescriptor(0, { low: 0, lengthBytes: 0xffff_ffff, flags: NEXT, next: 1 });
    bench.queue.setDescriptor(1, { low: 0, lengthBytes: 1, flags: 0 });
    bench.queue.makeAvailable(0);
    expectBroken(bench, 3);
  });

  const table = (bench: Bench) => bench.driver.paddr(bench.driver.memory(64));
  const rowFour: Record<string, (bench: Bench) => void> = {
    'INDIRECT with NEXT': (bench) => {
      const low = table(bench);
      bench.queue.setDescriptor(0, { low, lengthBytes: 16, flags: INDIRECT | NEXT, next: 1 });
    },
    'a nested indirect table': (bench) => {
      const tableAt = bench.driver.memory(16);
      const low = table(bench);
      bench.queue.setDescriptor(0, { low, lengthBytes: 16, flags: INDIRECT }, tableAt);
      const outer = { low: bench.driver.paddr(tableAt), lengthBytes: 16, flags: INDIRECT };
      bench.queue.setDescriptor(0, outer);
    },
    'a table length that is no multiple of 16': (bench) =>
      bench.queue.setDescriptor(0, { low: table(bench), lengthBytes: 24, flags: INDIRECT }),
    'a table of length 0': (bench) =>
      bench.queue.setDescriptor(0, { low: table(bench), lengthBytes: 0, flags: INDIRECT }),
    'a table outside RAM': (bench) =>
      bench.queue.setDescriptor(0, { low: 0x1000_0000, lengthBytes: 16, flags: INDIRECT }),
  };
  for (const [name, arrange] of Object.entries(rowFour)) {
    it(`row 4: latches on ${name}`, () => {
      const bench = runningQueue();
      arrange(bench);
      bench.queue.makeAvailable(0);
      expectBroken(bench, 4);
    });
  }

  it('row 4: latches on INDIRECT that was not negotiated', () => {
    const bench = runningQueue({ indirect: 'refused' });
    const at = bench.driver.memory(8);
    bench.queue.addIndirect({ at, lengthBytes: 8, access: 'readable' });
    expectBroken(bench, 4);
  });

  const rowFive: Record<
    string,
    (bench: Bench) => { low: number; high?: number; lengthBytes: number }
  > = {
    'below RAM': () => ({ low: 0x0c00_0000, lengthBytes: 16 }),
    'across the end of RAM': (bench) => ({
      low: bench.ram.base + bench.ram.sizeBytes - 8,
      lengthBytes: 16,
    }),
    'above 2^32': (bench) => ({ low: bench.ram.base, high: 1, lengthBytes: 16 }),
    'that wraps 2^64': () => ({ low: 0xffff_fff8, high: 0xffff_ffff, lengthBytes: 16 }),
    'over the descriptor table': (bench) => ({
      low: bench.driver.paddr(bench.queue.descAt) + 8,
      lengthBytes: 16,
    }),
    'over the end of the used ring': (bench) => ({
      low: bench.driver.paddr(bench.queue.usedAt) + 5 + 8 * SIZE,
      lengthBytes: 64,
    }),
  };
  for (const [name, where] of Object.entries(rowFive)) {
    it(`row 5: hands out no position for a buffer ${name}`, () => {
      const bench = runningQueue();
      bench.queue.setDescriptor(0, { ...where(bench), flags: WRITE });
      bench.queue.makeAvailable(0);

      expect(bench.device.pop()).toBe(0);
      expect(bench.device.chainState).toBe('unreachable');
      expect(bench.device.segmentAt(0)).toBe(-1);
      expect(bench.lint).toHaveLength(1);
      expect(bench.broken).toEqual([]);
    });
  }

  it('row 5: takes a buffer that touches rings on both sides without overlap', () => {
    const bench = runningQueue();
    // The hole that alignment leaves between the available ring and the used ring.
    const at = bench.queue.availAt + 6 + 2 * SIZE;
    const lengthBytes = bench.queue.usedAt - at;
    expect(lengthBytes).toBeGreaterThan(0);
    bench.queue.add({ at, lengthBytes, access: 'writable' });

    expect(bench.device.pop()).toBe(0);
    expect(bench.device.chainState).toBe('good');
  });

  it('row 5: still hands out the buffers of the chain that can be reached', () => {
    const bench = runningQueue();
    const at = bench.driver.memory(8);
    bench.queue.setDescriptor(0, { low: 0, lengthBytes: 8, flags: WRITE | NEXT, next: 1 });
    bench.queue.setDescriptor(1, { low: bench.driver.paddr(at), lengthBytes: 8, flags: WRITE });
    bench.queue.makeAvailable(0);

    expect(bench.device.pop()).toBe(0);
    expect([bench.device.segmentAt(0), bench.device.segmentAt(1)]).toEqual([-1, at]);
  });

  it('row 6: names a chain with a readable buffer after a writable one', () => {
    const bench = runningQueue();
    const at = bench.driver.memory(8);
    bench.queue.add(
      { at, lengthBytes: 8, access: 'writable' },
      { at, lengthBytes: 8, access: 'readable' },
    );

    expect(bench.device.pop()).not.toBe(NO_CHAIN);
    expect(bench.device.chainState).toBe('misordered');
    expect(bench.broken).toEqual([]);
  });

  it('row 7: latches on a head that is in flight', () => {
    const bench = runningQueue();
    const at = bench.driver.memory(8);
    const head = bench.queue.add({ at, lengthBytes: 8, access: 'readable' });
    bench.queue.makeAvailable(head);
    expect(bench.device.pop()).toBe(head);
    expectBroken(bench, 7);
  });

  it('stays latched when chains are put back after it broke', () => {
    const bench = runningQueue();
    const at = bench.driver.memory(8);
    const head = bench.queue.add({ at, lengthBytes: 8, access: 'writable' });
    bench.queue.makeAvailable(SIZE);
    expect(bench.device.pop()).toBe(head);
    expect(bench.device.pop()).toBe(NO_CHAIN);
    bench.device.unpop(head);
    expect(bench.device.pop()).toBe(NO_CHAIN);
    expect(bench.broken).toEqual([2]);
  });

  it('row 8: does not see what the driver changes after a chain was popped', () => {
    const bench = runningQueue();
    const at = bench.driver.memory(8);
    const head = bench.queue.add({ at, lengthBytes: 8, access: 'writable' });
    bench.device.pop();
    bench.queue.setDescriptor(head, { low: 0, lengthBytes: 0xffff, flags: 0 });

    expect(bench.device.segmentAt(0)).toBe(at);
    expect(bench.device.segmentLength(0)).toBe(8);
    expect(bench.device.writableBytes).toBe(8);
  });

  it('reports a buffer of length 0 and goes on', () => {
    const bench = runningQueue();
    bench.queue.add({ at: bench.driver.memory(8), lengthBytes: 0, access: 'writable' });
    expect(bench.device.pop()).not.toBe(NO_CHAIN);
    expect(bench.lint).toEqual(['a buffer of length 0']);
  });

  it('works again after it was stopped and started', () => {
    const bench = runningQueue();
    bench.queue.makeAvailable(SIZE);
    expectBroken(bench, 2);
    bench.device.stop();
    const queue = new MockQueue(bench.driver, 0, SIZE, 0);
    bench.device.start({
      size: SIZE,
      descAt: queue.descAt,
      availAt: queue.availAt,
      usedAt: queue.usedAt,
      indirect: 'refused',
      eventIdx: 'refused',
    });
    const head = queue.add({ at: bench.driver.memory(8), lengthBytes: 8, access: 'readable' });
    expect(bench.device.pop()).toBe(head);
  });
});

describe('suppression', () => {
  function useOne(bench: Bench): boolean {
    bench.queue.add({ at: bench.driver.memory(8), lengthBytes: 8, access: 'writable' });
    bench.device.push(bench.device.pop(), 0);
    return bench.device.publish();
  }

  it('asks for no interrupt while the driver says NO_INTERRUPT', () => {
    const bench = runningQueue();
    bench.queue.availFlags = 1;
    expect(useOne(bench)).toBe(false);
    bench.queue.availFlags = 0;
    expect(useOne(bench)).toBe(true);
  });

  it('sets NO_NOTIFY while it works, and looks again when it clears it', () => {
    const bench = runningQueue();
    bench.device.disableNotify();
    expect(bench.queue.usedFlags).toBe(1);
    bench.queue.add({ at: bench.driver.memory(8), lengthBytes: 8, access: 'readable' });
    expect(bench.device.enableNotify()).toBe(true);
    expect(bench.queue.usedFlags).toBe(0);
  });

  it('interrupts exactly when used_event is crossed', () => {
    const bench = runningQueue({ eventIdx: 'negotiated' });
    bench.queue.usedEvent = 2;
    expect(useOne(bench)).toBe(false);
    expect(useOne(bench)).toBe(false);
    expect(useOne(bench)).toBe(true);
    expect(useOne(bench)).toBe(false);
  });

  it('interrupts when a batch crosses used_event in its middle', () => {
    const bench = runningQueue({ eventIdx: 'negotiated' });
    bench.queue.usedEvent = 1;
    for (let i = 0; i < 3; i++) {
      bench.queue.add({ at: bench.driver.memory(8), lengthBytes: 8, access: 'writable' });
      bench.device.push(bench.device.pop(), 0);
    }
    expect(bench.device.publish()).toBe(true);
  });

  it('writes avail_event when it wants to be notified, and leaves it when not', () => {
    const bench = runningQueue({ eventIdx: 'negotiated' });
    useOne(bench);
    expect(bench.device.enableNotify()).toBe(false);
    expect(bench.queue.availEvent).toBe(1);
    useOne(bench);
    bench.device.disableNotify();
    expect(bench.queue.availEvent).toBe(1);
    expect(bench.queue.usedFlags).toBe(0);
  });

  it('agrees with the formula of the specification around the wrap', () => {
    for (const startIndex of [0, 1, 0x7fff, 0xfffd, 0xfffe, 0xffff]) {
      for (const batch of [1, 2, 5]) {
        for (const delta of [-2, -1, 0, 1, 2, 4, 5]) {
          const bench = runningQueue({ eventIdx: 'negotiated', startIndex });
          const event = (startIndex + delta) & 0xffff;
          bench.queue.usedEvent = event;
          for (let i = 0; i < batch; i++) {
            bench.queue.add({ at: bench.driver.memory(8), lengthBytes: 8, access: 'writable' });
            bench.device.push(bench.device.pop(), 0);
          }
          // The event lies among the indices just published.
          expect(bench.device.publish()).toBe(delta >= 0 && delta < batch);
        }
      }
    }
  });
});

describe('the index wrap', () => {
  it('carries 20 chains across 65,535 when it starts at 65,530', () => {
    const bench = runningQueue({ startIndex: 65_530 });
    for (let i = 0; i < 20; i++) {
      const at = bench.driver.memory(8);
      const head = bench.queue.add({ at, lengthBytes: 8, access: 'writable' });
      expect(bench.device.pop()).toBe(head);
      expect(bench.device.segmentAt(0)).toBe(at);
      bench.device.push(head, i);
      expect(bench.device.publish()).toBe(true);
      expect(bench.queue.takeUsed()).toEqual({ id: head, lengthBytes: i });
    }
    expect(bench.queue.usedIdx).toBe((65_530 + 20) & 0xffff);
  });

  it('holds a full queue across the wrap', () => {
    const bench = runningQueue({ startIndex: 65_533 });
    const heads = Array.from({ length: SIZE }, () =>
      bench.queue.add({ at: bench.driver.memory(8), lengthBytes: 8, access: 'writable' }),
    );
    expect(heads.map(() => bench.device.pop())).toEqual(heads);
    expect(bench.device.pop()).toBe(NO_CHAIN);
    expect(bench.broken).toEqual([]);
  });
});
