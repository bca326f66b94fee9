/**
 * Goal: a table says of a class what its code does. Method: tables held against queues in memory,
 * and against the records of the shipped systems: each of their records has a role, and each queue
 * of theirs is found.
 */

import { describe, expect, it } from 'vitest';
import { Misuse } from '../memory/misuse.ts';
import { Ram } from '../memory/ram.ts';
import { Region } from '../memory/region.ts';
import { flatten } from '../microkit/model.ts';
import { systems } from '../systems/index.ts';
import { completeChoices } from '../systems/system.ts';
import { BlkRequestProducer } from './blk/request-queue.ts';
import { BlkResponseProducer } from './blk/response-queue.ts';
import type { QueueKind } from './class.ts';
import {
  connectionOf,
  QUEUE_CLASSES,
  queueBytes,
  queueLevel,
  queueRecords,
  roleOf,
} from './classes.ts';
import { I2cRequestProducer, I2cResponseProducer } from './i2c/queues.ts';
import { NetProducer } from './net/queue.ts';
import { SerialProducer } from './serial/queue.ts';

const CAPACITY = 8;

function kindNamed(name: string): QueueKind {
  const found = QUEUE_CLASSES.flatMap(({ queues }) => queues).find((kind) => kind.name === name);
  if (found === undefined) throw new Error(`no queue ${name}`);
  return found;
}

/** @returns a region for a queue, and one for data */
function regions(sizeBytes: number): readonly [region: Region, data: Region] {
  const ram = new Ram({ sizeBytes: 131_072 });
  return [
    new Region({ ram, at: 4096, sizeBytes, vaddr: 0 }),
    new Region({ ram, at: 65_536, sizeBytes: 4096, vaddr: 0 }),
  ];
}

/** @returns the bytes of a queue region before and after something was put in */
function changedBy(put: (region: Region, data: Region) => void): number[] {
  const sizeBytes = 4096;
  const [region, data] = regions(sizeBytes);
  put(region, data);
  const changed: number[] = [];
  for (let at = 0; at < sizeBytes; at += 1) if (region.read8(at) !== 0) changed.push(at);
  return changed;
}

describe('a queue of the tables', () => {
  it.each([
    [
      'net active',
      (region: Region) => {
        const producer = new NetProducer(region, CAPACITY);
        producer.enqueue(1, 0, 0, 0);
        producer.publish();
      },
    ],
    [
      'blk request',
      (region: Region) => {
        const producer = new BlkRequestProducer(region, CAPACITY);
        producer.enqueue(1, 0, 0, 0, 0);
        producer.publish();
      },
    ],
    [
      'blk response',
      (region: Region) => {
        const producer = new BlkResponseProducer(region, CAPACITY);
        producer.enqueue(1, 0, 0);
        producer.publish();
      },
    ],
    [
      'i2c request',
      (region: Region) => {
        const producer = new I2cRequestProducer(region);
        producer.header(1, 1);
        producer.publish();
      },
    ],
    [
      'i2c response',
      (region: Region) => {
        const producer = new I2cResponseProducer(region);
        producer.enqueue({ address: 1, error: 0, command: 1 });
        producer.publish();
      },
    ],
    [
      'serial',
      (region: Region, data: Region) => {
        const producer = new SerialProducer(region, data, CAPACITY);
        producer.enqueue(1);
        producer.publish();
      },
    ],
  ])('%s has its tail and its first entry where the code puts them', (name, put) => {
    const kind = kindNamed(name);
    const changed = changedBy(put);
    expect(changed).toContain(kind.tail);
    expect(changed).not.toContain(kind.head);
    const entries = changed.filter((at) => at >= kind.headerBytes);
    expect(entries[0]).toBe(kind.entryBytes === 0 ? undefined : kind.headerBytes);
    // As large as the builder makes it, and no smaller: an i2c queue is always a page.
    const bytes = kind.slots === 'capacity' ? queueBytes(kind, CAPACITY) : 4096;
    const [whole, data] = regions(bytes);
    put(whole, data);
    expect(queueLevel(kind, whole)).toBe(1);
    expect(() => put(...regions(bytes - 4))).toThrow(Misuse);
  });
});

describe.each(systems.map(({ name }) => name))('system %s', (name) => {
  it('has records whose every connection stands in a known role', async () => {
    const module = await systems.find((each) => each.name === name)?.load();
    if (module === undefined) throw new Error(name);
    const built = module.build(completeChoices(module, {}));
    if (!built.ok) throw new Error(`${name} is built`);
    let connections = 0;
    const visit = (value: unknown, around: readonly object[]): void => {
      if (typeof value !== 'object' || value === null) return;
      const connection = connectionOf(value);
      if (connection !== undefined) {
        connections += 1;
        const [record = {}, ...outer] = around.filter((each) => !Array.isArray(each));
        const role = roleOf(record, outer, connection.class.roles);
        expect(role, `${connection.class.name}: ${Object.keys(record).join()}`).toBeDefined();
      }
      for (const each of Object.values(value)) visit(each, [value, ...around]);
    };
    for (const { pd } of flatten(built.system)) visit(pd.config, []);
    const queues = flatten(built.system).flatMap(({ pd }) => queueRecords(pd.config));
    expect(queues.length > 0).toBe(connections > 0);
  });
});
