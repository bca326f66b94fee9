/**
 * Address spaces: Sv39 page tables, frames, and the table that says which address space an ASID
 * (address space identifier) belongs to. The kernel's own half of an address space does not exist
 * here: the kernel is not mapped.
 */

import { setInvalidRoot } from '../errors.ts';
import { bytesOf, VM_READ_ONLY, VM_READ_WRITE } from '../objects/object-sizes.ts';
import type { FrameCap, PageTableCap, Tcb } from '../objects/objects.ts';
import type { AsidPool, PageEntry, PageTable, PageTableEntry } from './page-table.ts';
import { ASID_LOW_BITS } from '../state.ts';
import type { KernelState } from '../state.ts';

/** The first address that no user mapping may reach. */
export const USER_TOP = 0x3f_ffff_f000;
const LEVELS = 3;
const INDEX_BITS = 9;

/**
 * Where the walk for an address ends: the entry is `table.entries[index]`, and covers 2^bitsLeft
 * bytes.
 */
export interface Walk {
  table: PageTable;
  index: number;
  bitsLeft: number;
}

/** @returns the address space of an ASID, or `null` with the reason in `k.lookup` */
export function findVSpaceForAsid(k: KernelState, asid: number): PageTable | null {
  const pool = k.asidTable[asid >>> ASID_LOW_BITS] ?? null;
  const root = pool === null ? null : (pool.roots[asid & 511] as PageTable | null);
  if (root === null) setInvalidRoot(k);
  return root;
}

/** Walks as far down as there are tables. @param vaddr below USER_TOP */
export function walk(root: PageTable, vaddr: number): Walk {
  let table = root;
  let bitsLeft = PAGE_INDEX_TOP;
  for (let level = LEVELS - 1; ; level -= 1) {
    const index = Math.floor(vaddr / bytesOf(bitsLeft)) & 511;
    const entry = table.entries[index];
    if (level === 0 || entry?.kind !== 'table') return { table, index, bitsLeft };
    table = entry.table;
    bitsLeft -= INDEX_BITS;
  }
}
const PAGE_INDEX_TOP = 12 + INDEX_BITS * (LEVELS - 1);

/** @returns the address space that a thread runs in, or `null` when it has none that is valid */
export function vspaceOf(k: KernelState, tcb: Tcb): PageTable | null {
  const cap = tcb.vtable.cap;
  if (cap.kind !== 'pageTable' || !cap.isMapped) return null;
  const root = findVSpaceForAsid(k, cap.mappedAsid);
  return root === cap.table ? root : null;
}

/** @returns the page that maps an address, with the address of its first byte */
export function translate(
  root: PageTable,
  vaddr: number,
): { readonly entry: PageEntry; readonly start: number } | undefined {
  const entry = pageAt(root, vaddr);
  return entry === undefined ? undefined : { entry, start: vaddr - offsetIn(entry, vaddr) };
}

/** @returns the entry that maps an address; makes no object, for regions have hundreds of pages */
export function pageAt(root: PageTable, vaddr: number): PageEntry | undefined {
  if (!(vaddr >= 0 && vaddr < USER_TOP)) return undefined;
  let { entries } = root;
  for (let bitsLeft = PAGE_INDEX_TOP; ; bitsLeft -= INDEX_BITS) {
    const entry = entries[Math.floor(vaddr / bytesOf(bitsLeft)) & 511];
    if (entry?.kind !== 'table') return entry;
    ({ entries } = entry.table);
  }
}

/** @returns bytes between the first of a page and an address that the page maps */
export function offsetIn(page: PageEntry, vaddr: number): number {
  const size = bytesOf(page.sizeBits);
  return vaddr - Math.floor(vaddr / size) * size; // a remainder of doubles is a call
}

/** Changes a page table, which whoever has looked into one before has to know. */
export function setEntry(
  k: KernelState,
  table: PageTable,
  index: number,
  entry: PageTableEntry | undefined,
): void {
  table.entries[index] = entry;
  k.mappingGeneration += 1;
}

/** Removes the mapping that a frame capability records, if it still stands. */
export function unmapFrame(k: KernelState, cap: FrameCap): void {
  if (cap.mappedAsid === 0) return;
  const root = findVSpaceForAsid(k, cap.mappedAsid);
  if (root === null) return;
  const { table, index, bitsLeft } = walk(root, cap.mappedAddress);
  const entry = table.entries[index];
  if (bitsLeft !== cap.sizeBits || entry?.kind !== 'page' || entry.base !== cap.base) return;
  setEntry(k, table, index, undefined);
}

/** Takes a page table out of the address space that it is mapped in, if it still is. */
export function unmapPageTable(k: KernelState, cap: PageTableCap): void {
  const root = findVSpaceForAsid(k, cap.mappedAsid);
  if (root === null) return;
  let table = root;
  let bitsLeft = PAGE_INDEX_TOP;
  for (let level = 0; level < LEVELS - 1; level += 1) {
    const index = Math.floor(cap.mappedAddress / bytesOf(bitsLeft)) & 511;
    const entry = table.entries[index];
    if (entry?.kind !== 'table') return;
    if (entry.table === cap.table) {
      setEntry(k, table, index, undefined);
      return;
    }
    table = entry.table;
    bitsLeft -= INDEX_BITS;
  }
}

/** The last capability to a page table goes: as a root it loses its ASID, else it is unmapped. */
export function finalisePageTable(k: KernelState, cap: PageTableCap): void {
  if (!cap.isMapped) return;
  const root = findVSpaceForAsid(k, cap.mappedAsid);
  if (root === cap.table) {
    const pool = k.asidTable[cap.mappedAsid >>> ASID_LOW_BITS] as AsidPool;
    pool.roots[cap.mappedAsid & 511] = null;
    k.mappingGeneration += 1;
  } else {
    unmapPageTable(k, cap);
  }
}

export function finaliseAsidPool(k: KernelState, pool: AsidPool): void {
  const index = pool.asidBase >>> ASID_LOW_BITS;
  if (k.asidTable[index] === pool) k.asidTable[index] = null;
  k.mappingGeneration += 1;
}

/** Whether an entry lets the user do this. */
export function allows(entry: PageEntry, access: 'read' | 'write' | 'execute'): boolean {
  switch (access) {
    case 'read':
      return entry.vmRights === VM_READ_ONLY || entry.vmRights === VM_READ_WRITE;
    case 'write':
      return entry.vmRights === VM_READ_WRITE;
    case 'execute':
      return entry.isExecutable;
    default:
      return access satisfies never;
  }
}
