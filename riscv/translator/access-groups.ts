/**
 * Loads and stores that are checked together: those of a block that add different offsets to the
 * same value of one register. The first one checks the stretch from the lowest to the highest; all
 * of them are executed, unless the function is left in between. What has been checked is not
 * checked again as long as the register keeps its value: see `available-checks.ts`.
 */

import { assert } from '../../memory/assert.ts';
import type { Instruction } from '../decode.ts';
import type { AccessGroup } from './access-group.ts';
import { memoryOperationOf } from './memory-operations.ts';
import { registersIn } from './register-flow.ts';

/** Less than any limit of a run, so that subtracting it from one gives no negative number. */
const WIDEST = 2047;
const STACK_POINTER = 2;

/**
 * @param isApart whether an instruction is in no group, though it accesses memory, by its place in
 * the block
 * @returns the group of each instruction that accesses memory, by its place in the block
 */
export function accessGroups(
  instructions: readonly Instruction[],
  isApart: (place: number) => boolean = () => false,
): (AccessGroup | undefined)[] {
  const open = new Map<number, AccessGroup>();
  return instructions.map((instruction, first) => {
    const { op, rd, rs1: base, imm } = instruction;
    const operation = isApart(first) ? undefined : memoryOperationOf(op);
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

/** What may be checked for blocks that are perhaps not reached: near the end of a run, it fails. */
const WIDEST_AHEAD = 255;

/**
 * Whether a group may be checked together with one that has been checked before. What a function
 * accesses by the stack pointer is its frame.
 */
export function mayJoin(checked: AccessGroup, group: AccessGroup): boolean {
  if (group.isWrite && !checked.isWrite) return false;
  const span = Math.max(checked.high, group.high) - Math.min(checked.low, group.low);
  return span <= (group.base === STACK_POINTER ? WIDEST : WIDEST_AHEAD);
}

/** Whether a group needs no check behind one that has been checked. */
export function covers(checked: AccessGroup, group: AccessGroup): boolean {
  if (group.isWrite && !checked.isWrite) return false;
  return checked.low <= group.low && group.high <= checked.high;
}

/** The groups that are checked at a place in the code, by base register. */
export type Checks = readonly (AccessGroup | undefined)[];

/** The groups that are checked, and where they lie known, at a place in the code. */
export class OpenGroups {
  /** By base register. */
  readonly #checked: (AccessGroup | undefined)[];

  /** @param before what is checked where the block begins */
  constructor(before: Checks = []) {
    this.#checked = [...before];
  }

  get checks(): Checks {
    return this.#checked;
  }

  /** Whether nothing of a group needs a check. */
  covers(group: AccessGroup): boolean {
    const checked = this.#checked[group.base];
    return checked !== undefined && covers(checked, group);
  }

  /** The group has been checked. */
  add(group: AccessGroup): void {
    this.#checked[group.base] = group;
  }

  /** @returns the checked group that holds this one */
  of(group: AccessGroup): AccessGroup {
    const checked = this.#checked[group.base];
    assert(checked !== undefined, 'what is accessed has been checked');
    return checked;
  }

  /** @param written bit of a register that has another value from here on */
  forget(written: number): void {
    for (const x of registersIn(written)) this.#checked[x] = undefined;
  }
}
