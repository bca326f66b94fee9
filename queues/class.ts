/**
 * What a queue class is, as data: which queues lie between two domains, how they are laid out, who
 * writes what, and which roles there are. One table for each class, `queues/<class>/class.ts`;
 * whoever has to know a class reads it there: checks of configuration records, traces, probes, the
 * work meter, exploration, the ledger.
 *
 * A new class is a new folder with such a table, and one line in `queues/classes.ts`.
 */

import { distance16, distance32 } from '../memory/wrapping.ts';
import type { SectionLayout } from './sections.ts';

/** What a queue is read from: a region. */
export interface QueueMemory {
  read16(at: number): number;
  read32(at: number): number;
}

/** Fields of an entry that the other end believes or checks: bytes from the entry's beginning. */
export interface EntryFields {
  /** 32 bits: where the buffer lies. */
  readonly offset?: number;
  /** 16 bits: how much of it counts. */
  readonly length?: number;
}

/** One queue of a connection. */
export interface QueueKind {
  /** Such as 'net active'; no two classes have the same. */
  readonly name: string;
  /** Field of the connection's record that names its region. */
  readonly field: string;
  /** Where its two free-running indices lie, bytes from the beginning, and how wide they are. */
  readonly tail: number;
  readonly head: number;
  readonly indexBits: 16 | 32;
  /** The 32-bit flag that is 0 when its consumer asks for a signal; absent where there is none. */
  readonly signalled?: number;
  /** Slots: as many as the connection says, or this many whatever it says. */
  readonly slots: 'capacity' | number;
  /** Bytes before the first entry, and of each; 0 when the entries lie in a region of their own. */
  readonly headerBytes: number;
  readonly entryBytes: number;
  readonly fields: EntryFields;
  readonly carries: 'data' | 'empty buffers';
  /** What counts as one operation on it: an entry, or a publication of any number of bytes. */
  readonly operation: 'entry' | 'publication';
}

/** Whose writing a region of a connection needs. */
export type Writer =
  /** Both ends write: each its own index, or the flag. */
  | 'both'
  /** The end that serves the other one: nearer to the device. */
  | 'server'
  /** The end that fills the queue. */
  | 'producer';

/** A region of a connection that is no queue. */
export interface SidePart {
  readonly field: string;
  readonly writer: Writer;
  /** Bytes of it; 'capacity': one for each slot of the connection. */
  readonly bytes: number | 'capacity';
}

/**
 * A configuration record, or a part of one: what a program in this role is given. A record is known
 * by the fields that it has and those that it has not.
 */
export interface Role {
  readonly name: string;
  readonly has: readonly string[];
  readonly lacks?: readonly string[];
  /** For a part: the fields of the record around it, and those that it has not. */
  readonly within?: readonly string[];
  readonly notWithin?: readonly string[];
  /** Connections that lead towards the device: the peer serves this domain. */
  readonly served?: readonly string[];
  /** Connections whose bytes this end writes. */
  readonly produces?: readonly string[];
  /** Data regions that it only reads; it writes all others. */
  readonly readsOnly?: readonly string[];
  /** Fields that name a region of its own. */
  readonly regions?: readonly string[];
  /** Connection and data region whose buffers must all fit: `['rx', 'rxData']`. */
  readonly fits?: readonly (readonly [connection: string, data: string])[];
}

/** One queue class of sDDF, as data. */
export interface QueueClass {
  readonly name: string;
  /** By which fields a record of a connection is known. */
  readonly connection: { readonly texts: readonly string[]; readonly numbers: readonly string[] };
  /** Sections in which programs of the class find their configuration, as images have them. */
  readonly sections: Readonly<Record<string, SectionLayout<object>>>;
  /** The queue that stands for the connection in messages. */
  readonly named: string;
  readonly queues: readonly QueueKind[];
  readonly sides: readonly SidePart[];
  /** Tried in this order: the first that fits a record is its role. */
  readonly roles: readonly Role[];
}

/** A connection, as configuration records of any class have it. */
export interface Connection {
  readonly class: QueueClass;
  readonly channel: number;
  /** Slots of its queues, or bytes. */
  readonly capacity: number;
  /** Region of a field. */
  region(field: string): string;
}

/** @returns bytes that the region of such a queue has to have at least */
export function queueBytes(kind: QueueKind, capacity: number): number {
  const { headerBytes, entryBytes, slots } = kind;
  return headerBytes + entryBytes * (slots === 'capacity' ? capacity : slots);
}

/** @param at byte of the index in its region: the kind's `tail` or `head` */
export function readIndex({ indexBits }: QueueKind, memory: QueueMemory, at: number): number {
  return indexBits === 16 ? memory.read16(at) : memory.read32(at);
}

/** @returns how far `tail` is ahead of `head`; more than the capacity when somebody lies */
export function indexDistance({ indexBits }: QueueKind, tail: number, head: number): number {
  return indexBits === 16 ? distance16(tail, head) : distance32(tail, head);
}

/**
 * @returns what is in such a queue: entries, or bytes; more than its capacity when somebody lies
 */
export function queueLevel(kind: QueueKind, memory: QueueMemory): number {
  const [tail, head] = [readIndex(kind, memory, kind.tail), readIndex(kind, memory, kind.head)];
  return indexDistance(kind, tail, head);
}

/** @returns the queue whose region stands in this field of a connection */
export function queueOf({ name, queues }: QueueClass, field: string): QueueKind {
  const found = queues.find((kind) => kind.field === field);
  if (found === undefined) throw new Error(`class ${name} has no queue in a field '${field}'`);
  return found;
}

/** @returns undefined when the value is no connection of this class */
export function asConnection(value: unknown, of: QueueClass): Connection | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const record = value as Readonly<Record<string, unknown>>;
  // Every connection has it, and hardly anything else in a configuration.
  if (typeof record['capacity'] !== 'number') return undefined;
  const { texts, numbers } = of.connection;
  if (!texts.every((field) => typeof record[field] === 'string')) return undefined;
  if (!numbers.every((field) => typeof record[field] === 'number')) return undefined;
  return {
    class: of,
    channel: record['channel'] as number,
    capacity: record['capacity'] as number,
    region: (field) => record[field] as string,
  };
}

/** @returns the role of a record; `around` are the objects that it lies in, the nearest first */
export function roleOf(
  record: object,
  around: readonly object[],
  roles: readonly Role[],
): Role | undefined {
  return roles.find(
    ({ has, lacks = [], within = [], notWithin = [] }) =>
      has.every((field) => field in record) &&
      !lacks.some((field) => field in record) &&
      within.every((field) => around.some((outer) => field in outer)) &&
      !notWithin.some((field) => around.some((outer) => field in outer)),
  );
}
