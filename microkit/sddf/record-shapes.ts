/**
 * What a configuration record says about memory, channels and symbols: connections and data regions
 * of the queue classes, wherever they stand, and how they are used there. What a class is stands in
 * its table (`queues/<class>/class.ts`).
 *
 * A user's own record of another form is not checked, since nothing is known about it.
 */

import type { Connection, QueueClass, Role, SidePart } from '../../queues/class.ts';
import {
  asConnection,
  BLK_CLASS,
  connectionOf,
  NET_BUFFER_BYTES,
  NET_CLASS,
  QUEUE_CLASSES,
  queueBytes,
  roleOf,
} from '../../queues/classes.ts';
import type { NetData } from '../../queues/net/config.ts';

export type Access = 'r' | 'rw';

/** A region that a record uses. */
export interface Use {
  readonly region: string;
  readonly needs: Access;
  readonly bytes: number;
}

/**
 * Where in a configuration a value stands: the objects around it, the nearest first, and its key in
 * that one.
 */
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
  const connection = connectionOf(value);
  if (connection === undefined) return undefined;
  const { class: of, capacity, channel } = connection;
  const role = roleAt(position, of);
  const isServed = servesHere(position, role);
  const queues = of.queues.map((kind): Use => ({
    region: connection.region(kind.field),
    needs: 'rw',
    bytes: queueBytes(kind, capacity),
  }));
  const sides = of.sides.map((side): Use => ({
    region: connection.region(side.field),
    needs: writes(side, position, role, isServed) ? 'rw' : 'r',
    bytes: side.bytes === 'capacity' ? capacity : side.bytes,
  }));
  return {
    channel,
    capacity: {
      slots: capacity,
      queue: connection.region(of.named),
      indexBits: of.queues[0]?.indexBits ?? 32,
    },
    uses: [...queues, ...sides],
    isServed,
  };
}

function roleAt({ around }: Position, of: QueueClass): Role | undefined {
  const [record = {}, ...outer] = around;
  return roleOf(record, outer, of.roles);
}

/** Whether a connection leads to whoever serves this domain, which is towards the device. */
function servesHere({ around, key }: Position, role: Role | undefined): boolean {
  const [record = {}, outer = {}] = around;
  // Of the ports of a switch only one leads to the device, and the switch says which.
  if ('reach' in record) return 'uplink' in outer && isUplink(outer, record);
  return role?.served?.includes(key) === true;
}

function isUplink(vswitch: { readonly uplink: unknown }, port: object): boolean {
  const ports: unknown = 'ports' in vswitch ? vswitch.ports : undefined;
  return Array.isArray(ports) && ports.indexOf(port) === vswitch.uplink;
}

function writes(
  { writer }: SidePart,
  { key }: Position,
  role: Role | undefined,
  isServed: boolean,
): boolean {
  switch (writer) {
    case 'both':
      return true;
    case 'server':
      return !isServed;
    case 'producer':
      return role?.produces?.includes(key) === true;
    default:
      return writer satisfies never;
  }
}

/**
 * Data that a virtualiser only translates, a switch only looks at, and a copier only copies from.
 */
export function netDataAccess(position: Position): Access {
  const { around, key } = position;
  const [record = {}] = around;
  // A copier that only passes buffers on writes none.
  if ('mode' in record && record.mode === 'dummy' && key === 'clientData') return 'r';
  return roleAt(position, NET_CLASS)?.readsOnly?.includes(key) === true ? 'r' : 'rw';
}

/** Whether a text is the name of a region, which is written to. */
export function namesRegion({ around, key }: Position): boolean {
  const [record = {}, ...outer] = around;
  if (key === 'stats') return around.length === 1;
  if (key === 'registers') return 'irq' in record;
  if (key === 'rings') return 'ringsPaddrSymbol' in record;
  return QUEUE_CLASSES.some(
    ({ roles }) => roleOf(record, outer, roles)?.regions?.includes(key) === true,
  );
}

/** @returns bytes that a data region has to have */
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

/**
 * What a record's queues must have room for: honest peers may put everything that they have in at
 * once.
 */
export function demandsOf(record: object): readonly Demand[] {
  const field = (name: string): unknown => (name in record ? Reflect.get(record, name) : undefined);
  const demands: Demand[] = [];
  for (const [queue, data] of roleOf(record, [], NET_CLASS.roles)?.fits ?? []) {
    const [connection, region] = [asConnection(field(queue), NET_CLASS), field(data)];
    if (connection === undefined || !isNetData(region)) continue;
    const what = `the buffers of '${region.region}'`;
    demands.push(demandOf(connection, region.buffers, what));
  }
  const clients = field('clients');
  const driver = connectionOf(field('driver'));
  if (!Array.isArray(clients) || driver === undefined) return demands;
  if (driver.class === NET_CLASS && !isNetData(field('data'))) {
    const needed = sum(clients, (client) => sum(arrayOf(client, 'data'), buffersOf));
    demands.push(demandOf(driver, needed, 'the transmit buffers of all clients'));
  }
  if (driver.class === BLK_CLASS) {
    const needed = sum(clients, blkCapacityOf) + 1;
    demands.push(demandOf(driver, needed, "requests of all clients and the virtualiser's own"));
  }
  return demands;
}

function demandOf(connection: Connection, needed: number, what: string): Demand {
  const queue = `the queue '${connection.region(connection.class.named)}'`;
  return { slots: connection.capacity, needed, queue, what };
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
  return asConnection(client.connection, BLK_CLASS)?.capacity ?? 0;
}

/** Whether a value of a record names a network's data region. */
export function isNetData(value: unknown): value is NetData {
  if (typeof value !== 'object' || value === null) return false;
  if (!('region' in value) || !('buffers' in value)) return false;
  return typeof value.region === 'string' && typeof value.buffers === 'number';
}
