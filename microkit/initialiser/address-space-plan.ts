/**
 * Which page tables an address space needs (Sv39: three levels; the root covers 1 GiB an entry,
 * then 2 MiB, then 4 KiB).
 */

import { LARGE_PAGE_BYTES } from '../model.ts';
import { IPC_BUFFER_VADDR, PAGE_BYTES } from '../slots.ts';

const GIGA_PAGE_BYTES = 0x4000_0000;

/** A page table to install at the first empty level above this address. */
export interface PageTableNeed {
  readonly vaddr: number;
}

export interface PlannedMap {
  readonly vaddr: number;
  readonly sizeBytes: number;
  readonly pageBytes: number;
}

/**
 * @param maps the domain's image, stack and memory regions; its IPC buffer is added
 * @returns the tables in the order in which to install them: all of the upper level, then all of
 * the lower
 */
export function pageTablesOf(maps: readonly PlannedMap[]): readonly PageTableNeed[] {
  const all: readonly PlannedMap[] = [
    ...maps,
    { vaddr: IPC_BUFFER_VADDR, sizeBytes: PAGE_BYTES, pageBytes: PAGE_BYTES },
  ];
  const upper = new Set<number>();
  const lower = new Set<number>();
  for (const { vaddr, sizeBytes, pageBytes } of all) {
    addCovering(upper, vaddr, sizeBytes, GIGA_PAGE_BYTES);
    if (pageBytes < LARGE_PAGE_BYTES) addCovering(lower, vaddr, sizeBytes, LARGE_PAGE_BYTES);
  }
  return [...upper, ...lower].map((vaddr) => ({ vaddr }));
}

function addCovering(
  into: Set<number>,
  vaddr: number,
  sizeBytes: number,
  coverBytes: number,
): void {
  const first = Math.floor(vaddr / coverBytes) * coverBytes;
  for (let at = first; at < vaddr + sizeBytes; at += coverBytes) into.add(at);
}
