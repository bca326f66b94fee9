/**
 * The memory of one task: a page table of one level over frames of the board's RAM. Programs load
 * and store through it, and a model's kernel copies through it: from a task to the kernel's heap
 * and back, or from task to task.
 */

import { assert } from '../memory/assert.ts';
import { MemoryFault } from '../memory/region.ts';
import type { ModelCounters } from './counters.ts';
import { type FramePool, PAGE_BYTES, PAGE_SHIFT } from './frames.ts';

const PAGES = 1024;
/** Below it nothing is mapped but what is asked for by address. */
const ANYWHERE_FROM_PAGE = 256;

const ABSENT = 0;
/** How a page may be accessed. */
export const READ_ONLY = 1;
export const READ_WRITE = 2;
/** Shared with another task until one of them writes. */
export const COPY_ON_WRITE = 3;
type PageAccess = typeof READ_ONLY | typeof READ_WRITE | typeof COPY_ON_WRITE;

export interface AddressSpaceOptions {
  readonly frames: FramePool;
  readonly counters: ModelCounters;
  /** A program has written to a page that is copied on writing: the kernel was entered. */
  readonly onWriteFault: () => void;
}

export class AddressSpace {
  readonly #frames: FramePool;
  readonly #counters: ModelCounters;
  readonly #onWriteFault: () => void;
  readonly #frameOf = new Int32Array(PAGES);
  readonly #accessOf = new Uint8Array(PAGES);

  constructor(options: AddressSpaceOptions) {
    this.#frames = options.frames;
    this.#counters = options.counters;
    this.#onWriteFault = options.onWriteFault;
  }

  // -------------------------------------------------------------------------------------- mappings

  /** Maps zeroed memory at a multiple of the page size. */
  allocateAt(vaddr: number, lengthBytes: number): void {
    const first = pageOf(vaddr);
    for (let page = first; page < first + pagesOf(lengthBytes); page += 1) {
      const frame = this.#frames.take();
      this.#frames.ram.fill(frame, 0, PAGE_BYTES);
      this.mapPage(page, frame, READ_WRITE);
    }
  }

  /** @returns a free range of addresses, not mapped yet; 0 when there is none */
  findFree(lengthBytes: number): number {
    const wanted = pagesOf(lengthBytes);
    let run = 0;
    for (let page = ANYWHERE_FROM_PAGE; page < PAGES; page += 1) {
      run = this.#accessOf[page] === ABSENT ? run + 1 : 0;
      if (run === wanted) return (page - wanted + 1) * PAGE_BYTES;
    }
    return 0;
  }

  /** Takes over one reference to the frame. */
  mapPage(page: number, frame: number, access: PageAccess): void {
    assert(page > 0 && page < PAGES, 'a page lies in the address space and is not page 0');
    assert(this.#accessOf[page] === ABSENT, 'a page is mapped where none is');
    this.#frameOf[page] = frame;
    this.#accessOf[page] = access;
    this.#counters.pageMappings += 1;
  }

  protectPage(page: number, access: PageAccess): void {
    assert(this.#accessOf[page] !== ABSENT, 'only what is mapped is protected');
    if (this.#accessOf[page] === access) return;
    this.#accessOf[page] = access;
    this.#counters.pageMappings += 1;
  }

  /** Takes a page away, and its reference to the frame. */
  unmapPage(page: number): void {
    if (this.#accessOf[page] === ABSENT) return;
    this.#frames.release(this.#frameOf[page] as number);
    this.#accessOf[page] = ABSENT;
    this.#counters.pageMappings += 1;
  }

  /** @returns the frame at a page, -1 when there is none */
  frameAt(page: number): number {
    if (page < 0 || page >= PAGES || this.#accessOf[page] === ABSENT) return -1;
    return this.#frameOf[page] as number;
  }

  isWritable(page: number): boolean {
    const access = this.#accessOf[page];
    return access === READ_WRITE || access === COPY_ON_WRITE;
  }

  // ---------------------------------------------------------------------------- the program's side

  load32(vaddr: number): number {
    const at = this.#locate(vaddr);
    if (at < 0) throw new MemoryFault(vaddr, 'read');
    return this.#frames.ram.u32[at >> 2] as number;
  }

  store32(vaddr: number, value: number): void {
    if (this.#accessOf[vaddr >>> PAGE_SHIFT] === COPY_ON_WRITE) this.#onWriteFault();
    const at = this.#locateForWriting(vaddr);
    if (at < 0) throw new MemoryFault(vaddr, 'write');
    this.#frames.ram.u32[at >> 2] = value;
  }

  read(vaddr: number, lengthBytes: number): Uint8Array {
    return Uint8Array.from({ length: lengthBytes }, (_, i) => {
      const at = this.#locate(vaddr + i);
      if (at < 0) throw new MemoryFault(vaddr + i, 'read');
      return this.#frames.ram.u8[at] as number;
    });
  }

  write(vaddr: number, bytes: Uint8Array): void {
    bytes.forEach((byte, i) => {
      if (this.#accessOf[(vaddr + i) >>> PAGE_SHIFT] === COPY_ON_WRITE) this.#onWriteFault();
      const at = this.#locateForWriting(vaddr + i);
      if (at < 0) throw new MemoryFault(vaddr + i, 'write');
      this.#frames.ram.u8[at] = byte;
    });
  }

  // ----------------------------------------------------------------------------- the kernel's side

  /**
   * @returns the offset in RAM of four bytes, -1 when they may not be read; for arguments in the
   * user's memory
   */
  locateWord(vaddr: number): number {
    return (vaddr & 3) === 0 ? this.#locate(vaddr) : -1;
  }

  locateWordForWriting(vaddr: number): number {
    return (vaddr & 3) === 0 ? this.#locateForWriting(vaddr) : -1;
  }

  locateByte(vaddr: number): number {
    return this.#locate(vaddr);
  }

  /** Copies to the kernel. @returns whether all of it was mapped */
  copyIn(vaddr: number, to: number, lengthBytes: number): boolean {
    for (let done = 0; done < lengthBytes;) {
      const at = this.#locate(vaddr + done);
      if (at < 0) return false;
      const piece = this.#readable(vaddr + done, lengthBytes - done);
      this.#frames.ram.copy(to + done, at, piece);
      done += piece;
    }
    return true;
  }

  /** Copies from the kernel. @returns whether all of it could be written */
  copyOut(from: number, vaddr: number, lengthBytes: number): boolean {
    for (let done = 0; done < lengthBytes;) {
      const at = this.#locateForWriting(vaddr + done);
      if (at < 0) return false;
      const piece = this.#writable(vaddr + done, lengthBytes - done);
      this.#frames.ram.copy(at, from + done, piece);
      done += piece;
    }
    return true;
  }

  /**
   * Copies straight out of another task's memory, with no buffer of the kernel's in between.
   *
   * @returns whether all of it was mapped as it must be
   */
  copyFrom(source: AddressSpace, from: number, to: number, lengthBytes: number): boolean {
    for (let done = 0; done < lengthBytes;) {
      const at = source.#locate(from + done);
      if (at < 0) return false;
      const piece = source.#readable(from + done, lengthBytes - done);
      if (!this.copyOut(at, to + done, piece)) return false;
      done += piece;
    }
    return true;
  }

  #locate(vaddr: number): number {
    const page = vaddr >>> PAGE_SHIFT;
    if (page >= PAGES || this.#accessOf[page] === ABSENT) return -1;
    return (this.#frameOf[page] as number) + (vaddr & (PAGE_BYTES - 1));
  }

  #locateForWriting(vaddr: number): number {
    const page = vaddr >>> PAGE_SHIFT;
    if (page >= PAGES) return -1;
    const access = this.#accessOf[page];
    if (access === COPY_ON_WRITE) this.#breakSharing(page);
    else if (access !== READ_WRITE) return -1;
    return (this.#frameOf[page] as number) + (vaddr & (PAGE_BYTES - 1));
  }

  /** The page becomes the task's own: a copy, unless the others have let go of it. */
  #breakSharing(page: number): void {
    const frame = this.#frameOf[page] as number;
    if (this.#frames.isShared(frame)) {
      const own = this.#frames.take();
      this.#frames.ram.copy(own, frame, PAGE_BYTES);
      this.#frames.release(frame);
      this.#frameOf[page] = own;
      this.#counters.copies += 1;
      this.#counters.bytesCopied += PAGE_BYTES;
    }
    this.protectPage(page, READ_WRITE);
  }

  /** Bytes from a mapped address on that lie in one piece of RAM. */
  #readable(vaddr: number, lengthBytes: number): number {
    return this.#inOnePiece(vaddr, lengthBytes, ABSENT);
  }

  #writable(vaddr: number, lengthBytes: number): number {
    return this.#inOnePiece(vaddr, lengthBytes, READ_ONLY);
  }

  /**
   * @param above pages whose access is not above it end the piece; so does one that is to be copied
   * when written
   */
  #inOnePiece(vaddr: number, lengthBytes: number, above: number): number {
    const ceiling = above === ABSENT ? COPY_ON_WRITE : READ_WRITE;
    let piece = PAGE_BYTES - (vaddr & (PAGE_BYTES - 1));
    let page = vaddr >>> PAGE_SHIFT;
    while (piece < lengthBytes && page + 1 < PAGES) {
      const access = this.#accessOf[page + 1] as number;
      const follows = this.#frameOf[page + 1] === (this.#frameOf[page] as number) + PAGE_BYTES;
      if (access <= above || access > ceiling || !follows) break;
      piece += PAGE_BYTES;
      page += 1;
    }
    return Math.min(piece, lengthBytes);
  }
}

export function pageOf(vaddr: number): number {
  assert(vaddr % PAGE_BYTES === 0, 'a page begins at a multiple of its size');
  return vaddr >>> PAGE_SHIFT;
}

export function pagesOf(lengthBytes: number): number {
  return Math.ceil(lengthBytes / PAGE_BYTES);
}
