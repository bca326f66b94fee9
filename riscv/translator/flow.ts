/**
 * Where control may go behind an instruction: what ends a block, and what only looks as if it did.
 */

import type { BulkName } from '../bulk/functions.ts';
import type { Instruction } from '../decode.ts';
import { type Format, OP_OF, OPERATIONS } from '../operations.ts';
import { isTranslated } from './operations-table.ts';

/** How a block ends. Addresses are virtual; a target may lie outside the text. */
export type BlockEnd =
  /** The next instruction is another block's first one. */
  | { readonly kind: 'fall'; readonly next: number }
  | { readonly kind: 'jump'; readonly target: number }
  | { readonly kind: 'branch'; readonly target: number; readonly next: number }
  /** A jump that leaves its return address in a register: `next`, if all goes well. */
  | { readonly kind: 'call'; readonly target: number; readonly next: number }
  | { readonly kind: 'indirectCall'; readonly next: number }
  /**
   * A call of a function that is done at once; where that is not possible, the function is called,
   * and what is behind it is entered anew.
   */
  | {
      readonly kind: 'bulkCall';
      readonly name: BulkName;
      readonly target: number;
      readonly next: number;
    }
  | { readonly kind: 'indirect' }
  /**
   * The block's last instruction is left to the interpreter, which goes on at `next` if nothing
   * traps.
   */
  | { readonly kind: 'leave'; readonly next: number }
  /** The same, where nothing goes on behind it: no instruction at all. */
  | { readonly kind: 'stop' };

/**
 * @param before the instruction that control always comes from, right before this one; undefined at
 * the beginning of a block
 * @returns how the block ends with this instruction, or undefined when it goes straight on
 */
export function endOf(
  pc: number,
  instruction: Instruction,
  before: Instruction | undefined,
): BlockEnd | undefined {
  const next = pc + instruction.length;
  switch (formatOf(instruction)) {
    case 'B':
      return { kind: 'branch', target: pc + instruction.imm, next };
    case 'J':
      return instruction.rd === 0
        ? { kind: 'jump', target: pc + instruction.imm }
        : { kind: 'call', target: pc + instruction.imm, next };
    case 'jalr':
      return endOfJalr(pc, instruction, before);
    case 'illegal':
      return { kind: 'stop' };
    default:
      return isTranslated(instruction) ? undefined : { kind: 'leave', next };
  }
}

export function formatOf(instruction: Instruction): Format {
  return OPERATIONS[instruction.op]?.format ?? 'illegal';
}

function endOfJalr(
  pc: number,
  instruction: Instruction,
  before: Instruction | undefined,
): BlockEnd {
  const next = pc + instruction.length;
  const target = farTarget(pc, instruction, before);
  if (instruction.rd === 0) {
    return target === undefined ? { kind: 'indirect' } : { kind: 'jump', target };
  }
  return target === undefined ? { kind: 'indirectCall', next } : { kind: 'call', target, next };
}

/**
 * The target of `auipc` and `jalr` one after the other, as a linker leaves calls that it does not
 * shorten.
 */
function farTarget(
  pc: number,
  jalr: Instruction,
  before: Instruction | undefined,
): number | undefined {
  if (before?.op !== OP_OF.auipc || before.rd !== jalr.rs1 || jalr.rs1 === 0) return undefined;
  return pc - 4 + before.imm + jalr.imm - (jalr.imm & 1);
}
