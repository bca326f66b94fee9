/** `<io_address_space>`: what one PCI device may reach through the IOMMU. */

import { hex } from '../../memory/hex.ts';
import type { PciAddress } from '../model.ts';
import type { Element } from '../xml/element.ts';
import { Attributes } from './attributes.ts';
import type { IoAddressSpaceDraft, IoMapDraft, Reading } from './draft.ts';
import { canonicalPermissions } from './map.ts';
import { formatPci, parsePci } from './pci.ts';

/** I/O virtual addresses are below this: 39 bits. */
export const IOVADDR_END = 0x80_0000_0000n;
const KNOWN = ['name', 'domain_id', 'peripheral_id'];
const ARCH_NAMES = { aarch64: 'AArch64', riscv64: 'RISC-V (64-bit)', x86_64: 'x86-64' } as const;

/** What is unique among I/O address spaces, as far as they have been read. */
export interface IoAddressSpaceNames {
  readonly names: Set<string>;
  readonly devices: Set<string>;
  readonly domainIds: Set<number>;
}

/** @param known those read before; what this one takes is added */
export function readIoAddressSpace(
  reading: Reading,
  element: Element,
  known: IoAddressSpaceNames,
): IoAddressSpaceDraft | undefined {
  const { report, target } = reading;
  if (!target.iommu) {
    report.colon('io address space requires seL4 to be built with IOMMU support', element);
    return undefined;
  }
  const attributes = new Attributes(element, report, KNOWN);
  const name = attributes.required('name');
  if (name !== undefined && known.names.has(name)) {
    attributes.refuse('name', `duplicate name '${name}'`);
  }
  if (name !== undefined) known.names.add(name);
  const device = readDevice(reading, attributes);
  const domainId = device === undefined ? undefined : readDomainId(attributes, known);
  if (device !== undefined) checkDeviceIsNew(attributes, device, known);
  const space: IoAddressSpaceDraft = { element, name, domainId, device, maps: [] };
  for (const child of element.children) {
    if (child.tag === '#text') continue;
    if (child.tag !== 'iomap') {
      report.colon(`invalid XML element '${child.tag}'`, child);
      continue;
    }
    const map = readIoMap(reading, child);
    if (map !== undefined) space.maps.push({ value: map, element: child });
  }
  return space;
}

function readDevice(reading: Reading, attributes: Attributes): PciAddress | undefined {
  const raw = attributes.required('peripheral_id');
  if (raw === undefined) return undefined;
  const { arch } = reading.target;
  const refuse = (reason: string): undefined =>
    attributes.refuse('peripheral_id', `failed to parse device peripheral_id '${raw}': ${reason}`);
  if (arch !== 'x86_64') {
    return refuse(`IOMMU device identifiers are not supported on ${ARCH_NAMES[arch]}`);
  }
  const result = parsePci(raw);
  return result.ok ? result.address : refuse(result.reason);
}

function checkDeviceIsNew(
  attributes: Attributes,
  address: PciAddress,
  known: IoAddressSpaceNames,
): void {
  const id = formatPci(address);
  if (known.devices.has(id)) {
    attributes.refuse('peripheral_id', `duplicate device peripheral_id 'PCI device ${id}'`);
  }
  known.devices.add(id);
}

function readDomainId(attributes: Attributes, known: IoAddressSpaceNames): number | undefined {
  const id = attributes.requiredNumber('domain_id');
  if (id === undefined) return undefined;
  if (id > 0xffffn) return attributes.refuse('domain_id', 'domain_id must be < 65536');
  if (known.domainIds.has(Number(id))) {
    return attributes.refuse('domain_id', 'reusing a domain id is forbidden');
  }
  known.domainIds.add(Number(id));
  return Number(id);
}

function readIoMap(reading: Reading, element: Element): IoMapDraft | undefined {
  const attributes = new Attributes(element, reading.report, ['mr', 'iovaddr', 'perms']);
  const region = attributes.required('mr');
  const iovaddr = attributes.requiredNumber('iovaddr');
  if (iovaddr !== undefined && iovaddr >= IOVADDR_END) {
    const message = `iovaddr (${hex(iovaddr)}) must be less than ${hex(IOVADDR_END)}`;
    attributes.refuse('iovaddr', message);
  }
  const raw = attributes.optional('perms') ?? 'rw';
  if (/[^rw]/.test(raw)) {
    const message = "perms for io mapped memory must only be a combination of 'r' and 'w'";
    attributes.refuse('perms', message);
  }
  if (region === undefined || iovaddr === undefined || iovaddr >= IOVADDR_END) return undefined;
  return { region, iovaddr, permissions: canonicalPermissions(raw.replaceAll('x', '')) };
}
