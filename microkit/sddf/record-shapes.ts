/**
 * What a configuration record says about memory, channels and symbols: connections and data regions of the network, block,
 * serial and timer classes, recognised by their shapes wherever they stand, and how they are used there.
 *
 * A record of a person's own that looks different says nothing, and is not checked.
 */

import type { BlkConnection } from '../../queues/blk/config.ts';
import type { NetConnection, NetData } from '../../queues/net/config.ts';
import type { SerialConnection } from '../../queues/serial/config.ts';
import { NET_BUFFER_BYTES } from './net-plan.ts';

const NET_HEADER_BYTES = 8;
const NET_ENTRY_BYTES = 16;
const BLK_REQUEST_HEADER_BYTES = 16;
const BLK_REQUEST_BYTES = 32;
const BLK_RESPONSE_HEADER_BYTES = 8;
const BLK_RESPONSE_BYTES = 12;
const BLK_INFO_BYTES = 88;
const SERIAL_QUEUE_BYTES = 12;

export type Access = 'r' | 'rw';

/** A region that a record uses. */
export interface Use {
  readonly region: string;
  readonly needs: Access;
  readonly bytes: number;
}

/** Where in a configuration a value stands: the objects around it, the nearest first, and its key in that one. */
export interface Position {
  readonly around: readonly object[];
  readonly key: string;
}

/** A queue's number of slots, and why it must be a power of two. */
export interface Capacity {
  readonly slots: number;
  readonly queue: string;
  /** Bits of the queue's indices. */
  readonly indexBits: 16 | 32;
}

/** A connection of any class. */
export interface ConnectionFacts {
  readonly channel: number;
  readonly capacity: Capacity;
  readonly uses: readonly Use[];
  /** The peer is nearer to the device, and so serves this domain. */
  readonly isServed: boolean;
}

/** @returns undefined when the value is no connection */
export function connectionFacts(value: object, position: Position): ConnectionFacts | undefined {
  if (isNetConnection(value)) return netFacts(value, position);
  if (isBlkConnection(value)) return blkFacts(value, position);
  return isSerialConnection(value) ? serialFacts(value, position) : undefined;
}

function netFacts(value: NetConnection, position: Position): ConnectionFacts {
  const bytes = NET_HEADER_BYTES + NET_ENTRY_BYTES * value.capacity;
  return {
    channel: value.channel,
    capacity: { slots: value.capacity, queue: value.activeQueue, indexBits: 16 },
    uses: [value.freeQueue, value.activeQueue].map((region) => ({ region, needs: 'rw', bytes })),
    isServed: isServed(position),
  };
}

function blkFacts(value: BlkConnection, position: Position): ConnectionFacts {
  const { capacity, storageInfo, requestQueue, responseQueue } = value;
  const served = isServed(position);
  const requests = BLK_REQUEST_HEADER_BYTES + BLK_REQUEST_BYTES * capacity;
  const responses = BLK_RESPONSE_HEADER_BYTES + BLK_RESPONSE_BYTES * capacity;
  return {
    channel: value.channel,
    capacity: { slots: capacity, queue: requestQueue, indexBits: 32 },
    uses: [
      { region: storageInfo, needs: served ? 'r' : 'rw', bytes: BLK_INFO_BYTES },
      { region: requestQueue, needs: 'rw', bytes: requests },
      { region: responseQueue, needs: 'rw', bytes: responses },
    ],
    isServed: served,
  };
}

function serialFacts(value: SerialConnection, position: Position): ConnectionFacts {
  const needs = producesBytes(position) ? 'rw' : 'r';
  return {
    channel: value.channel,
    capacity: { slots: value.capacity, queue: value.queue, indexBits: 32 },
    uses: [
      { region: value.queue, needs: 'rw', bytes: SERIAL_QUEUE_BYTES },
      { region: value.data, needs, bytes: value.capacity },
    ],
    isServed: isServed(position),
  };
}

/** Whether the connection leads to who serves this domain: towards the device. */
function isServed({ around, key }: Position): boolean {
  const [record = {}, outer = {}] = around;
  if ('registers' in record) return false; // a driver
  if (key === 'driver' || key === 'virt') return true;
  if ('clientData' in record) return key === 'rx' && !('sources' in record); // a copier, not the switch's
  if ('reach' in record) return 'uplink' in outer && isUplink(outer, record);
  return key === 'rx' || key === 'tx'; // a client
}

function isUplink(vswitch: { readonly uplink: unknown }, port: object): boolean {
  const ports: unknown = 'ports' in vswitch ? vswitch.ports : undefined;
  return Array.isArray(ports) && ports.indexOf(port) === vswitch.uplink;
}

/** Whether this end of a serial queue writes its bytes. */
function producesBytes({ around, key }: Position): boolean {
  const [record = {}] = around;
  if ('registers' in record) return key === 'rx'; // a driver: what came by the line
  if (around.some((each) => 'colour' in each)) return key === 'driver'; // the transmit virtualiser
  if ('driver' in record || 'connection' in record) return key === 'connection'; // the receive virtualiser
  return key === 'tx'; // a client
}

/** Data that a virtualiser only translates, a switch only looks at, and a copier only copies from. */
export function netDataAccess({ around, key }: Position): Access {
  const [record = {}] = around;
  const virtualiserRx = 'bufferMetadata' in record && key === 'data';
  const virtualiserTx = !('macs' in record) && 'connection' in record && key === 'data';
  const copier = 'clientData' in record && (key === 'rxData' || key === 'sources');
  const vswitch = 'reach' in record && key === 'txData';
  const idleCopier = 'mode' in record && record.mode === 'dummy' && key === 'clientData';
  return virtualiserRx || virtualiserTx || copier || vswitch || idleCopier ? 'r' : 'rw';
}

/** Whether a text is the name of a region, which is written to. */
export function namesRegion({ around, key }: Position): boolean {
  const [record = {}] = around;
  if (key === 'registers') return 'irq' in record;
  if (key === 'rings') return 'ringsPaddrSymbol' in record;
  return key === 'bufferMetadata' || (key === 'stats' && around.length === 1);
}

export function netDataBytes({ buffers }: NetData): number {
  return buffers * NET_BUFFER_BYTES;
}

/** Buffers that one queue must have room for. */
export interface Demand {
  readonly slots: number;
  readonly needed: number;
  /** "the driver's queue", "buffers of all clients". */
  readonly queue: string;
  readonly what: string;
}

/** What a record's queues must have room for: honest peers may put everything that they have in at once. */
export function demandsOf(record: object): readonly Demand[] {
  const field = (name: string): unknown => (name in record ? Reflect.get(record, name) : undefined);
  const demands: Demand[] = [];
  const pair = (queue: string, data: string): void => {
    const [connection, region] = [field(queue), field(data)];
    if (!isNetConnection(connection) || !isNetData(region)) return;
    const what = `the buffers of '${region.region}'`;
    const name = `the queue '${connection.activeQueue}'`;
    demands.push({ slots: connection.capacity, needed: region.buffers, queue: name, what });
  };
  pair('rx', 'rxData');
  pair('tx', 'txData');
  pair('client', 'clientData');
  pair('driver', 'data');
  const [driver, clients] = [field('driver'), field('clients')];
  if (!Array.isArray(clients)) return demands;
  if (isNetConnection(driver) && !isNetData(field('data'))) {
    const needed = sum(clients, (client) => sum(arrayOf(client, 'data'), buffersOf));
    const what = 'the transmit buffers of all clients';
    const queue = `the queue '${driver.activeQueue}'`;
    demands.push({ slots: driver.capacity, needed, queue, what });
  }
  if (isBlkConnection(driver)) {
    const needed = sum(clients, blkCapacityOf) + 1;
    const what = "requests of all clients and the virtualiser's own";
    demands.push({
      slots: driver.capacity,
      needed,
      queue: `the queue '${driver.requestQueue}'`,
      what,
    });
  }
  return demands;
}

function sum(values: readonly unknown[], of: (value: unknown) => number): number {
  return values.reduce<number>((total, value) => total + of(value), 0);
}

function arrayOf(value: unknown, key: string): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  const found: unknown = Reflect.get(value, key);
  return Array.isArray(found) ? found : [];
}

function buffersOf(value: unknown): number {
  return isNetData(value) ? value.buffers : 0;
}

function blkCapacityOf(client: unknown): number {
  if (typeof client !== 'object' || client === null || !('connection' in client)) return 0;
  return isBlkConnection(client.connection) ? client.connection.capacity : 0;
}

function has(
  value: unknown,
  texts: readonly string[],
  numbers: readonly string[],
): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const record = value as Record<string, unknown>;
  return (
    texts.every((name) => typeof record[name] === 'string') &&
    numbers.every((name) => typeof record[name] === 'number')
  );
}

export function isNetConnection(value: unknown): value is NetConnection {
  return has(value, ['freeQueue', 'activeQueue'], ['capacity', 'channel']);
}

export function isBlkConnection(value: unknown): value is BlkConnection {
  const names = ['storageInfo', 'requestQueue', 'responseQueue'];
  return has(value, names, ['capacity', 'channel']);
}

export function isSerialConnection(value: unknown): value is SerialConnection {
  return has(value, ['queue', 'data'], ['capacity', 'channel']);
}

export function isNetData(value: unknown): value is NetData {
  return has(value, ['region'], ['buffers']);
}
