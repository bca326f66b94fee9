/**
 * Goal: the queues have sDDF 0.7's bytes, keep their order across every wrap, and believe no peer
 * beyond the capacity. Offsets are re-declared here from `blk/queue.h` as compiled, not imported.
 */

import { describe, expect, it } from 'vitest';
import { Ram } from '../../memory/ram.ts';
import { Region } from '../../memory/region.ts';
import { emptyRequest, BlkRequestConsumer, BlkRequestProducer } from './request-queue.ts';
import { emptyResponse, BlkResponseConsumer, BlkResponseProducer } from './response-queue.ts';
import {
  isStorageReady,
  publishStorageInfo,
  readStorageInfo,
  withdrawStorageInfo,
} from './storage-info.ts';

const AT = 64;

function regionOf(sizeBytes: number): { ram: Ram; region: Region } {
  const ram = new Ram({ sizeBytes: 65_536 });
  ram.fill(0, 0xa5, 65_536);
  ram.fill(AT, 0, 16);
  return { ram, region: new Region({ ram, at: AT, sizeBytes, vaddr: 0x2000_0000 }) };
}

function requestQueue(capacity: number, startAt = 0) {
  const { ram, region } = regionOf(16 + 32 * capacity);
  region.write32(0, startAt);
  region.write32(4, startAt);
  const producer = new BlkRequestProducer(region, capacity);
  const consumer = new BlkRequestConsumer(region, capacity);
  return { ram, region, producer, consumer };
}

describe('BlkRequestQueue', () => {
  it('writes a request where sDDF has it', () => {
    const { region, producer } = requestQueue(4);

    producer.enqueue(1, 0x1_2345_6000, 0x2_0000_0007, 0xfffe, 0xdead_beef);
    producer.publish();

    expect(region.read32(0)).toBe(0);
    expect(region.read32(4)).toBe(1);
    expect(region.read32(16)).toBe(1);
    expect(region.read32(24)).toBe(0x2345_6000);
    expect(region.read32(28)).toBe(1);
    expect(region.read32(32)).toBe(7);
    expect(region.read32(36)).toBe(2);
    expect(region.read16(40)).toBe(0xfffe);
    expect(region.read32(44)).toBe(0xdead_beef);
  });

  it('shows nothing before it is published, and frees nothing before it is released', () => {
    const { producer, consumer } = requestQueue(2);
    const request = emptyRequest();

    producer.enqueue(0, 0, 1, 1, 1);
    const before = consumer.available();
    producer.enqueue(0, 0, 2, 1, 2);
    producer.publish();
    consumer.dequeue(request);

    expect(before).toBe(0);
    expect(request.id).toBe(1);
    expect(producer.free()).toBe(0);
    consumer.release();
    expect(producer.free()).toBe(1);
  });

  it.each([0, 0xffff_fffd, 0x7fff_ffff])('keeps order and fullness from index %i on', (start) => {
    const { producer, consumer } = requestQueue(4, start);
    const request = emptyRequest();
    const seen: number[] = [];

    for (let round = 0; round < 4; round += 1) {
      for (let i = 0; i < 4; i += 1) producer.enqueue(0, 0, 0, 1, round * 4 + i);
      producer.publish();
      expect(producer.free()).toBe(0);
      expect(consumer.available()).toBe(4);
      for (let i = 0; i < 4; i += 1) {
        consumer.dequeue(request);
        seen.push(request.id);
      }
      consumer.release();
      expect(producer.free()).toBe(4);
    }

    expect(seen).toEqual([...Array(16).keys()]);
  });

  it('begins again, empty, at a tail that cannot be', () => {
    const { region, consumer } = requestQueue(4);
    region.write32(4, 1000);

    expect(consumer.available()).toBe(0);
    expect(consumer.lies).toBe(1);
    expect(region.read32(0)).toBe(1000);
    region.write32(4, 1001);
    expect(consumer.available()).toBe(1);
    expect(consumer.lies).toBe(1);
  });

  it('begins again, empty, at a head that cannot be', () => {
    const { region, producer, consumer } = requestQueue(4);
    region.write32(0, 1000);

    expect(producer.free()).toBe(4);
    expect(producer.lies).toBe(1);
    expect(region.read32(4)).toBe(1000);
    producer.enqueue(0, 0, 7, 1, 9);
    producer.publish();
    const request = emptyRequest();
    // As after a restart on this memory.
    expect(consumer.available()).toBe(0);
    expect(consumer.lies).toBe(1);
    producer.enqueue(0, 0, 8, 1, 9);
    expect(producer.free()).toBe(3);
    producer.publish();
    expect(consumer.available()).toBe(1);
    consumer.dequeue(request);
    expect(request.block).toBe(8);
    expect([producer.lies, consumer.lies]).toEqual([1, 1]);
  });

  it('reads a 64-bit offset near the top as out of every range', () => {
    const { region, producer, consumer } = requestQueue(1);
    producer.enqueue(0, 0, 0, 1, 1);
    producer.publish();
    region.write32(24, 0xffff_f000);
    region.write32(28, 0xffff_ffff);
    const request = emptyRequest();

    consumer.dequeue(request);

    expect(request.offset).toBeGreaterThan(2 ** 53);
  });

  it('shows the plug as one byte', () => {
    const { region, producer, consumer } = requestQueue(1);

    producer.plug();
    expect([region.read8(8), consumer.isPlugged()]).toEqual([1, true]);
    producer.unplug();
    expect([region.read8(8), consumer.isPlugged()]).toEqual([0, false]);
  });

  it.each([0, 3, 2 ** 32])('refuses a capacity of %i', (capacity) => {
    const { region } = regionOf(4096);
    expect(() => new BlkRequestProducer(region, capacity)).toThrow('capacity');
  });
});

describe('BlkResponseQueue', () => {
  it('writes a response where sDDF has it', () => {
    const { region } = regionOf(8 + 12 * 2);
    const producer = new BlkResponseProducer(region, 2);

    producer.enqueue(3, 0x1234, 0x8000_0001);
    producer.publish();

    expect(region.read32(4)).toBe(1);
    expect(region.read32(8)).toBe(3);
    expect(region.read16(12)).toBe(0x1234);
    expect(region.read32(16)).toBe(0x8000_0001);
  });

  it('carries responses across the wrap of its counters', () => {
    const { region } = regionOf(8 + 12 * 2);
    region.write32(0, 0xffff_ffff);
    region.write32(4, 0xffff_ffff);
    const producer = new BlkResponseProducer(region, 2);
    const consumer = new BlkResponseConsumer(region, 2);
    const response = emptyResponse();

    producer.enqueue(0, 1, 7);
    producer.enqueue(3, 0, 8);
    producer.publish();

    expect(producer.free()).toBe(0);
    expect(consumer.available()).toBe(2);
    consumer.dequeue(response);
    expect(response).toEqual({ status: 0, successCount: 1, id: 7 });
    consumer.dequeue(response);
    expect(response).toEqual({ status: 3, successCount: 0, id: 8 });
    consumer.release();
    expect(producer.free()).toBe(2);
  });
});

describe('storage information', () => {
  it('lies where sDDF has it, in 88 bytes', () => {
    const { region, ram } = regionOf(88);
    const info = {
      serialNumber: 'disk0',
      readOnly: true,
      sectorBytes: 512,
      blockSize: 1,
      queueDepth: 128,
      capacity: 0x1_0000_4000,
    };

    publishStorageInfo(region, info);

    expect(region.read8(0)).toBe('d'.charCodeAt(0));
    expect(region.read8(64)).toBe(1);
    expect(region.read8(65)).toBe(1);
    expect(region.read16(66)).toBe(512);
    expect(region.read16(70)).toBe(128);
    expect(region.read32(80)).toBe(0x4000);
    expect(region.read32(84)).toBe(1);
    expect(ram.u8[AT + 88]).toBe(0xa5);
    expect(readStorageInfo(region)).toEqual(info);
  });

  it('is not ready before it is published nor after it is withdrawn', () => {
    const { region } = regionOf(88);
    region.fill(0, 0, 88);
    expect(isStorageReady(region)).toBe(false);
    publishStorageInfo(region, {
      serialNumber: '',
      readOnly: false,
      sectorBytes: 4096,
      blockSize: 1,
      queueDepth: 1,
      capacity: 1,
    });
    expect(isStorageReady(region)).toBe(true);
    withdrawStorageInfo(region);
    expect(isStorageReady(region)).toBe(false);
  });
});
