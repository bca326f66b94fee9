/**
 * A domain's memory regions, found by walking its own page table. A name leads to an address, which
 * the description gives away freely; whether there is memory, and whether it may be written, only
 * the page table says.
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
  return frozen(
    new Region({ ram: memory.ram, at, sizeBytes: found.sizeBytes, vaddr: found.vaddr }),
  );
}

export function mapReadonly(thread: UserThread, profile: PdProfile, name: string): ReadonlyRegion {
  const found = find(thread, profile, name, 'read');
  if (found.mapping.kind !== 'ram') throw wrongKind(profile, name, 'device registers, not memory');
  const { memory, at } = found.mapping;
  return frozen(
    new ReadonlyRegion({
      ram: memory.ram,
      at,
      sizeBytes: found.sizeBytes,
      vaddr: found.vaddr,
    }),
  );
}

/** A program cannot change what it is given; the type stays what it was. */
function frozen<Given extends object>(given: Given): Given {
  Object.freeze(given);
  return given;
}

/** Accesses to device registers since the domain's current event began. */
export interface RegisterAccesses {
  count: number;
}

/**
 * More register accesses than any event needs. No time passes for a program between two kernel
 * entries, so one that polls a register until something happens would wait for ever, and the whole
 * board with it.
 */
export const REGISTER_ACCESSES_MAX = 4_000_000;

export function mapDevice(
  thread: UserThread,
  profile: PdProfile,
  name: string,
  accesses: RegisterAccesses,
): DeviceRegion {
  const found = find(thread, profile, name, 'write');
  if (found.mapping.kind !== 'device') throw wrongKind(profile, name, 'memory, not a device');
  const { device, offset } = found.mapping;
  return new DeviceRegion({
    device: new WatchedDevice({ device, base: offset, name, accesses }),
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

interface WatchedDeviceOptions {
  readonly device: MmioDevice;
  /** Where the region begins among the device's registers. */
  readonly base: number;
  /** The region's. */
  readonly name: string;
  readonly accesses: RegisterAccesses;
}

/** A device's registers from one on, with a watch for a program that polls them. */
class WatchedDevice implements MmioDevice {
  readonly #device: MmioDevice;
  readonly #base: number = 0;
  readonly #name: string;
  readonly #accesses: RegisterAccesses;

  constructor({ device, base, name, accesses }: WatchedDeviceOptions) {
    this.#device = device;
    this.#base = base;
    this.#name = name;
    this.#accesses = accesses;
  }

  read(offset: number, width: number): number {
    this.#count(offset);
    return this.#device.read((this.#base + offset) | 0, width);
  }

  write(offset: number, value: number, width: number): void {
    this.#count(offset);
    this.#device.write((this.#base + offset) | 0, value, width);
  }

  #count(offset: number): void {
    this.#accesses.count += 1;
    if (this.#accesses.count <= REGISTER_ACCESSES_MAX) return;
    const register = `'${this.#name}'+0x${offset.toString(16)}`;
    throw new Error(
      `${register}: ${REGISTER_ACCESSES_MAX.toLocaleString('en')} register accesses in one event; ` +
        'no time passes while a register is polled: wait for an interrupt or a timeout',
    );
  }
}
