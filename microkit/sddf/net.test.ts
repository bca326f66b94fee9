// The network class: the records, regions and permissions that it makes for each of the four paths,
// and its refusals.

import { describe, expect, it } from 'vitest';
import type {
  NetClientConfig,
  NetCopyConfig,
  NetDriverConfig,
  NetVirtRxConfig,
  NetVirtTxConfig,
} from '../../queues/net/config.ts';
import type { BuildResult, PdBuilder, PdOptions } from '../builder.ts';
import { system } from '../builder.ts';
import type { PdDescription, SystemDescription } from '../model.ts';
import type { NetClientOptions } from './net.ts';
import { net } from './net.ts';

const DEVICE = { name: 'virtio_mmio_0', physAddr: 0x1000_1000, sizeBytes: 0x1000, irq: 1 };

interface Variant {
  readonly clients: readonly NetClientOptions[];
  readonly copiers?: 'no' | 'yes';
  readonly alone?: 'yes';
  readonly clientPriority?: number;
  readonly rxBuffers?: number;
}

function built(variant: Variant): BuildResult {
  const sys = system({ name: 'test' });
  const pd = (name: string, priority: number, options: PdOptions = {}): PdBuilder =>
    sys.pd(name, { image: `${name}.ts`, priority, ...options });
  const driver = pd('driver', 101);
  const virtualisers =
    variant.alone === 'yes' ? {} : { tx: pd('virt_tx', 100), rx: pd('virt_rx', 99) };
  const { rxBuffers } = variant;
  const sizes = rxBuffers === undefined ? {} : { rxBuffers };
  const network = net(sys, { device: DEVICE, driver, ...virtualisers, ...sizes });
  for (const [index, options] of variant.clients.entries()) {
    const copier = variant.copiers === 'yes' ? { copier: pd(`copy${index}`, 98) } : {};
    network.addClient(pd(`client${index}`, variant.clientPriority ?? 97), {
      ...copier,
      ...options,
    });
  }
  return sys.build();
}

function sound(result: BuildResult): SystemDescription {
  if (!result.ok) throw new Error(result.errors.map((error) => error.message).join('\n'));
  return result.system;
}

function messages(result: BuildResult): string[] {
  return result.ok ? [] : result.errors.map((error) => error.message);
}

function named(system: SystemDescription, name: string): PdDescription {
  const pd = system.protectionDomains.find((candidate) => candidate.name === name);
  if (pd === undefined) throw new Error(`no ${name}`);
  return pd;
}

function permissions(pd: PdDescription, region: string): string | undefined {
  return pd.maps.find((map) => map.region === region)?.permissions;
}

describe('the path of five domains', () => {
  const system5 = sound(built({ copiers: 'yes', clients: [{ ip: '10.0.2.15' }, {}] }));

  it('gives the driver rings, and queues for the sum of all transmit buffers', () => {
    const config = named(system5, 'driver').config as NetDriverConfig;

    expect(config.tx.capacity).toBe(1024);
    expect(config.rx.capacity).toBe(512);
    expect(config.registers).toBe('virtio_mmio_0');
    expect(named(system5, 'driver').setvars).toEqual([
      { symbol: config.ringsPaddrSymbol, region: config.rings },
    ]);
  });

  it('rounds queue regions up to pages, as sdfgen does', () => {
    const size = (name: string): bigint | undefined =>
      system5.regions.find((region) => region.name === name)?.size;

    expect(size('driver_virt_rx_rx_free')).toBe(0x3000n);
    expect(size('driver_virt_tx_tx_active')).toBe(0x5000n);
    expect(size('driver_rx_data')).toBe(0x10_0000n);
    expect(size('client0_tx_data')).toBe(0x10_0000n);
  });

  it('maps data with the least permissions that each domain needs', () => {
    expect(permissions(named(system5, 'virt_rx'), 'driver_rx_data')).toBe('r');
    expect(permissions(named(system5, 'copy0'), 'driver_rx_data')).toBe('r');
    expect(permissions(named(system5, 'client0'), 'driver_rx_data')).toBeUndefined();
    expect(permissions(named(system5, 'copy0'), 'client0_rx_data')).toBe('rw');
    expect(permissions(named(system5, 'virt_tx'), 'client0_tx_data')).toBe('r');
    expect(permissions(named(system5, 'client1'), 'client0_tx_data')).toBeUndefined();
    expect(permissions(named(system5, 'virt_tx'), 'driver_rx_data')).toBeUndefined();
  });

  it('hands each domain the identifiers of its own ends', () => {
    const client = named(system5, 'client1').config as { net: NetClientConfig };
    const copy = named(system5, 'copy1').config as NetCopyConfig;
    const channel = system5.channels.find(({ a, b }) => a.pd === 'copy1' && b.pd === 'client1');

    expect(channel?.a.id).toBe(copy.client.channel);
    expect(channel?.b.id).toBe(client.net.rx.channel);
    expect(copy.mode).toBe('copy');
  });

  it('numbers the clients and their addresses in the order they were added', () => {
    const virt = named(system5, 'virt_rx').config as NetVirtRxConfig;
    const client = named(system5, 'client0').config as { net: NetClientConfig; ip: string };

    expect(virt.clients.map((each) => each.macs)).toEqual([
      ['52:54:01:00:00:0a'],
      ['52:54:01:00:00:0b'],
    ]);
    expect(client.ip).toBe('10.0.2.15');
    expect(client.net.mac).toBe('52:54:01:00:00:0a');
  });
});

describe('the other paths', () => {
  it('lets a client without a copier map the DMA region', () => {
    const description = sound(built({ clients: [{}] }));
    const client = named(description, 'client0').config as { net: NetClientConfig };

    expect(permissions(named(description, 'client0'), 'driver_rx_data')).toBe('rw');
    expect(client.net.rxData).toEqual({ region: 'driver_rx_data', buffers: 512 });
  });

  it('gives a client alone with its driver the physical addresses', () => {
    const description = sound(built({ alone: 'yes', clients: [{ txBuffers: 256 }] }));
    const client = named(description, 'client0');
    const { net: record } = client.config as { net: NetClientConfig };

    expect(description.protectionDomains).toHaveLength(2);
    expect(client.setvars.map((setvar) => setvar.symbol)).toEqual([
      record.rxData.paddrSymbol,
      record.txData.paddrSymbol,
    ]);
    expect((named(description, 'driver').config as NetDriverConfig).tx.capacity).toBe(256);
  });

  it('marks a copier that does not copy', () => {
    const description = sound(built({ copiers: 'yes', clients: [{ mode: 'dummy' }] }));

    expect((named(description, 'copy0').config as NetCopyConfig).mode).toBe('dummy');
  });

  it('gives the transmit virtualiser a physical address for each client', () => {
    const description = sound(built({ clients: [{}, {}, {}] }));
    const virt = named(description, 'virt_tx').config as NetVirtTxConfig;

    expect(virt.clients.map((client) => client.data[0]?.paddrSymbol)).toEqual([
      'client0_tx_data_paddr',
      'client1_tx_data_paddr',
      'client2_tx_data_paddr',
    ]);
    expect(virt.driver.capacity).toBe(2048);
  });
});

describe('memory at a certain place', () => {
  it('holds the receive buffers when it is given', () => {
    const sys = system({ name: 'placed' });
    const driver = sys.pd('driver', { priority: 2 });
    const rxData = sys.region('placed', { size: '1M', physAddr: 0x8500_0000 });
    const network = net(sys, { device: DEVICE, driver, rxData });
    network.addClient(sys.pd('client', { priority: 1 }));
    const description = sound(sys.build());
    const client = named(description, 'client').config as { net: NetClientConfig };

    expect(client.net.rxData.region).toBe('placed');
    expect(permissions(named(description, 'client'), 'placed')).toBe('rw');
    expect(description.regions.map(({ name }) => name)).not.toContain('driver_rx_data');
  });
});

describe('what is refused', () => {
  it.each([
    ['a network without clients', { clients: [] }, 'network without clients'],
    ['a capacity that does not divide 65536', { clients: [{ txBuffers: 100 }] }, 'power of two'],
    ['receive buffers that do not', { rxBuffers: 3, clients: [{}] }, 'rxBuffers is 3'],
    ['one address for two', { clients: [{}, { mac: '52:54:01:00:00:0A' }] }, 'has the address'],
    ['a multicast address', { clients: [{ mac: '01:00:5e:00:00:01' }] }, 'multicast'],
    ['no address', { clients: [{ mac: '52:54' }] }, 'not an Ethernet address'],
    ['a client above the virtualiser', { clients: [{}], clientPriority: 99 }, 'lower priority'],
    ['two clients without virtualisers', { alone: 'yes', clients: [{}, {}] }, 'one client'],
    [
      'more transmit buffers than a queue can hold',
      { clients: [{ txBuffers: 32_768 }, { txBuffers: 1 }] },
      'add up to 32769',
    ],
  ] satisfies [string, Variant, string][])('%s', (_name, variant, expected) => {
    expect(messages(built(variant)).join('\n')).toContain(expected);
  });

  it('reports every mistake at once', () => {
    const found = messages(built({ rxBuffers: 3, clients: [{ mac: 'x' }, { txBuffers: 5 }] }));

    expect(found.length).toBeGreaterThanOrEqual(3);
  });
});
