// The i2c class's queues: sDDF's bytes, transactions that appear whole, peers that lie.

import { describe, expect, it } from 'vitest';
import { Misuse } from '../../memory/misuse.ts';
import { Ram } from '../../memory/ram.ts';
import { Region } from '../../memory/region.ts';
import { I2cBusClient, write, writeRead } from './client.ts';
import { I2C_ENTRIES_MAX, I2C_HEADER, I2C_READ, I2C_SLOTS, I2C_STOP } from './layout.ts';
import {
  headerOf,
  I2cRequestConsumer,
  I2cRequestProducer,
  I2cResponseConsumer,
  I2cResponseProducer,
} from './queues.ts';
import { type I2cTask, I2cTasks, type I2cTransaction } from './tasks.ts';

function page(): Region {
  const ram = new Ram({ sizeBytes: 65_536 });
  return new Region({ ram, at: 4096, sizeBytes: 4096, vaddr: 0x2000_0000 });
}

function words(region: Region, from: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => region.read32(from + 4 * index));
}

const COMMAND = { payload: 0x1_8000_0004, length: 7, flags: I2C_READ | I2C_STOP };

describe('a request queue', () => {
  it('has the bytes of sDDF 0.7', () => {
    const region = page();
    const producer = new I2cRequestProducer(region);
    producer.header(1, 0x68);
    producer.command(COMMAND);
    producer.publish();

    // staged, tail, head, hole; header; command.
    expect(words(region, 0, 4)).toEqual([2, 2, 0, 0]);
    expect(words(region, 16, 4)).toEqual([0x68_0001, 0, I2C_HEADER << 8, 0]);
    expect(words(region, 32, 4)).toEqual([0x8000_0004, 1, 0x0a07, 0]);
  });

  it('shows a transaction when it is whole, or not at all', () => {
    const region = page();
    const producer = new I2cRequestProducer(region);
    const consumer = new I2cRequestConsumer(region);
    producer.header(1, 0x50);
    expect(consumer.available()).toBe(0);
    producer.abort();
    producer.header(1, 0x68);
    producer.command(COMMAND);
    producer.publish();

    expect(consumer.available()).toBe(2);
    expect(headerOf(consumer.dequeue())).toEqual({ count: 1, address: 0x68 });
    expect(consumer.dequeue()).toEqual(COMMAND);
    expect(producer.free()).toBe(I2C_ENTRIES_MAX - 2);
    consumer.release();
    expect(producer.free()).toBe(I2C_ENTRIES_MAX);
  });

  it('has a header’s words whatever lies in the upper half of its payload', () => {
    const region = page();
    const producer = new I2cRequestProducer(region);
    producer.header(1, 0x68);
    producer.publish();
    // In C the header is a part of a union: what lay there before stays.
    region.write32(20, 0xffff_ffff);
    region.write8(19, 0xaa);

    expect(headerOf(new I2cRequestConsumer(region).dequeue())).toEqual({ count: 1, address: 0x68 });
  });

  it('goes round after 254 slots, one of which stays empty', () => {
    const region = page();
    const producer = new I2cRequestProducer(region);
    const consumer = new I2cRequestConsumer(region);
    for (let payload = 0; payload < 3 * I2C_SLOTS; payload += 1) {
      producer.command({ payload, length: 0, flags: 0 });
      producer.publish();
      expect(consumer.dequeue().payload).toBe(payload);
      consumer.release();
    }
    for (let left = producer.free(); left > 0; left -= 1) producer.command(COMMAND);
    producer.publish();

    expect(producer.free()).toBe(0);
    expect(consumer.available()).toBe(253);
  });

  it('has as many commands in it as its producer was told, and no more than fit', () => {
    const region = page();
    expect(new I2cRequestProducer(region, 128).free()).toBe(128);
    expect(() => new I2cRequestProducer(region, 254)).toThrow(Misuse);
    expect(() => new I2cRequestProducer(region, 0)).toThrow(Misuse);
  });

  it('begins again, empty, at an index that cannot be', () => {
    const region = page();
    const consumer = new I2cRequestConsumer(region);
    region.write32(4, 0x8000_0000);
    expect(consumer.available()).toBe(0);
    expect(consumer.lies).toBe(1);
    expect(region.read32(8)).toBe(0x8000_0000);

    const producer = new I2cRequestProducer(region);
    region.write32(8, 77);
    expect(producer.free()).toBe(I2C_ENTRIES_MAX);
    expect(producer.lies).toBe(1);
    expect(region.read32(4)).toBe(77);
  });
});

describe('an index of 32 bits', () => {
  it('goes from 2^32 - 1 to 0, and from slot 15 to slot 0', () => {
    const region = page();
    region.write32(4, 0xffff_ffff);
    region.write32(8, 0xffff_ffff);
    const producer = new I2cRequestProducer(region);
    const consumer = new I2cRequestConsumer(region);
    for (const payload of [1, 2]) producer.command({ payload, length: 0, flags: 0 });
    producer.publish();

    expect(region.read32(4)).toBe(1);
    expect([region.read32(16 + 15 * 16), region.read32(16)]).toEqual([1, 2]);
    expect(consumer.available()).toBe(2);
    expect([consumer.dequeue().payload, consumer.dequeue().payload]).toEqual([1, 2]);
  });
});

describe('a response queue', () => {
  it('has the bytes of sDDF 0.7', () => {
    const region = page();
    const producer = new I2cResponseProducer(region);
    const consumer = new I2cResponseConsumer(region);
    producer.enqueue({ address: 0x68, error: 5, command: 2 });
    producer.publish();

    expect(words(region, 0, 6)).toEqual([1, 0, 2, 0, 0x68, 5]);
    expect(consumer.dequeue()).toEqual({ address: 0x68, error: 5, command: 2 });
  });

  it('has an error below 0 as C has it', () => {
    const region = page();
    const producer = new I2cResponseProducer(region);
    producer.enqueue({ address: 1, error: -1, command: 0 });
    producer.publish();

    expect(new I2cResponseConsumer(region).dequeue().error).toBe(-1);
  });
});

describe('a client', () => {
  function client() {
    const regions = new Map(['requests', 'responses', 'data'].map((name) => [name, page()]));
    const pd = {
      region: (name: string): Region => regions.get(name) ?? page(),
      notify: () => undefined,
      setMr: () => undefined,
      ppcall: () => 0,
    };
    const virt = {
      requestQueue: 'requests',
      responseQueue: 'responses',
      capacity: 128,
      channel: 0,
    };
    return new I2cBusClient(pd, { virt, data: { region: 'data' } });
  }

  it.each([-1, 0x80, 0x168, 1.5])('has no address %s', (address) => {
    const bus = client();
    expect(() => bus.submit(address, [write(1)], () => undefined)).toThrow(/it is 0 to 127/);
    expect(bus.pending).toBe(0);
  });

  it('is told of a transaction that there will never be room for', () => {
    const bus = client();
    const operations = (count: number) => Array.from({ length: count }, () => write(1));
    // 4 KiB of data are 16 places.
    expect(() => bus.submit(0x68, operations(17), () => undefined)).toThrow(/1 to 16 fit/);
    expect(() => bus.submit(0x68, [], () => undefined)).toThrow(/of 0 operations/);
    for (const wrong of [write(1000), write(1, -1), writeRead(256, 2), writeRead(NaN, 2)]) {
      expect(() => bus.submit(0x68, [wrong], () => undefined)).toThrow(
        /an i2c byte of .*: it is 0 to 255/,
      );
    }
    expect(bus.submit(0x68, operations(16), () => undefined)).toBe('sent');
    expect(bus.submit(0x68, [write(1)], () => undefined)).toBe('no room');
  });

  it('has a task that yields no transaction, which is an error of its own and no end', () => {
    function* task(): I2cTask {
      yield undefined as unknown as I2cTransaction;
    }
    expect(() => new I2cTasks(client()).start(task())).toThrow(TypeError);
  });
});
