/**
 * Expressions of 64 and 128 bits, beside those of `expression.ts`. Which width an operand has, its
 * name says; an engine refuses a module that mixes them.
 */

import type { Code } from './code.ts';
import { type Expression, type Operand, put, type Variable } from './expression.ts';
import { ACCESS, OP, VECTOR } from './opcodes.ts';

/** An expression or a local of 64 bits. */
export type Operand64 = Expression | Variable;
/** An expression or a local of 128 bits. */
export type Operand128 = Expression | Variable;

/** A constant of 64 bits by its halves. */
export function constant64(low: number, high: number): Expression {
  return (code) => code.i64Halves(low, high);
}

/** The low half of 64 bits. */
export function lowOf(value: Operand64): Expression {
  return (code) => {
    put(code, value);
    code.op(OP.i32WrapI64);
  };
}

/** The high half of 64 bits. */
export function highOf(value: Operand64): Expression {
  return lowOf(shiftedRight64(value, 32));
}

/** 32 bits as 64, with zeros above. */
export function widened(value: Operand): Expression {
  return (code) => {
    put(code, value);
    code.op(OP.i64ExtendI32U);
  };
}

function binary(put2: (code: Code) => void): (one: Operand64, other: Operand64) => Expression {
  return (one, other) => (code) => {
    put(code, one);
    put(code, other);
    put2(code);
  };
}

const with64 = (opcode: number) => binary((code) => code.op(opcode));
export const add64 = with64(OP.i64Add);
export const subtract64 = with64(OP.i64Sub);
export const multiply64 = with64(OP.i64Mul);
export const and64 = with64(OP.i64And);
export const or64 = with64(OP.i64Or);
export const equal64 = with64(OP.i64Eq);
export const notEqual64 = with64(OP.i64Ne);
// Compared as numbers without sign.
export const below64 = with64(OP.i64LtU);
export const above64 = with64(OP.i64GtU);
export const notBelow64 = with64(OP.i64GeU);

/** Zeros come in from above. */
export function shiftedRight64(value: Operand64, bits: number): Expression {
  return (code) => {
    put(code, value);
    code.i64(bits);
    code.op(OP.i64ShrU);
  };
}

function load(opcode: number): (at: Operand, offset?: number) => Expression {
  return (at, offset = 0) =>
    (code) => {
      put(code, at);
      code.access(opcode, offset);
    };
}

// Loads of 64 bits, from the sum of a position and a constant offset.
export const load64 = load(ACCESS.i64Load);
/** 32 bits of memory, with zeros above. */
export const loadWidened32 = load(ACCESS.i64Load32U);
/** 16 bits of memory, with zeros above. */
export const loadWidened16 = load(ACCESS.i64Load16U);

/** Loads 128 bits. */
export function load128(at: Operand, offset = 0): Expression {
  return (code) => {
    put(code, at);
    code.vectorLoad(offset);
  };
}

const with128 = (opcode: number) => binary((code) => code.vector(opcode));
export const and128 = with128(VECTOR.v128And);
export const or128 = with128(VECTOR.v128Or);
export const exclusiveOr128 = with128(VECTOR.v128Xor);
/** Bytes of the first in the order of the second, whose bytes are their numbers. */
export const arranged = with128(VECTOR.i8x16Swizzle);

/** Whether one of 128 bits is set: 32 bits. */
export function isAnySet(value: Operand128): Expression {
  return (code) => {
    put(code, value);
    code.vector(VECTOR.v128AnyTrue);
  };
}
