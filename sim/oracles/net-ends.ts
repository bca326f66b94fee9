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
}

type Json = Readonly<Record<string, unknown>>;

/**
 * @returns undefined when some part of the network has a form that is not known here, such as a
 * switch
 */
export function netEndsOf(system: SystemDescription): NetEnds | undefined {
  const found = new Found();
  for (const { pd } of flatten(system)) {
    const config = objectOf(pd.config);
    if (config === undefined) continue;
    if ('ports' in config && 'uplink' in config) return undefined;
    found.program(pd.name, config);
  }
  return found.driver === undefined ? undefined : found;
}

class Found implements NetEnds {
  readonly ends: NetEnd[] = [];
  readonly clients: string[] = [];
  driver: string | undefined;
  readonly #regions = new Map<string, NetRegionUse>();

  get regions(): readonly NetRegionUse[] {
    return [...this.#regions.values()];
  }

  /** By form: driver, receive virtualiser, transmit virtualiser, copier, client. */
  program(pd: string, config: Json): void {
    const clients = Array.isArray(config['clients']) ? config['clients'].map(objectOf) : undefined;
    const net = objectOf(config['net']);
    if ('rings' in config && 'rx' in config) this.#driver(pd, config);
    else if ('bufferMetadata' in config && clients !== undefined)
      this.#receiver(pd, config, clients);
    else if (clients?.every((client) => Array.isArray(client?.['data'])) === true) {
      this.#transmitter(pd, config, clients);
    } else if ('clientData' in config) this.#copier(pd, config);
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
    for (const client of clients) this.#pair(pd, client?.['connection'], 'consumer', [data]);
  }

  #transmitter(pd: string, config: Json, clients: readonly (Json | undefined)[]): void {
    this.#pair(pd, config['driver'], 'consumer', 'address');
    for (const client of clients) {
      const records: readonly unknown[] = Array.isArray(client?.['data']) ? client['data'] : [];
      const data = records.map((one) => this.#region(one, 'sent'));
      this.#pair(pd, client?.['connection'], 'producer', data);
    }
  }

  #copier(pd: string, config: Json): void {
    const data = this.#region(config['rxData'], 'dma');
    const isCopying = config['mode'] !== 'dummy';
    const own = isCopying ? this.#region(config['clientData'], 'copied') : data;
    this.#pair(pd, config['rx'], 'producer', [data]);
    this.#pair(pd, config['client'], 'consumer', [own]);
  }

  #client(pd: string, net: Json): void {
    this.clients.push(pd);
    const isAlone = 'paddrSymbol' in (objectOf(net['rxData']) ?? {});
    const received = this.#region(net['rxData'], isAlone ? 'dma' : 'copied');
    const sent = this.#region(net['txData'], 'sent');
    this.#pair(pd, net['rx'], 'producer', isAlone ? 'address' : [received]);
    this.#pair(pd, net['tx'], 'consumer', isAlone ? 'address' : [sent]);
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
    const record = objectOf(data);
    const [region, buffers] = [record?.['region'], record?.['buffers']];
    if (typeof region !== 'string' || typeof buffers !== 'number') return null;
    const known = this.#regions.get(region);
    if (known === undefined || (known.use === 'copied' && use === 'dma')) {
      this.#regions.set(region, { region, buffers, use });
    }
    return { region, buffers };
  }
}

function objectOf(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Json)
    : undefined;
}
