/**
 * `<memory_region>`: a run of frames, empty, filled from a file, or at a fixed physical address.
 */

import { hex } from '../../memory/hex.ts';
import type { PrefillDescription } from '../model.ts';
import { LARGE_PAGE_BYTES, SMALL_PAGE_BYTES } from '../model.ts';
import type { Element } from '../xml/element.ts';
import { Attributes } from './attributes.ts';
import type { Reading, RegionDraft } from './draft.ts';

const KNOWN = ['name', 'size', 'page_size', 'phys_addr', 'prefill_path', 'prefill_bootinfo'];
const BOOTINFO_ITEMS = [
  'x86_vbe',
  'x86_mbmmap',
  'x86_acpi_rsdp',
  'x86_framebuffer',
  'x86_tsc_freq',
  'fdt',
];
const U64_MAX = 0xffff_ffff_ffff_ffffn;

/** @returns undefined when the region has no name, so that nothing can refer to it */
export function readMemoryRegion(reading: Reading, element: Element): RegionDraft | undefined {
  const attributes = new Attributes(element, reading.report, KNOWN);
  const name = attributes.required('name');
  const pageBytesAsked = readPageSize(attributes);
  const pageBytes = pageBytesAsked ?? SMALL_PAGE_BYTES;
  const page = BigInt(pageBytes);
  const prefill = readPrefill(reading, attributes);
  const size = readSize(attributes, prefill, page);
  const physAddr = readPhysAddr(attributes, page, size);
  if (name === undefined) return undefined;
  return { element, name, size, pageBytes, pageBytesAsked, physAddr, prefill };
}

function readPageSize(attributes: Attributes): number | undefined {
  const asked = attributes.number('page_size');
  if (asked === undefined) return undefined;
  if (asked === BigInt(SMALL_PAGE_BYTES) || asked === BigInt(LARGE_PAGE_BYTES)) {
    return Number(asked);
  }
  const hint = `page sizes are 0x${SMALL_PAGE_BYTES.toString(16)} and 0x${LARGE_PAGE_BYTES.toString(16)}`;
  return attributes.refuse('page_size', `page size ${hex(asked)} not supported`, hint);
}

function readPrefill(reading: Reading, attributes: Attributes): PrefillDescription | undefined {
  const path = attributes.optional('prefill_path');
  const item = attributes.optional('prefill_bootinfo');
  if (path !== undefined && item !== undefined) {
    const message = 'prefill_path and prefill_bootinfo cannot be both specified';
    return attributes.refuse('prefill_bootinfo', message);
  }
  if (item !== undefined) {
    if (BOOTINFO_ITEMS.includes(item)) return { kind: 'bootinfo', item };
    const hint =
      reading.report.didYouMean(item, BOOTINFO_ITEMS) ?? `one of ${BOOTINFO_ITEMS.join(', ')}`;
    return attributes.refuse(
      'prefill_bootinfo',
      `BootInfoMap type: '${item}' is not supported`,
      hint,
    );
  }
  if (path === undefined) return undefined;
  const bytes = reading.files.read(path);
  const refuse = (message: string, hint?: string): undefined =>
    attributes.refuse('prefill_path', message, hint);
  if (bytes === 'missing') {
    return refuse(
      `unable to find prefill file: '${path}'`,
      'it is looked for in the search paths, and lies below one of them',
    );
  }
  if (bytes === 'unreadable') return refuse(`failed to read file '${path}' at prefill_path`);
  if (bytes.length === 0) return refuse(`prefill file '${path}' is empty`);
  return { kind: 'file', path, bytes };
}

function readSize(
  attributes: Attributes,
  prefill: PrefillDescription | undefined,
  page: bigint,
): bigint | undefined {
  const raw = attributes.optional('size');
  const fileBytes = prefill?.kind === 'file' ? BigInt(prefill.bytes.length) : undefined;
  if (raw === undefined) {
    if (fileBytes !== undefined) return ((fileBytes + page - 1n) / page) * page;
    if (prefill?.kind === 'bootinfo') return page;
    const asked = attributes.optional('prefill_path') ?? attributes.optional('prefill_bootinfo');
    if (asked !== undefined) return undefined; // what is wrong with it has been reported
    return attributes.refuse('size', 'size must be specified if memory region is not prefilled');
  }
  const size = attributes.number('size');
  if (size === undefined) return undefined;
  if (size % page !== 0n) {
    const above = ((size + page - 1n) / page) * page;
    const hint = `the next multiple is ${hex(above)}`;
    return attributes.refuse('size', 'size is not a multiple of the page size', hint);
  }
  if (size === 0n) return attributes.refuse('size', 'size must be > 0');
  if (fileBytes !== undefined && fileBytes > size) {
    const what = `${hex(fileBytes)} > ${hex(size)}`;
    return attributes.refuse('size', `size of prefill file exceeds memory region size: ${what}`);
  }
  return size;
}

function readPhysAddr(
  attributes: Attributes,
  page: bigint,
  size: bigint | undefined,
): bigint | undefined {
  const physAddr = attributes.number('phys_addr');
  if (physAddr === undefined) return undefined;
  if (physAddr % page !== 0n) {
    return attributes.refuse('phys_addr', 'phys_addr is not aligned to the page size');
  }
  if (size !== undefined && physAddr + size - 1n > U64_MAX) {
    return attributes.refuse('phys_addr', 'physical address range overflows');
  }
  return physAddr;
}
