/** Addresses of PCI devices: `bus:device.function`, hexadecimal. */

import type { PciAddress } from '../model.ts';

export type PciResult =
  | { readonly ok: true; readonly address: PciAddress }
  | { readonly ok: false; readonly reason: string };

const PARTS = [
  { name: 'bus', max: 255 },
  { name: 'device', max: 31 },
  { name: 'function', max: 7 },
] as const;

/** The reasons are the tool's words. */
export function parsePci(raw: string): PciResult {
  const split = /^([^:.]*):([^:.]*)\.([^:.]*)$/.exec(raw);
  if (split === null) {
    return { ok: false, reason: 'expected PCI address in bus:device.function form' };
  }
  const values: number[] = [];
  for (const [index, { name, max }] of PARTS.entries()) {
    const text = split[index + 1] ?? '';
    if (!/^[+-]?[0-9a-fA-F]{1,8}$/.test(text)) {
      return { ok: false, reason: `failed to parse PCI ${name}` };
    }
    const value = Number.parseInt(text, 16);
    if (value < 0 || value > max) {
      return { ok: false, reason: `PCI ${name} must be within [0..${max}]` };
    }
    values.push(value);
  }
  const [bus = 0, device = 0, fn = 0] = values;
  return { ok: true, address: { bus, device, function: fn } };
}

/** `00:03.0` */
export function formatPci(address: PciAddress): string {
  const two = (value: number): string => value.toString(16).padStart(2, '0');
  return `${two(address.bus)}:${two(address.device)}.${address.function.toString(16)}`;
}
