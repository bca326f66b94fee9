/**
 * The indices of queues, read from outside whenever a thread waits: how many entries there are, and how many the thread
 * has taken out since it last waited (its batch).
 *
 * What lies in shared memory is not believed: an index that is further on than the queue is long counts as the length.
 */

import type { UserThread } from '../../kernel/user.ts';
import type { Ram } from '../../memory/ram.ts';
import {
  exact,
  type PdDescription,
  regionNamed,
  type SystemDescription,
} from '../../microkit/model.ts';
import {
  REQUEST_HEAD,
  REQUEST_TAIL,
  RESPONSE_HEAD,
  RESPONSE_TAIL,
} from '../../queues/blk/layout.ts';
import { NetQueueHeader } from '../../queues/net/queue.ts';
import { SerialQueueHeader } from '../../queues/serial/queue.ts';
import { type QueueKind, type QueueRecord, queueRecords } from './queue-records.ts';

/** Buckets of a histogram of batches: 1, 2–3, 4–7 … entries taken out in one wake-up. */
export const BATCH_BUCKETS = 16;

interface IndexPlaces {
  readonly tail: number;
  readonly head: number;
}

const NET: IndexPlaces = { tail: NetQueueHeader.tail.offset, head: NetQueueHeader.head.offset };
const PLACES: Readonly<Record<QueueKind, IndexPlaces>> = {
  'net free': NET,
  'net active': NET,
  'blk request': { tail: REQUEST_TAIL, head: REQUEST_HEAD },
  'blk response': { tail: RESPONSE_TAIL, head: RESPONSE_HEAD },
  serial: { tail: SerialQueueHeader.tail.offset, head: SerialQueueHeader.head.offset },
};
/** Indices are compared in their low 16 bits. */
const CAPACITY_MAX = 32_768;

/** A queue under observation; both ends look at the same one. */
export class QueueProbe {
  readonly record: QueueRecord;
  readonly number: number;
  /** Entries that were there when it was last looked at. */
  depth = 0;
  depthMax = 0;
  /** Wake-ups by the entries that they took out: bucket i is for 2^i and more. */
  readonly batches = new Uint32Array(BATCH_BUCKETS);
  readonly #u16: Uint16Array;
  readonly #i32: Int32Array;
  readonly #tailIndex: number;
  readonly #headIndex: number;
  readonly #capacity: number;
  #head: number;
  // The words that hold the indices: in a network queue it is one.
  readonly #tailWord: number;
  readonly #headWord: number;
  #tailSeen: number;
  #headSeen: number;

  /** @param at where the queue lies in RAM */
  constructor(record: QueueRecord, number: number, ram: Ram, at: number) {
    const { tail, head } = PLACES[record.kind];
    this.record = record;
    this.number = number;
    this.#u16 = ram.u16;
    this.#i32 = ram.i32;
    this.#tailIndex = (at + tail) >>> 1;
    this.#headIndex = (at + head) >>> 1;
    this.#tailWord = (at + tail) >>> 2;
    this.#headWord = (at + head) >>> 2;
    this.#capacity = record.capacity;
    this.#tailSeen = this.#i32[this.#tailWord] as number;
    this.#headSeen = this.#i32[this.#headWord] as number;
    this.#head = this.#u16[this.#headIndex] as number;
    this.depth = this.#readDepth();
  }

  /** Whether one of its indices has moved since {@link look}. */
  get hasMoved(): boolean {
    const i32 = this.#i32;
    return i32[this.#tailWord] !== this.#tailSeen || i32[this.#headWord] !== this.#headSeen;
  }

  /** Looks at the queue again. @returns whether its depth has changed */
  look(): boolean {
    this.#tailSeen = this.#i32[this.#tailWord] as number;
    this.#headSeen = this.#i32[this.#headWord] as number;
    const head = this.#u16[this.#headIndex] as number;
    if (head !== this.#head) {
      const bucket = 31 - Math.clz32((head - this.#head) & 0xffff);
      this.batches[bucket] = (this.batches[bucket] as number) + 1;
      this.#head = head;
    }
    const depth = this.#readDepth();
    if (depth === this.depth) return false;
    this.depth = depth;
    if (depth > this.depthMax) this.depthMax = depth;
    return true;
  }

  #readDepth(): number {
    const u16 = this.#u16;
    const length = ((u16[this.#tailIndex] as number) - (u16[this.#headIndex] as number)) & 0xffff;
    return length > this.#capacity ? this.#capacity : length;
  }
}

/** The queues of a whole system, as its domains start one after the other. */
export class QueueProbes {
  readonly all: QueueProbe[] = [];
  readonly #system: SystemDescription;
  readonly #byRegion = new Map<string, QueueProbe>();

  constructor(system: SystemDescription) {
    this.#system = system;
  }

  /** @returns the queues of a domain that is about to run */
  watch(pd: PdDescription, thread: UserThread): readonly QueueProbe[] {
    const records = queueRecords(pd.config).filter(({ capacity }) => capacity <= CAPACITY_MAX);
    return records.flatMap((record) => {
      const probe = this.#byRegion.get(record.region) ?? this.#add(pd, record, thread);
      return probe === undefined ? [] : [probe];
    });
  }

  #add(pd: PdDescription, record: QueueRecord, thread: UserThread): QueueProbe | undefined {
    const place = locateRegion(this.#system, pd, record.region, thread);
    if (place === undefined) return undefined;
    const probe = new QueueProbe(record, this.all.length, place.ram, place.at);
    this.all.push(probe);
    this.#byRegion.set(record.region, probe);
    return probe;
  }
}

/** Where a region that a domain maps lies. */
export interface RegionPlace {
  readonly ram: Ram;
  /** Offset in RAM. */
  readonly at: number;
  readonly sizeBytes: number;
}

/** @returns undefined when the domain maps no such memory */
export function locateRegion(
  system: SystemDescription,
  pd: PdDescription,
  region: string,
  thread: UserThread,
): RegionPlace | undefined {
  const map = pd.maps.find((each) => each.region === region);
  const description = regionNamed(system, region);
  if (map === undefined || description === undefined) return undefined;
  const sizeBytes = exact(description.size);
  const mapping = thread.mapping(exact(map.vaddr), sizeBytes, 'read');
  if (mapping?.kind !== 'ram') return undefined;
  return { ram: mapping.memory.ram, at: mapping.at, sizeBytes };
}
