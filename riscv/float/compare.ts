/**
 * Comparisons, minimum and maximum, sign injection, classes: what does no arithmetic. The manual,
 * volume I, chapter "F".
 */

import { FLAG } from './flags.ts';
import {
  type FloatViews,
  isSignaling,
  raise,
  rdOf,
  read,
  rs1Of,
  rs2Of,
  singleBits,
  writeCanonicalNan,
  writeSingleBits,
} from './registers.ts';

/** `feq`: equal. Quiet: only a signaling NaN is invalid. */
export function isEqualFloat(views: FloatViews, registers: number, isDouble: boolean): boolean {
  raiseForSignaling(views, registers, isDouble);
  return read(views, rs1Of(registers), isDouble) === read(views, rs2Of(registers), isDouble);
}

/** `flt` and `fle`: any NaN is invalid. */
export function isLessFloat(
  views: FloatViews,
  registers: number,
  isDouble: boolean,
  isOrEqual: boolean,
): boolean {
  const a = read(views, rs1Of(registers), isDouble);
  const b = read(views, rs2Of(registers), isDouble);
  if (Number.isNaN(a) || Number.isNaN(b)) raise(views, FLAG.invalid);
  return isOrEqual ? a <= b : a < b;
}

/** `fmin` and `fmax`: the other operand when one is a NaN; -0 is less than +0. */
export function minimumOrMaximum(
  views: FloatViews,
  registers: number,
  isDouble: boolean,
  isMaximum: boolean,
): void {
  raiseForSignaling(views, registers, isDouble);
  const a = read(views, rs1Of(registers), isDouble);
  const b = read(views, rs2Of(registers), isDouble);
  if (Number.isNaN(a) && Number.isNaN(b)) {
    writeCanonicalNan(views, rdOf(registers), isDouble);
    return;
  }
  const isLess = a < b || (a === b && Object.is(a, -0));
  const takesFirst = Number.isNaN(b) || (!Number.isNaN(a) && isLess !== isMaximum);
  const from = takesFirst ? rs1Of(registers) : rs2Of(registers);
  const rd = rdOf(registers);
  views.x[rd] = views.x[from] as number;
  views.x[rd + 1] = views.x[from + 1] as number;
}

function raiseForSignaling(views: FloatViews, registers: number, isDouble: boolean): void {
  const rs1 = rs1Of(registers);
  const rs2 = rs2Of(registers);
  const isInvalid =
    (Number.isNaN(read(views, rs1, isDouble)) && isSignaling(views, rs1, isDouble)) ||
    (Number.isNaN(read(views, rs2, isDouble)) && isSignaling(views, rs2, isDouble));
  if (isInvalid) raise(views, FLAG.invalid);
}

export type Injection = 'copy' | 'negate' | 'xor';

/** `fsgnj`, `fsgnjn`, `fsgnjx`: the first operand with a sign made from the second's. */
export function injectSign(
  views: FloatViews,
  registers: number,
  isDouble: boolean,
  injection: Injection,
): void {
  const { x } = views;
  const rs1 = rs1Of(registers);
  const rs2 = rs2Of(registers);
  const a = isDouble ? (x[rs1 + 1] as number) : singleBits(views, rs1);
  const b = isDouble ? (x[rs2 + 1] as number) : singleBits(views, rs2);
  const sign = { copy: b, negate: ~b, xor: a ^ b }[injection] & 0x8000_0000;
  const result = (a & 0x7fff_ffff) | sign;
  const rd = rdOf(registers);
  if (!isDouble) {
    writeSingleBits(views, rd, result);
    return;
  }
  x[rd] = x[rs1] as number;
  x[rd + 1] = result;
}

/** @returns the bit that `fclass` sets, as a number of 10 bits */
export function classOf(views: FloatViews, registers: number, isDouble: boolean): number {
  const rs1 = rs1Of(registers);
  const value = read(views, rs1, isDouble);
  if (Number.isNaN(value)) return isSignaling(views, rs1, isDouble) ? 1 << 8 : 1 << 9;
  const isNegative = value < 0 || Object.is(value, -0);
  const magnitude = Math.abs(value);
  if (magnitude === Number.POSITIVE_INFINITY) return isNegative ? 1 << 0 : 1 << 7;
  if (magnitude === 0) return isNegative ? 1 << 3 : 1 << 4;
  const isNormal = magnitude >= (isDouble ? 2 ** -1022 : 2 ** -126);
  if (isNormal) return isNegative ? 1 << 1 : 1 << 6;
  return isNegative ? 1 << 2 : 1 << 5;
}
