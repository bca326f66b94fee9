/** Address spaces as runs of pages: what is mapped where, with which rights. */

import { VM_READ_ONLY, VM_READ_WRITE } from '../../kernel/objects/object-sizes.ts';
import type { PageTable, PageTableEntry } from '../../kernel/memory/page-table.ts';
import type { KernelState } from '../../kernel/state.ts';
import type { ObjectNames } from './names.ts';

/** Pages one behind the other in both address spaces, with the same rights. */
export interface MappedRun {
  readonly vaddr: number;
  readonly paddr: number;
  readonly sizeBytes: number;
  readonly pageBytes: number;
  /** Letters R, W, X. */
  readonly rights: string;
  readonly device: boolean;
  /** What the description calls this memory. */
  readonly region?: string;
}

/** One page table that has an ASID: what is mapped in it, by address. */
export interface AddressSpace {
  readonly vspace: string;
  readonly asid: number;
  readonly mappings: readonly MappedRun[];
}

/** @returns the name of the region that a domain has at an address */
export type RegionAt = (domain: string, vaddr: number) => string | undefined;

const TOP_BITS = 30;
const INDEX_BITS = 9;

/** @returns every address space that the kernel knows, in the order of their ASIDs */
export function addressSpaces(
  state: KernelState,
  names: ObjectNames,
  regionAt: RegionAt = () => undefined,
): readonly AddressSpace[] {
  const spaces: AddressSpace[] = [];
  for (const pool of state.asidTable) {
    pool?.roots.forEach((root, low) => {
      if (root === null) return;
      const vspace = names.of(root);
      const domain = vspace.replace(/^vspace_/, '');
      const named = (vaddr: number): string | undefined => regionAt(domain, vaddr);
      spaces.push({ vspace, asid: pool.asidBase + low, mappings: mappingsOf(root, named) });
    });
  }
  return spaces;
}

function mappingsOf(
  root: PageTable,
  regionAt: (vaddr: number) => string | undefined,
): readonly MappedRun[] {
  const runs: MappedRun[] = [];
  visit(root, 0, TOP_BITS, (page, vaddr) => {
    const next = runOf(page, vaddr, regionAt(vaddr));
    const last = runs.at(-1);
    if (last !== undefined && continues(last, next)) {
      runs[runs.length - 1] = { ...last, sizeBytes: last.sizeBytes + next.sizeBytes };
    } else {
      runs.push(next);
    }
  });
  return runs;
}

type Page = PageTableEntry & { readonly kind: 'page' };

function visit(
  table: PageTable,
  start: number,
  bits: number,
  onPage: (page: Page, vaddr: number) => void,
): void {
  table.entries.forEach((entry, index) => {
    const vaddr = start + index * 2 ** bits;
    if (entry?.kind === 'page') onPage(entry, vaddr);
    else if (entry?.kind === 'table') visit(entry.table, vaddr, bits - INDEX_BITS, onPage);
  });
}

function runOf(page: Page, vaddr: number, region: string | undefined): MappedRun {
  const canRead = page.vmRights === VM_READ_ONLY || page.vmRights === VM_READ_WRITE;
  const canWrite = page.vmRights === VM_READ_WRITE;
  const rights = `${canRead ? 'R' : '-'}${canWrite ? 'W' : '-'}${page.isExecutable ? 'X' : '-'}`;
  const sizeBytes = 2 ** page.sizeBits;
  const place = { vaddr, paddr: page.base, sizeBytes, pageBytes: sizeBytes };
  return { ...place, rights, device: page.isDevice, ...(region === undefined ? {} : { region }) };
}

function continues(last: MappedRun, next: MappedRun): boolean {
  return (
    last.vaddr + last.sizeBytes === next.vaddr &&
    last.paddr + last.sizeBytes === next.paddr &&
    last.pageBytes === next.pageBytes &&
    last.rights === next.rights &&
    last.device === next.device &&
    last.region === next.region
  );
}
