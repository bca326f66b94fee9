/**
 * A domain's memory regions, found by walking its own page table. A name leads to an address, which the description
 * gives away freely; whether there is memory, and whether it may be written, only the page table says.
 */

import type { Access, MmioDevice } from '../../memory/region.ts';
import { DeviceRegion, ReadonlyRegion, Region } from '../../memory/region.ts';
import type { Mapping, UserThread } from '../../kernel/user.ts';
import type { PdProfile } from './profile.ts';

interface MappedRange {
  readonly mapping: Mapping;
  readonly vaddr: number;
  readonly sizeBytes: number;
}

export function mapWritable(thread: UserThread, profile: PdProfile, name: string): Region {
  const found = find(thread, profile, name, 'write');
  if (found.mapping.kind !== 'ram') throw wrongKind(profile, name, 'device registers, not memory');
  const { memory, at } = found.mapping;
  return new Region({ ram: memory.ram, at, sizeBytes: found.sizeBytes, vaddr: found.vaddr });
}

export function mapReadonly(thread: UserThread, profile: PdProfile, name: string): ReadonlyRegion {
  const found = find(thread, profile, name, 'read');
  if (found.mapping.kind !== 'ram') throw wrongKind(profile, name, 'device registers, not memory');
  const { memory, at } = found.mapping;
  return new ReadonlyRegion({
    ram: memory.ram,
    at,
    sizeBytes: found.sizeBytes,
    vaddr: found.vaddr,
  });
}

export function mapDevice(thread: UserThread, profile: PdProfile, name: string): DeviceRegion {
  const found = find(thread, profile, name, 'write');
  if (found.mapping.kind !== 'device') throw wrongKind(profile, name, 'memory, not a device');
  const { device, offset } = found.mapping;
  return new DeviceRegion({
    device: offset === 0 ? device : new DevicePart(device, offset),
    sizeBytes: found.sizeBytes,
    vaddr: found.vaddr,
  });
}

function find(thread: UserThread, profile: PdProfile, name: string, access: Access): MappedRange {
  let mapped = false;
  for (const map of profile.maps) {
    if (map.region !== name) continue;
    mapped = true;
    const vaddr = Number(map.vaddr);
    const sizeBytes = profile.regionBytes.get(name) ?? 0;
    const mapping = thread.mapping(vaddr, sizeBytes, access);
    if (mapping !== undefined) return { mapping, vaddr, sizeBytes };
  }
  const why = mapped ? `it may not ${access} region '${name}'` : `no region '${name}' is mapped`;
  throw new Error(`${profile.name}: ${why} (${mapsOf(profile)})`);
}

function wrongKind(profile: PdProfile, name: string, what: string): Error {
  return new Error(`${profile.name}: region '${name}' is ${what}`);
}

function mapsOf(profile: PdProfile): string {
  if (profile.maps.length === 0) return 'its description has no map';
  return `its maps: ${profile.maps.map((map) => `${map.region} ${map.permissions}`).join(', ')}`;
}

/** A device whose registers begin in the middle of a mapping's device. */
class DevicePart implements MmioDevice {
  readonly #device: MmioDevice;
  readonly #base: number;

  constructor(device: MmioDevice, base: number) {
    this.#device = device;
    this.#base = base;
  }

  read(offset: number, width: number): number {
    return this.#device.read(this.#base + offset, width);
  }

  write(offset: number, value: number, width: number): void {
    this.#device.write(this.#base + offset, value, width);
  }
}
