/** Invariants of address spaces and interrupts: numbers 34 to 40 of the list in the README. */

import { objectBits } from '../../../kernel/objects/objects.ts';
import type { PageTable } from '../../../kernel/memory/page-table.ts';
import { ASID_LOW_BITS, IRQ_SIGNAL } from '../../../kernel/state.ts';
import type { KernelState } from '../../../kernel/state.ts';
import type { Report } from './capabilities.ts';
import { nameOf, placeOf } from '../../../kernel/inspect/census.ts';
import type { Snapshot } from '../../../kernel/inspect/census.ts';

/** The first entry of a root table that no user address reaches. */
const KERNEL_HALF = 256;

export function checkSpaces(k: KernelState, snapshot: Snapshot, report: Report): void {
  const mapped = new Set<string>();
  const roots = new Set<string>();
  const handled = new Set<number>();
  for (const placed of snapshot.slots) {
    const cap = placed.slot.cap;
    if (cap.kind === 'frame' && cap.mappedAsid !== 0) {
      mapped.add(mappingKey(cap.mappedAsid, cap.mappedAddress, cap.base, cap.sizeBits));
    } else if (cap.kind === 'pageTable' && cap.isMapped) {
      roots.add(`${cap.mappedAsid} ${nameOf(cap.table)}`);
    } else if (cap.kind === 'irqHandler') {
      handled.add(cap.irq);
    }
    const isBuffer = placed.holder !== 'irq' && placed.holder.kind === 'tcb' && placed.index === 2;
    if (isBuffer && cap.kind === 'frame' && cap.isDevice) {
      report(39, `${placeOf(placed)}: a device frame`);
    }
  }
  const walked: Walked = { mapped, pages: pagesOfObjects(snapshot), seen: new Set() };
  k.asidTable.forEach((pool, index) => {
    if (pool === null) return;
    if (!snapshot.live.has(pool) || pool.asidBase !== index << ASID_LOW_BITS) {
      report(37, `ASID pool ${index}`);
    }
    pool.roots.forEach((root, low) => {
      if (root === null) return;
      const asid = pool.asidBase + low;
      if (!roots.has(`${asid} ${nameOf(root)}`)) report(37, `root of ASID ${asid}`);
      checkKernelHalf(root, asid, report);
      checkTable(root, { asid, start: 0, bits: 30 }, walked, snapshot, report);
    });
  });
  k.irqState.forEach((state, irq) => {
    if ((state === IRQ_SIGNAL) !== handled.has(irq)) report(40, `interrupt ${irq}`);
  });
}

/**
 * 38: the kernel's half of an address space is the same in all: here, where the kernel is not
 * mapped, it is empty.
 */
function checkKernelHalf(root: PageTable, asid: number, report: Report): void {
  for (let index = KERNEL_HALF; index < root.entries.length; index += 1) {
    if (root.entries[index] !== undefined) report(38, `entry ${index} of ASID ${asid}`);
  }
}

/** What a walk through all address spaces needs to know. */
interface Walked {
  /** Keys of all mappings that frame capabilities record. */
  readonly mapped: ReadonlySet<string>;
  /** Numbers of the 4 KiB pages in which a kernel object lies. */
  readonly pages: ReadonlySet<number>;
  readonly seen: Set<PageTable>;
}

interface Span {
  readonly asid: number;
  readonly start: number;
  /** One entry covers 2^bits bytes. */
  readonly bits: number;
}

function pagesOfObjects({ live }: Snapshot): ReadonlySet<number> {
  const pages = new Set<number>();
  for (const object of live) {
    const end = object.paddr + 2 ** objectBits(object);
    for (let page = Math.floor(object.paddr / 4096); page * 4096 < end; page += 1) pages.add(page);
  }
  return pages;
}

/**
 * 34, 36, 37: every page that the user can reach has a frame capability that says so; a table is in
 * one place only.
 */
function checkTable(
  table: PageTable,
  { asid, start, bits }: Span,
  walked: Walked,
  snapshot: Snapshot,
  report: Report,
): void {
  if (!snapshot.live.has(table)) report(34, `${nameOf(table)} is mapped and gone`);
  if (walked.seen.has(table)) return report(37, `${nameOf(table)} is in two places`);
  walked.seen.add(table);
  for (let index = 0; index < 512; index += 1) {
    const entry = table.entries[index];
    if (entry === undefined) continue;
    const vaddr = start + index * 2 ** bits;
    if (entry.kind === 'table') {
      if (bits === 12) report(34, `a table at the last level of ASID ${asid}`);
      else
        checkTable(entry.table, { asid, start: vaddr, bits: bits - 9 }, walked, snapshot, report);
    } else {
      const where = `page 0x${vaddr.toString(16)} of ASID ${asid}`;
      const isKnown = walked.mapped.has(mappingKey(asid, vaddr, entry.base, bits));
      if (!isKnown) report(34, `${where} has no capability`);
      if (showsObject(entry.base, bits, walked.pages)) report(36, `${where} shows an object`);
    }
  }
}

function showsObject(base: number, bits: number, pages: ReadonlySet<number>): boolean {
  if (bits === 12) return pages.has(base / 4096);
  for (const page of pages) {
    if (page * 4096 >= base && page * 4096 < base + 2 ** bits) return true;
  }
  return false;
}

function mappingKey(asid: number, vaddr: number, base: number, bits: number): string {
  return `${asid} ${vaddr} ${base} ${bits}`;
}
