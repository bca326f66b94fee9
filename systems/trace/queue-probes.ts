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
  flatten,
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
  /** Indices in words of RAM of what holds the queue's indices; in a network queue it is one word. */
  readonly tailWord: number;
  readonly headWord: number;
  readonly #u16: Uint16Array;
  readonly #tailIndex: number;
  readonly #headIndex: number;
  readonly #capacity: number;
  #head: number;

  /** @param at where the queue lies in RAM */
  constructor(record: QueueRecord, number: number, ram: Ram, at: number) {
    const { tail, head } = PLACES[record.kind];
    this.record = record;
    this.number = number;
    this.tailWord = (at + tail) >>> 2;
    this.headWord = (at + head) >>> 2;
    this.#u16 = ram.u16;
    this.#tailIndex = (at + tail) >>> 1;
    this.#headIndex = (at + head) >>> 1;
    this.#capacity = record.capacity;
    this.#head = this.#u16[this.#headIndex] as number;
    this.depth = this.#readDepth();
  }

  /** Looks at the queue again. @returns whether its depth has changed */
  look(): boolean {
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

/** Words in the list of a domain's queues: where the tail is, where the head is, the queue's number. */
const LISTED = 3;
const QUEUES_MAX = 4096;

/** The queues of a whole system, as its domains start one after the other. */
export class QueueProbes {
  readonly all: QueueProbe[] = [];
  /** Number of the queue that {@link nextMoved} has found. */
  movedQueue = 0;
  readonly #system: SystemDescription;
  readonly #byRegion = new Map<string, QueueProbe>();
  /** By domain: the queues that carry something, and those of empty buffers. */
  readonly #lists: Int32Array[];
  readonly #emptyLists: Int32Array[];
  // What both words were when the queue was last looked at.
  readonly #tailSeen = new Int32Array(QUEUES_MAX);
  readonly #headSeen = new Int32Array(QUEUES_MAX);
  #i32: Int32Array = new Int32Array(0);

  constructor(system: SystemDescription) {
    this.#system = system;
    // A list for each domain, and one for the monitor.
    this.#lists = [...flatten(system), undefined].map(() => new Int32Array(0));
    this.#emptyLists = this.#lists.map(() => new Int32Array(0));
  }

  /** Watches the queues of a domain that is about to run. */
  watch(pd: number, described: PdDescription, thread: UserThread): void {
    const records = queueRecords(described.config).filter(
      ({ capacity }) => capacity <= CAPACITY_MAX,
    );
    const listed = (isWanted: (record: QueueRecord) => boolean): Int32Array =>
      Int32Array.from(
        records.filter(isWanted).flatMap((record) => {
          const probe = this.#byRegion.get(record.region) ?? this.#add(described, record, thread);
          return probe === undefined ? [] : [probe.tailWord, probe.headWord, probe.number];
        }),
      );
    this.#lists[pd] = listed(({ kind }) => kind !== 'net free');
    this.#emptyLists[pd] = listed(({ kind }) => kind === 'net free');
  }

  /**
   * Goes on to the next queue of a domain whose indices have moved since it was last looked at.
   *
   * @param from 0, or what the last call returned
   * @returns where to go on, with {@link movedQueue} being the queue; -1 when there is none
   */
  nextMoved(pd: number, from: number): number {
    return this.#nextMoved(this.#lists[pd] as Int32Array, from);
  }

  /** The same for queues of empty buffers. */
  nextMovedEmpty(pd: number, from: number): number {
    return this.#nextMoved(this.#emptyLists[pd] as Int32Array, from);
  }

  #nextMoved(list: Int32Array, from: number): number {
    const i32 = this.#i32;
    const tailSeen = this.#tailSeen;
    const headSeen = this.#headSeen;
    for (let at = from; at < list.length; at += LISTED) {
      const tail = i32[list[at] as number] as number;
      const head = i32[list[at + 1] as number] as number;
      const queue = list[at + 2] as number;
      if (tail === tailSeen[queue] && head === headSeen[queue]) continue;
      tailSeen[queue] = tail;
      headSeen[queue] = head;
      this.movedQueue = queue;
      return at + LISTED;
    }
    return -1;
  }

  #add(pd: PdDescription, record: QueueRecord, thread: UserThread): QueueProbe | undefined {
    const place = locateRegion(this.#system, pd, record.region, thread);
    if (place === undefined || this.all.length === QUEUES_MAX) return undefined;
    const number = this.all.length;
    const probe = new QueueProbe(record, number, place.ram, place.at);
    this.#i32 = place.ram.i32;
    this.#tailSeen[number] = this.#i32[probe.tailWord] as number;
    this.#headSeen[number] = this.#i32[probe.headWord] as number;
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
