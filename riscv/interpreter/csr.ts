/**
 * Control and status registers in user mode (the manual, volume I, chapters "Zicsr", "Counters" and
 * "F"): `fcsr` with its two parts, and the counters, which may only be read. All others are
 * illegal.
 */

import type { Instruction } from '../decode.ts';
import { HART, NS_PER_TICK, type Outside } from '../hart.ts';
import { OP_OF } from '../operations.ts';
import { wordOfResult, wordOfX } from './cells.ts';

const FCSR = HART.fcsr >> 2;
const HAS_FLOATING_POINT = HART.hasFloatingPoint >> 2;
const RETIRED = HART.retired >> 2;
const REMAINING = HART.remaining >> 2;
const TWO_TO_32 = 2 ** 32;

/** The parts of `fcsr` by number: fflags, frm and the whole. */
const FLOATING_POINT_CSRS: Readonly<Record<number, { shift: number; mask: number }>> = {
  0x001: { shift: 0, mask: 0x1f },
  0x002: { shift: 5, mask: 0x07 },
  0x003: { shift: 0, mask: 0xff },
};

/**
 * Executes a CSR instruction. `retired` and `remaining` must be up to date: counters are made of
 * them.
 *
 * @returns whether it is legal; nothing is done when not
 */
export function executeCsr(x: Int32Array, instruction: Instruction, outside: Outside): boolean {
  const part = FLOATING_POINT_CSRS[instruction.imm];
  if (part === undefined) return readCounter(x, instruction, outside);
  if (x[HAS_FLOATING_POINT] === 0) return false;
  const fcsr = x[FCSR] as number;
  const old = (fcsr >>> part.shift) & part.mask;
  const value = written(x, instruction, old);
  if (value !== undefined) {
    const bits = (value & part.mask) << part.shift;
    x[FCSR] = (fcsr & ~(part.mask << part.shift)) | bits;
  }
  putResult(x, instruction, old, 0);
  return true;
}

/** `cycle` and `time`, of the clock that all harts share, and `instret`, of this hart alone. */
function readCounter(x: Int32Array, instruction: Instruction, outside: Outside): boolean {
  if (written(x, instruction, 0) !== undefined) return false;
  switch (instruction.imm) {
    case 0xc00: // cycle
      putNumber(x, instruction, nanoseconds(x, outside));
      return true;
    case 0xc01: // time
      putNumber(x, instruction, Math.floor(nanoseconds(x, outside) / NS_PER_TICK));
      return true;
    case 0xc02: // instret
      putResult(x, instruction, x[RETIRED] as number, x[RETIRED + 1] as number);
      return true;
    default:
      return false;
  }
}

/**
 * What an instruction writes over an old value, the low half of it: no CSR here has more. Undefined
 * when it only reads: the forms that set or clear bits do, with x0 or a zero in the instruction.
 */
function written(x: Int32Array, { op, rs1 }: Instruction, old: number): number | undefined {
  const isImmediate = op >= OP_OF.csrrwi;
  const operand = isImmediate ? rs1 : (x[wordOfX(rs1)] as number);
  if (op === OP_OF.csrrw || op === OP_OF.csrrwi) return operand;
  if (rs1 === 0) return undefined;
  return op === OP_OF.csrrs || op === OP_OF.csrrsi ? old | operand : old & ~operand;
}

/** When this instruction begins. */
function nanoseconds(x: Int32Array, outside: Outside): number {
  const step = x[HART.clockStep >> 2] as number;
  if (step < 0) return outside.nowNs();
  const low = (x[HART.clock >> 2] as number) >>> 0;
  const high = x[(HART.clock >> 2) + 1] as number;
  return high * TWO_TO_32 + low - (x[REMAINING] as number) * step;
}

function putNumber(x: Int32Array, instruction: Instruction, value: number): void {
  putResult(x, instruction, value % TWO_TO_32, Math.floor(value / TWO_TO_32));
}

function putResult(x: Int32Array, { rd }: Instruction, low: number, high: number): void {
  x[wordOfResult(rd)] = low;
  x[wordOfResult(rd) + 1] = high;
}
