/**
 * The ledger of a network's buffers: at rest each is in exactly one place, none is lost and none is
 * in two. A place is a queue or the device; a buffer of a broadcast may be with several clients at
 * once, and a client may have one in hand.
 *
 * Queues are read from outside. What the device has is known by number: what its driver has made
 * available and not taken back.
 */

import type { Ram } from '../../memory/ram.ts';
import { distance16 } from '../../memory/wrapping.ts';
import { NET_BUFFER_BYTES, NetBufferDescriptor, NetQueueHeader } from '../../queues/net/queue.ts';
import type { EntryBase, NetEnd, NetEnds, NetRegion, NetRegionUse } from './net-ends.ts';
import type { SystemMemory } from './system-memory.ts';

const OID_MASK = 0x3f;

/** What is wrong, and with whose buffers. */
export interface LedgerEntry {
  readonly where: string;
  readonly what: string;
}

/** @returns what does not hold; empty when every buffer is where it belongs */
export function netLedger(memory: SystemMemory, ends: NetEnds, ram: Ram): readonly LedgerEntry[] {
  return new Ledger(memory, ends, ram).check();
}

/** One data region while it is counted: the queues in which each buffer was found. */
interface Counted extends NetRegionUse {
  readonly at: number;
  readonly places: string[][];
}

class Ledger {
  readonly #memory: SystemMemory;
  readonly #ends: NetEnds;
  readonly #ram: Ram;
  readonly #regions: readonly Counted[];
  readonly #wrong: LedgerEntry[] = [];

  constructor(memory: SystemMemory, ends: NetEnds, ram: Ram) {
    this.#memory = memory;
    this.#ends = ends;
    this.#ram = ram;
    this.#regions = ends.regions.flatMap((region) => {
      const place = memory.region(region.region);
      if (place === undefined) return [];
      const places = Array.from({ length: region.buffers }, (): string[] => []);
      return [{ ...region, at: place.at, places }];
    });
  }

  check(): readonly LedgerEntry[] {
    const seen = new Set<string>();
    for (const end of this.#ends.ends) {
      if (seen.has(end.queue)) continue;
      seen.add(end.queue);
      this.#count(end);
    }
    for (const region of this.#regions) this.#checkDoubles(region);
    this.#checkMissing('dma', 'receive', 0);
    // A client may have taken one before it knows what to send.
    this.#checkMissing('sent', 'transmit', this.#ends.clients.length);
    for (const region of this.#regions) {
      if (region.use === 'copied') this.#sayLost(region.region, missingOf(region), 0);
    }
    return this.#wrong;
  }

  #count(end: NetEnd): void {
    const place = this.#memory.region(end.queue);
    if (place === undefined) return;
    const { view } = this.#ram;
    const tail = NetQueueHeader.tail.get(view, place.at);
    const head = NetQueueHeader.head.get(view, place.at);
    const length = distance16(tail, head);
    if (length > end.capacity) {
      this.#say(end.queue, `${end.queue} holds ${length} entries and has ${end.capacity} slots`);
      return;
    }
    for (let i = 0; i < length; i += 1) {
      const slot = (head + i) & (end.capacity - 1);
      this.#entry(end, place.at + NetQueueHeader.SIZE + slot * NetBufferDescriptor.SIZE);
    }
  }

  #entry({ queue, base }: NetEnd, at: number): void {
    const { view } = this.#ram;
    const low = NetBufferDescriptor.ioOrOffsetLow.get(view, at);
    const high = NetBufferDescriptor.ioOrOffsetHigh.get(view, at);
    const oid = NetBufferDescriptor.oid.get(view, at) & OID_MASK;
    const found = this.#bufferOf(base, low + high * 0x1_0000_0000, oid);
    if (found === undefined) {
      this.#say(queue, `an entry of ${queue} names no buffer: ${low}`);
      return;
    }
    found.region.places[found.index]?.push(queue);
  }

  #bufferOf(
    base: EntryBase,
    value: number,
    oid: number,
  ): { readonly region: Counted; readonly index: number } | undefined {
    const named = base === 'address' ? undefined : (base[oid] ?? base[0] ?? undefined);
    for (const region of this.#regions) {
      if (base !== 'address' && !isSame(region, named)) continue;
      const offset = base === 'address' ? value - this.#ram.base - region.at : value;
      if (offset < 0 || offset >= region.buffers * NET_BUFFER_BYTES) continue;
      if (offset % NET_BUFFER_BYTES !== 0) return undefined;
      return { region, index: offset / NET_BUFFER_BYTES };
    }
    return undefined;
  }

  #checkDoubles({ region, places }: Counted): void {
    places.forEach((queues, index) => {
      if (queues.length < 2 || this.#isShared(queues)) return;
      this.#say(region, `buffer ${index} of ${region} is in ${queues.join(' and in ')}`);
    });
  }

  /** A broadcast is with several receivers: once with each, and with nobody else. */
  #isShared(queues: readonly string[]): boolean {
    const { sharers } = this.#ends;
    const [first] = queues.map((queue) => sharers.get(queue));
    if (first === undefined || new Set(queues).size < queues.length) return false;
    return queues.every((queue) => sharers.get(queue) === first);
  }

  /** @param inHand so many may be nowhere */
  #checkMissing(use: NetRegionUse['use'], queue: string, inHand: number): void {
    const regions = this.#regions.filter((region) => region.use === use);
    const missing = regions.reduce((sum, region) => sum + missingOf(region), 0);
    const withDevice = this.#withDevice(queue);
    if (withDevice === undefined || regions.length === 0) return;
    const name = regions.map(({ region }) => region).join(', ');
    this.#sayLost(name, missing - withDevice, inHand);
    if (missing >= withDevice) return;
    const what = `the device has ${withDevice} buffers of ${name}, and only ${missing} are in no queue`;
    this.#say(name, what);
  }

  #sayLost(region: string, lost: number, inHand: number): void {
    if (lost > inHand) this.#say(region, `${lost} buffers of ${region} are nowhere`);
  }

  /**
   * @returns how many requests its driver has made available and not taken back; undefined when
   * that cannot be known
   */
  #withDevice(kind: string): number | undefined {
    for (const queue of this.#memory.virtqueues.values()) {
      if (!queue.name.startsWith('virtio_net') || !queue.name.includes(kind)) continue;
      const indices = this.#memory.virtqueueIndices(queue, this.#ram);
      if (indices === undefined) return undefined;
      return (indices.available - indices.usedEvent) & 0xffff;
    }
    return undefined;
  }

  #say(where: string, what: string): void {
    this.#wrong.push({ where, what });
  }
}

function missingOf({ places }: Counted): number {
  return places.reduce((sum, queues) => sum + (queues.length === 0 ? 1 : 0), 0);
}

function isSame(region: NetRegionUse, named: NetRegion | undefined): boolean {
  return named !== undefined && region.region === named.region;
}
