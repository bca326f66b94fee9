/**
 * What the host's own double arithmetic answers, and whether that answer is exact.
 *
 * JavaScript rounds to nearest, ties to even, and raises no flags. Whether a result is exact is
 * found by error-free transformations: the error of a sum, product, quotient or root of doubles can
 * be computed in doubles (Dekker 1971; Boldo and Melquiond, "Emulation of a FMA and correctly
 * rounded sums", 2008). They hold while nothing overflows or becomes subnormal on the way:
 * `UNKNOWN` otherwise, and `exact.ts` has to decide.
 */

/** In place of a result: the host cannot tell. */
export const UNKNOWN = Number.NaN;

const LEAST_NORMAL_64 = 2 ** -1022;
const LEAST_NORMAL_32 = 2 ** -126;
const HUGE_64 = 2 ** 1022;
const MAX_32 = (2 - 2 ** -23) * 2 ** 127;
/** Splitting and products stay exact when factors are below and products above these. */
const MAX_FACTOR = 2 ** 990;
const MIN_PRODUCT = 2 ** -960;
const SPLITTER = 2 ** 27 + 1;

/**
 * @returns whether a rounded double is far enough from subnormal and infinite that it is surely the
 * right one
 */
export function isPlain64(value: number): boolean {
  const magnitude = Math.abs(value);
  return magnitude > LEAST_NORMAL_64 && magnitude < HUGE_64;
}

/**
 * The same of a number that was rounded to single precision. The least normal one may have been
 * rounded up to.
 */
export function isPlain32(value: number): boolean {
  const magnitude = Math.abs(value);
  return magnitude > LEAST_NORMAL_32 && magnitude <= MAX_32;
}

/** @returns a + b - sum, exactly, where sum is the rounded a + b (Knuth's TwoSum) */
export function sumError(a: number, b: number, sum: number): number {
  const bPart = sum - a;
  return a - (sum - bPart) + (b - bPart);
}

/**
 * @returns whether the factors and their product are in the range where {@link productError} is
 * exact
 */
export function isSplittable(a: number, b: number, product: number): boolean {
  return (
    Math.abs(a) < MAX_FACTOR &&
    Math.abs(b) < MAX_FACTOR &&
    Math.abs(product) < MAX_FACTOR &&
    Math.abs(product) > MIN_PRODUCT
  );
}

/**
 * @returns a x b - product, exactly, where product is the rounded a x b (Dekker's product with
 * Veltkamp's splitting)
 */
export function productError(a: number, b: number, product: number): number {
  const aHigh = upperHalf(a);
  const aLow = a - aHigh;
  const bHigh = upperHalf(b);
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}

function upperHalf(value: number): number {
  const scaled = SPLITTER * value;
  return scaled - (scaled - value);
}

/**
 * Rounds a number to a whole one in a rounding mode of RISC-V (0 to 4).
 *
 * @returns the whole number; from 2^52 on, every double is one
 */
export function roundToWhole(value: number, mode: number): number {
  if (Math.abs(value) >= 2 ** 52) return value;
  const whole = Math.trunc(value);
  const rest = Math.abs(value - whole);
  const away = whole + (value < 0 ? -1 : 1);
  switch (mode) {
    case 0: // to nearest, ties to even
      return rest > 0.5 || (rest === 0.5 && whole % 2 !== 0) ? away : whole;
    case 2: // down
      return Math.floor(value);
    case 3: // up
      return Math.ceil(value);
    case 4: // to nearest, ties away from zero
      return rest >= 0.5 ? away : whole;
    default: // towards zero
      return whole;
  }
}
