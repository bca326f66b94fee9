/**
 * What the loop works on: memory as typed arrays, what is known of pages, and a piece of decoded
 * code.
 */

import type { FloatViews } from '../float/registers.ts';

/** The memory of a hart and of its address space, as the loop reads and writes it. */
export interface HartViews extends FloatViews {
  /** RAM, staging included. */
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
  /** What is known of pages: {@link TLB}. */
  readonly tlb: Int32Array;
}

/**
 * The words of an entry of the translation look-aside buffer. A page's number is its address
 * divided by 4096, below 2^26; its entry is number {@link tlbEntryOf}. -1 is no page.
 */
export const TLB = { readable: 0, writable: 1, delta: 2 } as const;
export const TLB_ENTRY_WORDS = 4;
export const TLB_ENTRIES = 256;
/**
 * Text, data, stack and shared regions begin at round addresses: bits from here on are mixed in, so
 * that they do not meet.
 */
export const TLB_FOLD = 9;

/** @returns the entry of a page */
export function tlbEntryOf(page: number): number {
  return (page ^ (page >>> TLB_FOLD)) & (TLB_ENTRIES - 1);
}

/**
 * A piece of code that the loop can walk without asking: all its addresses have the same upper
 * half.
 */
export interface CodeWindow {
  /** First address: low and high half. */
  readonly low: number;
  readonly high: number;
  readonly sizeBytes: number;
  readonly cells: Int32Array;
  /**
   * Position in memory of the notes of its first halfword, as `../coverage/map.ts` has them; -1
   * when nothing is noted.
   */
  readonly notesAt: number;
}
