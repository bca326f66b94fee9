/**
 * A program image as it was read: the segments that are loaded, the sections that name parts of
 * them, and the symbols. {@link readElf} makes it, and has checked every number in it against the
 * file.
 */

import type { Permissions } from '../model.ts';

/** A stretch of the address space that is loaded (PT_LOAD). */
export interface Segment {
  /** Number of its program header. */
  readonly index: number;
  readonly vaddr: number;
  /** Bytes in memory; those behind {@link contents} are zero. */
  readonly memoryBytes: number;
  readonly permissions: Permissions;
  /** Its bytes in the file. */
  readonly contents: Uint8Array;
}

/** A section header, with a view of its contents in the file. */
export interface Section {
  /** Number of its header. */
  readonly index: number;
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  /** Virtual address, 0 for what is not loaded. */
  readonly vaddr: number;
  readonly sizeBytes: number;
  /** Where it begins in the file. */
  readonly fileOffset: number;
  /** Its bytes in the file; empty when it has none there (.bss). */
  readonly contents: Uint8Array;
}

/** A symbol that has a place in the image. */
export interface ElfSymbol {
  readonly name: string;
  readonly value: number;
  readonly sizeBytes: number;
}

/** The symbol table, read where it lies in the file. */
export interface SymbolTable {
  /** 0 for a file that was stripped. */
  readonly count: number;
  /**
   * A defined symbol. Two of one name, local ones included, are ambiguous, as for the Microkit
   * tool.
   */
  find(name: string): ElfSymbol | 'missing' | 'ambiguous';
  functions(): FunctionIndex;
}

/** Which function an address lies in. */
export interface FunctionIndex {
  readonly count: number;
  /** @returns undefined for an address in no function */
  at(pc: number): FunctionPlace | undefined;
  /** Functions that begin in a stretch of addresses, by address, cut off at its end. */
  extents(vaddr: number, lengthBytes: number): Iterable<Extent>;
}

export interface Extent {
  readonly start: number;
  /** Behind its last byte. */
  readonly end: number;
}

/** Where an address lies: in which function, and how far behind its beginning. */
export interface FunctionPlace {
  readonly name: string;
  /** Bytes from the function's beginning. */
  readonly offset: number;
}

/** An image that has been read: everything in it is held against the file. */
export interface ElfImage {
  /** Address of the first instruction. */
  readonly entry: number;
  /** By address, no two on one page. */
  readonly segments: readonly Segment[];
  /** In the order of their headers, the empty first one left out. */
  readonly sections: readonly Section[];
  /** Empty when the file was stripped. */
  readonly symbols: SymbolTable;
  /** Whether there is line information for `addr2line`. */
  readonly hasLines: boolean;
  /** The whole file. */
  readonly file: Uint8Array;
}

export type Read<T> =
  | { readonly ok: true; readonly value: T }
  /** One line: what is wrong and what to do, without the name of the file. */
  | { readonly ok: false; readonly problem: string };

/** The section of this name, such as `.net_client_config`. */
export function sectionNamed(image: ElfImage, name: string): Section | undefined {
  return image.sections.find((section) => section.name === name);
}
