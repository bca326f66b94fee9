/**
 * Integer instructions that compiled code seldom has: high halves of products, division, Zba and
 * Zbb.
 *
 * Source: the manual, volume I, chapters "M" and "B". A 64-bit value is two 32-bit halves, as in
 * `walk.ts`. The numbers of the cases are those of `../operations.ts`, and the same test holds them
 * to their names.
 */

import { CELL } from './cells.ts';

/**
 * Executes the instruction in a cell.
 *
 * @param x the hart block in words
 * @returns false, with nothing done, when the operation is none of these
 */
export function executeRareInteger(x: Int32Array, cells: Int32Array, index: number): boolean {
  const op = cells[index + CELL.op] as number;
  const rd = cells[index + CELL.rd] as number;
  const rs1 = cells[index + CELL.rs1] as number;
  const rs2 = cells[index + CELL.rs2] as number;
  const operands: Operands = {
    op,
    a: x[rs1] as number,
    aHigh: x[rs1 + 1] as number,
    b: x[rs2] as number,
    bHigh: x[rs2 + 1] as number,
    imm: cells[index + CELL.imm] as number,
  };
  return (
    multiplyOrDivide(x, rd, operands) ||
    addressing(x, rd, operands) ||
    logical(x, rd, operands) ||
    rotate(x, rd, operands) ||
    countOrExtend(x, rd, operands)
  );
}

/** What an instruction reads. V8 keeps it out of memory, since nobody holds on to it. */
interface Operands {
  readonly op: number;
  readonly a: number;
  readonly aHigh: number;
  readonly b: number;
  readonly bHigh: number;
  readonly imm: number;
}

function put(x: Int32Array, rd: number, low: number, high: number): true {
  x[rd] = low;
  x[rd + 1] = high;
  return true;
}

/** Writes 32 bits with their sign extended. */
function putWord(x: Int32Array, rd: number, word: number): true {
  return put(x, rd, word, (word | 0) >> 31);
}

// ---- M

function multiplyOrDivide(x: Int32Array, rd: number, operands: Operands): boolean {
  const { op, a, b } = operands;
  switch (op) {
    case 61: // mulh
    case 62: // mulhsu
    case 63: // mulhu
      return multiplyHigh(x, rd, operands);
    case 64: // div
    case 66: // rem
      return divideSigned(x, rd, operands);
    case 65: // divu
    case 67: // remu
      return divideUnsigned(x, rd, operands);
    case 69: // divw
      return putWord(x, rd, b === 0 ? -1 : a / b);
    case 70: // divuw
      return putWord(x, rd, b === 0 ? -1 : (a >>> 0) / (b >>> 0));
    case 71: // remw
      return putWord(x, rd, b === 0 ? a : a % b);
    case 72: // remuw
      return putWord(x, rd, b === 0 ? a : (a >>> 0) % (b >>> 0));
    default:
      return false;
  }
}

/** @returns the upper 32 bits of the product of two unsigned numbers of 32 bits, in digits of 16 */
export function mulhu32(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + (Math.imul(aLow, bLow) >>> 16);
  const other = aLow * bHigh + (middle & 0xffff);
  // `middle` and `other` may have 33 bits: no shift before they are divided.
  return (aHigh * bHigh + Math.floor(middle / 0x1_0000) + Math.floor(other / 0x1_0000)) | 0;
}

function multiplyHigh(x: Int32Array, rd: number, { op, a, aHigh, b, bHigh }: Operands): true {
  // The unsigned product in digits of 32 bits; doubles hold the sums of the second digit exactly.
  const second = (mulhu32(a, b) >>> 0) + (Math.imul(aHigh, b) >>> 0) + (Math.imul(a, bHigh) >>> 0);
  const third =
    (mulhu32(aHigh, b) >>> 0) +
    (mulhu32(a, bHigh) >>> 0) +
    (Math.imul(aHigh, bHigh) >>> 0) +
    Math.floor(second / 0x1_0000_0000);
  let low = third | 0;
  let high = (mulhu32(aHigh, bHigh) + Math.floor(third / 0x1_0000_0000)) | 0;
  // A negative factor counts 2^64 less than its bits: the other factor, 64 bits further up, is
  // taken away.
  if (op !== 63 && aHigh < 0) {
    high = (high - bHigh - (low >>> 0 < b >>> 0 ? 1 : 0)) | 0;
    low = (low - b) | 0;
  }
  if (op === 61 && bHigh < 0) {
    high = (high - aHigh - (low >>> 0 < a >>> 0 ? 1 : 0)) | 0;
    low = (low - a) | 0;
  }
  return put(x, rd, low, high);
}

/**
 * `div` and `rem` by those of the absolute values. -2^63 / -1 needs no special case: its bits come
 * out right.
 */
function divideSigned(x: Int32Array, rd: number, operands: Operands): true {
  const { op, a, aHigh, b, bHigh } = operands;
  if (b === 0 && bHigh === 0)
    return divideUnsigned(x, rd, { ...operands, op: op === 64 ? 65 : 67 });
  const isQuotient = op === 64;
  divideUnsigned(x, rd, {
    op: isQuotient ? 65 : 67,
    a: aHigh < 0 ? -a | 0 : a,
    aHigh: aHigh < 0 ? negatedHigh(a, aHigh) : aHigh,
    b: bHigh < 0 ? -b | 0 : b,
    bHigh: bHigh < 0 ? negatedHigh(b, bHigh) : bHigh,
    imm: 0,
  });
  const isNegative = isQuotient ? aHigh < 0 !== bHigh < 0 : aHigh < 0;
  if (!isNegative) return true;
  const low = x[rd] as number;
  return put(x, rd, -low, negatedHigh(low, x[rd + 1] as number));
}

function negatedHigh(low: number, high: number): number {
  return (~high + (low === 0 ? 1 : 0)) | 0;
}

/** `divu` and `remu`. Division by zero yields all ones, and the dividend as the remainder. */
function divideUnsigned(x: Int32Array, rd: number, operands: Operands): true {
  const { op, a, aHigh, b, bHigh } = operands;
  const isRemainder = op === 67;
  if (b === 0 && bHigh === 0) return isRemainder ? put(x, rd, a, aHigh) : put(x, rd, -1, -1);
  quotient(x, rd, operands);
  if (!isRemainder) return true;
  const q = x[rd] as number;
  const qHigh = x[rd + 1] as number;
  const low = Math.imul(q, b);
  const high = (mulhu32(q, b) + Math.imul(qHigh, b) + Math.imul(q, bHigh)) | 0;
  return put(x, rd, a - low, aHigh - high - (a >>> 0 < low >>> 0 ? 1 : 0));
}

/** Writes the quotient of two unsigned numbers. */
function quotient(x: Int32Array, rd: number, { a, aHigh, b, bHigh }: Operands): void {
  const dividend = (aHigh >>> 0) * 0x1_0000_0000 + (a >>> 0);
  const divisor = (bHigh >>> 0) * 0x1_0000_0000 + (b >>> 0);
  if (dividend < 2 ** 53 && divisor < 2 ** 53) {
    // Both are exact, and the rounded quotient of integers below 2^53 never reaches the next
    // integer.
    const result = Math.floor(dividend / divisor);
    put(x, rd, result | 0, Math.floor(result / 0x1_0000_0000));
  } else if (bHigh === 0) {
    quotientByWord(x, rd, a, aHigh, b >>> 0);
  } else {
    put(x, rd, quotientOfWord(a, aHigh, b, bHigh), 0);
  }
}

/** Long division with digits of 16 bits, for a divisor of 32. */
function quotientByWord(x: Int32Array, rd: number, a: number, aHigh: number, b: number): void {
  let rest = 0;
  let low = 0;
  let high = 0;
  for (const digit of [aHigh >>> 16, aHigh & 0xffff, a >>> 16, a & 0xffff]) {
    const part = rest * 0x1_0000 + digit;
    high = (high << 16) | (low >>> 16);
    low = (low << 16) | Math.floor(part / b);
    rest = part % b;
  }
  put(x, rd, low, high);
}

/**
 * The quotient for a divisor of more than 32 bits, which has at most 32: that of the nearest
 * doubles is off by one at most, and the remainder tells.
 */
function quotientOfWord(a: number, aHigh: number, b: number, bHigh: number): number {
  const dividend = (aHigh >>> 0) * 0x1_0000_0000 + (a >>> 0);
  const divisor = (bHigh >>> 0) * 0x1_0000_0000 + (b >>> 0);
  // One too small at most from here on, so that the remainder is not negative.
  const guess = Math.max(0, Math.floor(dividend / divisor) - 1);
  const productLow = Math.imul(guess, b);
  const productHigh = (mulhu32(guess, b) + Math.imul(guess, bHigh)) | 0;
  let low = (a - productLow) | 0;
  let high = (aHigh - productHigh - (a >>> 0 < productLow >>> 0 ? 1 : 0)) | 0;
  let result = guess;
  while (high >>> 0 > bHigh >>> 0 || (high === bHigh && low >>> 0 >= b >>> 0)) {
    high = (high - bHigh - (low >>> 0 < b >>> 0 ? 1 : 0)) | 0;
    low = (low - b) | 0;
    result += 1;
  }
  return result;
}

// ---- Zba

function addressing(x: Int32Array, rd: number, operands: Operands): boolean {
  const { op, a, aHigh, imm } = operands;
  switch (op) {
    case 95: // add.uw
      return putSum(x, rd, a, 0, operands);
    case 96: // sh1add
    case 97: // sh2add
    // sh3add
    case 98: {
      const amount = op - 95;
      return putSum(x, rd, a << amount, (aHigh << amount) | (a >>> (32 - amount)), operands);
    }
    case 99: // sh1add.uw
    case 100: // sh2add.uw
    // sh3add.uw
    case 101: {
      const amount = op - 98;
      return putSum(x, rd, a << amount, a >>> (32 - amount), operands);
    }
    case 102: // slli.uw
      return imm < 32 ? put(x, rd, a << imm, (a >>> 1) >>> (31 - imm)) : put(x, rd, 0, a << imm);
    default:
      return false;
  }
}

/** Writes the sum of a shifted value and the second operand. */
function putSum(
  x: Int32Array,
  rd: number,
  shifted: number,
  shiftedHigh: number,
  { b, bHigh }: Operands,
): true {
  const low = (shifted + b) | 0;
  return put(x, rd, low, shiftedHigh + bHigh + (low >>> 0 < b >>> 0 ? 1 : 0));
}

// ---- Zbb

function logical(x: Int32Array, rd: number, { op, a, aHigh, b, bHigh }: Operands): boolean {
  const isLess = aHigh < bHigh || (aHigh === bHigh && a >>> 0 < b >>> 0);
  const isLessUnsigned = aHigh >>> 0 < bHigh >>> 0 || (aHigh === bHigh && a >>> 0 < b >>> 0);
  switch (op) {
    case 103: // andn
      return put(x, rd, a & ~b, aHigh & ~bHigh);
    case 104: // orn
      return put(x, rd, a | ~b, aHigh | ~bHigh);
    case 105: // xnor
      return put(x, rd, ~(a ^ b), ~(aHigh ^ bHigh));
    case 114: // min
      return isLess ? put(x, rd, a, aHigh) : put(x, rd, b, bHigh);
    case 115: // minu
      return isLessUnsigned ? put(x, rd, a, aHigh) : put(x, rd, b, bHigh);
    case 116: // max
      return isLess ? put(x, rd, b, bHigh) : put(x, rd, a, aHigh);
    case 117: // maxu
      return isLessUnsigned ? put(x, rd, b, bHigh) : put(x, rd, a, aHigh);
    default:
      return false;
  }
}

function rotate(x: Int32Array, rd: number, { op, a, aHigh, b, imm }: Operands): boolean {
  switch (op) {
    case 119: // rol
      return rotateRight(x, rd, a, aHigh, -b & 63);
    case 120: // ror
      return rotateRight(x, rd, a, aHigh, b & 63);
    case 121: // rori
      return rotateRight(x, rd, a, aHigh, imm);
    case 122: // rolw
      return putWord(x, rd, (a << b) | ((a >>> 1) >>> (~b & 31)));
    case 123: // rorw
      return putWord(x, rd, (a >>> b) | ((a << 1) << (~b & 31)));
    case 124: // roriw
      return putWord(x, rd, (a >>> imm) | ((a << 1) << (~imm & 31)));
    default:
      return false;
  }
}

function rotateRight(x: Int32Array, rd: number, a: number, aHigh: number, amount: number): true {
  // By 32 is to exchange the halves; the rest is less than 32.
  const low = amount < 32 ? a : aHigh;
  const high = amount < 32 ? aHigh : a;
  const left = 31 - (amount & 31);
  return put(
    x,
    rd,
    (low >>> amount) | ((high << 1) << left),
    (high >>> amount) | ((low << 1) << left),
  );
}

function countOrExtend(x: Int32Array, rd: number, { op, a, aHigh }: Operands): boolean {
  switch (op) {
    case 106: // clz
      return put(x, rd, aHigh === 0 ? 32 + Math.clz32(a) : Math.clz32(aHigh), 0);
    case 107: // ctz
      return put(x, rd, a === 0 ? 32 + trailingZeros(aHigh) : trailingZeros(a), 0);
    case 108: // cpop
      return put(x, rd, onesIn(a) + onesIn(aHigh), 0);
    case 109: // sext.b
      return putWord(x, rd, (a << 24) >> 24);
    case 110: // sext.h
      return putWord(x, rd, (a << 16) >> 16);
    case 111: // clzw
      return put(x, rd, Math.clz32(a), 0);
    case 112: // ctzw
      return put(x, rd, trailingZeros(a), 0);
    case 113: // cpopw
      return put(x, rd, onesIn(a), 0);
    case 118: // zext.h
      return put(x, rd, a & 0xffff, 0);
    case 125: // orc.b
      return put(x, rd, bytesWithOnes(a), bytesWithOnes(aHigh));
    case 126: // rev8
      return put(x, rd, reversedBytes(aHigh), reversedBytes(a));
    default:
      return false;
  }
}

function trailingZeros(word: number): number {
  return word === 0 ? 32 : 31 - Math.clz32(word & -word);
}

function onesIn(word: number): number {
  const pairs = word - ((word >>> 1) & 0x5555_5555);
  const nibbles = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333);
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}

/** Each byte that has a one becomes all ones. */
function bytesWithOnes(word: number): number {
  let result = 0;
  for (const mask of [0xff, 0xff00, 0xff_0000, 0xff00_0000]) {
    if ((word & mask) !== 0) result |= mask;
  }
  return result;
}

function reversedBytes(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}
