/**
 * Goal: the loops' objects hold on to their memory, whatever a program does with them. Method: a
 * program's tricks, one by one.
 */

import { describe, expect, it } from 'vitest';
import { Misuse } from '../../../memory/misuse.ts';
import { Ram } from '../../../memory/ram.ts';
import { ReadonlyRegion, Region } from '../../../memory/region.ts';
import { NetConsumer, netQueueBytes, NetProducer } from '../queue.ts';
import { BufferBook } from './buffer-book.ts';
import { FrameCopy } from './frame-copy.ts';
import { ToClients } from './to-clients.ts';

const CAPACITY = 8;
const STRIDE = 4096;

function queues(stagingBytes: number, batches: 'wasm' | 'steps' = 'wasm') {
  const ram = new Ram({ sizeBytes: 65_536, stagingBytes, batches });
  const region = (slot: number): Region =>
    new Region({ ram, at: slot * STRIDE, sizeBytes: STRIDE, vaddr: 0 });
  expect(netQueueBytes(CAPACITY)).toBeLessThan(STRIDE);
  const consumer = (slot: number): NetConsumer => new NetConsumer(region(slot), CAPACITY);
  const producer = (slot: number): NetProducer => new NetProducer(region(slot), CAPACITY);
  return { ram, region, consumer, producer };
}

describe('a book', () => {
  it.each(['wasm', 'steps'] as const)('gives its bytes alone (%s)', (batches) => {
    const { consumer } = queues(65_536, batches);
    const book = new BufferBook(consumer(0), 3);
    for (const trick of ['buffer', 'set', '__proto__', 3, -1, 2 ** 32 + 3]) {
      expect([undefined, 0]).toContain(book.get(trick as number));
    }
    book.set('length' as unknown as number, 7);
    expect([book.length, book.get(0)]).toEqual([3, 7]);
  });

  it('is in ordinary memory when there is no other', () => {
    const { consumer } = queues(0);
    const book = new BufferBook(consumer(0), 100);
    book.set(99, 5);
    expect(book.get(99)).toBe(5);
  });

  it.each([0, -1, 1.5, Number.NaN])('is not of %d buffers', (buffers) => {
    const { consumer } = queues(65_536);
    expect(() => new BufferBook(consumer(0), buffers)).toThrow(Misuse);
  });
});

describe('a copy of frames', () => {
  function made(target: Region, stagingBytes = 65_536) {
    const { consumer, producer, region } = queues(stagingBytes);
    return new FrameCopy({
      received: consumer(0),
      returned: producer(1),
      source: region(4),
      sourceBuffers: 2,
      free: consumer(2),
      filled: producer(3),
      target,
      targetBuffers: 2,
    });
  }

  it('refuses a target that may only be read, whatever it pretends to be', () => {
    const { ram } = queues(65_536);
    const readonly = new ReadonlyRegion({ ram, at: 0, sizeBytes: STRIDE, vaddr: 0 });
    expect(() => made(Object.setPrototypeOf(readonly, Region.prototype) as Region)).toThrow(
      TypeError,
    );
  });

  it('leaves everything to the steps when there is no memory for it', () => {
    const { region } = queues(0);
    expect(made(region(5), 0).run()).toBe(0);
  });
});

it('an address of a client that there is not is refused', () => {
  const { consumer, producer, region } = queues(65_536);
  const clients = [{ active: producer(1), holds: new BufferBook(consumer(0), 2) }];
  const place = { buffers: 2, addressLow: 0, addressHigh: 0 };
  const options = { received: consumer(0), frames: region(2), refs: region(3), clients, ...place };
  expect(() => new ToClients({ ...options, addresses: [[1, 2, 1]] })).toThrow(Misuse);
});
