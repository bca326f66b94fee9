/**
 * Goal: a queue that looks only when it is kicked, and a used index that has gone back, come to an
 * end. Method: a driver whose index breaks the rules; one that has given all it has.
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
import type { Rule } from '../plan/plan.ts';
import { Injector } from './injector.ts';
import { PlannedQueue } from './used-ring.ts';
import { usedRingPoint } from './used-ring-points.ts';

const SIZE = 8;

/** A queue that a fault strikes, and a driver for it by hand. */
function plannedQueue(rule: Omit<Rule, 'at' | 'optional'>) {
  const ram = new Ram({ sizeBytes: 1 << 20 });
  const clock = new VirtualClock();
  const injector = new Injector({
    plan: { name: 'test', rules: [{ at: 'q.ring', optional: 'no', ...rule }] },
    points: [usedRingPoint('q', 'blk')],
    clock,
    random: new Random(1),
  });
  const broken: number[] = [];
  const owner = {
    queueBroken: (_queue: unknown, brokenRule: number) => broken.push(brokenRule),
    queueLint: () => undefined,
  };
  let interrupts = 0;
  const interruptUsed = (): void => {
    interrupts += 1;
  };
  const dma = new RangedDmaWindow(ram, [{ paddr: ram.base, sizeBytes: ram.sizeBytes }]);
  const device = new PlannedQueue(
    { index: 0, sizeMax: SIZE, ram, dma, rings: new RingRanges(1), owner },
    {
      point: injector.point('q.ring'),
      clock,
      transport: { live: false, interruptUsed } as unknown as VirtioMmio,
    },
  );
  const nothing = { read: () => 0, write: () => undefined };
  const queue = new MockQueue(new MockDriver({ device: nothing, ram }), 0, SIZE, 0);
  const { descAt, availAt, usedAt } = queue;
  const features = { indirect: 'refused', eventIdx: 'refused' } as const;
  device.start({ size: SIZE, descAt, availAt, usedAt, ...features });
  clock.runUntil(1);
  return { ram, clock, device, queue, broken, interrupts: () => interrupts };
}

it('a queue whose rules the driver has broken wants no more, however many chains it was kicked for', () => {
  const { device, queue, broken } = plannedQueue({
    fault: 'only-kicked',
    when: { timeNs: 0 },
    for: { durationNs: 1e9 },
    parameters: {},
  });
  queue.availIdx = 100;
  device.kicked();
  expect(device.pop()).toBe(NO_CHAIN);
  expect(broken).toHaveLength(1);
  expect(device.enableNotify()).toBe(false);
});

it('an index that has gone back by all that the device had is right again, and told of, in the end', () => {
  const { clock, device, queue, interrupts } = plannedQueue({
    fault: 'index-back',
    when: { nth: [SIZE] },
    for: {},
    parameters: { by: SIZE },
  });
  for (let i = 0; i < SIZE; i += 1) {
    queue.add({ at: 0x8000, lengthBytes: 8, access: 'writable' });
    device.push(device.pop(), 8);
  }
  device.publish();
  expect(queue.usedIdx).toBe(0);
  clock.runUntil(900_000);
  expect([queue.usedIdx, interrupts()]).toEqual([0, 0]);
  clock.runUntil(1_100_000);
  expect([queue.usedIdx, interrupts()]).toEqual([SIZE, 1]);
});

it.each([
  ['writable', 'the last chain of a queue that receives comes back', 1],
  ['readable', 'no chain of a queue that sends has to come back', 0],
] as const)('of %s chains that are all to be kept, %s', (access, _, returned) => {
  const { device, queue } = plannedQueue({
    fault: 'keep',
    when: { every: 1 },
    for: {},
    parameters: {},
  });
  for (let i = 0; i < SIZE; i += 1) {
    queue.add({ at: 0x8000, lengthBytes: 8, access });
    device.push(device.pop(), 0);
  }
  device.publish();
  expect(queue.usedIdx).toBe(returned);
});
