/** How far execution goes straight on: up to what may send it elsewhere, or end it. */

import { decode, type Instruction, lengthOf } from '../decode.ts';
import { OP_OF, OPERATIONS } from '../operations.ts';

/** An instruction in its place. */
export interface Placed {
  readonly pc: number;
  readonly instruction: Instruction;
}

/** Behind these, somebody else decides whether anything is executed. */
const ENDS = new Set<number>([OP_OF.ecall, OP_OF.ebreak, OP_OF.jalr, OP_OF.illegal]);

/**
 * @param bytes of the code @param vaddr of their first
 * @returns the instructions that are executed from `pc` on if none traps; the last one may jump
 */
export function* straightFrom(bytes: Uint8Array, vaddr: number, pc: number): Generator<Placed> {
  for (let at = pc - vaddr; at >= 0;) {
    const instruction = instructionAt(bytes, at);
    if (instruction === undefined) return;
    yield { pc: vaddr + at, instruction };
    const { op, length } = instruction;
    const format = OPERATIONS[op]?.format;
    if (format === 'B' || format === 'J' || ENDS.has(op)) return;
    at += length;
  }
}

/** @returns undefined behind the last whole instruction */
export function instructionAt(bytes: Uint8Array, at: number): Instruction | undefined {
  if (at + 2 > bytes.length) return undefined;
  const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
  if (lengthOf(low) === 2) return decode(low);
  if (at + 4 > bytes.length) return undefined;
  return decode(low | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24));
}

export function isConditionalBranch({ op }: Instruction): boolean {
  return OPERATIONS[op]?.format === 'B';
}
