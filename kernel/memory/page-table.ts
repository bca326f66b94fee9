/** Page tables and ASID pools: the objects of address spaces. What is done with them: `vspace.ts`. */

/** A page table entry. */
export type PageTableEntry =
  | { readonly kind: 'table'; readonly table: PageTable }
  | {
      readonly kind: 'page';
      readonly base: number;
      readonly sizeBits: number;
      readonly vmRights: number;
      readonly isExecutable: boolean;
      readonly isDevice: boolean;
    };

export class PageTable {
  readonly kind = 'pageTable';
  readonly paddr: number;
  readonly entries: (PageTableEntry | undefined)[] = Array.from({ length: 512 }, () => undefined);

  constructor(paddr: number) {
    this.paddr = paddr;
  }
}

export class AsidPool {
  readonly kind = 'asidPool';
  readonly paddr: number;
  readonly asidBase: number;
  readonly roots: (PageTable | null)[] = Array.from({ length: 512 }, () => null);

  constructor(paddr: number, asidBase: number) {
    this.paddr = paddr;
    this.asidBase = asidBase;
  }
}
