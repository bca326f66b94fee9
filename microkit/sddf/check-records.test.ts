// Configurations that do not fit their description: a sound system is changed in one place each.

import { describe, expect, it } from 'vitest';
import type { NetCopyConfig } from '../../queues/net/config.ts';
import { system } from '../builder.ts';
import type { PdDescription, SystemDescription } from '../model.ts';
import { checkRecords } from './check-records.ts';
import { net } from './net.ts';

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

/** The same system with one domain changed. */
function changed(name: string, change: (pd: PdDescription) => PdDescription): string[] {
  const sound = echo();
  const protectionDomains = sound.protectionDomains.map((pd) =>
    pd.name === name ? change(pd) : pd,
  );
  return checkRecords({ ...sound, protectionDomains }).map(({ message }) => message);
}

function remapped(pd: PdDescription, region: string, permissions: 'r' | 'rw'): PdDescription {
  const maps = pd.maps.map((map) => (map.region === region ? { ...map, permissions } : map));
  return { ...pd, maps };
}

describe('configuration records', () => {
  it('of the builder fit', () => {
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
});
