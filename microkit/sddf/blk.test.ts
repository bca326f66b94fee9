/** The block class: records, regions and permissions that it makes, and what it refuses. */

import { describe, expect, it } from 'vitest';
import type { BlkClientConfig, BlkDriverConfig, BlkVirtConfig } from '../../queues/blk/config.ts';
import { type BuildResult, system } from '../builder.ts';
import type { SystemDescription } from '../model.ts';
import { blk, type BlkClientOptions } from './blk.ts';

const DEVICE = { name: 'virtio_blk', physAddr: 0x1000_2000, sizeBytes: 0x1000, irq: 2 };

function build(clients: readonly BlkClientOptions[], clientPriority = 1): BuildResult {
  const sys = system({ name: 'test' });
  const driver = sys.pd('driver', { image: 'driver.ts', priority: 200 });
  const virt = sys.pd('virt', { image: 'virt.ts', priority: 199 });
  const disk = blk(sys, { device: DEVICE, driver, virt, policy: { kind: 'strict' }, window: 8 });
  for (const [index, options] of clients.entries()) {
    const pd = sys.pd(`client${index}`, { image: 'client.ts', priority: clientPriority });
    disk.addClient(pd, options);
  }
  return sys.build();
}

function sound(result: BuildResult): SystemDescription {
  if (!result.ok) throw new Error(result.errors.map((error) => error.message).join('\n'));
  return result.system;
}

function pdOf(built: SystemDescription, name: string) {
  const pd = built.protectionDomains.find((one) => one.name === name);
  if (pd === undefined) throw new Error(`no ${name}`);
  return pd;
}

describe('the block class', () => {
  it("gives sdfgen's sizes, a power of two for the driver's queues, and matching channels", () => {
    const built = sound(build([{ partition: 0 }, { partition: 'whole', queueCapacity: 64 }]));
    const driver = pdOf(built, 'driver').config as BlkDriverConfig;
    const virt = pdOf(built, 'virt').config as BlkVirtConfig;
    const client = (pdOf(built, 'client1').config as { blk: BlkClientConfig }).blk;

    expect(driver.virt.capacity).toBe(256);
    expect(virt.driver).toEqual({ ...driver.virt, channel: virt.driver.channel });
    expect(virt.clients.map(({ name, partition }) => [name, partition])).toEqual([
      ['client0', 0],
      ['client1', 'whole'],
    ]);
    expect(client.virt.capacity).toBe(64);
    expect(virt.clients[1]?.connection).toEqual({
      ...client.virt,
      channel: virt.clients[1]?.connection.channel,
    });
    expect([virt.window, virt.policy]).toEqual([8, { kind: 'strict' }]);
    const data = built.regions.find((region) => region.name === client.data.region);
    expect(data?.size).toBe(0x20_0000n);
    const ends = built.channels.map(({ a, b }) => [a.pd, b.pd]);
    expect(ends).toEqual([
      ['driver', 'virt'],
      ['virt', 'client0'],
      ['virt', 'client1'],
    ]);
  });

  it('lets nobody map more than it needs', () => {
    const built = sound(build([{ partition: 0 }, { partition: 1 }]));
    const maps = (name: string): string[] =>
      pdOf(built, name).maps.map(({ region, permissions }) => `${region} ${permissions}`);

    expect(maps('client0')).toEqual([
      'client0_virt_data rw',
      'virt_client0_info r',
      'virt_client0_requests rw',
      'virt_client0_responses rw',
    ]);
    expect(maps('virt')).toContain('client0_virt_data r');
    expect(maps('virt')).toContain('driver_virt_info r');
    expect(maps('driver').filter((one) => one.includes('data'))).toEqual([]);
  });

  it.each([
    ['no clients', [], 1, 'a disk without clients'],
    [
      'a capacity that is no power of two',
      [{ partition: 0, queueCapacity: 100 }],
      1,
      'power of two',
    ],
    ['a partition that is none', [{ partition: -1 }], 1, "partition of 'client0' is -1"],
    ['a client above the virtualiser', [{ partition: 0 }], 210, 'must have a lower priority'],
  ] as const)('refuses %s', (_name, clients, priority, message) => {
    const result = build(clients, priority);
    expect(result.ok).toBe(false);
    if (!result.ok) expect(result.errors.map((one) => one.message).join('\n')).toContain(message);
  });
});
