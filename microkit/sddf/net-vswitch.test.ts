// The network class with a switch: who is given what, and what the builder refuses.

import { describe, expect, it } from 'vitest';
import type {
  NetClientConfig,
  NetPortCopyConfig,
  NetVirtRxConfig,
  NetVirtTxConfig,
  NetVswitchConfig,
} from '../../queues/net/config.ts';
import { type BuildResult, type PdBuilder, system } from '../builder.ts';
import type { PdDescription, SystemDescription } from '../model.ts';
import { checkRecords } from './check-records.ts';
import { type Net, net, type NetClientOptions } from './net.ts';

const DEVICE = { name: 'virtio_mmio_0', physAddr: 0x1000_1000, sizeBytes: 0x1000, irq: 1 };

interface Parts {
  readonly network: Net;
  readonly pds: readonly PdBuilder[];
  readonly rx: PdBuilder;
}

interface Variant {
  readonly vswitch?: 'none';
  readonly vswitchPriority?: number;
  readonly clients?: number;
  readonly client?: (index: number, copier: PdBuilder) => NetClientOptions;
  readonly rules?: (parts: Parts) => void;
}

function built(variant: Variant): BuildResult {
  const sys = system({ name: 'test' });
  const pd = (name: string, priority: number): PdBuilder =>
    sys.pd(name, { image: `${name}.ts`, priority });
  const [driver, tx, rx] = [pd('driver', 101), pd('virt_tx', 100), pd('virt_rx', 99)];
  const middle =
    variant.vswitch === 'none' ? {} : { vswitch: pd('vswitch', variant.vswitchPriority ?? 97) };
  const network = net(sys, { device: DEVICE, driver, tx, rx, ...middle });
  const pds = Array.from({ length: variant.clients ?? 3 }, (_, index) => {
    const client = pd(`client${index}`, 96);
    const copier = pd(`copier${index}`, 98);
    network.addClient(client, variant.client?.(index, copier) ?? { copier, vswitch: true });
    return client;
  });
  variant.rules?.({ network, pds, rx });
  return sys.build();
}

function sound(result: BuildResult): SystemDescription {
  if (!result.ok) throw new Error(result.errors.map((error) => error.message).join('\n'));
  return result.system;
}

function named(description: SystemDescription, name: string): PdDescription {
  const pd = description.protectionDomains.find((candidate) => candidate.name === name);
  if (pd === undefined) throw new Error(`no ${name}`);
  return pd;
}

function mapped(pd: PdDescription): Record<string, string> {
  const data = pd.maps.filter(({ region }) => region.endsWith('_data'));
  return Object.fromEntries(data.map(({ region, permissions }) => [region, permissions]));
}

function messages(result: BuildResult): string[] {
  return result.ok ? [] : result.errors.map((error) => error.message);
}

/** 0 and 1 reach each other, 2 reaches 0 but not the other way; 0 and 1 have the uplink. */
function rules({ network, pds, rx }: Parts): void {
  const [zero, one, two] = pds as [PdBuilder, PdBuilder, PdBuilder];
  network.addAclRule(zero, one);
  network.addAclRule(zero, two, { aToB: false });
  network.addAclRule(zero, 'uplink');
  network.addAclRule(rx, one);
}

describe('a network with a switch', () => {
  const result = built({ rules });
  const description = sound(result);

  it('says of each port whom it reaches; the uplink is the last', () => {
    const config = named(description, 'vswitch').config as NetVswitchConfig;

    expect(config.uplink).toBe(3);
    expect(config.ports.map(({ reach }) => reach)).toEqual([[1, 3], [0, 3], [0], [0, 1]]);
    expect(config.ports.map(({ macs }) => macs.length)).toEqual([1, 1, 1, 0]);
    expect(config.ports.map(({ txData }) => txData.region)).toEqual([
      'client0_tx_data',
      'client1_tx_data',
      'client2_tx_data',
      'driver_rx_data',
    ]);
  });

  it('lets a copier read only what may be sent to its client, and the switch write nothing', () => {
    expect(mapped(named(description, 'copier0'))).toEqual({
      client0_rx_data: 'rw',
      client1_tx_data: 'r',
      client2_tx_data: 'r',
      driver_rx_data: 'r',
    });
    expect(mapped(named(description, 'copier2'))).toEqual({ client2_rx_data: 'rw' });
    expect(Object.values(mapped(named(description, 'vswitch')))).toEqual(['r', 'r', 'r', 'r']);
    const { sources } = named(description, 'copier1').config as NetPortCopyConfig;
    expect(sources.map((source) => source?.region ?? null)).toEqual([
      'client0_tx_data',
      null,
      null,
      'driver_rx_data',
    ]);
  });

  it('has room for every buffer that may come', () => {
    const config = named(description, 'vswitch').config as NetVswitchConfig;

    // Client 0: 512 each from 1, 2 and the device, as a power of two. Client 2: from nobody.
    expect(config.ports.map(({ rx }) => rx.capacity)).toEqual([2048, 1024, 1, 2048]);
    expect(config.ports.map(({ tx }) => tx.capacity)).toEqual([512, 512, 512, 512]);
  });

  it('is one client of the virtualisers, with all addresses and all data regions', () => {
    const rx = named(description, 'virt_rx').config as NetVirtRxConfig;
    const tx = named(description, 'virt_tx').config as NetVirtTxConfig;

    expect(rx.clients).toHaveLength(1);
    expect(rx.clients[0]?.macs).toEqual([
      '52:54:01:00:00:0a',
      '52:54:01:00:00:0b',
      '52:54:01:00:00:0c',
    ]);
    expect(tx.clients[0]?.data.map(({ region }) => region)).toEqual([
      'client0_tx_data',
      'client1_tx_data',
      'client2_tx_data',
    ]);
    expect(tx.driver.capacity).toBe(2048);
  });

  it('lets clients call the directory, and nobody else', () => {
    const { net: record } = named(description, 'client1').config as { net: NetClientConfig };
    const calls = description.channels.filter(({ a, b }) => a.pp || b.pp);

    expect(record.directory).toBe(record.tx.channel);
    expect(calls.map(({ b }) => b.pd)).toEqual(['client0', 'client1', 'client2']);
  });

  it('passes the checks of its own records, with a warning for whom nobody reaches', () => {
    expect(checkRecords(description)).toEqual([]);
    expect(result.ok && result.warnings.map(({ message }) => message)).toEqual([
      "'client2' is reached by nobody through the switch",
    ]);
  });

  it('has room for clients that are not behind it', () => {
    const mixed = sound(
      built({
        client: (index, copier) => (index === 0 ? { copier } : { copier, vswitch: true }),
        rules: ({ network, pds }) => network.addAclRule(pds[1] as PdBuilder, pds[2] as PdBuilder),
      }),
    );
    const rx = named(mixed, 'virt_rx').config as NetVirtRxConfig;

    expect(rx.clients.map(({ macs }) => macs.length)).toEqual([1, 2]);
    expect((named(mixed, 'vswitch').config as NetVswitchConfig).ports).toHaveLength(3);
  });
});

describe('a switch that makes no sense is refused:', () => {
  it.each<[string, Variant, string]>([
    [
      'a client behind none',
      { vswitch: 'none' },
      "Error: 'client0' is to be behind a switch, and the network has none",
    ],
    [
      'rules without a switch',
      { vswitch: 'none', client: (_, copier) => ({ copier }), rules },
      'Error: access rules without a switch',
    ],
    [
      'nobody behind it',
      { client: (_, copier) => ({ copier }) },
      "Error: no client is behind the switch 'vswitch'",
    ],
    [
      'a client without a copier',
      { client: () => ({ vswitch: true }), rules },
      'Error: behind a switch a client needs a copier',
    ],
    [
      'a copier that does not copy',
      { client: (_, copier) => ({ copier, vswitch: true, mode: 'dummy' }), rules },
      'Error: behind a switch a copier has to copy',
    ],
    [
      'a rule for a stranger',
      {
        client: (index, copier) => ({ copier, vswitch: index > 0 }),
        rules: ({ network, pds }) => network.addAclRule(pds[0] as PdBuilder, 'uplink'),
      },
      "Error: access rule for 'client0', which is not behind the switch",
    ],
    [
      'a rule from somebody to itself',
      {
        rules: ({ network, pds }) => network.addAclRule(pds[0] as PdBuilder, pds[0] as PdBuilder),
      },
      "Error: access rule from 'client0' to itself",
    ],
    [
      'more buffers than a queue has slots',
      { client: (_, copier) => ({ copier, vswitch: true, txBuffers: 16_384 }), rules },
      'Error: buffers of all ports of the switch add up to 49664, above a queue of 32768',
    ],
    [
      'a switch below its clients',
      { vswitchPriority: 96, rules },
      "Error: 'client0' (priority: 96) must have a lower priority than 'vswitch' (priority: 96), which serves it",
    ],
    [
      'a switch above the virtualisers',
      { vswitchPriority: 99, rules },
      "Error: 'vswitch' (priority: 99) must have a lower priority than 'virt_rx' (priority: 99), which serves it",
    ],
  ])('%s', (_what, variant, message) => {
    expect(messages(built(variant))).toContain(message);
  });
});
