/** A device as the description of a board names it: what a driver's protection domain is given. */

import type { PdBuilder, RegionBuilder, SystemBuilder } from '../builder.ts';
import type { Trigger } from '../model.ts';

export interface DeviceNode {
  /** Name of its register region in the description, such as `virtio_mmio_0`. */
  readonly name: string;
  /** Physical address of its registers; a multiple of 4 KiB. */
  readonly physAddr: number;
  /** Bytes of its registers, rounded up to 4 KiB. */
  readonly sizeBytes: number;
  readonly irq: number;
  readonly trigger?: Trigger;
}

const PAGE_BYTES = 4096;

/** @returns whole pages of 4 KiB, in bytes */
export function roundUpToPages(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
}

/** Gives a driver its device: maps the registers and takes the interrupt. */
export function attachDevice(sys: SystemBuilder, driver: PdBuilder, device: DeviceNode) {
  const known = sys.regions.find((region) => region.name === device.name);
  const registers: RegionBuilder =
    known ??
    sys.region(device.name, {
      size: roundUpToPages(device.sizeBytes),
      physAddr: device.physAddr,
    });
  driver.map(registers, { perms: 'rw', cached: false });
  const { trigger = 'level' } = device;
  return { registers: registers.name, irq: driver.irq(device.irq, { trigger }) };
}

/** Of a whole number above 0; false for all others. */
export function isPowerOfTwo(value: number): boolean {
  return Number.isInteger(value) && value > 0 && (value & (value - 1)) === 0;
}

/** @returns the smallest power of two that is no less */
export function ceilPowerOfTwo(value: number): number {
  let power = 1;
  while (power < value) power *= 2;
  return power;
}
