/**
 * The block class: connects a driver, a virtualiser and clients with queues, data regions and
 * channels, and makes the configuration record of each. Sizes are sdfgen's (sDDF 0.7). The
 * virtualiser maps client data read-only, and only to know where it lies: it never looks at it.
 *
 *     const disk = blk(sys, { device, driver, virt, policy: { kind: 'drr', quantumBytes: 65_536 } });
 *     disk.addClient(client, { partition: 0 });        // the client finds its record as `config.blk`
 *
 * A policy of token buckets and a watchdog need a timer: `time.addClient(virt)`,
 * `time.addClient(driver)`.
 */

import type {
  BlkClientConfig,
  BlkConnection,
  BlkDriverConfig,
  BlkPolicyConfig,
  BlkShare,
  BlkVirtClientConfig,
  BlkVirtConfig,
} from '../../queues/blk/config.ts';
import { BLK_CLASS, queueBytes, queueOf, STORAGE_INFO_BYTES } from '../../queues/classes.ts';
import type { PdBuilder, RegionBuilder, Size, SystemBuilder } from '../builder.ts';
import type { DeviceNode } from './device.ts';
import { attachDevice, ceilPowerOfTwo, isPowerOfTwo, roundUpToPages } from './device.ts';
import { checkNewClient, checkPriorities } from './priorities.ts';
import { mapTranslated } from './translated.ts';

const HARDWARE_RING_BYTES = 0x1_0000;
/** A GPT of 128 entries in one read, and then some; upstream has 40 KiB. */
const TABLE_BYTES = 0x1_0000;
const DEFAULT_CAPACITY = 128;
const DEFAULT_DATA_SIZE = '2M';
const DEFAULT_WINDOW = 64;
const DEFAULT_RING_ENTRIES = 128;
const DEFAULT_RETRIES = 2;
const CAPACITY_MAX = 32_768;

export interface BlkOptions {
  readonly device: DeviceNode;
  readonly driver: PdBuilder;
  readonly virt: PdBuilder;
  /** Round robin unless told. */
  readonly policy?: BlkPolicyConfig;
  /**
   * Requests that the driver is given at once; 64 unless told. The policy decides over those
   * behind.
   */
  readonly window?: number;
  /** Descriptors asked for in the virtqueue; a power of two, 128 unless told. */
  readonly ringEntries?: number;
  /** How often a block that failed is tried again; 2 unless told. */
  readonly retries?: number;
  /**
   * A request that stays unanswered this long resets the device; the driver needs a timer for it.
   */
  readonly watchdogNs?: number;
}

export interface BlkClientOptions {
  readonly partition: number | 'whole';
  /** Slots of its queues; a power of two, 128 unless told. */
  readonly queueCapacity?: number;
  /** Its data region; 2 MiB unless told. */
  readonly dataSize?: Size;
  readonly share?: BlkShare;
  /** Name of its record in the client's configuration; `blk` unless told. */
  readonly as?: string;
}

interface BlkClient {
  readonly pd: PdBuilder;
  readonly options: BlkClientOptions;
  readonly capacity: number;
}

/**
 * Begins the block class of one device. `sys.build()` connects the clients that were added to it.
 */
export function blk(sys: SystemBuilder, options: BlkOptions): Blk {
  const made = new Blk(sys, options);
  sys.extend(made);
  return made;
}

/** A disk while it is being described: see {@link blk}. */
export class Blk {
  readonly #sys: SystemBuilder;
  readonly #options: BlkOptions;
  readonly #clients: BlkClient[] = [];

  constructor(sys: SystemBuilder, options: BlkOptions) {
    this.#sys = sys;
    this.#options = options;
  }

  addClient(pd: PdBuilder, options: BlkClientOptions): void {
    const { driver, virt } = this.#options;
    const known = [driver, virt, ...this.#clients.map((client) => client.pd)];
    if (!checkNewClient(this.#sys, known, pd, `the disk of '${driver.name}'`)) return;
    const capacity = options.queueCapacity ?? DEFAULT_CAPACITY;
    this.#clients.push({ pd, options, capacity });
  }

  /** Called by `build()`. */
  connect(): void {
    if (this.#check() === 'faulty') return;
    const { driver, virt, device, policy = { kind: 'round-robin' } } = this.#options;
    const { registers, irq } = attachDevice(this.#sys, driver, device);
    const rings = this.#region(`${driver.name}_rings`, HARDWARE_RING_BYTES);
    const ringsPaddrSymbol = mapTranslated(driver, rings, 'rw');
    const sum = this.#clients.reduce((total, client) => total + client.capacity, 0);
    // Room for every client's requests and the virtualiser's own.
    const pair = this.#connection(driver, virt, ceilPowerOfTwo(sum + 1));
    driver.configure((): BlkDriverConfig => ({
      registers,
      rings: rings.name,
      ringsPaddrSymbol,
      irq: irq.value,
      ringEntries: this.#options.ringEntries ?? DEFAULT_RING_ENTRIES,
      retries: this.#options.retries ?? DEFAULT_RETRIES,
      virt: pair.ofFirst(),
      ...(this.#options.watchdogNs === undefined ? {} : { watchdogNs: this.#options.watchdogNs }),
    }));
    const table = this.#region(`${virt.name}_table`, TABLE_BYTES);
    const tablePaddr = mapTranslated(virt, table, 'rw');
    const clients = this.#clients.map((client) => this.#connectClient(client));
    virt.configure((): BlkVirtConfig => ({
      driver: pair.ofSecond(),
      table: { region: table.name, paddrSymbol: tablePaddr },
      window: this.#options.window ?? DEFAULT_WINDOW,
      policy,
      clients: clients.map((client) => client()),
    }));
  }

  /** @returns what the virtualiser sees of the client, once identifiers are known */
  #connectClient({ pd, options, capacity }: BlkClient): () => BlkVirtClientConfig {
    const { virt } = this.#options;
    const data = this.#sys.region(`${pd.name}_${virt.name}_data`, {
      size: options.dataSize ?? DEFAULT_DATA_SIZE,
    });
    const paddrSymbol = mapTranslated(virt, data, 'r');
    pd.map(data, { perms: 'rw' });
    const pair = this.#connection(virt, pd, capacity);
    pd.configure(() => {
      const record: BlkClientConfig = { virt: pair.ofSecond(), data: { region: data.name } };
      return { [options.as ?? 'blk']: record };
    });
    return () => ({
      name: pd.name,
      connection: pair.ofFirst(),
      data: { region: data.name, paddrSymbol },
      partition: options.partition,
      ...(options.share === undefined ? {} : { share: options.share }),
    });
  }

  /**
   * Queues, storage information and channel between two domains; the first is nearer to the device.
   */
  #connection(
    first: PdBuilder,
    second: PdBuilder,
    capacity: number,
  ): { ofFirst: () => BlkConnection; ofSecond: () => BlkConnection } {
    const prefix = `${first.name}_${second.name}`;
    const bytesOf = (field: string): number => queueBytes(queueOf(BLK_CLASS, field), capacity);
    const regions = {
      storageInfo: this.#region(`${prefix}_info`, STORAGE_INFO_BYTES),
      requestQueue: this.#region(`${prefix}_requests`, bytesOf('requestQueue')),
      responseQueue: this.#region(`${prefix}_responses`, bytesOf('responseQueue')),
    };
    for (const pd of [first, second]) {
      pd.map(regions.storageInfo, { perms: pd === first ? 'rw' : 'r' });
      pd.map(regions.requestQueue, { perms: 'rw' });
      pd.map(regions.responseQueue, { perms: 'rw' });
    }
    const channel = this.#sys.channel(first, second);
    const common = {
      storageInfo: regions.storageInfo.name,
      requestQueue: regions.requestQueue.name,
      responseQueue: regions.responseQueue.name,
      capacity,
    };
    return {
      ofFirst: () => ({ ...common, channel: channel.a.value }),
      ofSecond: () => ({ ...common, channel: channel.b.value }),
    };
  }

  /** Reports everything that is wrong. @returns whether it makes sense to connect */
  #check(): 'sound' | 'faulty' {
    const { driver, virt } = this.#options;
    const path = `disk of '${driver.name}'`;
    const messages: string[] = [];
    if (this.#clients.length === 0) messages.push('a disk without clients');
    for (const { pd, capacity, options } of this.#clients) {
      if (!isPowerOfTwo(capacity) || capacity > CAPACITY_MAX) {
        messages.push(
          `queueCapacity of '${pd.name}' is ${capacity}, not a power of two up to ${CAPACITY_MAX}`,
        );
      }
      const { partition } = options;
      if (partition !== 'whole' && (!Number.isInteger(partition) || partition < 0)) {
        messages.push(`partition of '${pd.name}' is ${partition}, not 0, 1, 2 … or 'whole'`);
      }
      checkPriorities(this.#sys, [pd, virt, driver]);
    }
    for (const message of messages) this.#sys.problem({ message: `Error: ${message}`, path });
    return messages.length === 0 ? 'sound' : 'faulty';
  }

  #region(name: string, sizeBytes: number): RegionBuilder {
    return this.#sys.region(name, { size: roundUpToPages(sizeBytes) });
  }
}
