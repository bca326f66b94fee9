/**
 * The program that stands for a unit's line table: a small machine with a row of registers, which
 * it appends to the table whenever an opcode says so. DWARF 5, 6.2.2 and 6.2.5.
 */

import type { Cursor } from './cursor.ts';

/** What the header says about opcodes. */
export interface ProgramFormat {
  readonly instructionBytes: number;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeBase: number;
  /** Operands of each standard opcode, from 1 on. */
  readonly operands: readonly number[];
}

/** From this address on, up to that of the next row, instructions belong to the line. */
export interface LineRow {
  readonly address: number;
  /** Number in the unit's file table. */
  readonly file: number;
  /** 0: belongs to no line. */
  readonly line: number;
}

/** Rows by address; the last one is the end, and no instruction. */
export type Sequence = readonly LineRow[];

const STANDARD = {
  extended: 0,
  copy: 1,
  advancePc: 2,
  advanceLine: 3,
  setFile: 4,
  constAddPc: 8,
  fixedAdvancePc: 9,
} as const;
const EXTENDED = { endSequence: 1, setAddress: 2 } as const;
const LAST_ADDRESS = Number.MAX_SAFE_INTEGER;

/** @returns the sequences in the order of the program, or one line that says what is wrong */
export function runLineProgram(
  cursor: Cursor,
  format: ProgramFormat,
): readonly Sequence[] | { readonly problem: string } {
  const machine = new Machine(cursor, format);
  while (cursor.left > 0) {
    machine.step();
    if (cursor.isOverrun) return { problem: 'ends in the middle of a line program' };
    if (!machine.isSane) return { problem: 'has an address or a line that cannot be' };
  }
  return machine.sequences;
}

class Machine {
  readonly sequences: Sequence[] = [];
  readonly #cursor: Cursor;
  readonly #format: ProgramFormat;
  #rows: LineRow[] = [];
  #address = 0;
  #file = 1;
  #line = 1;

  constructor(cursor: Cursor, format: ProgramFormat) {
    this.#cursor = cursor;
    this.#format = format;
  }

  get isSane(): boolean {
    return this.#address <= LAST_ADDRESS && this.#line >= 0 && this.#line <= LAST_ADDRESS;
  }

  step(): void {
    const cursor = this.#cursor;
    const { opcodeBase, lineBase, lineRange, instructionBytes, operands } = this.#format;
    const opcode = cursor.u8();
    if (opcode >= opcodeBase) {
      const adjusted = opcode - opcodeBase;
      this.#address += Math.floor(adjusted / lineRange) * instructionBytes;
      this.#line += lineBase + (adjusted % lineRange);
      this.#append();
      return;
    }
    switch (opcode) {
      case STANDARD.extended:
        this.#extended(cursor.uleb());
        return;
      case STANDARD.copy:
        this.#append();
        return;
      case STANDARD.advancePc:
        this.#address += cursor.uleb() * instructionBytes;
        return;
      case STANDARD.advanceLine:
        this.#line += cursor.sleb();
        return;
      case STANDARD.setFile:
        this.#file = cursor.uleb();
        return;
      case STANDARD.constAddPc:
        this.#address += Math.floor((255 - opcodeBase) / lineRange) * instructionBytes;
        return;
      case STANDARD.fixedAdvancePc:
        this.#address += cursor.u16();
        return;
      default:
        // A column, a flag, or what a later version may bring: the header says how long it is.
        for (let left = operands[opcode - 1] ?? 0; left > 0; left -= 1) cursor.uleb();
    }
  }

  #extended(length: number): void {
    const cursor = this.#cursor;
    if (length === 0) return;
    const opcode = cursor.u8();
    if (opcode === EXTENDED.setAddress && length === 9) {
      this.#address = cursor.u64();
      return;
    }
    cursor.skip(length - 1);
    if (opcode !== EXTENDED.endSequence) return;
    this.#append();
    this.sequences.push(this.#rows);
    this.#rows = [];
    this.#address = 0;
    this.#file = 1;
    this.#line = 1;
  }

  #append(): void {
    this.#rows.push({ address: this.#address, file: this.#file, line: this.#line });
  }
}
