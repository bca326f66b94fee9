/**
 * The network class: connects a driver, two virtualisers, copiers and clients with queues, data
 * regions and channels, and makes the configuration record of each. Sizes and permissions are
 * sdfgen's (sDDF 0.7), except that a copier maps the DMA region read-only, as sDDF's own
 * documentation asks.
 *
 *     const network = net(sys, { device, driver, rx, tx });
 *     network.addClient(client, { copier, mac: '52:54:01:00:00:0a' });  // five domains on the path
 *     network.addClient(client);                                        // four: the client maps the DMA region
 *     net(sys, { device, driver }).addClient(client);                   // two: client and driver alone
 *
 * With `vswitch`, clients reach each other through a switch, as far as `network.addAclRule(a, b)`
 * lets them.
 *
 * The driver's and the virtualisers' records are their whole configuration; a client finds its own
 * as `config.net`, or by the name that it is added with.
 */

import type {
  NetClientConfig,
  NetCopyConfig,
  NetData,
  NetDriverConfig,
  NetVirtRxConfig,
  NetVirtTxConfig,
} from '../../queues/net/config.ts';
import { NET_BUFFER_BYTES } from '../../queues/classes.ts';
import type { PdBuilder, RegionBuilder, SystemBuilder } from '../builder.ts';
import { attachDevice, ceilPowerOfTwo, roundUpToPages } from './device.ts';
import { checkNet } from './net-checks.ts';
import { defaultMac } from './mac.ts';
import {
  type AclRule,
  type NetClient,
  type NetClientOptions,
  type NetOptions,
  type NetPlan,
} from './net-plan.ts';
import { type BehindVirtualisers, connectVswitch, vswitchClients } from './net-vswitch.ts';
import { checkNewClient } from './priorities.ts';
import type { QueuePair } from './queue-pair.ts';
import { connectQueuePair } from './queue-pair.ts';
import { mapTranslated, translatedData } from './translated.ts';

export { NET_BUFFER_BYTES } from '../../queues/classes.ts';
export type { NetClientOptions, NetOptions } from './net-plan.ts';

const DEFAULT_BUFFERS = 512;
const HARDWARE_RING_BYTES = 0x1_0000;

/**
 * Begins the network class of one device. `sys.build()` connects the clients that were added to it.
 */
export function net(sys: SystemBuilder, options: NetOptions): Net {
  const made = new Net(sys, options);
  sys.extend(made);
  return made;
}

/** The virtualisers, and the receive buffers that the device writes to. */
interface Virtualisers {
  readonly rx: PdBuilder;
  readonly tx: PdBuilder;
  readonly dma: RegionBuilder;
}

/** A network while it is being described: see {@link net}. */
export class Net implements NetPlan {
  readonly options: NetOptions;
  readonly rxBuffers: number;
  readonly clients: NetClient[] = [];
  readonly aclRules: AclRule[] = [];
  readonly #sys: SystemBuilder;

  constructor(sys: SystemBuilder, options: NetOptions) {
    this.#sys = sys;
    this.options = options;
    this.rxBuffers = options.rxBuffers ?? DEFAULT_BUFFERS;
  }

  addClient(pd: PdBuilder, options: NetClientOptions = {}): void {
    const { driver, rx, tx, vswitch } = this.options;
    const members = [driver, rx, tx, vswitch, ...this.clients.map((client) => client.pd)];
    const known = members.filter((member) => member !== undefined);
    if (!checkNewClient(this.#sys, known, pd, `the network of '${driver.name}'`)) return;
    this.clients.push({
      pd,
      options,
      mac: options.mac ?? defaultMac(this.clients.length),
      rxBuffers:
        options.copier === undefined ? this.rxBuffers : (options.rxBuffers ?? DEFAULT_BUFFERS),
      txBuffers: options.txBuffers ?? DEFAULT_BUFFERS,
    });
  }

  /**
   * Lets two clients behind the switch, or a client and the uplink, reach each other; in one
   * direction only when told so. Without a rule nobody reaches anybody.
   */
  addAclRule(
    a: PdBuilder | 'uplink',
    b: PdBuilder | 'uplink',
    { aToB = true, bToA = true }: { readonly aToB?: boolean; readonly bToA?: boolean } = {},
  ): void {
    this.aclRules.push({ a, b, aToB, bToA });
  }

  /** Called by `build()`. */
  connect(): void {
    if (checkNet(this.#sys, this) === 'faulty') return;
    const { driver, rx, tx, device, ringEntries = 512 } = this.options;
    const { registers, irq } = attachDevice(this.#sys, driver, device);
    const rings = this.#region(`${driver.name}_rings`, HARDWARE_RING_BYTES);
    const dma =
      this.options.rxData ??
      this.#region(`${driver.name}_rx_data`, this.rxBuffers * NET_BUFFER_BYTES);
    const ringsPaddrSymbol = mapTranslated(driver, rings, 'rw');
    const virtualised = rx !== undefined && tx !== undefined;
    const pairs = virtualised ? this.#connectVirtualisers(rx, tx, dma) : this.#connectAlone(dma);
    driver.configure((): NetDriverConfig => {
      const connections = { rx: pairs.rx.ofFirst(), tx: pairs.tx.ofFirst() };
      const hardware = { registers, rings: rings.name, ringsPaddrSymbol, irq: irq.value };
      const { watchdogNs } = this.options;
      const watch = watchdogNs === undefined ? {} : { watchdogNs };
      return { ...hardware, ringEntries, ...connections, ...watch };
    });
  }

  /**
   * Two domains: the queues' entries hold physical addresses, and the client does what virtualisers
   * do.
   */
  #connectAlone(dma: RegionBuilder): { rx: QueuePair; tx: QueuePair } {
    const [client] = this.clients as [NetClient];
    const { driver } = this.options;
    const tx = this.#txRegion(client);
    const pairs = {
      rx: this.#pair(driver, client.pd, 'rx', this.rxBuffers),
      tx: this.#pair(driver, client.pd, 'tx', client.txBuffers),
    };
    this.#configureClient(client, pairs, {
      rxData: translatedData(client.pd, dma, 'rw', this.rxBuffers),
      txData: translatedData(client.pd, tx, 'rw', client.txBuffers),
    });
    return pairs;
  }

  #connectVirtualisers(
    rx: PdBuilder,
    tx: PdBuilder,
    dma: RegionBuilder,
  ): { rx: QueuePair; tx: QueuePair } {
    const { driver } = this.options;
    const txSum = this.clients.reduce((sum, client) => sum + client.txBuffers, 0);
    const pairs = {
      rx: this.#pair(driver, rx, 'rx', this.rxBuffers),
      tx: this.#pair(driver, tx, 'tx', ceilPowerOfTwo(txSum)),
    };
    const metadata = this.#region(`${rx.name}_metadata`, roundUpToPages(this.rxBuffers));
    rx.map(metadata, { perms: 'rw' });
    const data = translatedData(rx, dma, 'r', this.rxBuffers);
    const clients = this.#connectBehind({ rx, tx, dma });
    rx.configure((): NetVirtRxConfig => ({
      driver: pairs.rx.ofSecond(),
      data,
      bufferMetadata: metadata.name,
      clients: clients.map(({ rx: pair, macs }) => ({ connection: pair.ofFirst(), macs })),
    }));
    tx.configure((): NetVirtTxConfig => ({
      driver: pairs.tx.ofSecond(),
      clients: clients.map(({ tx: pair, txData }) => ({
        connection: pair.ofFirst(),
        data: txData,
      })),
    }));
    return pairs;
  }

  /** Clients of the virtualisers; the switch, with all that are behind it, is the last of them. */
  #connectBehind(virtualisers: Virtualisers): readonly BehindVirtualisers[] {
    const switched = vswitchClients(this);
    const direct = this.clients.filter((client) => !switched.includes(client));
    const behind = direct.map((client) => this.#connectClient(client, virtualisers));
    const { vswitch } = this.options;
    if (vswitch === undefined) return behind;
    const parts = { sys: this.#sys, network: this, vswitch, ...virtualisers };
    return [...behind, connectVswitch(parts)];
  }

  /** @returns what the virtualisers see of this client */
  #connectClient(client: NetClient, behind: Virtualisers): BehindVirtualisers {
    const { pd, txBuffers, mac } = client;
    const { copier } = client.options;
    const { rx, tx, dma } = behind;
    const txRegion = this.#txRegion(client);
    pd.map(txRegion, { perms: 'rw' });
    const txPair = this.#pair(tx, pd, 'tx', txBuffers);
    const rxPair = this.#pair(rx, copier ?? pd, 'rx', this.rxBuffers);
    const txData = { region: txRegion.name, buffers: txBuffers };
    if (copier === undefined) {
      pd.map(dma, { perms: 'rw' });
      const rxData = { region: dma.name, buffers: this.rxBuffers };
      this.#configureClient(client, { rx: rxPair, tx: txPair }, { rxData, txData });
    } else {
      const received = this.#connectCopier(client, { copier, dma, rx: rxPair });
      this.#configureClient(
        client,
        { rx: received.pair, tx: txPair },
        { rxData: received.data, txData },
      );
    }
    const translated = [translatedData(tx, txRegion, 'r', txBuffers)];
    return { rx: rxPair, tx: txPair, txData: translated, macs: [mac] };
  }

  #connectCopier(
    client: NetClient,
    from: { readonly copier: PdBuilder; readonly dma: RegionBuilder; readonly rx: QueuePair },
  ): { pair: QueuePair; data: NetData } {
    const { pd } = client;
    const { mode = 'copy' } = client.options;
    const rxData = { region: from.dma.name, buffers: this.rxBuffers };
    from.copier.map(from.dma, { perms: 'r' });
    const data = mode === 'dummy' ? rxData : this.#ownRxData(client, from.copier);
    // A copier that does not copy passes the DMA buffers on, and the client maps them as it does
    // without a copier.
    if (mode === 'dummy') pd.map(from.dma, { perms: 'rw' });
    const pair = this.#pair(from.copier, pd, 'rx', data.buffers);
    from.copier.configure((): NetCopyConfig => ({
      rx: from.rx.ofSecond(),
      rxData,
      client: pair.ofFirst(),
      clientData: data,
      mode,
    }));
    return { pair, data };
  }

  /** The client's own receive buffers, which its copier fills. */
  #ownRxData(client: NetClient, copier: PdBuilder): NetData {
    const { pd, rxBuffers } = client;
    const region = this.#region(`${dataName(client)}_rx_data`, rxBuffers * NET_BUFFER_BYTES);
    copier.map(region, { perms: 'rw' });
    pd.map(region, { perms: 'rw' });
    return { region: region.name, buffers: rxBuffers };
  }

  #pair(first: PdBuilder, second: PdBuilder, direction: 'rx' | 'tx', capacity: number): QueuePair {
    return connectQueuePair(this.#sys, { first, second, direction, capacity });
  }

  #txRegion(client: NetClient): RegionBuilder {
    return this.#region(`${dataName(client)}_tx_data`, client.txBuffers * NET_BUFFER_BYTES);
  }

  #region(name: string, sizeBytes: number): RegionBuilder {
    return this.#sys.region(name, { size: roundUpToPages(sizeBytes) });
  }

  #configureClient(
    { pd, mac, options }: NetClient,
    pairs: { readonly rx: QueuePair; readonly tx: QueuePair },
    data: Pick<NetClientConfig, 'rxData' | 'txData'>,
  ): void {
    const { device } = this.options;
    pd.configure(() => {
      const connections = { rx: pairs.rx.ofSecond(), tx: pairs.tx.ofSecond() };
      const record: NetClientConfig = { ...connections, ...data, mac, device: device.name };
      const address = options.ip === undefined ? {} : { ip: options.ip };
      if (options.as !== undefined) return { [options.as]: { ...record, ...address } };
      return { net: record, ...address };
    });
  }
}

/** What its data regions are named after. */
function dataName({ pd, options }: NetClient): string {
  return options.as === undefined ? pd.name : `${pd.name}_${options.as}`;
}
