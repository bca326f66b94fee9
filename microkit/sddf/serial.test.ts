// The serial class: the records, regions and permissions that it makes, and its refusals.

import { describe, expect, it } from 'vitest';
import type {
  SerialClientConfig,
  SerialDriverConfig,
  SerialVirtRxConfig,
  SerialVirtTxConfig,
} from '../../queues/serial/config.ts';
import { system } from '../builder.ts';
import type { BuildResult, PdBuilder } from '../builder.ts';
import type { PdDescription, SystemDescription } from '../model.ts';
import { serial } from './serial.ts';
import type { SerialOptions } from './serial.ts';

const DEVICE = { name: 'uart', physAddr: 0x1000_0000, sizeBytes: 0x100, irq: 10 };

function built(
  options: Partial<SerialOptions> & { clients?: number; clientPriority?: number; input?: 'off' },
): BuildResult {
  const sys = system({ name: 'test' });
  const pd = (name: string, priority: number): PdBuilder =>
    sys.pd(name, { image: `${name}.ts`, priority });
  const { clients = 2, clientPriority = 1, input, ...rest } = options;
  const driver = pd('serial_driver', 200);
  const tx = pd('serial_virt_tx', 199);
  const receive = input === 'off' ? {} : { rx: pd('serial_virt_rx', 199) };
  const terminal = serial(sys, { device: DEVICE, driver, tx, ...receive, ...rest });
  for (let index = 0; index < clients; index += 1) {
    terminal.addClient(pd(`client${index}`, clientPriority));
  }
  return sys.build();
}

function described(result: BuildResult): SystemDescription {
  if (!result.ok) throw new Error(result.errors.map(({ message }) => message).join('; '));
  return result.system;
}

function domain(system_: SystemDescription, name: string): PdDescription {
  const found = system_.protectionDomains.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no domain ${name}`);
  return found;
}

describe('the serial class', () => {
  it('gives every program its record, with channels that belong together', () => {
    const made = described(built({}));
    const driver = domain(made, 'serial_driver').config as SerialDriverConfig;
    const tx = domain(made, 'serial_virt_tx').config as SerialVirtTxConfig;
    const rx = domain(made, 'serial_virt_rx').config as SerialVirtRxConfig;
    const client = domain(made, 'client1').config as { serial: SerialClientConfig };

    expect(driver.tx).toMatchObject({ queue: tx.driver.queue, capacity: 0x2_0000 });
    expect(driver.rx).toMatchObject({ queue: rx.driver.queue, capacity: 0x1_0000 });
    expect(driver.defaultBaud).toBe(115_200);
    expect(tx.clients[1]).toMatchObject({ name: 'client1' });
    expect(tx.clients[1]?.connection).toMatchObject({ queue: client.serial.tx.queue });
    expect(rx.clients[1]?.connection).toMatchObject({ queue: client.serial.rx?.queue });
    expect([tx.colour, tx.input]).toEqual(['on', 'on']);
  });

  it('maps bytes read-only for who only reads them', () => {
    const made = described(built({}));
    const perms = (pd: string, region: string): string | undefined =>
      domain(made, pd).maps.find((map) => map.region === region)?.permissions;

    expect(perms('client0', 'client0_serial_virt_tx_tx_data')).toBe('rw');
    expect(perms('serial_virt_tx', 'client0_serial_virt_tx_tx_data')).toBe('r');
    expect(perms('client0', 'serial_virt_rx_client0_rx_data')).toBe('r');
    expect(perms('client1', 'serial_virt_rx_client0_rx_data')).toBeUndefined();
  });

  it('without a receive virtualiser has output only', () => {
    const made = described(built({ input: 'off' }));

    expect(domain(made, 'serial_driver').config).not.toHaveProperty('rx');
    expect(domain(made, 'serial_virt_tx').config).toMatchObject({ input: 'off' });
  });

  it('gives a virtio console its rings, with their address', () => {
    const made = described(built({ hardware: 'virtio' }));

    expect(domain(made, 'serial_driver').config).toMatchObject({
      rings: 'serial_driver_rings',
      ringsPaddrSymbol: 'serial_driver_rings_paddr',
    });
  });

  it.each([
    ['a size that is no power of two', { dataBytes: 3000 }, 'dataBytes is 3000'],
    ['no clients', { clients: 0 }, 'without clients'],
    ['a client above its virtualiser', { clientPriority: 199 }, 'must have a lower priority'],
  ])('refuses %s', (_name, options, message) => {
    const result = built(options);

    expect(result.ok).toBe(false);
    if (!result.ok) expect(result.errors.map((each) => each.message).join()).toContain(message);
  });
});
