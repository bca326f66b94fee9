/**
 * Which integer registers have to be loaded and written back where.
 *
 * A register is *dirty* where it may have been written since the hart's block had all of them:
 * since the function was entered, or since a call has returned. Wherever the function is left or
 * calls, the dirty ones are written back. A register is *live* where its value may still be read,
 * or written back. Sets are masks of 32 bits, x1 is bit 1.
 */

import type { Instruction } from '../decode.ts';
import type { Format } from '../operations.ts';
import { formatOf } from './flow.ts';
import { stronglyConnected } from './strongly-connected.ts';
import { type Block, type GuestFunction, isInterpreted, successors } from './functions.ts';

export interface RegisterFlow {
  /** Dirty at the beginning of each block. */
  readonly dirty: Int32Array;
  /** Live at the beginning of each block. */
  readonly live: Int32Array;
  /**
   * Of each block: registers that are written back as soon as it has its last value for them, since
   * nothing in the function reads them behind it. Otherwise they would be kept, and moved around in
   * loops, for exits that are hardly ever taken.
   */
  readonly writtenThrough: Int32Array;
  /** Every register that the function reads or writes. */
  readonly used: number;
}

/** @param entries blocks that are entered with all registers in the hart's block */
export function registerFlow(guest: GuestFunction, entries: readonly number[]): RegisterFlow {
  const ways = guest.blocks.map(({ end }) =>
    successors(end).flatMap((pc) => guest.indexOf.get(pc) ?? []),
  );
  const blocks = guest.blocks.map(summaryOf);
  const read = liveOf(blocks, ways, new Int32Array(blocks.length));
  const inTightLoops = tightLoops(blocks, ways);
  const writtenThrough = Int32Array.from(blocks, ({ writes, isSynced }, index) => {
    const targets = ways[index] ?? [];
    const isKept = isSynced || targets.length === 0 || inTightLoops.has(index);
    return isKept ? 0 : writes & ~unionOf(read, targets);
  });
  const dirty = dirtyOf(blocks, ways, writtenThrough);
  const live = liveOf(blocks, ways, dirty);
  let used = 0;
  for (const { reads, writes } of blocks) used |= reads | writes;
  for (const entry of [0, ...entries]) used |= live[entry] as number;
  return { dirty, live, writtenThrough, used };
}

/** Bit of a register; none for x0. */
export function bitOf(x: number): number {
  return x === 0 ? 0 : 1 << x;
}

export function registersIn(mask: number): number[] {
  const registers: number[] = [];
  for (let x = 1; x < 32; x += 1) {
    if ((mask & (1 << x)) !== 0) registers.push(x);
  }
  return registers;
}

/** Bits of the integer registers that an instruction reads. */
export function readsOf(instruction: Instruction): number {
  switch (formatOf(instruction)) {
    case 'U':
    case 'J':
    case 'fence':
    case 'fma':
    case 'fR':
    case 'fRrm':
    case 'fR1':
    case 'fcompare':
    case 'fclass':
    case 'fmvToInteger':
    case 'fcvtToInteger':
      return 0;
    case 'amo':
    case 'R':
    case 'S':
    case 'B':
      return bitOf(instruction.rs1) | bitOf(instruction.rs2);
    default:
      return bitOf(instruction.rs1);
  }
}

/** Bit of the integer register that an instruction writes. */
export function writesOf(instruction: Instruction): number {
  return WRITES_NONE.has(formatOf(instruction)) ? 0 : bitOf(instruction.rd);
}

/** Formats without an integer register as the destination. */
const WRITES_NONE: ReadonlySet<Format> = new Set<Format>([
  ...(['S', 'B', 'fence', 'fload', 'fstore', 'fma', 'fR', 'fRrm', 'fR1'] as const),
  ...(['fmvToFloat', 'fcvtToFloat'] as const),
]);

const BULK_ARGUMENTS = bitOf(10) | bitOf(11) | bitOf(12);

interface Summary {
  /** Registers that are read before the block writes them. */
  readonly reads: number;
  readonly writes: number;
  /** Whether all registers are in the hart's block behind it. */
  readonly isSynced: boolean;
}

function summaryOf({ instructions, end }: Block): Summary {
  const own = isInterpreted(end) ? instructions.slice(0, -1) : instructions;
  let reads = 0;
  let writes = 0;
  for (const instruction of own) {
    reads |= readsOf(instruction) & ~writes;
    writes |= writesOf(instruction);
  }
  if (end.kind === 'bulkCall') reads |= BULK_ARGUMENTS & ~writes;
  const isSynced = isInterpreted(end) || end.kind === 'call' || end.kind === 'indirectCall';
  return { reads, writes, isSynced };
}

/** Blocks of loops that call nothing: there, writing back in each round costs more than keeping. */
function tightLoops(
  blocks: readonly Summary[],
  ways: readonly (readonly number[])[],
): ReadonlySet<number> {
  const tight = new Set<number>();
  for (const component of stronglyConnected([...ways.keys()], ways)) {
    const calls = component.some((block) => blocks[block]?.isSynced === true);
    for (const block of component) {
      const targets = ways[block] ?? [];
      const isInLoop = component.length > 1 || targets.includes(block);
      if (targets.includes(block) || (isInLoop && !calls)) tight.add(block);
    }
  }
  return tight;
}

function unionOf(sets: Int32Array, blocks: readonly number[]): number {
  return blocks.reduce((union, block) => union | (sets[block] as number), 0);
}

function dirtyOf(
  blocks: readonly Summary[],
  ways: readonly (readonly number[])[],
  writtenThrough: Int32Array,
): Int32Array {
  const dirty = new Int32Array(blocks.length);
  for (let hasChanged = true; hasChanged;) {
    hasChanged = false;
    blocks.forEach(({ writes, isSynced }, index) => {
      if (isSynced) return;
      const after = ((dirty[index] as number) | writes) & ~(writtenThrough[index] as number);
      for (const way of ways[index] ?? []) {
        const before = dirty[way] as number;
        if ((before | after) === before) continue;
        dirty[way] = before | after;
        hasChanged = true;
      }
    });
  }
  return dirty;
}

/** What is dirty at a block's beginning may be written back in it, so it is live there. */
function liveOf(
  blocks: readonly Summary[],
  ways: readonly (readonly number[])[],
  dirty: Int32Array,
): Int32Array {
  const live = new Int32Array(blocks.length);
  for (let hasChanged = true; hasChanged;) {
    hasChanged = false;
    for (let index = blocks.length - 1; index >= 0; index -= 1) {
      const { reads, writes, isSynced } = blocks[index] as Summary;
      const after = isSynced ? 0 : unionOf(live, ways[index] ?? []);
      const before = reads | (dirty[index] as number) | (after & ~writes);
      if (before === live[index]) continue;
      live[index] = before;
      hasChanged = true;
    }
  }
  return live;
}
