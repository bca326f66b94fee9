/**
 * Loops of a single block whose addresses go on by a constant each round: copies, sums, searches.
 *
 * Of such a loop it can be told at its beginning how many rounds stay inside the cached runs and
 * inside what may be executed. So many rounds need neither checks nor counting.
 */

import type { AccessGroup } from './access-group.ts';
import { accessGroups } from './access-groups.ts';
import type { Instruction } from '../decode.ts';
import { OP_OF } from '../operations.ts';
import type { Block } from './functions.ts';
import { writesOf } from './register-flow.ts';

/** A sum of registers, as they are at the beginning of a round, and a constant. */
export interface Sum {
  readonly registers: readonly number[];
  readonly constant: number;
}

/** Accesses at `base` in the first round, and `step` bytes further in each next one. */
export interface Walk {
  readonly group: AccessGroup;
  readonly base: Sum;
  readonly step: number;
}

export interface AffineLoop {
  readonly walks: readonly Walk[];
  /** Groups of the block, by instruction. */
  readonly groups: readonly (AccessGroup | undefined)[];
}

/** Farther steps are not worth it, and could overflow sums. */
const LARGEST_STEP = 4096;

/**
 * @returns how a block that goes back to itself walks through memory; undefined for other blocks,
 * and when it accesses none
 */
export function affineLoopOf(block: Block): AffineLoop | undefined {
  const { pc, instructions, end } = block;
  if (end.kind !== 'branch' || end.target !== pc || end.next === pc) return undefined;
  const groups = accessGroups(instructions);
  const before = valuesBefore(instructions);
  const after = before.at(-1) ?? new Map<number, Sum | undefined>();
  const walks: Walk[] = [];
  for (const group of new Set(groups)) {
    if (group === undefined) continue;
    const base = valueOf(before[groups.indexOf(group)] ?? new Map(), group.base);
    const step = base === undefined ? undefined : stepOf(base, after);
    if (base !== undefined && step !== undefined && Math.abs(step) <= LARGEST_STEP) {
      walks.push({ group, base, step });
    }
  }
  return walks.length === 0 ? undefined : { walks, groups };
}

type Values = Map<number, Sum | undefined>;

/**
 * Registers that have been written, before each instruction and behind the last one; undefined
 * where it is no sum.
 */
function valuesBefore(instructions: readonly Instruction[]): Values[] {
  let values: Values = new Map();
  const before = [values];
  for (const instruction of instructions) {
    values = new Map(values);
    if (writesOf(instruction) !== 0) values.set(instruction.rd, resultOf(instruction, values));
    before.push(values);
  }
  return before;
}

function resultOf({ op, rs1, rs2, imm }: Instruction, values: Values): Sum | undefined {
  const left = valueOf(values, rs1);
  if (left === undefined) return undefined;
  if (op === OP_OF.addi) return { ...left, constant: left.constant + imm };
  const right = valueOf(values, rs2);
  if (op !== OP_OF.add || right === undefined) return undefined;
  return {
    registers: [...left.registers, ...right.registers],
    constant: left.constant + right.constant,
  };
}

function valueOf(values: Values, x: number): Sum | undefined {
  if (x === 0) return { registers: [], constant: 0 };
  return values.has(x) ? values.get(x) : { registers: [x], constant: 0 };
}

/** By how much a sum grows from one round to the next, if it does so by a constant. */
function stepOf(sum: Sum, after: Values): number | undefined {
  let step = 0;
  for (const x of sum.registers) {
    const next = valueOf(after, x);
    const isInduction =
      next !== undefined && next.registers.length === 1 && next.registers[0] === x;
    if (!isInduction) return undefined;
    step += next.constant;
  }
  return step;
}
