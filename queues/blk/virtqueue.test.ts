/**
 * Goal: what the driver's side posts, the device's side finds as virtio 1.2 §5.2.6 has it, with
 * indirect tables and without, across the wrap of the indices; and no used ring makes the driver
 * take a chain twice. The device model's queue plays the other side.
 */

import { describe, expect, it } from 'vitest';
import { RangedDmaWindow } from '../../board/dma.ts';
import { DeviceQueue, NO_CHAIN } from '../../board/virtio/device-queue.ts';
import { RingRanges } from '../../board/virtio/ring-ranges.ts';
import { Ram } from '../../memory/ram.ts';
import { Region } from '../../memory/region.ts';
import { LIE_USED_ID, LIE_USED_INDEX, LIE_USED_LENGTH, NONE } from '../virtio/virtqueue.ts';
import { BlkVirtqueue, blkVirtqueueBytes, STATUS_UNWRITTEN } from './virtqueue.ts';

const ENTRIES = 16;
const SEGMENTS = 2;
const AT = 0x1000;
const DATA = 0x8000;

function bench(indirect: 'yes' | 'no', eventIndex: 'yes' | 'no' = 'yes') {
  const ram = new Ram({ sizeBytes: 0x2_0000 });
  const region = new Region({ ram, at: AT, sizeBytes: 0x4000, vaddr: 0 });
  const queue = new BlkVirtqueue({
    region,
    paddr: ram.base + AT,
    entries: ENTRIES,
    segments: SEGMENTS,
    segmentBytes: 4096,
    indirect,
    eventIndex,
  });
  const broken: string[] = [];
  const device = new DeviceQueue({
    index: 0,
    sizeMax: 64,
    ram,
    dma: new RangedDmaWindow(ram, [{ paddr: ram.base, sizeBytes: ram.sizeBytes }]),
    rings: new RingRanges(1),
    owner: {
      queueBroken: (_queue, _rule, _clause, what) => broken.push(what),
      queueLint: (_queue, _clause, what) => broken.push(what),
    },
  });
  device.start({
    size: ENTRIES,
    descAt: queue.descPaddr - ram.base,
    availAt: queue.availPaddr - ram.base,
    usedAt: queue.usedPaddr - ram.base,
    indirect: indirect === 'yes' ? 'negotiated' : 'refused',
    eventIdx: eventIndex === 'yes' ? 'negotiated' : 'refused',
  });
  const low = (ram.base + DATA) | 0;
  return { ram, region, queue, device, broken, low };
}

describe.each(['yes', 'no'] as const)('with indirect tables: %s', (indirect) => {
  it('holds as many requests as its descriptors allow', () => {
    const { queue, region } = bench(indirect);
    expect(queue.chains).toBe(indirect === 'yes' ? 16 : 4);
    expect(queue.bytesMax).toBe(8192);
    expect(blkVirtqueueBytes({ entries: ENTRIES, segments: SEGMENTS })).toBeLessThan(
      region.sizeBytes,
    );
  });

  it('posts header, data and status as the specification has them', () => {
    const { ram, queue, device, broken, low } = bench(indirect);

    const chain = queue.postTransfer(0, 0x1_0000_0007, low, 0, 6000, 'writable');
    expect(queue.publish()).toBe(true);
    const head = device.pop();

    expect(broken).toEqual([]);
    expect([device.segments, device.readable]).toEqual([4, 1]);
    expect([device.readableBytes, device.writableBytes]).toEqual([16, 6001]);
    const header = device.segmentAt(0);
    expect([0, 4, 8, 12].map((at) => ram.view.getUint32(header + at, true))).toEqual([0, 0, 7, 1]);
    expect([device.segmentAt(1), device.segmentLength(1)]).toEqual([DATA, 4096]);
    expect([device.segmentAt(2), device.segmentLength(2)]).toEqual([DATA + 4096, 1904]);
    expect(ram.u8[device.segmentAt(3)]).toBe(STATUS_UNWRITTEN);
    ram.u8[device.segmentAt(3)] = 2;
    device.push(head, 6001);
    device.publish();

    expect(queue.take()).toBe(chain);
    expect([queue.status(chain), queue.takenBytes, queue.outstanding]).toEqual([2, 6001, 0]);
    expect(queue.take()).toBe(NONE);
  });

  it('posts ranges and flushes', () => {
    const { ram, queue, device } = bench(indirect);
    queue.postRange(11, 5, 9);
    queue.postBare(4);
    queue.publish();

    device.pop();
    expect([device.segments, device.readableBytes, device.writableBytes]).toEqual([3, 32, 1]);
    const range = device.segmentAt(1);
    expect([0, 4, 8, 12].map((at) => ram.view.getUint32(range + at, true))).toEqual([5, 0, 9, 0]);
    device.pop();
    expect([device.segments, device.readableBytes, device.writableBytes]).toEqual([2, 16, 1]);
    expect(device.pop()).toBe(NO_CHAIN);
  });

  it('goes round 70,000 requests, over the wrap of the indices', () => {
    const { queue, device, broken, low } = bench(indirect);
    for (let i = 0; i < 70_000; i += 1) {
      const chain = queue.postTransfer(1, i, low, 0, 4096, 'readable');
      queue.publish();
      device.push(device.pop(), 1);
      device.publish();
      if (queue.take() !== chain) throw new Error(`request ${i} did not come back`);
    }
    expect([queue.room, broken.length]).toEqual([queue.chains, 0]);
  });

  it('believes no used ring that cannot be', () => {
    const lie = (id: number, length: number, ahead: number): number => {
      const { ram, queue, low } = bench(indirect);
      queue.postTransfer(1, 0, low, 0, 4096, 'readable');
      queue.publish();
      const used = queue.usedPaddr - ram.base;
      ram.view.setUint32(used + 4, id, true);
      ram.view.setUint32(used + 8, length, true);
      ram.view.setUint16(used + 2, ahead, true);
      return queue.take();
    };

    expect(lie(0, 1, 2)).toBe(LIE_USED_INDEX);
    expect(lie(0, 1, 0xffff)).toBe(LIE_USED_INDEX);
    expect(lie(0xffff_ffff, 1, 1)).toBe(LIE_USED_ID);
    expect(lie(1, 1, 1)).toBe(LIE_USED_ID);
    expect(lie(0, 2, 1)).toBe(LIE_USED_LENGTH);
    expect(lie(0, 1, 1)).toBe(0);
  });

  it('gives back what is outstanding, each chain once', () => {
    const { queue, low } = bench(indirect);
    const posted = [0, 1, 2].map(() => queue.postTransfer(1, 0, low, 0, 512, 'readable'));

    const back = [queue.reclaim(), queue.reclaim(), queue.reclaim(), queue.reclaim()];

    expect(back.toSorted((a, b) => a - b)).toEqual([NONE, ...posted].toSorted((a, b) => a - b));
  });
});

describe('notification', () => {
  it('is wanted once without EVENT_IDX unless the device says not to bother', () => {
    const { queue, device, low } = bench('yes', 'no');
    device.disableNotify();
    queue.postTransfer(1, 0, low, 0, 512, 'readable');
    expect(queue.publish()).toBe(false);
    expect(device.enableNotify()).toBe(true);
    queue.postTransfer(1, 0, low, 0, 512, 'readable');
    expect([queue.publish(), queue.publish()]).toEqual([true, false]);
  });
});
