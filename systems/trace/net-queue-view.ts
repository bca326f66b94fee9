/**
 * The network queues of a system with what their entries mean, read from outside. An entry is a
 * physical address or an offset in a data region; the configuration records say which region: `rx`
 * goes with `rxData`, `connection` with `data`.
 */

import type { UserThread } from '../../kernel/user.ts';
import type { Ram } from '../../memory/ram.ts';
import type { PdDescription, SystemDescription } from '../../microkit/model.ts';
import { NET_BUFFER_BYTES, NetBufferDescriptor, NetQueueHeader } from '../../queues/net/queue.ts';
import type { BufferPlace } from './packet-path.ts';
import { locateRegion, type RegionPlace } from './queue-probes.ts';
import { type QueueRecord, queueRecords } from '../../queues/classes.ts';

/** An entry of a queue. */
export interface NetEntry {
  /** Free-running index: the slot is its low bits. */
  readonly index: number;
  /** Position of the buffer in RAM; -1 when the entry names none. */
  readonly at: number;
  readonly buffer: BufferPlace;
  readonly lengthBytes: number;
}

/**
 * One network queue. Both of its ends look at the same one, and see what has moved since either has
 * looked.
 */
export class NetQueueView {
  readonly region: string;
  readonly kind: 'free' | 'active';
  readonly capacity: number;
  readonly #map: BufferMap;
  readonly #ram: Ram;
  readonly #at: number;
  #tail: number;

  constructor(record: QueueRecord, place: RegionPlace, map: BufferMap) {
    this.region = record.region;
    this.kind = record.kind.name === 'net free' ? 'free' : 'active';
    this.capacity = record.capacity;
    this.#map = map;
    this.#ram = place.ram;
    this.#at = place.at;
    this.#tail = this.tail;
  }

  get tail(): number {
    return NetQueueHeader.tail.get(this.#ram.view, this.#at);
  }

  get head(): number {
    return NetQueueHeader.head.get(this.#ram.view, this.#at);
  }

  /** @returns entries that have been put in since the last call; at most a whole round */
  takeProduced(): readonly NetEntry[] {
    const count = Math.min((this.tail - this.#tail) & 0xffff, this.capacity);
    const first = this.tail - count;
    this.#tail = this.tail;
    return Array.from({ length: count }, (_, i) => this.#entry((first + i) & 0xffff));
  }

  /** Whether the consumer has taken out the entry of this index. */
  hasTaken(index: number): boolean {
    const behind = (this.head - index) & 0xffff;
    return behind > 0 && behind <= this.capacity;
  }

  /** Entries in the queue before that of this index. */
  ahead(index: number): number {
    return (index - this.head) & 0xffff;
  }

  #entry(index: number): NetEntry {
    const { view } = this.#ram;
    const at =
      this.#at + NetQueueHeader.SIZE + (index & (this.capacity - 1)) * NetBufferDescriptor.SIZE;
    const low = NetBufferDescriptor.ioOrOffsetLow.get(view, at);
    const high = NetBufferDescriptor.ioOrOffsetHigh.get(view, at);
    const oid = NetBufferDescriptor.oid.get(view, at) & 0x3f;
    const found = high === 0 ? this.#map.resolve(this.region, low, oid) : undefined;
    return {
      index,
      at: found?.at ?? -1,
      buffer: found?.buffer ?? { region: '', offset: low },
      lengthBytes: NetBufferDescriptor.len.get(view, at),
    };
  }
}

export interface FoundBuffer {
  readonly at: number;
  readonly buffer: BufferPlace;
}

/** Where data regions lie, and which of them a queue's offsets are in. */
export class BufferMap {
  readonly #system: SystemDescription;
  readonly #regions = new Map<string, RegionPlace>();
  /** Data regions of a queue, by the sender's number for them (`oid`). */
  readonly #dataOf = new Map<string, readonly string[]>();

  constructor(system: SystemDescription) {
    this.#system = system;
  }

  /** Learns what a domain that is about to run knows. */
  learn(pd: PdDescription, thread: UserThread): void {
    const found = new Map<string, readonly string[]>();
    collectData(pd.config, found);
    for (const [queue, regions] of found) {
      this.#dataOf.set(queue, regions);
      for (const region of regions) {
        const place = locateRegion(this.#system, pd, region, thread);
        if (place !== undefined) this.#regions.set(region, place);
      }
    }
  }

  /** @param io an offset, or a physical address */
  resolve(queue: string, io: number, oid: number): FoundBuffer | undefined {
    const names = this.#dataOf.get(queue) ?? [];
    const name = names[oid] ?? names[0];
    const place = name === undefined ? undefined : this.#regions.get(name);
    if (name !== undefined && place !== undefined && io < place.sizeBytes) {
      return { at: place.at + io, buffer: { region: name, offset: io } };
    }
    const [any] = this.#regions.values();
    return any === undefined ? undefined : this.find(io - any.ram.base);
  }

  /** @param at a position in RAM within a buffer */
  find(at: number): FoundBuffer | undefined {
    for (const [region, place] of this.#regions) {
      const inside = at - place.at;
      if (inside < 0 || inside >= place.sizeBytes) continue;
      const offset = inside - (inside % NET_BUFFER_BYTES);
      return { at: place.at + offset, buffer: { region, offset } };
    }
    return undefined;
  }
}

type Fields = Readonly<Record<string, unknown>>;

function collectData(config: unknown, found: Map<string, readonly string[]>): void {
  if (typeof config !== 'object' || config === null) return;
  const record = config as Fields;
  for (const [field, value] of Object.entries(record)) {
    collectData(value, found);
    const regions = regionsOf(record[field === 'connection' ? 'data' : `${field}Data`]);
    // Behind a switch, a copier takes frames from wherever their sender keeps them.
    if (field === 'rx') regions.push(...regionsOf(record['sources']));
    if (regions.length === 0) continue;
    for (const queue of queueRecords(value)) found.set(queue.region, regions);
  }
}

/** Names of one data region, or of a list of them; empty for what is none. */
function regionsOf(value: unknown): string[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value.flatMap(regionsOf);
  if (typeof value !== 'object' || value === null) return [''];
  const { region } = value as Fields;
  return typeof region === 'string' ? [region] : [];
}
