/**
 * Turns a system of TypeScript programs into one of images: the same domains, regions and channels,
 * as sDDF's own build would describe them. An image has no symbols for physical addresses; it reads
 * them in its configuration sections, so they must be fixed beforehand.
 */

import {
  contiguousRegions,
  LARGE_PAGE_BYTES,
  type MapDescription,
  type PdDescription,
  type RegionDescription,
  type RegionsByName,
  regionsByName,
  SMALL_PAGE_BYTES,
  type SystemDescription,
} from '../model.ts';
import { withPageSizes } from '../page-size.ts';

/** Fixed regions grow down from here, as sdfgen has it for qemu_virt_riscv64. */
const PADDR_TOP = 0xa000_0000n;

/** Memory that an image wants beside what its program in TypeScript has: shared with the device. */
export interface DeviceMemory {
  readonly name: string;
  readonly sizeBytes: number;
}

/** The image of a domain. */
export interface ImageChoice {
  readonly path: string;
  readonly deviceMemory: readonly DeviceMemory[];
}

/** @param choose the image that takes a program's place; undefined: the program stays */
export function forImages(
  system: SystemDescription,
  choose: (pd: PdDescription) => ImageChoice | undefined,
): SystemDescription {
  const added: RegionDescription[] = [];
  const known = regionsByName(system);
  const change = (pd: PdDescription): PdDescription => {
    const choice = choose(pd);
    if (choice === undefined) return { ...pd, children: pd.children.map(change) };
    const { path, deviceMemory } = choice;
    const regions = deviceMemory.map((memory) => regionFor(pd, memory));
    added.push(...regions);
    return {
      ...withoutAddressSymbols(withRegions(pd, regions, known)),
      image: { path },
      children: pd.children.map(change),
    };
  };
  const protectionDomains = system.protectionDomains.map(change);
  const fixed = contiguousRegions(system);
  const regions = [...system.regions, ...added].map((region) => ({
    region,
    isFixed: fixed.has(region.name) || added.includes(region),
  }));
  const placed = { ...system, protectionDomains, regions: placeRegions(regions) };
  return { ...placed, regions: withPageSizes(placed) };
}

function regionFor(pd: PdDescription, { name, sizeBytes }: DeviceMemory): RegionDescription {
  const size = BigInt(sizeBytes);
  return { name: `${pd.name}_${name}`, size, pageBytes: SMALL_PAGE_BYTES };
}

/**
 * Maps further regions behind the highest mapping, each at a multiple of 2 MiB, and names them in
 * the driver's record.
 */
function withRegions(
  pd: PdDescription,
  regions: readonly RegionDescription[],
  known: RegionsByName,
): PdDescription {
  if (regions.length === 0) return pd;
  const maps: MapDescription[] = [...pd.maps];
  const ends = maps.map(({ vaddr, region }) => vaddr + (known.get(region)?.size ?? 0n));
  let next = ends.reduce((highest, end) => (end > highest ? end : highest), 0n);
  const page = BigInt(LARGE_PAGE_BYTES);
  for (const { name, size } of regions) {
    next = ((next + page - 1n) / page) * page;
    maps.push({ region: name, vaddr: next, permissions: 'rw', cached: true });
    next += size;
  }
  const config = { ...(pd.config as object), deviceRegions: regions.map(({ name }) => name) };
  return { ...pd, maps, config };
}

interface Placing {
  readonly region: RegionDescription;
  readonly isFixed: boolean;
}

function placeRegions(placings: readonly Placing[]): readonly RegionDescription[] {
  let top = placings.reduce((lowest, { region: { physAddr } }) => {
    return physAddr !== undefined && physAddr > 0x8000_0000n && physAddr < lowest
      ? physAddr
      : lowest;
  }, PADDR_TOP);
  return placings.map(({ region, isFixed }) => {
    if (!isFixed || region.physAddr !== undefined) return region;
    const page = BigInt(
      region.size % BigInt(LARGE_PAGE_BYTES) === 0n ? LARGE_PAGE_BYTES : SMALL_PAGE_BYTES,
    );
    top = ((top - region.size) / page) * page;
    return { ...region, physAddr: top };
  });
}

const ADDRESS_SYMBOLS: ReadonlySet<string> = new Set(['paddrSymbol', 'ringsPaddrSymbol']);

/** Without the symbols that records name, and without the setvars that set them. */
function withoutAddressSymbols(pd: PdDescription): PdDescription {
  const symbols = new Set<unknown>();
  const strip = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(strip);
    if (typeof value !== 'object' || value === null) return value;
    const kept = Object.entries(value).filter(([key, each]) => {
      if (ADDRESS_SYMBOLS.has(key)) symbols.add(each);
      return !ADDRESS_SYMBOLS.has(key);
    });
    return Object.fromEntries(kept.map(([key, each]) => [key, strip(each)]));
  };
  const config = strip(pd.config);
  const setvars = pd.setvars.filter(({ symbol }) => !symbols.has(symbol));
  return { ...pd, setvars, ...(config === undefined ? {} : { config }) };
}
