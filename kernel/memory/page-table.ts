/**
 * Page tables and ASID pools: the objects of address spaces. What is done with them: `vspace.ts`.
 */

/** A page table entry that maps a page of 2^sizeBits bytes. */
export interface PageEntry {
  readonly kind: 'page';
  readonly base: number;
  readonly sizeBits: number;
  readonly vmRights: number;
  readonly isExecutable: boolean;
  readonly isDevice: boolean;
}

/** A page table entry. */
export type PageTableEntry = { readonly kind: 'table'; readonly table: PageTable } | PageEntry;

/**
 * Copied for each table: twenty times as fast as making one entry by entry, of which a boot has
 * dozens.
 */
const NO_ENTRIES: readonly undefined[] = Array.from({ length: 512 }, () => undefined);
const NO_ROOTS: readonly null[] = Array.from({ length: 512 }, () => null);

export class PageTable {
  readonly kind = 'pageTable';
  readonly paddr: number;
  readonly entries: (PageTableEntry | undefined)[] = NO_ENTRIES.slice();

  constructor(paddr: number) {
    this.paddr = paddr;
  }
}

export class AsidPool {
  readonly kind = 'asidPool';
  readonly paddr: number;
  readonly asidBase: number;
  readonly roots: (PageTable | null)[] = NO_ROOTS.slice();

  constructor(paddr: number, asidBase: number) {
    this.paddr = paddr;
    this.asidBase = asidBase;
  }
}
