/**
 * Floating-point arithmetic by the book: exact results, rounded once. IEEE 754-2019 with RISC-V's
 * choices: one canonical NaN, and tininess detected after rounding.
 *
 * This is the slow and plain way, on BigInt: it decides whatever the processor's own arithmetic
 * (`host.ts`) does not answer completely, which is all rounding modes but one, subnormal and huge
 * results, NaNs, and flags at the edges.
 *
 * A finite number is (-1)^sign x significand x 2^exponent with a whole significand.
 */

import { FLAG } from './flags.ts';
import { ROUNDING } from '../decode.ts';

/** A binary interchange format. */
export interface FloatFormat {
  /** Bits of the significand, the hidden one included. */
  readonly precision: number;
  /** Exponents of the least and the greatest normal number: 2^minExponent is the least one. */
  readonly minExponent: number;
  readonly maxExponent: number;
  readonly canonicalNan: bigint;
}

export const BINARY32: FloatFormat = {
  precision: 24,
  minExponent: -126,
  maxExponent: 127,
  canonicalNan: 0x7fc0_0000n,
};

export const BINARY64: FloatFormat = {
  precision: 53,
  minExponent: -1022,
  maxExponent: 1023,
  canonicalNan: 0x7ff8_0000_0000_0000n,
};

/** A result as its bits, and the exceptions that its making raised. */
export interface Rounded {
  readonly bits: bigint;
  readonly flags: number;
}

type Value =
  | { readonly kind: 'nan'; readonly isSignaling: boolean }
  | { readonly kind: 'infinity'; readonly isNegative: boolean }
  | Finite;

interface Finite {
  readonly kind: 'finite';
  readonly isNegative: boolean;
  readonly significand: bigint;
  readonly exponent: number;
}

/** a + b */
export function add(format: FloatFormat, a: bigint, b: bigint, rm: number): Rounded {
  return multiplyAdd(format, a, one(format), b, rm);
}

/** a x b. Not by {@link multiplyAdd}: a zero of it would lose its sign in the sum. */
export function multiply(format: FloatFormat, aBits: bigint, bBits: bigint, rm: number): Rounded {
  const a = unpack(format, aBits);
  const b = unpack(format, bBits);
  if (a.kind === 'nan' || b.kind === 'nan') return nan(format, [a, b]);
  const isNegative = a.isNegative !== b.isNegative;
  if (a.kind === 'infinity' || b.kind === 'infinity') {
    return isZero(a) || isZero(b) ? invalid(format) : infinity(format, isNegative, 0);
  }
  const significand = a.significand * b.significand;
  return round(format, { isNegative, significand, exponent: a.exponent + b.exponent }, rm);
}

/** a x b + c, rounded once. Zero times infinity is invalid even when c is a quiet NaN. */
export function multiplyAdd(
  format: FloatFormat,
  aBits: bigint,
  bBits: bigint,
  cBits: bigint,
  rm: number,
): Rounded {
  const a = unpack(format, aBits);
  const b = unpack(format, bBits);
  const c = unpack(format, cBits);
  const hasInfinity = a.kind === 'infinity' || b.kind === 'infinity';
  if (hasInfinity && (isZero(a) || isZero(b))) return invalid(format);
  if (a.kind === 'nan' || b.kind === 'nan' || c.kind === 'nan') return nan(format, [a, b, c]);
  const isNegative = a.isNegative !== b.isNegative;
  if (a.kind === 'infinity' || b.kind === 'infinity') {
    const isOpposite = c.kind === 'infinity' && c.isNegative !== isNegative;
    return isOpposite ? invalid(format) : infinity(format, isNegative, 0);
  }
  if (c.kind === 'infinity') return infinity(format, c.isNegative, 0);
  const product = {
    isNegative,
    significand: a.significand * b.significand,
    exponent: a.exponent + b.exponent,
  };
  return round(format, sum(product, c, rm), rm);
}

/** a / b */
export function divide(format: FloatFormat, aBits: bigint, bBits: bigint, rm: number): Rounded {
  const a = unpack(format, aBits);
  const b = unpack(format, bBits);
  if (a.kind === 'nan' || b.kind === 'nan') return nan(format, [a, b]);
  const isNegative = a.isNegative !== b.isNegative;
  if (a.kind === 'infinity') {
    return b.kind === 'infinity' ? invalid(format) : infinity(format, isNegative, 0);
  }
  if (b.kind === 'infinity') return { bits: withSign(format, 0n, isNegative), flags: 0 };
  if (b.significand === 0n) {
    return a.significand === 0n ? invalid(format) : infinity(format, isNegative, FLAG.divideByZero);
  }
  // Two bits more than the format has, and one that stands for all that follow.
  const shift = 2 * format.precision + 2;
  const dividend = a.significand << BigInt(shift);
  const quotient = dividend / b.significand;
  const sticky = dividend % b.significand === 0n ? 0n : 1n;
  const significand = (quotient << 1n) | sticky;
  return round(
    format,
    { isNegative, significand, exponent: a.exponent - b.exponent - shift - 1 },
    rm,
  );
}

/** The square root. That of -0 is -0. */
export function squareRoot(format: FloatFormat, aBits: bigint, rm: number): Rounded {
  const a = unpack(format, aBits);
  if (a.kind === 'nan') return nan(format, [a]);
  if (isZero(a)) return { bits: aBits, flags: 0 };
  if (a.isNegative) return invalid(format);
  if (a.kind === 'infinity') return infinity(format, false, 0);
  // An even exponent, and enough bits that the whole root has two more than the format.
  const shift = 2 * format.precision + 4 + (a.exponent & 1);
  const radicand = a.significand << BigInt(shift);
  const root = wholeRoot(radicand);
  const sticky = root * root === radicand ? 0n : 1n;
  const significand = (root << 1n) | sticky;
  return round(
    format,
    { isNegative: false, significand, exponent: (a.exponent - shift) / 2 - 1 },
    rm,
  );
}

/** From one format to another. */
export function convert(from: FloatFormat, to: FloatFormat, aBits: bigint, rm: number): Rounded {
  const a = unpack(from, aBits);
  if (a.kind === 'nan') return nan(to, [a]);
  if (a.kind === 'infinity') return infinity(to, a.isNegative, 0);
  return round(to, a, rm);
}

/** From a whole number. */
export function fromInteger(format: FloatFormat, value: bigint, rm: number): Rounded {
  const isNegative = value < 0n;
  return round(format, { isNegative, significand: isNegative ? -value : value, exponent: 0 }, rm);
}

// ---- Parts

function fractionBits(format: FloatFormat): bigint {
  return BigInt(format.precision - 1);
}

function one(format: FloatFormat): bigint {
  return BigInt(format.maxExponent) << fractionBits(format);
}

function withSign(format: FloatFormat, magnitude: bigint, isNegative: boolean): bigint {
  const exponentBits = BigInt(format.maxExponent).toString(2).length + 1;
  return isNegative ? magnitude | (1n << (fractionBits(format) + BigInt(exponentBits))) : magnitude;
}

function unpack(format: FloatFormat, bits: bigint): Value {
  const fraction = bits & ((1n << fractionBits(format)) - 1n);
  const maxBiased = 2 * format.maxExponent + 1;
  const biased = Number((bits >> fractionBits(format)) & BigInt(maxBiased));
  const isNegative = withSign(format, 0n, true) <= bits;
  if (biased === maxBiased) {
    if (fraction === 0n) return { kind: 'infinity', isNegative };
    return { kind: 'nan', isSignaling: fraction >> (fractionBits(format) - 1n) === 0n };
  }
  // Of a subnormal number (biased exponent 0) there is no hidden bit, and the exponent is that of
  // 1.
  const hidden = biased === 0 ? 0n : 1n << fractionBits(format);
  const exponent = Math.max(biased, 1) - format.maxExponent - (format.precision - 1);
  return { kind: 'finite', isNegative, significand: fraction | hidden, exponent };
}

function isZero(value: Value): boolean {
  return value.kind === 'finite' && value.significand === 0n;
}

function nan(format: FloatFormat, operands: readonly Value[]): Rounded {
  const isInvalid = operands.some((value) => value.kind === 'nan' && value.isSignaling);
  return { bits: format.canonicalNan, flags: isInvalid ? FLAG.invalid : 0 };
}

function invalid(format: FloatFormat): Rounded {
  return { bits: format.canonicalNan, flags: FLAG.invalid };
}

function infinity(format: FloatFormat, isNegative: boolean, flags: number): Rounded {
  const magnitude = BigInt(2 * format.maxExponent + 1) << fractionBits(format);
  return { bits: withSign(format, magnitude, isNegative), flags };
}

type Exact = Omit<Finite, 'kind'>;

/** The exact sum. A zero of two different signs is negative only when rounding down. */
function sum(a: Exact, b: Exact, rm: number): Exact {
  const exponent = Math.min(a.exponent, b.exponent);
  const total = signedAt(a, exponent) + signedAt(b, exponent);
  if (total !== 0n) {
    return { isNegative: total < 0n, significand: total < 0n ? -total : total, exponent };
  }
  const isNegative = a.isNegative === b.isNegative ? a.isNegative : rm === ROUNDING.rdn;
  return { isNegative, significand: 0n, exponent };
}

function signedAt(value: Exact, exponent: number): bigint {
  const significand = value.significand << BigInt(value.exponent - exponent);
  return value.isNegative ? -significand : significand;
}

/** The greatest whole number whose square is not greater: Newton's method from above. */
function wholeRoot(value: bigint): bigint {
  let root = 1n << BigInt((value.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** Rounds an exact value to a format (IEEE 754, clause 4.3 and 7.4 to 7.6). */
function round(format: FloatFormat, value: Exact, rm: number): Rounded {
  const { isNegative, significand, exponent } = value;
  if (significand === 0n) return { bits: withSign(format, 0n, isNegative), flags: 0 };
  const { precision, minExponent, maxExponent } = format;
  const length = significand.toString(2).length;
  // The exponent of the last bit that is kept: less of them where the number is subnormal.
  const top = exponent + length - 1;
  const last = Math.max(top, minExponent) - (precision - 1);
  const kept = roundAt(value, last, rm);
  let flags = kept.isInexact ? FLAG.inexact : 0;
  if (kept.isInexact && isTiny(format, value, rm)) flags |= FLAG.underflow;
  const magnitude = pack(format, kept.significand, last);
  const limit = BigInt(2 * maxExponent + 1) << fractionBits(format);
  if (magnitude < limit) return { bits: withSign(format, magnitude, isNegative), flags };
  const isToInfinity =
    rm === ROUNDING.rne || rm === ROUNDING.rmm || rm === (isNegative ? ROUNDING.rdn : ROUNDING.rup);
  const bits = withSign(format, isToInfinity ? limit : limit - 1n, isNegative);
  return { bits, flags: FLAG.overflow | FLAG.inexact };
}

/**
 * The bits of a significand whose last bit has an exponent. One bit too many carries into the
 * exponent, as it should.
 */
function pack(format: FloatFormat, significand: bigint, last: number): bigint {
  const biased = last + (format.precision - 1) + format.maxExponent;
  // The hidden bit, where there is one, is added to an exponent that is one too small.
  return (BigInt(biased - 1) << fractionBits(format)) + significand;
}

/**
 * Below the least normal number even after rounding with as many bits as the format has, but
 * exponents without limit.
 */
function isTiny(format: FloatFormat, value: Exact, rm: number): boolean {
  const { precision, minExponent } = format;
  const top = value.exponent + value.significand.toString(2).length - 1;
  if (top >= minExponent) return false;
  const unlimited = roundAt(value, top - (precision - 1), rm);
  return top + 1 < minExponent || unlimited.significand < 1n << BigInt(precision);
}

/** The significand in units of 2^last, rounded. */
function roundAt(
  { isNegative, significand, exponent }: Exact,
  last: number,
  rm: number,
): { significand: bigint; isInexact: boolean } {
  const dropped = last - exponent;
  if (dropped <= 0) return { significand: significand << BigInt(-dropped), isInexact: false };
  const unit = 1n << BigInt(dropped);
  const kept = significand / unit;
  const rest = significand % unit;
  if (rest === 0n) return { significand: kept, isInexact: false };
  const half = unit >> 1n;
  const isUp = {
    [ROUNDING.rne]: rest > half || (rest === half && (kept & 1n) === 1n),
    [ROUNDING.rtz]: false,
    [ROUNDING.rdn]: isNegative,
    [ROUNDING.rup]: !isNegative,
    [ROUNDING.rmm]: rest >= half,
  }[rm];
  return { significand: isUp === true ? kept + 1n : kept, isInexact: true };
}
