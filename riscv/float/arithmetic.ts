/**
 * Sum, product, quotient, root and fused multiply-add: of the host where it surely has the right
 * answer, else exactly.
 *
 * `registers` names the operands: see `Registers` in `registers.ts`. `mode` is a rounding mode, 0
 * to 4. Singles are computed in doubles and rounded again, which is the same as rounding once for
 * all but the fused operation (Figueroa, "When is double rounding innocuous?", 1995), and there the
 * first rounding is to odd.
 */

import { HART } from '../hart.ts';
import {
  add,
  BINARY32,
  BINARY64,
  divide,
  type FloatFormat,
  multiply,
  multiplyAdd,
  type Rounded,
  squareRoot,
} from './exact.ts';
import { FLAG } from './flags.ts';
import { isPlain32, isPlain64, isSplittable, productError, sumError } from './host.ts';
import {
  exactBits,
  type FloatViews,
  isInexactRaised,
  raise,
  rdOf,
  read,
  rs1Of,
  rs2Of,
  rs3Of,
  write,
  writeExactBits,
} from './registers.ts';

const NEAREST_EVEN = 0;

export function addOrSubtract(
  views: FloatViews,
  registers: number,
  isDouble: boolean,
  mode: number,
  isSubtraction: boolean,
): void {
  const a = read(views, rs1Of(registers), isDouble);
  const minuend = read(views, rs2Of(registers), isDouble);
  const b = isSubtraction ? -minuend : minuend;
  const sum = a + b;
  const result = isDouble ? sum : Math.fround(sum);
  // A sum that is zero is exact, and has the sign that it should have.
  if (mode === NEAREST_EVEN && (sum === 0 || isPlain(result, isDouble))) {
    const isExact = isInexactRaised(views) || (result === sum && sumError(a, b, sum) === 0);
    finish(views, registers, result, isDouble, isExact);
    return;
  }
  const format = isDouble ? BINARY64 : BINARY32;
  const bBits = exactBits(views, rs2Of(registers), isDouble);
  const sign = isSubtraction ? signBit(isDouble) : 0n;
  const aBits = exactBits(views, rs1Of(registers), isDouble);
  finishExactly(views, registers, add(format, aBits, bBits ^ sign, mode), isDouble);
}

export function multiplyFloats(
  views: FloatViews,
  registers: number,
  isDouble: boolean,
  mode: number,
): void {
  const a = read(views, rs1Of(registers), isDouble);
  const b = read(views, rs2Of(registers), isDouble);
  const product = a * b;
  const result = isDouble ? product : Math.fround(product);
  const isZero = product === 0 && (a === 0 || b === 0);
  if (mode === NEAREST_EVEN && (isZero || isPlain(result, isDouble))) {
    // The product of two singles is exact in a double.
    const isKnown = isZero || !isDouble || isInexactRaised(views) || isSplittable(a, b, product);
    if (isKnown) {
      const isExact =
        isZero ||
        isInexactRaised(views) ||
        (isDouble ? productError(a, b, product) === 0 : result === product);
      finish(views, registers, result, isDouble, isExact);
      return;
    }
  }
  exactly(views, registers, isDouble, mode, multiply);
}

export function divideFloats(
  views: FloatViews,
  registers: number,
  isDouble: boolean,
  mode: number,
): void {
  const a = read(views, rs1Of(registers), isDouble);
  const b = read(views, rs2Of(registers), isDouble);
  const quotient = a / b;
  const result = isDouble ? quotient : Math.fround(quotient);
  const isZero = a === 0 && quotient === 0;
  if (mode === NEAREST_EVEN && (isZero || isPlain(result, isDouble))) {
    if (isZero || isInexactRaised(views)) {
      finish(views, registers, result, isDouble, true);
      return;
    }
    if (!isDouble || isSplittable(result, b, a)) {
      finish(views, registers, result, isDouble, isProduct(a, result, b, isDouble));
      return;
    }
  }
  exactly(views, registers, isDouble, mode, divide);
}

export function squareRootFloat(
  views: FloatViews,
  registers: number,
  isDouble: boolean,
  mode: number,
): void {
  const a = read(views, rs1Of(registers), isDouble);
  const root = Math.sqrt(a);
  const result = isDouble ? root : Math.fround(root);
  if (mode === NEAREST_EVEN && (a === 0 || isPlain(result, isDouble))) {
    if (!isDouble || a === 0 || isSplittable(result, result, a)) {
      finish(views, registers, result, isDouble, isProduct(a, result, result, isDouble));
      return;
    }
  }
  const format = isDouble ? BINARY64 : BINARY32;
  const aBits = exactBits(views, rs1Of(registers), isDouble);
  finishExactly(views, registers, squareRoot(format, aBits, mode), isDouble);
}

/**
 * Which of the fused operations: whether the product, and what is added to it, change their sign.
 */
export interface Fused {
  readonly isProductNegated: boolean;
  readonly isAddendNegated: boolean;
}

export function fuse(
  views: FloatViews,
  registers: number,
  isDouble: boolean,
  mode: number,
  { isProductNegated, isAddendNegated }: Fused,
): void {
  const factor = read(views, rs1Of(registers), isDouble);
  const addend = read(views, rs3Of(registers), isDouble);
  const a = isProductNegated ? -factor : factor;
  const b = read(views, rs2Of(registers), isDouble);
  const c = isAddendNegated ? -addend : addend;
  if (mode === NEAREST_EVEN) {
    const isDone = isDouble
      ? fuseDoubles(views, registers, a, b, c)
      : fuseSingles(views, registers, a, b, c);
    if (isDone) return;
  }
  const sign = signBit(isDouble);
  const result = multiplyAdd(
    isDouble ? BINARY64 : BINARY32,
    exactBits(views, rs1Of(registers), isDouble) ^ (isProductNegated ? sign : 0n),
    exactBits(views, rs2Of(registers), isDouble),
    exactBits(views, rs3Of(registers), isDouble) ^ (isAddendNegated ? sign : 0n),
    mode,
  );
  finishExactly(views, registers, result, isDouble);
}

/** @returns whether the host could tell */
function fuseSingles(
  views: FloatViews,
  registers: number,
  a: number,
  b: number,
  c: number,
): boolean {
  const product = a * b;
  const sum = product + c;
  const error = sumError(product, c, sum);
  const result = Math.fround(roundedToOdd(views, sum, error));
  if (sum !== 0 && !isPlain32(result)) return false;
  finish(views, registers, result, false, error === 0 && result === sum);
  return true;
}

/** Boldo and Melquiond's emulation, figure 5. @returns whether the host could tell */
function fuseDoubles(
  views: FloatViews,
  registers: number,
  a: number,
  b: number,
  c: number,
): boolean {
  const product = a * b;
  if (!(Math.abs(c) < 2 ** 990)) return false;
  if (product === 0 && (a === 0 || b === 0)) {
    // The zero has its sign, and the sum is c or a zero: exact.
    finish(views, registers, product + c, true, true);
    return true;
  }
  if (!isSplittable(a, b, product)) return false;
  const productRest = productError(a, b, product);
  const low = c + productRest;
  const lowRest = sumError(c, productRest, low);
  const high = product + low;
  const highRest = sumError(product, low, high);
  const rest = lowRest + highRest;
  const restError = sumError(lowRest, highRest, rest);
  const odd = roundedToOdd(views, rest, restError);
  const result = high + odd;
  if (result !== 0 && !isPlain64(result)) return false;
  finish(views, registers, result, true, restError === 0 && sumError(high, odd, result) === 0);
  return true;
}

const SCRATCH = HART.discarded >> 2;

/**
 * Rounds to odd: an inexact result keeps its last bit as a reminder that something follows.
 *
 * @param value the exact number, rounded to nearest
 * @param error the exact number minus `value`
 */
function roundedToOdd({ x, f64 }: FloatViews, value: number, error: number): number {
  if (error === 0) return value;
  f64[SCRATCH >> 1] = value;
  const low = x[SCRATCH] as number;
  if ((low & 1) !== 0) return value;
  if (error > 0 === value > 0) {
    x[SCRATCH] = low | 1;
  } else {
    // One unit nearer to zero.
    x[SCRATCH] = low - 1;
    if (low === 0) x[SCRATCH + 1] = (x[SCRATCH + 1] as number) - 1;
  }
  return f64[SCRATCH >> 1] as number;
}

function isPlain(result: number, isDouble: boolean): boolean {
  return isDouble ? isPlain64(result) : isPlain32(result);
}

/** @returns whether a is b x c; singles' products are exact in doubles */
function isProduct(a: number, b: number, c: number, isDouble: boolean): boolean {
  const product = b * c;
  return product === a && (!isDouble || a === 0 || productError(b, c, product) === 0);
}

function signBit(isDouble: boolean): bigint {
  return isDouble ? 1n << 63n : 1n << 31n;
}

function finish(
  views: FloatViews,
  registers: number,
  result: number,
  isDouble: boolean,
  isExact: boolean,
): void {
  if (!isExact) raise(views, FLAG.inexact);
  write(views, rdOf(registers), result, isDouble);
}

function finishExactly(
  views: FloatViews,
  registers: number,
  { bits, flags }: Rounded,
  isDouble: boolean,
): void {
  raise(views, flags);
  writeExactBits(views, rdOf(registers), bits, isDouble);
}

type Binary = (format: FloatFormat, a: bigint, b: bigint, mode: number) => Rounded;

function exactly(
  views: FloatViews,
  registers: number,
  isDouble: boolean,
  mode: number,
  operation: Binary,
): void {
  const a = exactBits(views, rs1Of(registers), isDouble);
  const b = exactBits(views, rs2Of(registers), isDouble);
  const result = operation(isDouble ? BINARY64 : BINARY32, a, b, mode);
  finishExactly(views, registers, result, isDouble);
}
