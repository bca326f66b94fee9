/**
 * `rdcycle` and `rdinstret` in translated code: both are the number of retired instructions, which is what `retired` and
 * `remaining` made together when translated code was entered, less what `remaining` would be here.
 *
 * `rdtime` is the interpreter's: it asks the clock.
 */

import type { Instruction } from '../decode.ts';
import { OP_OF } from '../operations.ts';

const CYCLE = 0xc00;
const INSTRET = 0xc02;
/** With x0, or a zero in the instruction, these only read. */
const READERS = new Set<number>([OP_OF.csrrs, OP_OF.csrrc, OP_OF.csrrsi, OP_OF.csrrci]);

export function isCounterRead({ op, rs1, imm }: Instruction): boolean {
  return READERS.has(op) && rs1 === 0 && (imm === CYCLE || imm === INSTRET);
}
