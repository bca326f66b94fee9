/**
 * `rdcycle`, `rdtime` and `rdinstret` in translated code. Time is what `HART.clock` says. Retired
 * are as many instructions as `retired` and `remaining` made together when translated code was
 * entered, less what remains here.
 */

import type { Instruction } from '../decode.ts';
import { OP_OF } from '../operations.ts';

export const COUNTER = { cycle: 0xc00, time: 0xc01, instret: 0xc02 } as const;
/** With x0, or a zero in the instruction, these only read. */
const READERS = new Set<number>([OP_OF.csrrs, OP_OF.csrrc, OP_OF.csrrsi, OP_OF.csrrci]);

export function isCounterRead({ op, rs1, imm }: Instruction): boolean {
  return READERS.has(op) && rs1 === 0 && imm >= COUNTER.cycle && imm <= COUNTER.instret;
}
