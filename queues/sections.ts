/**
 * Sections of an image in which sDDF's programs find their configuration: what all classes have in
 * common. Each class has a table of its own, `queues/<class>/sections.ts`: name, number and
 * structure of each section, as sDDF 0.7 has them. How a domain's record becomes one is in
 * `microkit/elf/config/`.
 */

import { field, type Layout, physicalAddress, record, u64 } from '../memory/c-layout.ts';

/** One section: where it is found in an image, and its structure. */
export interface SectionLayout<V extends object> {
  readonly name: string;
  /** The class's number behind "sDDF"; absent where the structure has none. */
  readonly magic?: number;
  readonly layout: Layout<V>;
}

/** `region_resource_t`: where a region is mapped, and its size. */
export const region = record(16, { vaddr: field(0, u64), size: field(8, u64) });
/** Both 64 bits wide: an address in the domain, and bytes. */
export interface RegionValue {
  readonly vaddr: bigint;
  readonly size: bigint;
}

/** `device_region_resource_t`: the same, with the address that a device uses. */
export const deviceRegion = record(24, {
  region: field(0, region),
  ioAddr: field(16, physicalAddress),
});

/** Array slots of sDDF's structures: SDDF_MAX_CLIENTS and its like. */
export const SLOTS = 64;
