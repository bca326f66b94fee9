/**
 * What a program is given leads to its regions and its configuration, and to nothing of the runtime
 * or the kernel: everything that can be reached by property from `pd` and its regions is walked.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { EchoConfig } from '../clients/echo/echo.ts';
import { ReadonlyRegion, Region } from '../memory/region.ts';
import type { Program, ProtectionDomain } from '../microkit/pd.ts';
import { BlkFlights } from '../queues/blk/flights.ts';
import { BlkFromDevice } from '../queues/blk/loops/from-device.ts';
import { BlkRequestTable } from '../queues/blk/loops/request-table.ts';
import { BlkToClients } from '../queues/blk/loops/to-clients.ts';
import { BlkToDevice } from '../queues/blk/loops/to-device.ts';
import { BlkToDriver } from '../queues/blk/loops/to-driver.ts';
import { RingConsumer, RingProducer } from '../queues/blk/ring.ts';
import { BlkVirtqueue } from '../queues/blk/virtqueue.ts';
import { Counters } from '../queues/counters.ts';
import { BufferReader, BufferWriter } from '../queues/net/buffer-view.ts';
import { BufferBook } from '../queues/net/loops/buffer-book.ts';
import { DatagramEcho } from '../queues/net/loops/datagram-echo.ts';
import { FrameCopy } from '../queues/net/loops/frame-copy.ts';
import { FromDevice } from '../queues/net/loops/from-device.ts';
import { ToClients } from '../queues/net/loops/to-clients.ts';
import { ToDevice } from '../queues/net/loops/to-device.ts';
import { ToDriver } from '../queues/net/loops/to-driver.ts';
import { ToOwners } from '../queues/net/loops/to-owners.ts';
import { NetConsumer, NetProducer } from '../queues/net/queue.ts';
import { Virtqueue } from '../queues/virtio/virtqueue.ts';
import { echoTestbed } from './support/echo-testbed.ts';

const PLAIN = new Set<unknown>([Object.prototype, Array.prototype, Function.prototype]);

interface Found {
  readonly path: string;
  readonly value: object;
}

/**
 * All objects that are reached by properties and prototypes, each once, by the shortest way;
 * functions too.
 */
function reachable(roots: readonly Found[]): readonly Found[] {
  const found = [...roots];
  const seen = new Set<unknown>(roots.map(({ value }) => value));
  for (const { path, value } of found) {
    for (const [name, next] of neighbours(value)) {
      if (PLAIN.has(next) || seen.has(next)) continue;
      seen.add(next);
      found.push({ path: `${path}.${name}`, value: next });
    }
  }
  return found;
}

function neighbours(value: object): readonly (readonly [string, object])[] {
  const own = Reflect.ownKeys(value).map((key) => [String(key), read(value, key)] as const);
  const all = [...own, ['(prototype)', Reflect.getPrototypeOf(value)] as const];
  return all.filter((pair): pair is readonly [string, object] => isObject(pair[1]));
}

/** A getter that refuses gives nothing. */
function read(value: object, key: string | symbol): unknown {
  try {
    return Reflect.get(value, key);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

const SEALED = [
  BlkFlights,
  BlkFromDevice,
  BlkRequestTable,
  BlkToClients,
  BlkToDevice,
  BlkToDriver,
  BlkVirtqueue,
  BufferBook,
  BufferReader,
  BufferWriter,
  Counters,
  DatagramEcho,
  FrameCopy,
  FromDevice,
  NetConsumer,
  NetProducer,
  ReadonlyRegion,
  Region,
  RingConsumer,
  RingProducer,
  ToClients,
  ToDevice,
  ToDriver,
  ToOwners,
  Virtqueue,
];

/** Names of all classes that are made from sealed parts, as the sources say. */
function sealedClasses(): readonly string[] {
  const derived = /^export class (\w+)(?:<[^{]*?>)? extends (?:Sealed|ReadonlyRegion)\b/gm;
  return ['memory', 'queues']
    .flatMap((room) =>
      readdirSync(room, { recursive: true, encoding: 'utf8' }).map((file) => join(room, file)),
    )
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => [...readFileSync(file, 'utf8').matchAll(derived)])
    .map((match) => match[1] as string);
}

describe('a program', () => {
  it('reaches its regions and its configuration, and nothing behind them', () => {
    const given: { pd?: ProtectionDomain<EchoConfig>; regions: readonly ReadonlyRegion[] } = {
      regions: [],
    };
    const program: Program<EchoConfig> = (pd) => {
      const { rx, rxData } = pd.config.net;
      given.pd = pd;
      given.regions = [pd.region(rx.freeQueue), pd.readonlyRegion(rxData.region)];
      return { notified: () => undefined };
    };
    echoTestbed({ replace: { client0: program as unknown as Program } }).testbed.runUntilQuiet();
    const pd = given.pd as ProtectionDomain<EchoConfig>;
    const all = reachable([
      { path: 'pd', value: pd },
      ...given.regions.map((value) => ({ path: value.constructor.name, value })),
    ]);

    const kinds = new Set(
      all
        .filter(({ value }) => typeof value === 'object' && !Object.hasOwn(value, 'constructor'))
        .map(({ value }) => (Object.getPrototypeOf(value) as object).constructor.name),
    );
    expect([...kinds].toSorted()).toEqual(['MicrokitPd', 'Object', 'ReadonlyRegion', 'Region']);
    expect(Reflect.ownKeys(pd).toSorted()).toEqual(['config', 'name', 'vars']);
    expect(all.length).toBeGreaterThan(20);
  });

  // A class without a base of the program's choosing: its constructor would be handed raw memory.
  it.each(SEALED)('cannot change what %o is derived from', (one) => {
    expect(Reflect.setPrototypeOf(one, class Thief {})).toBe(false);
  });

  it('has all such classes tried above', () => {
    expect(SEALED.map(({ name }) => name)).toEqual([...sealedClasses()].toSorted());
  });
});
