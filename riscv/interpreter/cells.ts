/**
 * Decoded instructions as the interpreter's loop reads them: eight words, a *cell*, for each two
 * bytes of code.
 *
 * A cell that is all zero is not decoded yet. Registers are in it as indices into the hart block,
 * so that the loop does not translate their order, and x0 is a word that is always zero or one that
 * nobody reads.
 */

import type { Instruction } from '../decode.ts';
import { packRegisters, type Registers } from '../float/registers.ts';
import { HART, SLOT_OF_X } from '../hart.ts';
import { type Format, OP_OF, OPERATIONS } from '../operations.ts';

/** Words of a cell. */
export const CELL = {
  op: 0,
  rd: 1,
  rs1: 2,
  rs2: 3,
  /**
   * The immediate. Of a branch or `jal` the index of the cell it goes to, or -1 when that is
   * outside; of `lui` and `auipc` the low half of the result; of a floating-point instruction the
   * rounding mode.
   */
  imm: 4,
  /**
   * Low half of the return address; high half of what `lui` and `auipc` yield; of a float operation
   * all its registers.
   */
  extra: 5,
  /** High half of the return address. */
  extraHigh: 6,
  /** Index of the next cell, less this one's. */
  step: 7,
} as const;

export const CELL_WORDS = 8;

/** Words of cells for each byte of code. */
export const WORDS_PER_BYTE = CELL_WORDS / 2;

/** @returns the index in the hart block, in words, of the low half of x0..x31 as a source */
export function wordOfX(register: number): number {
  return (register === 0 ? HART.zero : HART.registers + 8 * (SLOT_OF_X[register] as number)) >> 2;
}

/** @returns the same as a destination: what goes to x0 goes where nobody reads */
export function wordOfResult(register: number): number {
  return register === 0 ? HART.discarded >> 2 : wordOfX(register);
}

/** @returns the index in the hart block, in words, of the low half of f0..f31 */
export function wordOfF(register: number): number {
  return (HART.floats + 8 * register) >> 2;
}

/** Which operands of a format are floating-point registers. */
const FLOAT_OPERANDS: Partial<Record<Format, string>> = {
  fload: 'rd',
  fstore: 'rs2',
  fma: 'rd rs1 rs2',
  fR: 'rd rs1 rs2',
  fRrm: 'rd rs1 rs2',
  fR1: 'rd rs1',
  fcompare: 'rs1 rs2',
  fclass: 'rs1',
  fmvToInteger: 'rs1',
  fmvToFloat: 'rd',
  fcvtToInteger: 'rs1',
  fcvtToFloat: 'rd',
};

interface Operands {
  readonly rd: (register: number) => number;
  readonly rs1: (register: number) => number;
  readonly rs2: (register: number) => number;
  readonly hasRounding: boolean;
}

/** How the operands of each operation become indices. */
const OPERANDS_OF: readonly Operands[] = OPERATIONS.map(({ format }) => {
  const floats = (FLOAT_OPERANDS[format] ?? '').split(' ');
  return {
    rd: floats.includes('rd') ? wordOfF : wordOfResult,
    rs1: floats.includes('rs1') ? wordOfF : wordOfX,
    rs2: floats.includes('rs2') ? wordOfF : wordOfX,
    hasRounding: ['fma', 'fRrm', 'fR1', 'fcvtToInteger', 'fcvtToFloat'].includes(format),
  };
});

/** @returns the operands of an instruction as `executeFloat` takes them */
export function registersOf({ op, rd, rs1, rs2, rs3 }: Instruction): Registers {
  const operands = OPERANDS_OF[op] as Operands;
  return packRegisters(operands.rd(rd), operands.rs1(rs1), operands.rs2(rs2), wordOfF(rs3));
}

/** Where a cell lies. */
export interface Place {
  /** Index of its first word. */
  readonly index: number;
  /** Low and high half of the instruction's address. */
  readonly low: number;
  readonly high: number;
  /**
   * Words of the cells that a jump may reach without leaving them; behind them is one more cell,
   * never decoded.
   */
  readonly reach: number;
}

/** Fills a cell. */
export function writeCell(cells: Int32Array, place: Place, instruction: Instruction): void {
  const { index, low, high } = place;
  const { op, rd, rs1, rs2, imm, rm, length } = instruction;
  const operands = OPERANDS_OF[op] as Operands;
  const nextLow = (low + length) | 0;
  cells[index + CELL.op] = op;
  cells[index + CELL.rd] = operands.rd(rd);
  cells[index + CELL.rs1] = operands.rs1(rs1);
  cells[index + CELL.rs2] = operands.rs2(rs2);
  cells[index + CELL.imm] = operands.hasRounding ? rm : imm;
  cells[index + CELL.extra] = registersOf(instruction);
  cells[index + CELL.step] = length * WORDS_PER_BYTE;
  if (op === OP_OF.lui) {
    cells[index + CELL.extra] = imm >> 31;
  } else if (op === OP_OF.auipc) {
    const sum = (low + imm) | 0;
    cells[index + CELL.imm] = sum;
    cells[index + CELL.extra] = (high + (imm >> 31) + carry(sum, low)) | 0;
  } else if (op === OP_OF.jal || op === OP_OF.jalr) {
    cells[index + CELL.extra] = nextLow;
    cells[index + CELL.extraHigh] = (high + carry(nextLow, low)) | 0;
  }
  const format = OPERATIONS[op]?.format;
  if (format === 'B' || format === 'J') {
    const target = index + imm * WORDS_PER_BYTE;
    cells[index + CELL.imm] = target >= 0 && target < place.reach ? target : -1;
  }
}

/**
 * 1 when the low half of a sum has wrapped around: it is then less than either of what was added.
 */
function carry(sum: number, addend: number): number {
  return sum >>> 0 < addend >>> 0 ? 1 : 0;
}
