/**
 * The network class with a switch (sdfgen's `vswitch`): clients behind it reach each other without
 * the device, as far as an access list lets them. Each has a copier, which maps only what may be
 * sent to its client. To the virtualisers the switch is one client with many addresses and many
 * data regions.
 */

import type {
  NetClientConfig,
  NetData,
  NetPortCopyConfig,
  NetVswitchConfig,
  NetVswitchPort,
} from '../../queues/net/config.ts';
import type { PdBuilder, RegionBuilder, SystemBuilder } from '../builder.ts';
import { ceilPowerOfTwo, roundUpToPages } from './device.ts';
import { NET_BUFFER_BYTES } from '../../queues/classes.ts';
import type { NetClient, NetPlan } from './net-plan.ts';
import { connectQueuePair, type QueuePair } from './queue-pair.ts';
import { translatedData } from './translated.ts';

/** What the virtualisers see of somebody behind them. */
export interface BehindVirtualisers {
  readonly rx: QueuePair;
  readonly tx: QueuePair;
  readonly txData: readonly NetData[];
  readonly macs: readonly string[];
}

export interface VswitchParts {
  readonly sys: SystemBuilder;
  readonly network: NetPlan;
  readonly vswitch: PdBuilder;
  readonly rx: PdBuilder;
  readonly tx: PdBuilder;
  readonly dma: RegionBuilder;
}

/**
 * @returns the clients behind the switch, by the number of their port; the uplink's comes after
 * them
 */
export function vswitchClients(network: NetPlan): readonly NetClient[] {
  return network.clients.filter(({ options }) => options.vswitch === true);
}

/** @returns for each port, whether each port may be reached from it */
export function reachOf(network: NetPlan): readonly (readonly boolean[])[] {
  const clients = vswitchClients(network);
  const { rx, tx } = network.options;
  const portOf = (end: PdBuilder | 'uplink'): number =>
    end === 'uplink' || end === rx || end === tx
      ? clients.length
      : clients.findIndex(({ pd }) => pd === end);
  const reach = Array.from({ length: clients.length + 1 }, () =>
    Array.from({ length: clients.length + 1 }, () => false),
  );
  for (const { a, b, aToB, bToA } of network.aclRules) {
    const [from, to] = [reach[portOf(a)], reach[portOf(b)]];
    if (from === undefined || to === undefined) continue; // reported by the checks
    if (aToB) from[portOf(b)] = true;
    if (bToA) to[portOf(a)] = true;
  }
  return reach;
}

export function connectVswitch(parts: VswitchParts): BehindVirtualisers {
  return new VswitchConnection(parts).connect();
}

/** A client's port while it is being connected. */
interface Port {
  readonly client: NetClient;
  readonly copier: PdBuilder;
  readonly number: number;
  /** Where it puts what it sends. */
  readonly txRegion: RegionBuilder;
}

class VswitchConnection {
  readonly #parts: VswitchParts;
  readonly #ports: readonly Port[];
  readonly #reach: readonly (readonly boolean[])[];

  constructor(parts: VswitchParts) {
    this.#parts = parts;
    this.#reach = reachOf(parts.network);
    this.#ports = vswitchClients(parts.network).flatMap((client, number) => {
      const { copier } = client.options;
      if (copier === undefined) return []; // reported by the checks
      const txRegion = this.#region(`${client.pd.name}_tx_data`, client.txBuffers);
      return [{ client, copier, number, txRegion }];
    });
  }

  connect(): BehindVirtualisers {
    const { sys, network, vswitch, rx, tx, dma } = this.#parts;
    const uplink = this.#ports.length;
    const txSum = this.#ports.reduce((sum, { client }) => sum + client.txBuffers, 0);
    const ofClients = this.#ports.map((port) => this.#connectClient(port));
    const up = {
      rx: connectQueuePair(sys, {
        first: rx,
        second: vswitch,
        direction: 'rx',
        capacity: network.rxBuffers,
      }),
      tx: connectQueuePair(sys, {
        first: tx,
        second: vswitch,
        direction: 'tx',
        capacity: ceilPowerOfTwo(txSum),
      }),
    };
    vswitch.map(dma, { perms: 'r' });
    const metadata = sys.region(`${vswitch.name}_metadata`, {
      size: roundUpToPages(txSum + network.rxBuffers),
    });
    vswitch.map(metadata, { perms: 'rw' });
    const ofUplink = (): NetVswitchPort => ({
      rx: up.tx.ofSecond(),
      tx: up.rx.ofSecond(),
      txData: { region: dma.name, buffers: network.rxBuffers },
      macs: [],
      reach: this.#reachedFrom(uplink),
    });
    vswitch.configure((): NetVswitchConfig => ({
      ports: [...ofClients.map((port) => port()), ofUplink()],
      uplink,
      bufferMetadata: metadata.name,
    }));
    const txData = this.#ports.map(({ txRegion, client }) =>
      translatedData(tx, txRegion, 'r', client.txBuffers),
    );
    return { ...up, txData, macs: this.#ports.map(({ client }) => client.mac) };
  }

  /** @returns the port as the switch sees it, once identifiers are known */
  #connectClient(port: Port): () => NetVswitchPort {
    const { sys, network, vswitch } = this.#parts;
    const { client, copier, txRegion, number } = port;
    const { pd, txBuffers } = client;
    pd.map(txRegion, { perms: 'rw' });
    vswitch.map(txRegion, { perms: 'r' });
    const tx = connectQueuePair(sys, {
      first: vswitch,
      second: pd,
      direction: 'tx',
      capacity: txBuffers,
      // The client may call the switch's directory.
      channel: { b: { pp: true } },
    });
    const rx = connectQueuePair(sys, {
      first: vswitch,
      second: copier,
      direction: 'rx',
      capacity: this.#capacityTo(number),
    });
    const received = this.#connectCopier(port, rx);
    const txData = { region: txRegion.name, buffers: txBuffers };
    pd.configure(() => {
      const connections = { rx: received.pair.ofSecond(), tx: tx.ofSecond() };
      const data = { rxData: received.data, txData };
      const directory = tx.ofSecond().channel;
      const record: NetClientConfig = {
        ...connections,
        ...data,
        mac: client.mac,
        directory,
        device: network.options.device.name,
      };
      return { net: record, ...(client.options.ip === undefined ? {} : { ip: client.options.ip }) };
    });
    return () => ({
      rx: rx.ofFirst(),
      tx: tx.ofFirst(),
      txData,
      macs: [client.mac],
      reach: this.#reachedFrom(number),
    });
  }

  #connectCopier(port: Port, rx: QueuePair): { pair: QueuePair; data: NetData } {
    const { sys } = this.#parts;
    const { client, copier, number } = port;
    const region = this.#region(`${client.pd.name}_rx_data`, client.rxBuffers);
    copier.map(region, { perms: 'rw' });
    client.pd.map(region, { perms: 'rw' });
    const data = { region: region.name, buffers: client.rxBuffers };
    const sources = this.#sourcesOf(number).map((source) => {
      if (source === undefined) return null;
      copier.map(source.region, { perms: 'r' });
      return { region: source.region.name, buffers: source.buffers };
    });
    const pair = connectQueuePair(sys, {
      first: copier,
      second: client.pd,
      direction: 'rx',
      capacity: client.rxBuffers,
    });
    copier.configure((): NetPortCopyConfig => ({
      rx: rx.ofSecond(),
      sources,
      client: pair.ofFirst(),
      clientData: data,
    }));
    return { pair, data };
  }

  /** By port: where the frames lie that it may send to this one. */
  #sourcesOf(to: number): readonly ({ region: RegionBuilder; buffers: number } | undefined)[] {
    const { dma, network } = this.#parts;
    const all = [
      ...this.#ports.map(({ txRegion, client }) => ({
        region: txRegion,
        buffers: client.txBuffers,
      })),
      { region: dma, buffers: network.rxBuffers },
    ];
    return all.map((source, from) => (this.#reach[from]?.[to] === true ? source : undefined));
  }

  /** Room for every buffer that may come, so that an honest receiver's queue never is full. */
  #capacityTo(to: number): number {
    const sum = this.#sourcesOf(to).reduce((total, source) => total + (source?.buffers ?? 0), 0);
    return ceilPowerOfTwo(sum);
  }

  #reachedFrom(port: number): readonly number[] {
    return (this.#reach[port] ?? []).flatMap((may, other) => (may ? [other] : []));
  }

  #region(name: string, buffers: number): RegionBuilder {
    return this.#parts.sys.region(name, { size: roundUpToPages(buffers * NET_BUFFER_BYTES) });
  }
}
