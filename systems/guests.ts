/**
 * The programs of a system that can be reached over the network: those whose configuration has an
 * address and a MAC.
 */

import type { Station } from '../board/links/udp-frame.ts';
import { ipv4Number } from '../host/net/socket-address.ts';
import { isIpv4 } from '../host/net/socket-address.ts';
import { type SystemDescription, flatten } from '../microkit/model.ts';
import type { DeviceNode } from '../microkit/sddf/device.ts';

export interface Guest {
  /** Name of its protection domain. */
  readonly pd: string;
  readonly ip: string;
  readonly mac: string;
}

/**
 * @param device only those behind this NIC; of a description that does not say who is, all
 * @returns in the order of the description
 */
export function guestsOf(
  system: SystemDescription,
  device?: Pick<DeviceNode, 'name'>,
): readonly Guest[] {
  return flatten(system).flatMap(({ pd }) =>
    recordsOf(pd.config).flatMap((record) => {
      const behind = textField(record, 'device') ?? device?.name;
      const ip = textField(record, 'ip');
      const mac = textField(record, 'mac');
      if (ip === undefined || mac === undefined || !isIpv4(ip)) return [];
      return device === undefined || behind === device.name ? [{ pd: pd.name, ip, mac }] : [];
    }),
  );
}

/** The connections of a program: its only one, with the address beside it, or several by name. */
function recordsOf(config: unknown): readonly object[] {
  const ip = textField(config, 'ip');
  const net = field(config, 'net') ?? {};
  if (typeof config !== 'object' || config === null) return [];
  if (ip !== undefined) return [{ mac: textField(config, 'mac'), ...net, ip }];
  return Object.values(config).filter((value) => typeof value === 'object' && value !== null);
}

/** Whether a client of a network has a MAC and no address: it will ask for one by DHCP. */
export function hasGuestWithoutAddress(system: SystemDescription): boolean {
  return flatten(system).some(({ pd }) => {
    const mac = textField(field(pd.config, 'net'), 'mac');
    return mac !== undefined && textField(pd.config, 'ip') === undefined;
  });
}

/** A guest's UDP port, for the generator. */
export function stationOf(guest: Guest, port: number): Station {
  return { mac: macBytes(guest.mac), ip: ipv4Number(guest.ip), port };
}

export function macBytes(mac: string): Uint8Array {
  return Uint8Array.from(mac.split(':'), (part) => Number.parseInt(part, 16));
}

function field(config: unknown, name: string): unknown {
  if (typeof config !== 'object' || config === null || !Object.hasOwn(config, name)) {
    return undefined;
  }
  return (config as Readonly<Record<string, unknown>>)[name];
}

function textField(config: unknown, name: string): string | undefined {
  const value = field(config, name);
  return typeof value === 'string' ? value : undefined;
}
