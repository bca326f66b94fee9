/**
 * Instructions written as nested expressions: `add(at, 4)` in place of three lines that say the
 * same in the order of the stack. For loops that are written by hand, and read beside the
 * TypeScript that they stand for (`routine.ts`).
 */

import type { Code } from './code.ts';
import { ACCESS, OP } from './opcodes.ts';

/** Puts one value on the stack: of 32 bits, unless a name says otherwise. */
export type Expression = (code: Code) => void;
/** An expression, a local's value, or a constant. */
export type Operand = Expression | Variable | number;

/** A local of a function. */
export class Variable {
  readonly #code: Code;
  readonly #local: number;

  constructor(code: Code, local: number) {
    this.#code = code;
    this.#local = local;
  }

  get(): void {
    this.#code.get(this.#local);
  }

  set(value: Operand): void {
    put(this.#code, value);
    this.#code.set(this.#local);
  }
}

export function put(code: Code, operand: Operand): void {
  if (typeof operand === 'number') code.i32(operand);
  else if (operand instanceof Variable) operand.get();
  else operand(code);
}

function binary(opcode: number): (one: Operand, other: Operand) => Expression {
  return (one, other) => (code) => {
    put(code, one);
    put(code, other);
    code.op(opcode);
  };
}

export const add = binary(OP.i32Add);
export const subtract = binary(OP.i32Sub);
export const multiply = binary(OP.i32Mul);
export const and = binary(OP.i32And);
export const or = binary(OP.i32Or);
export const exclusiveOr = binary(OP.i32Xor);
export const shiftLeft = binary(OP.i32Shl);
/** Zeros come in from above. */
export const shiftRight = binary(OP.i32ShrU);
export const rotateLeft = binary(OP.i32Rotl);
export const remainder = binary(OP.i32RemU);
export const equal = binary(OP.i32Eq);
export const notEqual = binary(OP.i32Ne);
// Compared as signed numbers.
export const less = binary(OP.i32LtS);
export const atMost = binary(OP.i32LeS);
export const more = binary(OP.i32GtS);
export const atLeast = binary(OP.i32GeS);
// Compared as numbers without sign.
export const below = binary(OP.i32LtU);
export const notBelow = binary(OP.i32GeU);

/** @returns the first value where the condition holds, else the second; both are computed */
export function choose(condition: Operand, then: Operand, otherwise: Operand): Expression {
  return (code) => {
    put(code, then);
    put(code, otherwise);
    put(code, condition);
    code.op(OP.select);
  };
}

function load(opcode: number): (at: Operand, offset?: number) => Expression {
  return (at, offset = 0) =>
    (code) => {
      put(code, at);
      code.access(opcode, offset);
    };
}

/** Loads, from the sum of a position and a constant offset. */
export const load32 = load(ACCESS.i32Load);
export const load16 = load(ACCESS.i32Load16U);
export const load8 = load(ACCESS.i32Load8U);

/** Calls a function of the same module that gives one value back. */
export function call(functionIndex: number, ...given: readonly Operand[]): Expression {
  return (code) => {
    for (const each of given) put(code, each);
    code.call(functionIndex);
  };
}
