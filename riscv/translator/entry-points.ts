/**
 * Where translated code can be entered: for each halfword of the text one word, 0 where there is no
 * entry, otherwise the number of the function and of the entry in it. Translated code and the
 * engine read the same table.
 */

import type { Block, GuestFunction } from './functions.ts';
import { successors } from './functions.ts';

/** Entries of one function have numbers below 2^12. */
export const ENTRY_BITS = 12;
const MOST_ENTRIES = (1 << ENTRY_BITS) - 1;

/** A function and its entries: block 0 by entry 0, and these blocks by 1, 2, … */
export interface EnterableFunction {
  readonly guest: GuestFunction;
  readonly entries: readonly number[];
}

export function enterable(functions: readonly GuestFunction[]): EnterableFunction[] {
  const fromElsewhere = new Set<number>();
  for (const { blocks, indexOf } of functions) {
    for (const { end } of blocks) {
      for (const target of successors(end)) {
        if (!indexOf.has(target)) fromElsewhere.add(target);
      }
    }
  }
  return functions.map((guest) => ({ guest, entries: entriesOf(guest, fromElsewhere) }));
}

/** @returns the table: see the head of this file */
export function entryWords(
  functions: readonly EnterableFunction[],
  halfwords: number,
  halfwordOf: (pc: number) => number,
): Int32Array {
  const words = new Int32Array(halfwords);
  functions.forEach(({ guest: { blocks }, entries }, index) => {
    const set = (block: number, entry: number): void => {
      words[halfwordOf((blocks[block] as Block).pc)] = ((index << ENTRY_BITS) | entry) + 1;
    };
    set(0, 0);
    entries.forEach((block, place) => set(block, place + 1));
  });
  return words;
}

/**
 * Blocks that control comes to from outside: behind a call or an instruction of the interpreter's,
 * from another function, and where a loop begins again, so that one which was left in its middle is
 * soon entered again.
 */
function entriesOf(
  { blocks, indexOf, cases }: GuestFunction,
  fromElsewhere: ReadonlySet<number>,
): number[] {
  const wanted = new Set<number>();
  for (const { pc, end } of blocks) {
    const isLeft = end.kind === 'call' || end.kind === 'indirectCall' || end.kind === 'leave';
    for (const target of successors(end)) {
      const block = indexOf.get(target);
      if (block !== undefined && (isLeft || target <= pc)) wanted.add(block);
    }
  }
  for (const pc of cases) wanted.add(indexOf.get(pc) as number);
  blocks.forEach(({ pc }, block) => {
    if (fromElsewhere.has(pc)) wanted.add(block);
  });
  wanted.delete(0);
  return [...wanted].slice(0, MOST_ENTRIES);
}
