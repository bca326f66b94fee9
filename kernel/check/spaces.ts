/** Invariants of address spaces and interrupts: numbers 34 to 40 of the list in the README. */

import type { PageTable } from '../page-table.ts';
import { ASID_LOW_BITS, IRQ_SIGNAL } from '../state.ts';
import type { KernelState } from '../state.ts';
import type { Report } from './capabilities.ts';
import { nameOf, placeOf } from './census.ts';
import type { Snapshot } from './census.ts';

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
      checkTable(root, asid, 0, 30, mapped, snapshot, report);
    });
  });
  k.irqState.forEach((state, irq) => {
    if ((state === IRQ_SIGNAL) !== handled.has(irq)) report(40, `interrupt ${irq}`);
  });
}

/** 38: the kernel's half of an address space is the same in all: here, where the kernel is not mapped, it is empty. */
function checkKernelHalf(root: PageTable, asid: number, report: Report): void {
  for (let index = KERNEL_HALF; index < root.entries.length; index += 1) {
    if (root.entries[index] !== undefined) report(38, `entry ${index} of ASID ${asid}`);
  }
}

/** 34, 36: every page that the user can reach has a frame capability that says so. */
function checkTable(
  table: PageTable,
  asid: number,
  start: number,
  bits: number,
  mapped: ReadonlySet<string>,
  snapshot: Snapshot,
  report: Report,
): void {
  if (!snapshot.live.has(table)) report(34, `${nameOf(table)} is mapped and gone`);
  for (let index = 0; index < 512; index += 1) {
    const entry = table.entries[index];
    if (entry === undefined) continue;
    const vaddr = start + index * 2 ** bits;
    if (entry.kind === 'table') {
      if (bits === 12) report(34, `a table at the last level of ASID ${asid}`);
      else checkTable(entry.table, asid, vaddr, bits - 9, mapped, snapshot, report);
    } else if (!mapped.has(mappingKey(asid, vaddr, entry.base, bits))) {
      report(34, `page 0x${vaddr.toString(16)} of ASID ${asid} has no capability`);
    }
  }
}

function mappingKey(asid: number, vaddr: number, base: number, bits: number): string {
  return `${asid} ${vaddr} ${base} ${bits}`;
}
