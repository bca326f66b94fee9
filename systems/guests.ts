/**
 * The programs of a system that can be reached over the network: those whose configuration has an
 * address and a MAC.
 */

import type { Station } from '../board/links/udp-frame.ts';
import { ipv4Number } from '../host/net/socket-address.ts';
import { isIpv4 } from '../host/net/socket-address.ts';
import { type SystemDescription, flatten } from '../microkit/model.ts';

export interface Guest {
  /** Name of its protection domain. */
  readonly pd: string;
  readonly ip: string;
  readonly mac: string;
}

/** @returns in the order of the description */
export function guestsOf(system: SystemDescription): readonly Guest[] {
  const guests: Guest[] = [];
  for (const { pd } of flatten(system)) {
    const ip = textField(pd.config, 'ip');
    const mac = textField(pd.config, 'mac') ?? textField(field(pd.config, 'net'), 'mac');
    if (ip === undefined || mac === undefined || !isIpv4(ip)) continue;
    guests.push({ pd: pd.name, ip, mac });
  }
  return guests;
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
