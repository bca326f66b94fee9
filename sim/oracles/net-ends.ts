/**
 * Who is at which end of which network queue, and what its entries name: from the configuration
 * records of a system, by their form (`queues/net/config.ts`). No program is asked.
 */

import { flatten, type SystemDescription } from '../../microkit/model.ts';

/** A data region as a configuration record names it. */
export interface NetRegion {
  readonly region: string;
  readonly buffers: number;
}

/**
 * What an entry's number counts from: an address for DMA, or the beginning of a region, chosen by
 * the entry's `oid`.
 */
export type EntryBase = 'address' | readonly (NetRegion | null)[];

/** One end of one queue. */
export interface NetEnd {
  readonly queue: string;
  readonly capacity: number;
  readonly pd: string;
  readonly role: 'producer' | 'consumer';
  readonly base: EntryBase;
  /** Entries that carry a frame, or empty buffers. */
  readonly kind: 'active' | 'free';
}

/** What a network's buffers are, and in how many places each may be. */
export interface NetRegionUse extends NetRegion {
  /** 'dma': the device writes to them; 'sent': a client does; 'copied': a copier does. */
  readonly use: 'dma' | 'sent' | 'copied';
}

export interface NetEnds {
  readonly ends: readonly NetEnd[];
  readonly regions: readonly NetRegionUse[];
  /** The driver's domain; undefined in a system without. */
  readonly driver: string | undefined;
  /**
   * Domains that take an empty buffer in hand before they need it: one of their transmit buffers
   * may be in no queue.
   */
  readonly clients: readonly string[];
  /**
   * By queue: the domain that hands one buffer to several receivers through it, when a frame is for
   * several. Such a buffer may be once in each queue of that domain.
   */
  readonly sharers: ReadonlyMap<string, string>;
}

type Json = Readonly<Record<string, unknown>>;

/** @returns undefined in a system without a network */
export function netEndsOf(system: SystemDescription): NetEnds | undefined {
  const found = new Found();
  for (const { pd } of flatten(system)) {
    const config = objectOf(pd.config);
    if (config === undefined) continue;
    found.program(pd.name, config);
  }
  return found.driver === undefined ? undefined : found;
}

class Found implements NetEnds {
  readonly ends: NetEnd[] = [];
  readonly clients: string[] = [];
  readonly sharers = new Map<string, string>();
  driver: string | undefined;
  readonly #regions = new Map<string, NetRegionUse>();

  get regions(): readonly NetRegionUse[] {
    return [...this.#regions.values()];
  }

  /** By form: driver, receive virtualiser, transmit virtualiser, switch, copiers, client. */
  program(pd: string, config: Json): void {
    const clients = Array.isArray(config['clients']) ? config['clients'].map(objectOf) : undefined;
    const net = objectOf(config['net']);
    if ('rings' in config && 'rx' in config) this.#driver(pd, config);
    else if ('bufferMetadata' in config && clients !== undefined)
      this.#receiver(pd, config, clients);
    else if (clients?.every((client) => Array.isArray(client?.['data'])) === true) {
      this.#transmitter(pd, config, clients);
    } else if ('uplink' in config && Array.isArray(config['ports'])) {
      this.#switch(pd, config['ports'].map(objectOf));
    } else if (Array.isArray(config['sources'])) this.#portCopier(pd, config, config['sources']);
    else if ('clientData' in config) this.#copier(pd, config);
    else if (net !== undefined && 'txData' in net) this.#client(pd, net);
  }

  #driver(pd: string, config: Json): void {
    this.driver = pd;
    this.#pair(pd, config['rx'], 'consumer', 'address');
    this.#pair(pd, config['tx'], 'producer', 'address');
  }

  #receiver(pd: string, config: Json, clients: readonly (Json | undefined)[]): void {
    const data = this.#region(config['data'], 'dma');
    this.#pair(pd, config['driver'], 'producer', 'address');
    for (const client of clients) {
      this.#pair(pd, client?.['connection'], 'consumer', [data]);
      this.#share(client?.['connection'], pd);
    }
  }

  #transmitter(pd: string, config: Json, clients: readonly (Json | undefined)[]): void {
    this.#pair(pd, config['driver'], 'consumer', 'address');
    for (const client of clients) {
      const records: readonly unknown[] = Array.isArray(client?.['data']) ? client['data'] : [];
      const data = records.map((one) => this.#region(one, 'sent'));
      this.#pair(pd, client?.['connection'], 'producer', data);
    }
  }

  /** What a port sends lies in its own region, which the number of the port names from then on. */
  #switch(pd: string, ports: readonly (Json | undefined)[]): void {
    const data = ports.map((port) => {
      const isDma = !Array.isArray(port?.['macs']) || port['macs'].length === 0;
      return this.#region(port?.['txData'], isDma ? 'dma' : 'sent');
    });
    ports.forEach((port, number) => {
      this.#pair(pd, port?.['tx'], 'producer', [data[number] ?? null]);
      this.#pair(pd, port?.['rx'], 'consumer', data);
      this.#share(port?.['rx'], pd);
    });
  }

  #portCopier(pd: string, config: Json, sources: readonly unknown[]): void {
    this.#pair(pd, config['rx'], 'producer', sources.map(regionOf));
    this.#pair(pd, config['client'], 'consumer', [this.#region(config['clientData'], 'copied')]);
  }

  #copier(pd: string, config: Json): void {
    const data = this.#region(config['rxData'], 'dma');
    const isCopying = config['mode'] !== 'dummy';
    const own = isCopying ? this.#region(config['clientData'], 'copied') : data;
    this.#pair(pd, config['rx'], 'producer', [data]);
    this.#pair(pd, config['client'], 'consumer', [own]);
    const sharer = this.sharers.get(queueOf(config['rx']));
    if (!isCopying && sharer !== undefined) this.#share(config['client'], sharer);
  }

  #client(pd: string, net: Json): void {
    this.clients.push(pd);
    const isAlone = 'paddrSymbol' in (objectOf(net['rxData']) ?? {});
    const received = this.#region(net['rxData'], isAlone ? 'dma' : 'copied');
    const sent = this.#region(net['txData'], 'sent');
    this.#pair(pd, net['rx'], 'producer', isAlone ? 'address' : [received]);
    this.#pair(pd, net['tx'], 'consumer', isAlone ? 'address' : [sent]);
  }

  #share(connection: unknown, by: string): void {
    const record = objectOf(connection);
    for (const queue of [record?.['freeQueue'], record?.['activeQueue']]) {
      if (typeof queue === 'string') this.sharers.set(queue, by);
    }
  }

  /**
   * @param free what the domain is at the queue of empty buffers; it is the other at the other
   * queue
   */
  #pair(pd: string, connection: unknown, free: NetEnd['role'], base: EntryBase): void {
    const record = objectOf(connection);
    const [freeQueue, activeQueue] = [record?.['freeQueue'], record?.['activeQueue']];
    const capacity = record?.['capacity'];
    if (typeof freeQueue !== 'string' || typeof activeQueue !== 'string') return;
    if (typeof capacity !== 'number') return;
    const other = free === 'consumer' ? 'producer' : 'consumer';
    this.ends.push({ queue: freeQueue, capacity, pd, role: free, base, kind: 'free' });
    this.ends.push({ queue: activeQueue, capacity, pd, role: other, base, kind: 'active' });
  }

  /** What a region is for is known best by those who are nearest to the device. */
  #region(data: unknown, use: NetRegionUse['use']): NetRegion | null {
    const found = regionOf(data);
    if (found === null) return null;
    const { region, buffers } = found;
    const known = this.#regions.get(region);
    if (known === undefined || (known.use === 'copied' && use === 'dma')) {
      this.#regions.set(region, { region, buffers, use });
    }
    return found;
  }
}

function regionOf(data: unknown): NetRegion | null {
  const record = objectOf(data);
  const [region, buffers] = [record?.['region'], record?.['buffers']];
  return typeof region === 'string' && typeof buffers === 'number' ? { region, buffers } : null;
}

function queueOf(connection: unknown): string {
  const queue = objectOf(connection)?.['freeQueue'];
  return typeof queue === 'string' ? queue : '';
}

function objectOf(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Json)
    : undefined;
}
