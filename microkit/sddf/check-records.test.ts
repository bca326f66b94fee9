// Configurations that do not fit their description: a sound system is changed in one place each.

import { describe, expect, it } from 'vitest';
import type { NetCopyConfig } from '../../queues/net/config.ts';
import { system } from '../builder.ts';
import type { PdDescription, SystemDescription } from '../model.ts';
import { blk } from './blk.ts';
import { checkRecords } from './check-records.ts';
import { net } from './net.ts';
import { serial } from './serial.ts';

function echo(mode: NetCopyConfig['mode'] = 'copy'): SystemDescription {
  const sys = system({ name: 'test' });
  const driver = sys.pd('driver', { priority: 101 });
  const rx = sys.pd('virt_rx', { priority: 99 });
  const tx = sys.pd('virt_tx', { priority: 100 });
  const device = { name: 'nic', physAddr: 0x1000_1000, sizeBytes: 0x1000, irq: 1 };
  const network = net(sys, { device, driver, rx, tx });
  network.addClient(sys.pd('client', { priority: 90 }), {
    copier: sys.pd('copier', { priority: 95 }),
    mode,
  });
  const built = sys.build();
  if (!built.ok) throw new Error(built.errors[0]?.message);
  return built.system;
}

/** A disk and a UART with a client each. */
function blkAndSerial(): SystemDescription {
  const sys = system({ name: 'test' });
  const client = sys.pd('client', { priority: 50 });
  blk(sys, {
    device: { name: 'disk', physAddr: 0x1000_2000, sizeBytes: 0x1000, irq: 2 },
    driver: sys.pd('blk_driver', { priority: 110 }),
    virt: sys.pd('blk_virt', { priority: 109 }),
  }).addClient(client, { partition: 0 });
  serial(sys, {
    device: { name: 'uart', physAddr: 0x1000_0000, sizeBytes: 0x1000, irq: 10 },
    driver: sys.pd('serial_driver', { priority: 100 }),
    tx: sys.pd('serial_tx', { priority: 99 }),
    rx: sys.pd('serial_rx', { priority: 98 }),
  }).addClient(client);
  const built = sys.build();
  if (!built.ok) throw new Error(built.errors[0]?.message);
  return built.system;
}

/** The same system with one domain changed. */
function changed(
  name: string,
  change: (pd: PdDescription) => PdDescription,
  sound = echo(),
): string[] {
  const protectionDomains = sound.protectionDomains.map((pd) =>
    pd.name === name ? change(pd) : pd,
  );
  return checkRecords({ ...sound, protectionDomains }).map(({ message }) => message);
}

function remapped(pd: PdDescription, region: string, permissions: 'r' | 'rw'): PdDescription {
  const maps = pd.maps.map((map) => (map.region === region ? { ...map, permissions } : map));
  return { ...pd, maps };
}

/** Records of the class `key` with one of their values replaced, by its path. */
function withValue(path: string, value: unknown): (pd: PdDescription) => PdDescription {
  return (pd) => {
    const config = structuredClone(pd.config) as object;
    const keys = path.split('.');
    const last = keys.pop() as string;
    const record = keys.reduce<object>((at, key) => Reflect.get(at, key) as object, config);
    Reflect.set(record, last, value);
    return { ...pd, config };
  };
}

describe('configuration records', () => {
  it('of the builder fit', () => {
    expect(checkRecords(blkAndSerial())).toEqual([]);
    expect(checkRecords(echo())).toEqual([]);
    expect(checkRecords(echo('dummy'))).toEqual([]);
  });

  it.each(['virt_rx', 'copier'])('warns when %s may write what the device writes', (name) => {
    expect(changed(name, (pd) => remapped(pd, 'driver_rx_data', 'rw'))).toEqual([
      "region 'driver_rx_data' is mapped 'rw', its use needs 'r'",
    ]);
  });

  it('warns when the transmit virtualiser may write what a client sends', () => {
    expect(changed('virt_tx', (pd) => remapped(pd, 'client_tx_data', 'rw'))).toEqual([
      "region 'client_tx_data' is mapped 'rw', its use needs 'r'",
    ]);
  });

  it('refuses a queue that cannot be written', () => {
    const region = 'copier_client_rx_free';

    expect(changed('client', (pd) => remapped(pd, region, 'r'))).toEqual([
      `Error: region '${region}' is mapped 'r', its use needs 'rw'`,
    ]);
  });

  it('refuses a capacity that does not divide 65536, or is larger than its region', () => {
    const withCapacity = (capacity: number) =>
      changed('copier', (pd) => {
        const config = pd.config as NetCopyConfig;
        return { ...pd, config: { ...config, client: { ...config.client, capacity } } };
      });

    expect(withCapacity(500)[0]).toContain('is no power of two');
    expect(withCapacity(1024)).toEqual([
      "Error: region 'copier_client_rx_free' has 12288 bytes, the configuration needs 16392",
      "Error: region 'copier_client_rx_active' has 12288 bytes, the configuration needs 16392",
    ]);
  });

  it('refuses a region, a channel or a symbol that is not there', () => {
    const without = (part: 'maps' | 'setvars') =>
      changed('virt_rx', (pd) => ({
        ...pd,
        [part]: pd[part].filter(({ region }) => region !== 'driver_rx_data'),
      }));

    expect(without('maps')).toEqual([
      "Error: the configuration uses region 'driver_rx_data', which is not mapped here",
    ]);
    expect(without('setvars')[0]).toContain('which no setvar sets to it');
    const channel = changed('copier', (pd) => {
      const config = pd.config as NetCopyConfig;
      return { ...pd, config: { ...config, rx: { ...config.rx, channel: 40 } } };
    });
    expect(channel).toEqual(['Error: the configuration names channel 40, there is none']);
  });

  it('refuses queues that cannot hold all the buffers that may be in them', () => {
    expect(changed('virt_tx', withValue('driver.capacity', 256))).toEqual([
      "Error: the queue 'driver_virt_tx_tx_active' has 256 slots, the transmit buffers of all clients are 512",
    ]);
    expect(changed('virt_rx', withValue('driver.capacity', 256))).toEqual([
      "Error: the queue 'driver_virt_rx_rx_active' has 256 slots, the buffers of 'driver_rx_data' are 512",
    ]);
    expect(changed('client', withValue('net.tx.capacity', 256))).toEqual([
      "Error: the queue 'virt_tx_client_tx_active' has 256 slots, the buffers of 'client_tx_data' are 512",
    ]);
    expect(changed('copier', withValue('client.capacity', 128))).toEqual([
      "Error: the queue 'copier_client_rx_active' has 128 slots, the buffers of 'client_rx_data' are 512",
    ]);
    expect(changed('blk_virt', withValue('driver.capacity', 128), blkAndSerial())).toEqual([
      "Error: the queue 'blk_driver_blk_virt_requests' has 128 slots, requests of all clients and the virtualiser's own are 129",
    ]);
  });

  it.each([
    ['client', 95, echo, "'client' (priority: 95) must have a lower priority than 'copier'"],
    ['copier', 99, echo, "'copier' (priority: 99) must have a lower priority than 'virt_rx'"],
    ['virt_rx', 101, echo, "'virt_rx' (priority: 101) must have a lower priority than 'driver'"],
    ['blk_virt', 120, blkAndSerial, "'blk_virt' (priority: 120) must have a lower priority than"],
    ['client', 99, blkAndSerial, "'client' (priority: 99) must have a lower priority than"],
    ['serial_rx', 100, blkAndSerial, "'serial_rx' (priority: 100) must have a lower priority than"],
  ] as const)('refuses %s with the priority %i: who serves it must come first', (...row) => {
    const [name, priority, sound, message] = row;
    const found = changed(name, (pd) => ({ ...pd, priority }), sound());

    expect(found.length).toBeGreaterThan(0);
    for (const each of found) expect(each).toContain('which serves it');
    expect(found[0]).toContain(message);
  });

  it('refuses capacities of disks and UARTs that are no powers of two', () => {
    const blkCapacity = withValue('blk.virt.capacity', 100);
    const serialCapacity = withValue('driver.capacity', 3000);

    expect(changed('client', blkCapacity, blkAndSerial())).toEqual([
      "Error: capacity 100 of 'blk_virt_client_requests' is no power of two up to 2147483648",
    ]);
    expect(changed('serial_tx', serialCapacity, blkAndSerial())[0]).toContain('capacity 3000 of');
  });

  it.each([
    ['client', 'blk_virt_client_info', "its use needs 'r'"],
    ['client', 'serial_rx_client_rx_data', "its use needs 'r'"],
    ['serial_driver', 'serial_tx_serial_driver_tx_data', "its use needs 'r'"],
    ['serial_tx', 'client_serial_tx_tx_data', "its use needs 'r'"],
  ])('warns when %s may write %s', (name, region, message) => {
    const found = changed(name, (pd) => remapped(pd, region, 'rw'), blkAndSerial());

    expect(found).toEqual([`region '${region}' is mapped 'rw', ${message}`]);
  });

  it('refuses registers, rings and counters that are not mapped, and rings without an address', () => {
    const without = (region: string) => (pd: PdDescription) => ({
      ...pd,
      maps: pd.maps.filter((map) => map.region !== region),
    });

    expect(changed('driver', without('nic'))).toEqual([
      "Error: the configuration uses region 'nic', which is not mapped here",
    ]);
    expect(changed('virt_rx', withValue('stats', 'nowhere'))).toEqual([
      "Error: the configuration uses region 'nowhere', which is not mapped here",
    ]);
    expect(changed('driver', (pd) => ({ ...pd, setvars: [] }))).toEqual([
      "Error: the configuration takes an address from 'driver_rings_paddr', which no setvar sets",
    ]);
  });

  it("says nothing about a person's own records", () => {
    const config = {
      registers: 'fast',
      stats: { rings: 'no' },
      queue: 'q',
      driver: { capacity: 3 },
    };

    expect(changed('client', (pd) => ({ ...pd, config: { own: config } }))).toEqual([]);
  });
});
