/**
 * Which page size a region gets: the one asked for, or 2 MiB when its size, its physical address
 * and every address that it is mapped at allow it (never for a region mapped through the IOMMU).
 */

import type { RegionDescription, SystemDescription } from './model.ts';
import { LARGE_PAGE_BYTES, SMALL_PAGE_BYTES, flatten } from './model.ts';

/** @returns the regions with their page sizes raised where that is possible */
export function withPageSizes(system: SystemDescription): readonly RegionDescription[] {
  const small = regionsKeptSmall(system);
  return system.regions.map((region) => {
    const large = region.pageBytesAsked === undefined && !small.has(region.name);
    const fits =
      isLarge(region.size) && (region.physAddr === undefined || isLarge(region.physAddr));
    const chosen = large && fits ? LARGE_PAGE_BYTES : SMALL_PAGE_BYTES;
    return { ...region, pageBytes: region.pageBytesAsked ?? chosen };
  });
}

function regionsKeptSmall(system: SystemDescription): ReadonlySet<string> {
  const small = new Set<string>();
  for (const { pd } of flatten(system)) {
    for (const map of [...pd.maps, ...(pd.virtualMachine?.maps ?? [])]) {
      if (!isLarge(map.vaddr)) small.add(map.region);
    }
  }
  for (const space of system.ioAddressSpaces) {
    for (const map of space.maps) small.add(map.region);
  }
  return small;
}

function isLarge(value: bigint): boolean {
  return value % BigInt(LARGE_PAGE_BYTES) === 0n;
}
