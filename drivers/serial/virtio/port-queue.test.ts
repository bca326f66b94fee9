// The console driver's virtqueue against devices that lie: what is outstanding is known here, and
// nothing else is believed.

import { describe, expect, it } from 'vitest';
import { Ram } from '../../../memory/ram.ts';
import { Region } from '../../../memory/region.ts';
import { PortQueue } from './port-queue.ts';

const ENTRIES = 4;
const PADDR = 0x8000_0000;

function bench(writer: 'driver' | 'device' = 'device') {
  const memory = new Region({
    ram: new Ram({ sizeBytes: 0x1_0000 }),
    at: 0,
    sizeBytes: 0x2000,
    vaddr: 0,
  });
  const queue = new PortQueue({
    memory,
    ringsAt: 0,
    buffersAt: 0x1000,
    bufferBytes: 64,
    entries: ENTRIES,
    paddr: PADDR,
    writer,
  });
  const usedAt = queue.usedPaddr - PADDR;
  const use = (slot: number, id: number, length: number): void => {
    memory.write32(usedAt + 4 + 8 * slot, id);
    memory.write32(usedAt + 8 + 8 * slot, length);
  };
  const publish = (index: number): void => memory.write16(usedAt + 2, index);
  return { memory, queue, use, publish };
}

describe('the port queue', () => {
  it('lays descriptors out once, and posts and takes each buffer', () => {
    const { memory, queue, use, publish } = bench();
    expect([memory.read32(16), memory.read16(16 + 12)]).toEqual([PADDR + 0x1000 + 64, 2]);
    for (let index = 0; index < ENTRIES; index += 1) queue.post(64);
    expect(queue.publish()).toBe(true);
    expect(memory.read16(ENTRIES * 16 + 2)).toBe(4);
    use(0, 2, 10);
    publish(1);

    expect(queue.take()).toBe(2);
    expect(queue.takenBytes).toBe(10);
    expect(queue.take()).toBe('none');
    expect(queue.free).toBe(1);
  });

  it.each([
    ['an index beyond what is outstanding', 0, 0, 3],
    ['an id out of range', 9, 0, 1],
    ['an id that is not outstanding', 3, 0, 1],
    ['more bytes than the buffer has', 0, 65, 1],
  ])('answers %s with a lie', (_name, id, length, index) => {
    const { queue, use, publish } = bench();
    queue.post(64);
    queue.post(64);
    use(0, id, length);
    publish(index);

    expect(queue.take()).toBe('lie');
    expect(queue.free).toBe(2);
  });

  it('answers an id used twice, and bytes written to a driver’s buffer, with a lie', () => {
    const twice = bench();
    twice.queue.post(64);
    twice.queue.post(64);
    twice.use(0, 0, 1);
    twice.use(1, 0, 1);
    twice.publish(2);
    expect([twice.queue.take(), twice.queue.take()]).toEqual([0, 'lie']);

    const written = bench('driver');
    written.queue.post(64);
    written.use(0, 0, 1);
    written.publish(1);
    expect(written.queue.take()).toBe('lie');
  });

  it('keeps its slots over the wrap of its indices', () => {
    const { queue, use, publish } = bench();
    for (let round = 0; round < 70_000; round += 1) {
      const index = queue.nextFree();
      queue.post(64);
      queue.publish();
      use(round % ENTRIES, index, 1);
      publish((round + 1) & 0xffff);
      expect(queue.take()).toBe(index);
    }
  });
});
