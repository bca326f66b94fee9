/**
 * Where the indices of queues lie, so that they can be read from outside whenever a thread waits.
 * Both are free-running: what was put in, and what was taken out; of a virtqueue, those of the
 * available and of the used ring, so that its depth is the number of chains that the device has.
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
import { queueRecords } from '../../queues/classes.ts';
import type { Virtqueue } from './virtqueue-setup.ts';

/** Virtual I/O Device (VIRTIO) 1.2, 2.7.6 and 2.7.8: `idx` lies behind `flags`. */
const AVAILABLE_INDEX = 2;
const USED_INDEX = 2;

/** Indices are compared in their low 16 bits. */
const CAPACITY_MAX = 32_768;

/** A queue under observation; both ends look at the same one. */
export interface ObservedQueue {
  /** Region in which it lies, or name of a virtqueue. */
  readonly name: string;
  readonly capacity: number;
  /** Queues of empty buffers are looked at now and then, others at each wait. */
  readonly carries: Virtqueue['carries'];
  /** Its indices when it was first seen: tail | head << 16. */
  readonly first: number;
}

/** @param indices tail | head << 16, not believed: a queue has no more entries than slots */
export function depthOf({ capacity }: ObservedQueue, indices: number): number {
  return Math.min((indices - (indices >>> 16)) & 0xffff, capacity);
}

/**
 * The table of queues begins with {@link QUEUE_PARTS} words for each domain: where its queues begin
 * that carry something, where its queues of empty buffers begin, and where they end. There are
 * {@link QUEUE_WORDS} words for each queue: where tail and head are (in halfwords of RAM), its
 * number, and its indices when the domain looked at it last, tail | head << 16.
 */
export const QUEUE_PARTS = 3;
const CARRYING = 0;
const EMPTY = 1;
export const QUEUE_WORDS = 4;

/** A queue as one domain has it. */
interface DomainQueue {
  readonly pd: number;
  readonly part: typeof CARRYING | typeof EMPTY;
  readonly number: number;
}

type NamedQueue = Pick<ObservedQueue, 'name' | 'capacity' | 'carries'>;

interface IndexWords {
  /** In halfwords of RAM. */
  readonly tail: number;
  readonly head: number;
}

/** The queues of a whole system, as its domains start one after the other. */
export class QueueProbes {
  readonly all: ObservedQueue[] = [];
  /** See {@link QUEUE_PARTS}. */
  table: Int32Array;
  readonly #system: SystemDescription;
  readonly #domains: number;
  readonly #numbers = new Map<string, number>();
  readonly #words: IndexWords[] = [];
  readonly #ofDomains = new Map<string, DomainQueue>();

  constructor(system: SystemDescription) {
    this.#system = system;
    // The monitor comes behind the domains.
    this.#domains = flatten(system).length + 1;
    this.table = new Int32Array(QUEUE_PARTS * this.#domains);
  }

  /** Watches the queues of a domain that is about to run. */
  watch(pd: number, described: PdDescription, thread: UserThread): void {
    for (const record of queueRecords(described.config)) {
      if (record.capacity > CAPACITY_MAX) continue;
      const place = locateRegion(this.#system, described, record.region, thread);
      if (place === undefined) continue;
      const { tail, head, carries } = record.kind;
      const words = { tail: (place.at + tail) >>> 1, head: (place.at + head) >>> 1 };
      const queue = { name: record.region, capacity: record.capacity, carries } as const;
      this.#addTo(pd, queue, this.#numberOf(queue, words, place.ram));
    }
    this.#makeTable();
  }

  /** Watches what a driver has told its device; what lies outside of RAM is not believed. */
  watchVirtqueue(pd: number, queue: Virtqueue, ram: Ram): void {
    const tail = queue.driverArea + AVAILABLE_INDEX - ram.base;
    const head = queue.deviceArea + USED_INDEX - ram.base;
    if (tail < 0 || head < 0 || Math.max(tail, head) + 2 > ram.sizeBytes) return;
    const words = { tail: tail >>> 1, head: head >>> 1 };
    const number = this.#numberOf(queue, words, ram);
    this.#words[number] = words;
    this.#addTo(pd, queue, number);
    this.#makeTable();
  }

  /** @returns how many entries each queue has now, in the order of {@link all} */
  depths(ram: Ram): number[] {
    return this.all.map((queue, number) => {
      const { tail, head } = this.#words[number] as IndexWords;
      return depthOf(queue, (ram.u16[tail] as number) | ((ram.u16[head] as number) << 16));
    });
  }

  #addTo(pd: number, { carries }: NamedQueue, number: number): void {
    const part = carries === 'empty buffers' ? EMPTY : CARRYING;
    this.#ofDomains.set(`${pd} ${number}`, { pd, part, number });
  }

  #numberOf({ name, capacity, carries }: NamedQueue, words: IndexWords, ram: Ram): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const number = this.all.length;
    const tail = ram.u16[words.tail] as number;
    const head = ram.u16[words.head] as number;
    this.all.push({ name, capacity, carries, first: tail | (head << 16) });
    this.#words.push(words);
    this.#numbers.set(name, number);
    return number;
  }

  #makeTable(): void {
    const table: number[] = Array.from(this.table.subarray(0, QUEUE_PARTS * this.#domains));
    const queues = [...this.#ofDomains.values()];
    for (let at = 0; at < QUEUE_PARTS * this.#domains; at += 1) {
      table[at] = table.length;
      const own = queues.filter(({ pd, part }) => QUEUE_PARTS * pd + part === at);
      for (const { number } of own) {
        const { tail, head } = this.#words[number] as IndexWords;
        const { first } = this.all[number] as ObservedQueue;
        table.push(tail, head, number, first);
      }
    }
    this.table = Int32Array.from(table);
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
