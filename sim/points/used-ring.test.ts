/**
 * Goal: a queue that looks only when it is kicked comes to an end. Method: a driver whose index
 * breaks the rules.
 */

import { expect, it } from 'vitest';
import { Random } from '../../board/random.ts';
import { RangedDmaWindow } from '../../board/dma.ts';
import { NO_CHAIN } from '../../board/virtio/device-queue.ts';
import type { VirtioMmio } from '../../board/virtio/mmio.ts';
import { RingRanges } from '../../board/virtio/ring-ranges.ts';
import { VirtualClock } from '../../board/virtual-clock.ts';
import { Ram } from '../../memory/ram.ts';
import { MockDriver, MockQueue } from '../../test/support/mock-driver.ts';
import { Injector } from './injector.ts';
import { PlannedQueue } from './used-ring.ts';
import { usedRingPoint } from './used-ring-points.ts';

const SIZE = 8;

it('a queue whose rules the driver has broken wants no more, however many chains it was kicked for', () => {
  const ram = new Ram({ sizeBytes: 1 << 20 });
  const clock = new VirtualClock();
  const when = { timeNs: 0 };
  const rule = {
    at: 'q.ring',
    fault: 'only-kicked',
    when,
    parameters: {},
    optional: 'no',
  } as const;
  const injector = new Injector({
    plan: { name: 'test', rules: [{ ...rule, for: { durationNs: 1e9 } }] },
    points: [usedRingPoint('q', 'blk')],
    clock,
    random: new Random(1),
  });
  const broken: number[] = [];
  const owner = {
    queueBroken: (_queue: unknown, brokenRule: number) => broken.push(brokenRule),
    queueLint: () => undefined,
  };
  const dma = new RangedDmaWindow(ram, [{ paddr: ram.base, sizeBytes: ram.sizeBytes }]);
  const device = new PlannedQueue(
    { index: 0, sizeMax: SIZE, ram, dma, rings: new RingRanges(1), owner },
    { point: injector.point('q.ring'), clock, transport: { live: false } as VirtioMmio },
  );
  const nothing = { read: () => 0, write: () => undefined };
  const queue = new MockQueue(new MockDriver({ device: nothing, ram }), 0, SIZE, 0);
  const { descAt, availAt, usedAt } = queue;
  const features = { indirect: 'refused', eventIdx: 'refused' } as const;
  device.start({ size: SIZE, descAt, availAt, usedAt, ...features });
  clock.runUntil(1);

  queue.availIdx = 100;
  device.kicked();
  expect(device.pop()).toBe(NO_CHAIN);
  expect(broken).toHaveLength(1);
  expect(device.enableNotify()).toBe(false);
});
