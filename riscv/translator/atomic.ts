/**
 * Atomic operations in translated code: as in `../interpreter/atomic.ts`, with one hart at a time.
 * What is misaligned, not in RAM, or may not be accessed is left to the interpreter.
 */

import { assert } from '../../memory/assert.ts';
import { ACCESS, OP, TYPE } from '../../memory/wasm/opcodes.ts';
import type { Instruction } from '../decode.ts';
import { HART } from '../hart.ts';
import { OPERATIONS } from '../operations.ts';
import type { Accesses } from './access.ts';
import { HART_LOCAL, type Writing } from './writing.ts';

/** Whether translated code executes this operation of A: all of them. */
export function isAtomic(op: number): boolean {
  return OPERATIONS[op]?.extension === 'A';
}

/**
 * What an operation makes of the old value and the operand: an instruction, or a comparison for
 * which the operand is taken.
 */
const COMBINED: Readonly<Record<string, number>> = {
  amoadd: OP.i64Add,
  amoxor: OP.i64Xor,
  amoand: OP.i64And,
  amoor: OP.i64Or,
};
const TAKEN: Readonly<Record<string, number>> = {
  amomin: OP.i64LtS,
  amomax: OP.i64GtS,
  amominu: OP.i64LtU,
  amomaxu: OP.i64GtU,
};

interface Shape {
  readonly bytes: number;
  readonly load: number;
  readonly store: number;
}

const WORD: Shape = { bytes: 4, load: ACCESS.i64Load32S, store: ACCESS.i64Store32 };
const DOUBLE: Shape = { bytes: 8, load: ACCESS.i64Load, store: ACCESS.i64Store };

/** Writes the atomic operations of one function. */
export class Atomics {
  readonly #w: Writing;
  readonly #accesses: Accesses;
  #old: number | undefined;

  constructor(w: Writing, accesses: Accesses) {
    this.#w = w;
    this.#accesses = accesses;
  }

  /** @param leave writes what leaves the function before the instruction */
  write(instruction: Instruction, leave: () => void): void {
    const [kind = '', width] = (OPERATIONS[instruction.op]?.name ?? '').split('.');
    const shape = width === 'd' ? DOUBLE : WORD;
    this.#checkAligned(instruction.rs1, shape, leave);
    if (kind === 'lr') this.#loadReserved(instruction, shape, leave);
    else if (kind === 'sc') this.#storeConditional(instruction, shape, leave);
    else this.#exchange(kind, instruction, { shape, leave });
  }

  #checkAligned(rs1: number, { bytes }: Shape, leave: () => void): void {
    const { code } = this.#w;
    this.#w.get32(rs1);
    code.i32(bytes - 1);
    code.op(OP.i32And);
    code.ifRarely();
    leave();
    code.end();
  }

  #loadReserved({ rd, rs1 }: Instruction, { load }: Shape, leave: () => void): void {
    const { code } = this.#w;
    const position = this.#accesses.checkAlone(rs1, false, leave);
    this.#setHart(HART.hasReservation, ACCESS.i32Store, () => code.i32(1));
    this.#setHart(HART.reservationAddress, ACCESS.i64Store, () => this.#w.get(rs1));
    code.get(position);
    code.access(load, 0);
    code.set(this.#local);
    this.#setHart(HART.reservationValue, ACCESS.i64Store, () => code.get(this.#local));
    code.get(this.#local);
    this.#w.set(rd);
  }

  /** Whether it succeeds or not, there is no reservation afterwards. */
  #storeConditional({ rd, rs1, rs2 }: Instruction, shape: Shape, leave: () => void): void {
    const { code } = this.#w;
    const failed = this.#local;
    code.i64(1);
    code.set(failed);
    this.#getHart(HART.hasReservation, ACCESS.i32Load);
    this.#getHart(HART.reservationAddress, ACCESS.i64Load);
    this.#w.get(rs1);
    code.op(OP.i64Eq);
    code.op(OP.i32And);
    code.if();
    const position = this.#accesses.checkAlone(rs1, true, leave);
    code.get(position);
    code.access(shape.load, 0);
    this.#getHart(HART.reservationValue, shape.load);
    code.op(OP.i64Eq);
    code.if();
    code.get(position);
    this.#w.get(rs2);
    code.access(shape.store, 0);
    code.i64(0);
    code.set(failed);
    code.end();
    code.end();
    this.#setHart(HART.hasReservation, ACCESS.i32Store, () => code.i32(0));
    code.get(failed);
    this.#w.set(rd);
  }

  #exchange(
    kind: string,
    { rd, rs1, rs2 }: Instruction,
    { shape, leave }: { shape: Shape; leave: () => void },
  ): void {
    const { code } = this.#w;
    const old = this.#local;
    const position = this.#accesses.checkAlone(rs1, true, leave);
    code.get(position);
    code.access(shape.load, 0);
    code.set(old);
    code.get(position);
    this.#putNew(kind, rs2, shape);
    code.access(shape.store, 0);
    code.get(old);
    this.#w.set(rd);
  }

  #putNew(kind: string, rs2: number, shape: Shape): void {
    const { code } = this.#w;
    const old = this.#local;
    const putOperand = (): void => {
      this.#w.get(rs2);
      if (shape === WORD) code.op(OP.i64Extend32S);
    };
    const [combined, taken] = [COMBINED[kind], TAKEN[kind]];
    putOperand();
    if (combined !== undefined) {
      code.get(old);
      code.op(combined);
    } else if (taken !== undefined) {
      code.get(old);
      putOperand();
      code.get(old);
      code.op(taken);
      code.op(OP.select);
    } else {
      assert(kind === 'amoswap', 'every atomic operation is known');
    }
  }

  #getHart(offset: number, opcode: number): void {
    this.#w.code.get(HART_LOCAL);
    this.#w.code.access(opcode, offset);
  }

  #setHart(offset: number, opcode: number, putValue: () => void): void {
    this.#w.code.get(HART_LOCAL);
    putValue();
    this.#w.code.access(opcode, offset);
  }

  /** A value, of no meaning between instructions. */
  get #local(): number {
    return (this.#old ??= this.#w.code.local(TYPE.i64));
  }
}
