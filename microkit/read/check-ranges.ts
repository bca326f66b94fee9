/**
 * Checks of address ranges: mappings of domains, virtual machines and devices, and physical
 * addresses.
 */

import { hex } from '../../memory/hex.ts';
import { LARGE_PAGE_BYTES } from '../model.ts';
import { stackBottom } from '../target.ts';
import type { Element } from '../xml/element.ts';
import type { PdDraft, Reading, RegionDraft, SystemDraft } from './draft.ts';
import { IOVADDR_END } from './io-address-space.ts';
import { range } from './number.ts';
import { firstOverlaps, type Range } from './overlap.ts';
import { formatPci } from './pci.ts';

const U64_END = 0x1_0000_0000_0000_0000n;

export type Regions = ReadonlyMap<string, RegionDraft>;

/** A mapping with the words that differ between the kinds of mapping. */
interface Mapping {
  readonly element: Element;
  readonly region: string;
  readonly start: bigint;
}

interface Space {
  readonly tag: 'map' | 'iomap';
  readonly attribute: 'vaddr' | 'iovaddr';
  readonly addresses: 'virtual' | 'io';
  readonly end: bigint;
  /** Who has these mappings, for messages. */
  readonly owner: string;
}

/** Mappings of each protection domain, then of its virtual machine. */
export function checkMaps(reading: Reading, pds: readonly PdDraft[], regions: Regions): void {
  for (const pd of pds) {
    const space = { tag: 'map', attribute: 'vaddr', addresses: 'virtual' } as const;
    checkSpace(reading, regions, pd.maps.map(mappingOf), {
      ...space,
      end: stackBottom(reading.target, BigInt(pd.stackBytes)),
      owner: `protection domain '${pd.name ?? ''}'`,
    });
    const vm = pd.virtualMachine;
    if (vm === undefined) continue;
    checkSpace(reading, regions, vm.maps.map(mappingOf), {
      ...space,
      end: reading.target.userTop + 1n,
      owner: `virtual machine '${vm.name ?? ''}'`,
    });
  }
}

function mappingOf(map: PdDraft['maps'][number]): Mapping {
  return { element: map.element, region: map.value.region, start: map.value.vaddr };
}

export function checkIoMaps(reading: Reading, draft: SystemDraft, regions: Regions): void {
  for (const space of draft.ioAddressSpaces) {
    const mappings = space.maps.map(({ element, value }) => ({
      element,
      region: value.region,
      start: value.iovaddr,
    }));
    for (const { element, region } of mappings) {
      if (regions.get(region)?.pageBytes !== LARGE_PAGE_BYTES) continue;
      const message = 'Error: currently seL4 does not have large page support for the IOMMU';
      reading.report.exactly(message, element, { attribute: 'mr' });
    }
    checkSpace(reading, regions, mappings, {
      tag: 'iomap',
      attribute: 'iovaddr',
      addresses: 'io',
      end: IOVADDR_END,
      owner: space.device === undefined ? '' : `PCI device ${formatPci(space.device)}`,
    });
  }
}

/** A mapping with what it comes to; the end is unknown when the region or its size is. */
interface Placed {
  readonly mapping: Mapping;
  readonly region: RegionDraft | undefined;
  readonly start: bigint;
  readonly end: bigint | undefined;
}

/** In the order of the mappings: each is checked by itself, then against those before it. */
function checkSpace(
  reading: Reading,
  regions: Regions,
  mappings: readonly Mapping[],
  space: Space,
): void {
  const placed: Placed[] = mappings.map((mapping) => {
    const region = regions.get(mapping.region);
    const end = region?.size === undefined ? undefined : mapping.start + region.size;
    return { mapping, region, start: mapping.start, end };
  });
  const sound = placed.map(({ region, start, end }) => {
    if (region === undefined || end === undefined || end > space.end) return undefined;
    return isAligned(start, region) ? { start, end } : undefined;
  });
  const overlaps = firstOverlaps(sound);
  for (const [index, one] of placed.entries()) {
    if (sound[index] === undefined) reportUnsound(reading, regions, one, space);
    const other = placed[overlaps[index] ?? -1];
    if (other !== undefined) reportOverlap(reading, one, other, space);
  }
}

function isAligned(start: bigint, region: RegionDraft): boolean {
  return start % BigInt(region.pageBytes) === 0n;
}

function reportUnsound(reading: Reading, regions: Regions, one: Placed, space: Space): void {
  const { report } = reading;
  const { mapping, region, start, end } = one;
  const { element } = mapping;
  const { attribute } = space;
  if (region === undefined) {
    const message = `invalid memory region name '${mapping.region}' on '${space.tag}'`;
    const hint = report.didYouMean(mapping.region, regions.keys());
    report.at(message, element, { attribute: 'mr', hint });
    return;
  }
  if (!isAligned(start, region)) {
    const hint = `a multiple of ${hex(BigInt(region.pageBytes))} is needed`;
    report.at(`invalid ${attribute} alignment on '${space.tag}'`, element, { attribute, hint });
    return;
  }
  if (end === undefined) return; // what is wrong with the region has been reported
  const name = `${space.tag} for '${mapping.region}'`;
  if (end >= U64_END) {
    report.at(`${name} has address range that overflows`, element, { attribute });
    return;
  }
  const what = `${space.addresses} address range ${range(start, end)}`;
  const valid = `[0x0..${hex(space.end)})`;
  const message = `${name} has ${what} which exceeds valid address space ${valid}`;
  report.at(message, element, { attribute });
}

function reportOverlap({ report }: Reading, one: Placed, other: Placed, space: Space): void {
  const { mapping, start, end } = one;
  const name = `map for '${mapping.region}'`;
  const what = `${space.addresses} address range ${range(start, end ?? start)}`;
  const found = `map for '${other.mapping.region}' ${range(other.start, other.end ?? other.start)}`;
  const message = `${name} has ${what} which overlaps with ${found} in ${space.owner}`;
  report.at(message, mapping.element, { attribute: space.attribute });
}

export function checkPhysicalAddresses(reading: Reading, regions: readonly RegionDraft[]): void {
  const ranges = regions.map(({ physAddr, size }) =>
    physAddr === undefined || size === undefined
      ? undefined
      : { start: physAddr, end: physAddr + size },
  );
  const overlaps = firstOverlaps(ranges);
  for (const [index, region] of regions.entries()) {
    const earlier = overlaps[index] ?? -1;
    const own = ranges[index];
    const other = ranges[earlier];
    if (own === undefined || other === undefined) continue;
    const message =
      `memory region '${region.name}' physical address range ${range(own.start, own.end)} ` +
      `overlaps with another memory region '${regions[earlier]?.name ?? ''}' ` +
      range(other.start, other.end);
    reading.report.at(message, region.element, { attribute: 'phys_addr' });
  }
  checkReservedRam(reading, regions, ranges);
}

/** The Microkit tool finds this out when it simulates the kernel's boot. */
function checkReservedRam(
  { report, target }: Reading,
  regions: readonly RegionDraft[],
  ranges: readonly (Range | undefined)[],
): void {
  for (const [index, region] of regions.entries()) {
    const own = ranges[index];
    const taken = target.reservedRam?.find(
      ({ start, end }) => own !== undefined && own.start < end && start < own.end,
    );
    if (own === undefined || taken === undefined) continue;
    const message =
      `memory region '${region.name}' physical address range ${range(own.start, own.end)} ` +
      `overlaps with ${taken.name} ${range(taken.start, taken.end)}`;
    const end = target.reservedRam?.at(-1)?.end ?? taken.end;
    const hint = `RAM for regions begins at ${hex(end)}`;
    report.at(message, region.element, { attribute: 'phys_addr', hint });
  }
}

export function checkIoPorts(reading: Reading, pds: readonly PdDraft[]): void {
  const ports = pds.flatMap((pd) => pd.ioPorts.map((port) => ({ pd, ...port })));
  const ranges = ports.map(({ value }) => ({ start: value.addr, end: value.addr + value.size }));
  const overlaps = firstOverlaps(ranges);
  const describe = (index: number): string => {
    const port = ports[index];
    if (port === undefined) return '';
    const { id, addr, size } = port.value;
    const half = `half-open range: [${hex(addr)}, ${hex(addr + size)})`;
    const place = reading.report.place(port.pd.element);
    return `I/O port id: ${id}, ${half} in protection domain: '${port.pd.name ?? ''}' @ ${place}`;
  };
  for (const [index, port] of ports.entries()) {
    const earlier = overlaps[index];
    if (earlier === undefined) continue;
    const message = `Error: ${describe(index)} overlaps with ${describe(earlier)}`;
    reading.report.exactly(message, port.element, { attribute: 'addr' });
  }
}
