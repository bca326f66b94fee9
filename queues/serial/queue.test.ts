// The byte queue: its layout byte for byte, the wrap of its 32-bit counters, batches, signals, and
// peers that lie.

import { describe, expect, it } from 'vitest';
import { Ram } from '../../memory/ram.ts';
import { Region } from '../../memory/region.ts';
import { SerialConsumer, SerialProducer, serialQueueLevel } from './queue.ts';

const TAIL = 0;
const HEAD = 4;
const PRODUCER_SIGNALLED = 8;

function bench(capacity = 8, index = 0) {
  const ram = new Ram({ sizeBytes: 0x1_0000 });
  const region = (at: number, sizeBytes: number): Region =>
    new Region({ ram, at, sizeBytes, vaddr: at });
  const queue = region(0, 12);
  const data = region(1024, capacity);
  queue.write32(TAIL, index);
  queue.write32(HEAD, index);
  const producer = new SerialProducer(queue, data, capacity);
  const consumer = new SerialConsumer(queue, data, capacity);
  return { ram, region, queue, data, producer, consumer, capacity };
}

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

function drained(consumer: SerialConsumer): string {
  let text = '';
  for (let byte = consumer.dequeue(); byte >= 0; byte = consumer.dequeue()) {
    text += String.fromCharCode(byte);
  }
  return text;
}

describe('serial queue', () => {
  it('lies in memory as sDDF has it', () => {
    const { queue, data, producer, consumer } = bench();
    producer.write(bytes('abc'));
    producer.publish();
    producer.cancelSignal();
    consumer.dequeue();
    consumer.publish();

    expect([queue.read32(TAIL), queue.read32(HEAD), queue.read32(PRODUCER_SIGNALLED)]).toEqual([
      3, 1, 1,
    ]);
    expect([data.read8(0), data.read8(1), data.read8(2)]).toEqual([97, 98, 99]);
  });

  it('keeps order over the wrap of its counters, with every start before it', () => {
    for (let back = 0; back < 12; back += 1) {
      const { producer, consumer, queue } = bench(8, (2 ** 32 - back) % 2 ** 32);
      let got = '';
      for (const piece of ['abcde', 'fgh', 'ijklmnop', 'q', 'rstuvwx']) {
        expect(producer.write(bytes(piece))).toBe(piece.length);
        producer.publish();
        expect(serialQueueLevel(queue, 8)).toBe(piece.length);
        got += drained(consumer);
        consumer.publish();
      }

      expect(got).toBe('abcdefghijklmnopqrstuvwx');
    }
  });

  it('writes long runs as it does short ones, over the wrap too', () => {
    const { producer, consumer } = bench(256, 2 ** 32 - 100);
    const run = 'abcdefghij'.repeat(20);
    expect(producer.write(bytes(run))).toBe(200);
    expect(producer.write(bytes(run))).toBe(56);
    producer.publish();
    expect(drained(consumer)).toBe(run + run.slice(0, 56));
    consumer.publish();

    expect(producer.room()).toBe(256);
  });

  it('is full at its capacity and refuses more without change', () => {
    const { producer, consumer } = bench();

    expect(producer.write(bytes('0123456789'))).toBe(8);
    expect(producer.enqueue(65)).toBe(false);
    producer.publish();

    expect(drained(consumer)).toBe('01234567');
  });

  it('shows nothing before the batch is published, and publishes nothing twice', () => {
    const { producer, consumer } = bench();
    producer.write(bytes('ab'));
    expect(consumer.dequeue()).toBe(-1);

    expect(producer.publish()).toBe(true);
    expect(producer.publish()).toBe(false);
    expect(drained(consumer)).toBe('ab');
  });

  it('notifies the producer only when it has asked, and once', () => {
    const { producer, consumer } = bench();
    producer.cancelSignal();
    const round = (): boolean => {
      producer.write(bytes('a'));
      producer.publish();
      consumer.dequeue();
      return consumer.publish();
    };

    expect(round()).toBe(false);
    producer.requestSignal();
    expect(round()).toBe(true);
    expect(round()).toBe(false);
    expect(consumer.publish()).toBe(false);
  });

  it('moves runs between queues over both wraps', () => {
    const one = bench(8, 6);
    const targetQueue = one.region(256, 12);
    targetQueue.write32(TAIL, 13);
    targetQueue.write32(HEAD, 13);
    const targetData = one.region(2048, 16);
    const target = new SerialProducer(targetQueue, targetData, 16);
    const out = new SerialConsumer(targetQueue, targetData, 16);
    one.producer.write(bytes('abcdefg'));
    one.producer.publish();

    expect(one.consumer.length()).toBe(7);
    expect(target.room()).toBe(16);
    one.consumer.moveTo(target, 7);
    target.publish();
    one.consumer.publish();

    expect(drained(out)).toBe('abcdefg');
    expect(one.producer.room()).toBe(8);
  });
});

describe('a serial peer that lies', () => {
  it.each([9, 1000, 2 ** 31, 2 ** 32 - 1])(
    'with a tail of %i loses what is in its queue',
    (tail) => {
      const { queue, consumer, producer } = bench();
      queue.write32(TAIL, tail);

      expect(consumer.length()).toBe(0);
      expect(consumer.lies).toBe(1);
      expect(consumer.dequeue()).toBe(-1);
      consumer.publish();
      expect(queue.read32(HEAD)).toBe(tail);
      expect(producer.capacity).toBe(8);
    },
  );

  it.each([5, 1000, 2 ** 31])(
    'with a head of %i loses what is in its queue, and gets what comes then',
    (head) => {
      const { queue, producer } = bench();
      producer.enqueue(1);
      producer.publish();
      queue.write32(HEAD, head);

      expect(producer.room()).toBe(8);
      expect(producer.lies).toBe(1);
      expect(queue.read32(TAIL)).toBe(head);
      expect(producer.enqueue(2)).toBe(true);
      producer.publish();
      expect(queue.read32(TAIL)).toBe((head + 1) >>> 0);
      expect(producer.room()).toBe(7);
      expect(producer.lies).toBe(1);
    },
  );
});
