/**
 * Conversions: between formats, to integers, which saturate, and from integers. The manual, volume
 * I, chapter "F", section "Single-Precision Floating-Point Conversion and Move Instructions" with
 * its table of limits.
 */

import { BINARY32, BINARY64, convert, fromInteger, type Rounded } from './exact.ts';
import { FLAG } from './flags.ts';
import { isPlain32, roundToWhole, sumError } from './host.ts';
import {
  exactBits,
  type FloatViews,
  isSignaling,
  raise,
  rdOf,
  read,
  rs1Of,
  write,
  writeCanonicalNan,
  writeExactBits,
} from './registers.ts';

/** `w`, `wu`, `l` and `lu` as the instructions number them. */
export const INTEGER = { w: 0, wu: 1, l: 2, lu: 3 } as const;

const LEAST: readonly number[] = [-(2 ** 31), 0, -(2 ** 63), 0];
/** The first number that is too large. */
const BEYOND: readonly number[] = [2 ** 31, 2 ** 32, 2 ** 63, 2 ** 64];
const WORD = 2 ** 32;

/**
 * A float to an integer. What does not fit becomes the nearest integer that does, a NaN the
 * greatest.
 */
export function toInteger(
  views: FloatViews,
  registers: number,
  isDouble: boolean,
  mode: number,
  kind: number,
): void {
  const value = read(views, rs1Of(registers), isDouble);
  const whole = roundToWhole(value, mode);
  const rd = rdOf(registers);
  if (whole >= (LEAST[kind] as number) && whole < (BEYOND[kind] as number)) {
    if (whole !== value) raise(views, FLAG.inexact);
    const high = Math.floor(whole / WORD);
    const low = (whole - high * WORD) | 0;
    views.x[rd] = low;
    views.x[rd + 1] = kind <= INTEGER.wu ? low >> 31 : high;
    return;
  }
  raise(views, FLAG.invalid);
  const isGreatest = !(whole < 0);
  const isUnsigned = kind === INTEGER.wu || kind === INTEGER.lu;
  if (isUnsigned) {
    views.x[rd] = isGreatest ? -1 : 0;
    views.x[rd + 1] = isGreatest ? -1 : 0;
  } else if (kind === INTEGER.w) {
    views.x[rd] = isGreatest ? 0x7fff_ffff : 0x8000_0000;
    views.x[rd + 1] = isGreatest ? 0 : -1;
  } else {
    views.x[rd] = isGreatest ? -1 : 0;
    views.x[rd + 1] = isGreatest ? 0x7fff_ffff : 0x8000_0000;
  }
}

/** An integer to a float. */
export function toFloat(
  views: FloatViews,
  registers: number,
  isDouble: boolean,
  mode: number,
  kind: number,
): void {
  const low = views.x[rs1Of(registers)] as number;
  const high = views.x[rs1Of(registers) + 1] as number;
  const upper = kind === INTEGER.l ? high * WORD : (high >>> 0) * WORD;
  const value = kind <= INTEGER.wu ? wordOf(low, kind) : upper + (low >>> 0);
  const isWhole = kind <= INTEGER.wu || sumError(upper, low >>> 0, value) === 0;
  const result = isDouble ? value : Math.fround(value);
  // Double rounding is innocuous only where the first one did nothing.
  const isNearest = mode === 0 && (isDouble || isWhole);
  if (isNearest || (isWhole && result === value)) {
    if (!isWhole || result !== value) raise(views, FLAG.inexact);
    write(views, rdOf(registers), result, isDouble);
    return;
  }
  const integer =
    kind <= INTEGER.wu
      ? BigInt(value)
      : (BigInt(kind === INTEGER.l ? high : high >>> 0) << 32n) | BigInt(low >>> 0);
  put(views, registers, fromInteger(isDouble ? BINARY64 : BINARY32, integer, mode), isDouble);
}

function wordOf(low: number, kind: number): number {
  return kind === INTEGER.w ? low : low >>> 0;
}

/** `fcvt.d.s`: always exact. */
export function singleToDouble(views: FloatViews, registers: number): void {
  const value = read(views, rs1Of(registers), false);
  if (Number.isNaN(value)) {
    if (isSignaling(views, rs1Of(registers), false)) raise(views, FLAG.invalid);
    writeCanonicalNan(views, rdOf(registers), true);
  } else {
    write(views, rdOf(registers), value, true);
  }
}

/** `fcvt.s.d` */
export function doubleToSingle(views: FloatViews, registers: number, mode: number): void {
  const value = read(views, rs1Of(registers), true);
  const result = Math.fround(value);
  if (value === 0 || (mode === 0 && isPlain32(result))) {
    if (result !== value) raise(views, FLAG.inexact);
    write(views, rdOf(registers), result, false);
    return;
  }
  const bits = exactBits(views, rs1Of(registers), true);
  put(views, registers, convert(BINARY64, BINARY32, bits, mode), false);
}

function put(
  views: FloatViews,
  registers: number,
  { bits, flags }: Rounded,
  isDouble: boolean,
): void {
  raise(views, flags);
  writeExactBits(views, rdOf(registers), bits, isDouble);
}
