/**
 * Goal: sDDF's bytes, FIFO across the wrap of the 16-bit indices, one publication for a batch, and
 * a peer that lies about its index. Method: both handles over one region, and the region's bytes by
 * hand. Offsets are declared again here.
 */

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ram } from '../../memory/ram.ts';
import { Region } from '../../memory/region.ts';
import {
  fillFreeQueue,
  highHalf,
  lowHalf,
  NetConsumer,
  netQueueBytes,
  NetProducer,
} from './queue.ts';

const TAIL = 0;
const HEAD = 2;
const CONSUMER_SIGNALLED = 4;
const ENTRIES = 8;
const ENTRY_BYTES = 16;

function queueOf(capacity: number, startIndex = 0) {
  const ram = new Ram({ sizeBytes: 1 << 20 });
  ram.fill(0, 0xa5, 1 << 20);
  const region = new Region({ ram, at: 4096, sizeBytes: netQueueBytes(capacity), vaddr: 0 });
  region.fill(0, 0, region.sizeBytes);
  region.write16(TAIL, startIndex);
  region.write16(HEAD, startIndex);
  const producer = new NetProducer(region, capacity);
  const consumer = new NetConsumer(region, capacity);
  const dequeueAll = (): number[] => {
    const out: number[] = [];
    while (consumer.dequeue()) out.push(consumer.low);
    consumer.publish();
    return out;
  };
  return { ram, region, producer, consumer, dequeueAll };
}

describe('the layout', () => {
  it('is that of sDDF 0.7', () => {
    expect(netQueueBytes(512)).toBe(8 + 16 * 512);
    const { region, producer, consumer } = queueOf(4);

    producer.enqueue(0x8765_4321 | 0, 0x0102_0304, 0xabcd, 0x3f);
    producer.enqueue(0x1111_1111, 0, 1, 0);
    producer.publish();

    expect(region.read16(TAIL)).toBe(2);
    expect(region.read16(HEAD)).toBe(0);
    expect(region.read32(CONSUMER_SIGNALLED)).toBe(1);
    expect(region.read32(ENTRIES)).toBe(0x8765_4321);
    expect(region.read32(ENTRIES + 4)).toBe(0x0102_0304);
    expect(region.read16(ENTRIES + 8)).toBe(0xabcd);
    expect(region.read8(ENTRIES + 10)).toBe(0x3f);
    expect(region.read32(ENTRIES + ENTRY_BYTES)).toBe(0x1111_1111);
    consumer.dequeue();
    consumer.publish();
    expect(region.read16(HEAD)).toBe(1);
    expect(region.read16(TAIL)).toBe(2);
  });

  it('keeps inside its region', () => {
    const { ram, producer, consumer } = queueOf(2);
    for (let round = 0; round < 8; round += 1) {
      producer.enqueue(-1, -1, 0xffff, 0x3f);
      producer.publish();
      consumer.dequeue();
      consumer.publish();
      consumer.requestSignal();
    }

    expect(ram.u8[4095]).toBe(0xa5);
    expect(ram.u8[4096 + netQueueBytes(2)]).toBe(0xa5);
  });

  it('takes 6 bits of the owner and ignores the padding', () => {
    const { region, producer, consumer } = queueOf(2);
    producer.enqueue(0, 0, 1, 5);
    producer.publish();
    region.write8(ENTRIES + 10, 0xc5);
    region.write32(ENTRIES + 12, 0xffff_ffff);

    expect(consumer.dequeue()).toBe(true);
    expect([consumer.len, consumer.oid]).toEqual([1, 5]);
  });

  it('refuses capacities that break at the wrap, and regions that are too small', () => {
    const ram = new Ram({ sizeBytes: 1 << 20 });
    const region = new Region({ ram, at: 0, sizeBytes: 8 + 16 * 4, vaddr: 0 });

    for (const capacity of [0, 3, 65_536]) {
      expect(() => new NetProducer(region, capacity)).toThrow();
    }
    expect(() => new NetConsumer(region, 8)).toThrow('does not hold a queue');
    expect(new NetConsumer(region, 4).capacity).toBe(4);
  });
});

describe('full and empty', () => {
  it.each([0, 65_530, 65_535])('uses all slots, from index %i on', (start) => {
    const { producer, dequeueAll } = queueOf(8, start);

    for (let round = 0; round < 4; round += 1) {
      for (let item = 0; item < 8; item += 1) {
        expect(producer.enqueue(item, 0, 1, 0)).toBe(true);
      }
      expect(producer.hasRoom()).toBe(false);
      expect(producer.enqueue(99, 0, 1, 0)).toBe(false);
      producer.publish();
      expect(producer.enqueue(99, 0, 1, 0)).toBe(false);
      expect(dequeueAll()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
      expect(dequeueAll()).toEqual([]);
    }
  });

  it('recognises a queue that is full across the wrap, where upstream does not', () => {
    const { region, producer } = queueOf(512, 65_530);
    for (let item = 0; item < 512; item += 1) producer.enqueue(item, 0, 1, 0);
    producer.publish();

    expect(region.read16(TAIL)).toBe(506);
    expect(producer.hasRoom()).toBe(false);
  });

  it('is a FIFO in every pattern of batches', () => {
    const steps = fc.array(fc.record({ put: fc.nat(6), take: fc.nat(6) }), { maxLength: 60 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 65_500, max: 65_535 }), (script, start) => {
        const { producer, consumer } = queueOf(4, start);
        const model: number[] = [];
        let next = 0;
        for (const { put, take } of script) {
          let room = 4 - model.length;
          for (let i = 0; i < put; i += 1) {
            expect(producer.enqueue(next, next >>> 3, next & 0x7ff, next & 0x3f)).toBe(room > 0);
            if (room > 0) model.push(next);
            room -= 1;
            next += 1;
          }
          producer.publish();
          for (let i = 0; i < take; i += 1) {
            const expected = model.shift();
            expect(consumer.dequeue()).toBe(expected !== undefined);
            if (expected === undefined) continue;
            expect(consumer.low).toBe(expected);
            expect(consumer.high).toBe(expected >>> 3);
            expect(consumer.len).toBe(expected & 0x7ff);
            expect(consumer.oid).toBe(expected & 0x3f);
          }
          consumer.publish();
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('publishing', () => {
  it('shows nothing before it is published', () => {
    const { region, producer, consumer } = queueOf(4);
    producer.enqueue(1, 0, 1, 0);

    expect(region.read16(TAIL)).toBe(0);
    expect(consumer.hasItems()).toBe(false);
    producer.publish();
    expect(consumer.hasItems()).toBe(true);
    consumer.dequeue();
    expect(region.read16(HEAD)).toBe(0);
    consumer.publish();
    expect(region.read16(HEAD)).toBe(1);
  });

  it('asks for one notification when the consumer wants it, and none for nothing', () => {
    const { producer, consumer } = queueOf(4);

    expect(producer.publish()).toBe(false);
    producer.enqueue(1, 0, 1, 0);
    // Zeroed memory is a wish.
    expect(producer.publish()).toBe(true);
    producer.enqueue(2, 0, 1, 0);
    expect(producer.publish()).toBe(false);
    consumer.requestSignal();
    expect(producer.publish()).toBe(false);
    producer.enqueue(3, 0, 1, 0);
    expect(producer.publish()).toBe(true);
    consumer.requestSignal();
    consumer.cancelSignal();
    producer.enqueue(4, 0, 1, 0);
    expect(producer.publish()).toBe(false);
  });

  it('begins where the memory says at the first use, not at construction', () => {
    const { region, producer, consumer } = queueOf(4);
    // The initial filling of a free queue is written by its consumer, before its producer's first
    // use.
    const filler = new NetProducer(region, 4);
    fillFreeQueue(filler, 3, 0);
    filler.publish();

    consumer.dequeue();
    consumer.publish();
    producer.enqueue(77, 0, 0, 0);
    producer.publish();

    const rest: number[] = [];
    while (consumer.dequeue()) rest.push(consumer.low);
    expect(rest).toEqual([2048, 4096, 77]);
  });
});

describe('a peer that lies', () => {
  it.each([5, 6, 1000, 32_768, 65_535])(
    'claims %i entries in a queue of 4: none of them is believed',
    (claim) => {
      const { region, consumer, dequeueAll } = queueOf(4);
      region.write16(TAIL, claim);

      expect(consumer.available()).toBe(0);
      expect(consumer.lies).toBe(1);
      expect(dequeueAll()).toEqual([]);
      expect(region.read16(HEAD)).toBe(claim);
    },
  );

  it('goes on with an honest index after a lie', () => {
    const { region, consumer } = queueOf(4);
    region.write16(TAIL, 40_000);
    while (consumer.dequeue());
    region.write32(ENTRIES + ENTRY_BYTES * (40_000 % 4), 123);
    region.write16(TAIL, 40_001);

    expect(consumer.dequeue()).toBe(true);
    expect(consumer.low).toBe(123);
    expect(consumer.dequeue()).toBe(false);
    expect(consumer.lies).toBe(1);
  });

  it('has freed more slots than were filled: the queue begins again there', () => {
    const { region, producer } = queueOf(4);
    region.write16(HEAD, 1);

    expect(producer.enqueue(7, 0, 1, 0)).toBe(true);
    expect(producer.lies).toBe(1);
    expect(region.read16(TAIL)).toBe(1);
    producer.publish();
    expect(region.read16(TAIL)).toBe(2);
    expect(region.read32(ENTRIES + ENTRY_BYTES)).toBe(7);
  });

  it('was restarted on cleared memory: both sides meet again, whoever looks first', () => {
    for (const first of ['producer', 'consumer'] as const) {
      const { region, producer, consumer } = queueOf(4);
      for (let n = 0; n < 9; n += 1) {
        producer.enqueue(n, 0, 1, 0);
        producer.publish();
        consumer.dequeue();
        consumer.publish();
      }
      region.write32(TAIL, 0);
      const restarted =
        first === 'producer'
          ? { producer, consumer: new NetConsumer(region, 4) }
          : { producer: new NetProducer(region, 4), consumer };
      // Whoever kept its cursor is the one who looks first at an index that cannot be.
      if (first === 'producer') for (let n = 0; n < 4; n += 1) producer.enqueue(100, 0, 1, 0);
      else consumer.hasItems();
      restarted.producer.enqueue(100, 0, 1, 0);
      restarted.producer.publish();
      expect(restarted.consumer.dequeue()).toBe(true);
      expect(restarted.consumer.low).toBe(100);
    }
  });

  it('cannot move our own cursor', () => {
    const { region, producer, consumer } = queueOf(4);
    producer.enqueue(1, 0, 1, 0);
    producer.publish();
    region.write16(TAIL, 9999);
    producer.enqueue(2, 0, 1, 0);
    producer.publish();

    expect(region.read16(TAIL)).toBe(2);
    consumer.dequeue();
    region.write16(HEAD, 555);
    consumer.dequeue();
    consumer.publish();
    expect(region.read16(HEAD)).toBe(2);
    expect(consumer.low).toBe(2);
  });

  it('cannot change an entry that has been taken out', () => {
    const { region, producer, consumer } = queueOf(4);
    producer.enqueue(2048, 0, 64, 0);
    producer.publish();
    consumer.dequeue();
    region.fill(ENTRIES, 0xff, 64);

    expect([consumer.low, consumer.high, consumer.len]).toEqual([2048, 0, 64]);
  });
});

describe('halves of an address', () => {
  it.each([0, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x1_0000_0000, 2 ** 53 - 1])(
    'puts %i together again',
    (address) => {
      expect(highHalf(address) * 0x1_0000_0000 + (lowHalf(address) >>> 0)).toBe(address);
    },
  );
});
