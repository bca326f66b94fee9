/**
 * The floating-point registers in the hart block. One is named by the index of its low word, as
 * everywhere in the interpreter.
 *
 * A register that holds a single has its upper half all ones (NaN boxing); one whose upper half is
 * anything else is the canonical NaN to each instruction on singles (the manual, volume I, chapter
 * "D", section on NaN boxing).
 */

import { HART } from '../hart.ts';
import { FLAG } from './flags.ts';

/**
 * The registers of one instruction in one word: rd in the lowest byte, then rs1, rs2, rs3. Each is
 * the index of its low word in the hart block, floating point or integer as the format says.
 */
export type Registers = number;

export function packRegisters(rd: number, rs1: number, rs2: number, rs3: number): Registers {
  return rd | (rs1 << 8) | (rs2 << 16) | (rs3 << 24);
}

export function rdOf(registers: Registers): number {
  return registers & 0xff;
}

export function rs1Of(registers: Registers): number {
  return (registers >>> 8) & 0xff;
}

export function rs2Of(registers: Registers): number {
  return (registers >>> 16) & 0xff;
}

export function rs3Of(registers: Registers): number {
  return registers >>> 24;
}

/** The hart block in words, doubles and singles. */
export interface FloatViews {
  readonly x: Int32Array;
  readonly f64: Float64Array;
  readonly f32: Float32Array;
}

const FCSR = HART.fcsr >> 2;
const CANONICAL_32 = 0x7fc0_0000;
const CANONICAL_64_HIGH = 0x7ff8_0000;
const QUIET_32 = 0x0040_0000;
const QUIET_64_HIGH = 0x0008_0000;

export function raise({ x }: FloatViews, flags: number): void {
  x[FCSR] = (x[FCSR] as number) | flags;
}

/**
 * @returns whether the inexact flag is up already: then nobody needs to know whether a result is
 * exact
 */
export function isInexactRaised({ x }: FloatViews): boolean {
  return ((x[FCSR] as number) & FLAG.inexact) !== 0;
}

/** @returns the rounding mode in `fcsr`: 0 to 7, of which 5 to 7 are none */
export function dynamicMode({ x }: FloatViews): number {
  return ((x[FCSR] as number) >>> 5) & 7;
}

/** @returns the bits of a single */
export function singleBits({ x }: FloatViews, word: number): number {
  return x[word + 1] === -1 ? (x[word] as number) : CANONICAL_32;
}

/** @returns a register as a number. Of a NaN nothing but that it is one. */
export function read(views: FloatViews, word: number, isDouble: boolean): number {
  if (isDouble) return views.f64[word >> 1] as number;
  return views.x[word + 1] === -1 ? (views.f32[word] as number) : Number.NaN;
}

/** Writes a number that is no NaN; a single has been rounded to one. */
export function write(views: FloatViews, word: number, value: number, isDouble: boolean): void {
  if (isDouble) {
    views.f64[word >> 1] = value;
  } else {
    views.f32[word] = value;
    views.x[word + 1] = -1;
  }
}

export function writeSingleBits({ x }: FloatViews, word: number, bits: number): void {
  x[word] = bits;
  x[word + 1] = -1;
}

export function writeCanonicalNan(views: FloatViews, word: number, isDouble: boolean): void {
  if (!isDouble) {
    writeSingleBits(views, word, CANONICAL_32);
    return;
  }
  views.x[word] = 0;
  views.x[word + 1] = CANONICAL_64_HIGH;
}

/** @returns whether a register that holds a NaN holds a signaling one */
export function isSignaling(views: FloatViews, word: number, isDouble: boolean): boolean {
  return isDouble
    ? ((views.x[word + 1] as number) & QUIET_64_HIGH) === 0
    : (singleBits(views, word) & QUIET_32) === 0;
}

/** @returns the bits of a register, for `exact.ts` */
export function exactBits(views: FloatViews, word: number, isDouble: boolean): bigint {
  if (!isDouble) return BigInt(singleBits(views, word) >>> 0);
  const high = BigInt((views.x[word + 1] as number) >>> 0);
  return (high << 32n) | BigInt((views.x[word] as number) >>> 0);
}

/** Writes bits that `exact.ts` has made. */
export function writeExactBits(
  views: FloatViews,
  word: number,
  bits: bigint,
  isDouble: boolean,
): void {
  if (!isDouble) {
    writeSingleBits(views, word, Number(BigInt.asIntN(32, bits)));
    return;
  }
  views.x[word] = Number(BigInt.asIntN(32, bits));
  views.x[word + 1] = Number(BigInt.asIntN(32, bits >> 32n));
}
