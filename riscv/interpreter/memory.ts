/**
 * Loads and stores, whatever they hit: what the loop does not do by itself.
 *
 * As on QEMU, accesses to RAM may be misaligned, and cross pages and runs. Those to registers of
 * devices have to be aligned. An access that crosses into a page that it may not touch does
 * nothing, and the trap names that page's start.
 */

import type { AddressSpace } from '../address-space.ts';
import { EXIT, HART, type Run } from '../hart.ts';
import { OP_OF } from '../operations.ts';
import { type HartViews, TLB, TLB_ENTRY_WORDS, tlbEntryOf } from './views.ts';

/** An address: low and high half. */
export interface Address {
  readonly low: number;
  readonly high: number;
}

export type Access = 'read' | 'write';

/** What a load makes of the bytes above those that it reads. */
type Extension = 'sign' | 'zero' | 'box';

interface Shape {
  readonly bytes: number;
  readonly extension: Extension;
}

const SHAPES: ReadonlyMap<number, Shape> = new Map<number, Shape>([
  [OP_OF.lb, { bytes: 1, extension: 'sign' }],
  [OP_OF.lh, { bytes: 2, extension: 'sign' }],
  [OP_OF.lw, { bytes: 4, extension: 'sign' }],
  [OP_OF.ld, { bytes: 8, extension: 'zero' }],
  [OP_OF.lbu, { bytes: 1, extension: 'zero' }],
  [OP_OF.lhu, { bytes: 2, extension: 'zero' }],
  [OP_OF.lwu, { bytes: 4, extension: 'zero' }],
  [OP_OF.flw, { bytes: 4, extension: 'box' }],
  [OP_OF.fld, { bytes: 8, extension: 'zero' }],
  [OP_OF.sb, { bytes: 1, extension: 'zero' }],
  [OP_OF.sh, { bytes: 2, extension: 'zero' }],
  [OP_OF.sw, { bytes: 4, extension: 'zero' }],
  [OP_OF.sd, { bytes: 8, extension: 'zero' }],
  [OP_OF.fsw, { bytes: 4, extension: 'zero' }],
  [OP_OF.fsd, { bytes: 8, extension: 'zero' }],
]);

const TRAP_VALUE = HART.trapValue >> 2;
const PAGE_BYTES = 4096;
const WORD = 0x1_0000_0000;
/** Upper half from which on addresses are no safe integers. Nothing is ever mapped there. */
const UNSAFE_HIGH = 0x20_0000;
/** Upper half from which on the TLB does not hold pages. */
const TLB_HIGH = 64;

/** @returns an address as a number, or undefined where nothing can be mapped */
export function vaddrOf({ low, high }: Address): number | undefined {
  return high >>> 0 < UNSAFE_HIGH ? (high >>> 0) * WORD + (low >>> 0) : undefined;
}

/** @returns the address some bytes further on */
export function addressAfter({ low, high }: Address, bytes: number): Address {
  const sum = (low + bytes) | 0;
  return { low: sum, high: (high + (sum >>> 0 < low >>> 0 ? 1 : 0)) | 0 };
}

export class MemoryAccess {
  readonly #hart: HartViews;
  readonly #space: AddressSpace;

  constructor(hart: HartViews, space: AddressSpace) {
    this.#hart = hart;
    this.#space = space;
  }

  /** Forgets which pages were found where. */
  flush(): void {
    this.#hart.tlb.fill(-1);
  }

  /**
   * Executes a load.
   *
   * @param rd index in the hart block of where the result goes
   * @returns 0, or the cause of a trap
   */
  load(op: number, rd: number, address: Address): number {
    const { bytes, extension } = SHAPES.get(op) as Shape;
    const first = this.find(address, 'read');
    if (first === undefined) return this.trap(EXIT.loadPage, address);
    if (first.device !== undefined) return this.#loadFromDevice(first, rd, address, op);
    const last = this.#findEnd(address, bytes, 'read');
    if (last === undefined) return this.trap(EXIT.loadPage, startOfNextPage(address));
    if (last.device !== undefined) return this.trap(EXIT.loadMisaligned, address);
    let low = 0;
    let high = 0;
    const vaddr = vaddrOf(address) as number;
    for (let index = bytes - 1; index >= 0; index -= 1) {
      high = (high << 8) | (low >>> 24);
      low = (low << 8) | (this.#hart.u8[placeOf(vaddr + index, first, last)] as number);
    }
    this.#put(rd, low, high, { bytes, extension });
    this.#space.hasAccessed('read', placeOf(vaddr, first, last), bytes);
    return 0;
  }

  /**
   * Executes a store.
   *
   * @param rs2 index in the hart block of what is stored
   * @returns 0, or the cause of a trap
   */
  store(op: number, rs2: number, address: Address): number {
    const { bytes } = SHAPES.get(op) as Shape;
    const first = this.find(address, 'write');
    if (first === undefined) return this.trap(EXIT.storePage, address);
    if (first.device !== undefined) return this.#storeToDevice(first, rs2, address, bytes);
    const last = this.#findEnd(address, bytes, 'write');
    if (last === undefined) return this.trap(EXIT.storePage, startOfNextPage(address));
    if (last.device !== undefined) return this.trap(EXIT.storeMisaligned, address);
    const vaddr = vaddrOf(address) as number;
    for (let index = 0; index < bytes; index += 1) {
      const word = this.#hart.x[rs2 + (index >> 2)] as number;
      this.#hart.u8[placeOf(vaddr + index, first, last)] = word >>> (8 * (index & 3));
    }
    this.#space.hasAccessed('write', placeOf(vaddr, first, last), bytes);
    return 0;
  }

  /**
   * @returns the run at an address, undefined where the access is not allowed. The TLB knows the
   * page from now on.
   */
  find(address: Address, access: Access): Run | undefined {
    const vaddr = vaddrOf(address);
    if (vaddr === undefined) return undefined;
    const run = this.#space.runAt(vaddr);
    if (run === undefined || !(access === 'read' ? run.isReadable : run.isWritable)) {
      return undefined;
    }
    if (run.at >= 0 && address.high < TLB_HIGH && this.#isPlain(run, vaddr, access)) {
      this.#remember(run, vaddr, access);
    }
    return run;
  }

  /**
   * Stores to pages with code are not the loop's, nor accesses to pages that are watched: somebody
   * has to be told of them.
   */
  #isPlain(run: Run, vaddr: number, access: Access): boolean {
    const at = run.at + (vaddr - run.vaddr);
    if (this.#space.isWatched(access, at - (at % PAGE_BYTES), PAGE_BYTES)) return false;
    if (access === 'read' || !run.isExecutable) return true;
    const data = this.#space.plainRunAt(vaddr, true);
    const page = vaddr - (vaddr % PAGE_BYTES);
    if (data === undefined || data.vaddr > page) return false;
    return data.vaddr + data.sizeBytes >= page + PAGE_BYTES;
  }

  /** An access has been done that this class did not do. @param at offset in RAM */
  hasAccessed(access: Access, at: number, bytes: number): void {
    this.#space.hasAccessed(access, at, bytes);
  }

  /** A trap that an address explains. @returns its cause */
  trap(cause: number, { low, high }: Address): number {
    this.#hart.x[TRAP_VALUE] = low;
    this.#hart.x[TRAP_VALUE + 1] = high;
    return cause;
  }

  #findEnd(address: Address, bytes: number, access: Access): Run | undefined {
    return this.find(addressAfter(address, bytes - 1), access);
  }

  #remember(run: Run, vaddr: number, access: Access): void {
    const { tlb } = this.#hart;
    const page = Math.floor(vaddr / PAGE_BYTES);
    const entry = tlbEntryOf(page) * TLB_ENTRY_WORDS;
    const isKnown = tlb[entry + TLB.readable] === page || tlb[entry + TLB.writable] === page;
    if (!isKnown) {
      tlb[entry + TLB.readable] = -1;
      tlb[entry + TLB.writable] = -1;
    }
    tlb[entry + (access === 'read' ? TLB.readable : TLB.writable)] = page;
    // Modulo 2^32, as the addition to the address is.
    tlb[entry + TLB.delta] = (run.at - run.vaddr) | 0;
  }

  #loadFromDevice(run: Run, rd: number, address: Address, op: number): number {
    const shape = SHAPES.get(op) as Shape;
    if ((address.low & (shape.bytes - 1)) !== 0) return this.trap(EXIT.loadMisaligned, address);
    const offset = run.deviceOffset + ((vaddrOf(address) as number) - run.vaddr);
    const { outside } = this.#space;
    const low = outside.readDevice(run, offset, Math.min(shape.bytes, 4));
    const high = shape.bytes === 8 ? outside.readDevice(run, offset + 4, 4) : 0;
    this.#put(rd, low, high, shape);
    return 0;
  }

  #storeToDevice(run: Run, rs2: number, address: Address, bytes: number): number {
    if ((address.low & (bytes - 1)) !== 0) return this.trap(EXIT.storeMisaligned, address);
    const low = (this.#hart.x[rs2] as number) >>> 0;
    const high = (this.#hart.x[rs2 + 1] as number) >>> 0;
    const offset = run.deviceOffset + ((vaddrOf(address) as number) - run.vaddr);
    const { outside } = this.#space;
    outside.writeDevice(
      run,
      offset,
      bytes >= 4 ? low : low & (2 ** (8 * bytes) - 1),
      Math.min(bytes, 4),
    );
    if (bytes === 8) outside.writeDevice(run, offset + 4, high, 4);
    return 0;
  }

  #put(rd: number, low: number, high: number, { bytes, extension }: Shape): void {
    const { x } = this.#hart;
    const unused = 32 - 8 * Math.min(bytes, 4);
    x[rd] = extension === 'sign' ? (low << unused) >> unused : low;
    if (extension === 'sign') x[rd + 1] = (x[rd] as number) >> 31;
    else x[rd + 1] = extension === 'box' ? -1 : high;
  }
}

/**
 * Offset in RAM of one byte of an access that begins in one run and ends in another, or the same.
 */
function placeOf(vaddr: number, first: Run, last: Run): number {
  const run = vaddr < first.vaddr + first.sizeBytes ? first : last;
  return run.at + (vaddr - run.vaddr);
}

function startOfNextPage(address: Address): Address {
  return addressAfter({ low: address.low & -PAGE_BYTES, high: address.high }, PAGE_BYTES);
}
