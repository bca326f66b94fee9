/**
 * Loads and stores that are checked together: those of a block that add different offsets to the
 * same value of one register. The first one checks the stretch from the lowest to the highest; all
 * of them are executed, unless the function is left in between.
 */

import type { Instruction } from '../decode.ts';
import { memoryOperationOf } from './memory-operations.ts';

export interface AccessGroup {
  /** The base register. */
  readonly base: number;
  /** Lowest and highest offset that is added to it. */
  low: number;
  high: number;
  /** Whether what is accessed has to be writable. */
  isWrite: boolean;
  /** Place in the block of its first instruction; -1 for an access that is checked by itself. */
  readonly first: number;
}

/** Less than any limit of a run, so that subtracting it from one gives no negative number. */
const WIDEST = 2047;
const STACK_POINTER = 2;

/** @returns the group of each instruction that accesses memory, by its place in the block */
export function accessGroups(instructions: readonly Instruction[]): (AccessGroup | undefined)[] {
  const open = new Map<number, AccessGroup>();
  return instructions.map((instruction, first) => {
    const { op, rd, rs1: base, imm } = instruction;
    const operation = memoryOperationOf(op);
    if (operation === undefined) {
      open.delete(rd);
      return undefined;
    }
    // The stack is writable: loads and stores of it share one cache.
    const isWrite = operation.isStore || base === STACK_POINTER;
    const known = open.get(base);
    const group =
      known !== undefined && fits(known, imm)
        ? known
        : { base, low: imm, high: imm, isWrite, first };
    group.low = Math.min(group.low, imm);
    group.high = Math.max(group.high, imm);
    group.isWrite ||= isWrite;
    open.set(base, group);
    if (!operation.isStore && !operation.isFloat) open.delete(rd);
    return group;
  });
}

function fits(group: AccessGroup, imm: number): boolean {
  return Math.max(group.high, imm) - Math.min(group.low, imm) <= WIDEST;
}
