/**
 * Random RISC-V programs that run anywhere: on our engines and in qemu-riscv64.
 *
 * A *sequence* is a list of numbers, each of which stands for one instruction or a small group. A
 * seed makes the list, fast-check shrinks it; what a number stands for depends on it alone. Many
 * sequences make one program: each has a record of memory with its registers and its data, which a
 * common prologue loads and a common epilogue stores. At its end the program writes all records to
 * its standard output.
 *
 * Nothing in a sequence traps. sp, gp and s0 point to the sequence's data, tp to its record, t5
 * counts loops: they are sources only, t5 apart, which loops alone write. So loads and stores stay
 * where they should, and loops end.
 */

import { decode } from '../../riscv/decode.ts';
import { OP_OF, OPERATIONS, type OperationName } from '../../riscv/operations.ts';
import { encode, type Fields } from './riscv-assembler.ts';

/** One sequence: a seed for its registers and data, and its instructions. */
export interface Sequence {
  readonly seed: number;
  readonly genes: readonly number[];
}

export const PROGRAM_TEXT = 0x20_0000;
export const PROGRAM_RECORDS = 0x200_0000;

/** Of a record: registers x0..x31, f0..f31 with 8 bytes each, fcsr, then data around `middle`. */
export const RECORD = { floats: 256, fcsr: 512, data: 768, middle: 1024, bytes: 1536 } as const;

export interface RandomProgram {
  readonly text: Uint8Array;
  /** Records before the run. */
  readonly records: Uint8Array;
}

const SP = 2;
const GP = 3;
const TP = 4;
const T0 = 5;
const S0 = 8;
const COUNTER = 30;
const ADDRESS = 31;
const RESERVED = new Set([SP, GP, TP, S0, COUNTER]);

/**
 * Most sequences are short, and a fifth has over 110 numbers: what two instructions do to each
 * other is found in short ones as well, and all three engines take time by the length.
 *
 * @returns a sequence of 20 to 200 numbers: the same for the same seed
 */
export function randomSequence(seed: number): Sequence {
  const next = numbers(seed);
  const length = 20 + Math.floor(181 * (next() / 2 ** 32) ** 3);
  // Signed, as fast-check's integers are: it shrinks no others.
  return { seed: next() | 0, genes: Array.from({ length }, () => next() | 0) };
}

/**
 * @returns a program that runs the sequences one after the other, writes their records and exits
 */
export function makeProgram(sequences: readonly Sequence[]): RandomProgram {
  const out = new CodeBuffer();
  out.put('jal', { imm: 4 * (2 + LOAD.length + SAVE.length) });
  out.put('addi', {});
  const load = out.bytes;
  for (const [name, fields] of LOAD) out.put(name, fields);
  const save = out.bytes;
  for (const [name, fields] of SAVE) out.put(name, fields);
  out.put('addi', {});
  out.put('lui', { rd: TP, imm: PROGRAM_RECORDS });
  for (const { genes } of sequences) {
    out.put('jal', { rd: GP, imm: load - out.bytes });
    out.put('addi', { rd: GP, rs1: TP, imm: RECORD.middle });
    out.sequence(genes);
    out.put('jal', { rd: GP, imm: save - out.bytes });
    out.put('addi', { rd: TP, rs1: TP, imm: RECORD.bytes });
  }
  out.systemCall(64, [1, PROGRAM_RECORDS, sequences.length * RECORD.bytes]);
  out.systemCall(93, [0]);
  const records = new Uint8Array(sequences.length * RECORD.bytes);
  sequences.forEach(({ seed }, index) => {
    fillRecord(new DataView(records.buffer, index * RECORD.bytes, RECORD.bytes), seed, index);
  });
  return { text: out.take(), records };
}

type Line = readonly [OperationName, Fields];

const XS = Array.from({ length: 32 }, (_, x) => x).filter((x) => x !== 0 && x !== GP && x !== TP);
const FS = Array.from({ length: 32 }, (_, f) => f);

/** Loads all registers from the record at tp but gp, which holds where to return. */
const LOAD: readonly Line[] = [
  ['lw', { rd: T0, rs1: TP, imm: RECORD.fcsr }],
  ['csrrw', { rs1: T0, imm: 3 }],
  ...FS.map((f): Line => ['fld', { rd: f, rs1: TP, imm: RECORD.floats + 8 * f }]),
  ...XS.map((x): Line => ['ld', { rd: x, rs1: TP, imm: 8 * x }]),
  ['jalr', { rs1: GP }],
];

const SAVE: readonly Line[] = [
  ...XS.map((x): Line => ['sd', { rs2: x, rs1: TP, imm: 8 * x }]),
  ...FS.map((f): Line => ['fsd', { rs2: f, rs1: TP, imm: RECORD.floats + 8 * f }]),
  ['csrrs', { rd: T0, imm: 3 }],
  ['sw', { rs2: T0, rs1: TP, imm: RECORD.fcsr }],
  ['jalr', { rs1: GP }],
];

// ---- Registers and data

/**
 * A small generator of numbers (mulberry32): the same for the same seed.
 * @returns 32 bits, unsigned
 */
function numbers(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

const EDGES = [
  0n,
  1n,
  2n,
  63n,
  64n,
  0x7fn,
  0x80n,
  0x7fffn,
  0x8000n,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x7fff_ffff_ffff_ffffn,
  0x8000_0000_0000_0000n,
  0xffff_ffff_ffff_ffffn,
  0xffff_ffff_8000_0000n,
  0xffff_ffff_7fff_ffffn,
  0x0020_0000_0000_0000n,
  0xffff_ffff_ffff_fff0n,
];

const SINGLES = [
  0x0000_0000, 0x8000_0000, 0x3f80_0000, 0xbf80_0000, 0x7f80_0000, 0xff80_0000, 0x7fc0_0000,
  0x7fa0_0001, 0xffc0_1234, 0x0000_0001, 0x807f_ffff, 0x0080_0000, 0x7f7f_ffff, 0x4b00_0001,
  0x4f00_0000, 0xcf00_0000, 0x5f00_0000, 0x3f00_0000, 0x3fc0_0000, 0x4020_0000, 0x3eaa_aaab,
  0x2000_0000, 0x5f80_0000, 0x4f80_0000,
];

const DOUBLES = [
  0n,
  1n << 63n,
  0x3ff0n << 48n,
  0xbff0n << 48n,
  0x7ff0n << 48n,
  0xfff0n << 48n,
  0x7ff8n << 48n,
  0x7ff4_0000_0000_0001n,
  0xfff8_0000_0000_1234n,
  1n,
  0x800f_ffff_ffff_ffffn,
  0x0010n << 48n,
  0x7fef_ffff_ffff_ffffn,
  0x4330_0000_0000_0001n,
  0x41e0n << 48n,
  0xc1e0n << 48n,
  0x43e0n << 48n,
  0xc3e0n << 48n,
  0x3fe0n << 48n,
  0x3ff8n << 48n,
  0x4004n << 48n,
  0x3fd5_5555_5555_5555n,
  0x2000n << 48n,
  0x5fe0n << 48n,
  0x41dfffffffc00000n,
  0x41efffffffe00000n,
  0x3810n << 48n,
  0x47efffffe0000000n,
];

function fillRecord(view: DataView, seed: number, index: number): void {
  const next = numbers(seed);
  const middle = BigInt(PROGRAM_RECORDS + index * RECORD.bytes + RECORD.middle);
  const wide = (): bigint => (BigInt(next()) << 32n) | BigInt(next());
  const pick = <T>(list: readonly T[]): T => list[next() % list.length] as T;
  for (let x = 1; x < 32; x += 1) {
    const value = next() % 3 === 0 ? pick(EDGES) : BigInt.asIntN(64, wide()) >> BigInt(next() % 64);
    view.setBigUint64(8 * x, BigInt.asUintN(64, RESERVED.has(x) ? middle : value), true);
  }
  view.setBigUint64(8 * COUNTER, 0n, true);
  for (let f = 0; f < 32; f += 1) {
    view.setBigUint64(RECORD.floats + 8 * f, floatBits(next, pick, wide), true);
  }
  // A rounding mode that is one; to nearest even in half of all sequences.
  const mode = next() % 2 === 0 ? 0 : next() % 5;
  view.setUint32(RECORD.fcsr, (mode << 5) | (next() % 4 === 0 ? next() & 0x1f : 0), true);
  for (let at: number = RECORD.data; at < RECORD.bytes; at += 4) view.setUint32(at, next(), true);
}

/**
 * A double, a boxed single, or bits that are neither; near 1 often enough that sums and products
 * stay ordinary.
 */
function floatBits(
  next: () => number,
  pick: <T>(list: readonly T[]) => T,
  wide: () => bigint,
): bigint {
  const box = 0xffff_ffffn << 32n;
  switch (next() % 8) {
    case 0:
      return pick(DOUBLES);
    case 1:
      return box | BigInt(pick(SINGLES));
    case 2:
      return wide();
    case 3:
      return box | BigInt(next());
    case 4:
    case 5:
      return (wide() & 0x801f_ffff_ffff_ffffn) | 0x3fe0_0000_0000_0000n;
    default:
      return box | BigInt((next() & 0x81ff_ffff) | 0x3f00_0000);
  }
}

// ---- Instructions

const byFormat = (...formats: readonly string[]): readonly number[] =>
  OPERATIONS.flatMap(({ format }, op) => (formats.includes(format) ? [op] : []));

// Without ctzw: of a number whose lower half is zero, QEMU 7.2 counts on into the upper half (the
// manual says 32).
const INTEGER_OPS = byFormat('R', 'R1', 'I', 'shift64', 'shift32', 'U').filter(
  (op) => op !== OP_OF.ctzw,
);
const FLOAT_OPS = byFormat(
  'fma',
  'fR',
  'fRrm',
  'fR1',
  'fcompare',
  'fclass',
  'fmvToInteger',
  'fmvToFloat',
  'fcvtToInteger',
  'fcvtToFloat',
);
const LOADS = byFormat('load', 'fload');
const STORES = byFormat('S', 'fstore');
const AMOS = byFormat('amo').filter((op) => op !== OP_OF['sc.w'] && op !== OP_OF['sc.d']);
const BRANCHES = byFormat('B');
const TO_INTEGER = new Set(['fcompare', 'fclass', 'fmvToInteger', 'fcvtToInteger']);
const ARITHMETIC = new Set(byFormat('R', 'R1', 'I', 'shift64', 'shift32', 'U'));
const ACCESSES = new Set([...LOADS, ...STORES]);
const BASES = [SP, GP, S0];
const MODES = [0, 1, 2, 3, 4, 7, 7, 7];

/**
 * Words of a program that grows, with branches whose target is a number of instructions further on.
 */
class CodeBuffer {
  readonly #parts: { word: number; length: number; at: number; skip: number }[] = [];
  /** Where instructions and groups begin: nothing jumps into a group. */
  readonly #starts: number[] = [];
  bytes = 0;

  put(name: OperationName, fields: Fields): void {
    this.#add(encode(OP_OF[name], fields), 4, 0);
  }

  sequence(genes: readonly number[]): void {
    let loop: { at: number; end: number } | undefined;
    genes.forEach((gene, index) => {
      const next = numbers(gene);
      if (loop === undefined && next() % 16 === 0) {
        this.put('addi', { rd: COUNTER, imm: 1 + (next() % 4) });
        loop = { at: this.bytes, end: index + 1 + (next() % 12) };
      }
      this.#starts.push(this.bytes);
      this.#instruction(next);
      if (loop !== undefined && (index >= loop.end || index === genes.length - 1)) {
        this.put('addi', { rd: COUNTER, rs1: COUNTER, imm: -1 });
        this.put('blt', { rs2: COUNTER, imm: loop.at - this.bytes });
        loop = undefined;
      }
    });
    // Where branches of the last instructions may go.
    for (let count = 0; count < 8; count += 1) {
      this.#starts.push(this.bytes);
      this.put('addi', {});
    }
  }

  systemCall(number: number, values: readonly number[]): void {
    values.forEach((value, index) => {
      this.put('lui', { rd: 10 + index, imm: (value + 0x800) & ~0xfff });
      this.put('addiw', { rd: 10 + index, rs1: 10 + index, imm: value & 0xfff });
    });
    this.put('addi', { rd: 17, imm: number });
    this.put('ecall', {});
  }

  /** @returns the program; branches get their offsets now */
  take(): Uint8Array {
    const out = new Uint8Array(this.bytes);
    const view = new DataView(out.buffer);
    let start = 0;
    this.#parts.forEach(({ word, length, at, skip }) => {
      while ((this.#starts[start] ?? at) < at) start += 1;
      const target = this.#starts[start + skip] ?? at;
      const full = skip === 0 ? word : withOffset(word, target - at);
      if (length === 4) view.setUint32(at, full >>> 0, true);
      else view.setUint16(at, full, true);
    });
    return out;
  }

  #add(word: number, length: number, skip: number): void {
    this.#parts.push({ word, length, at: this.bytes, skip });
    this.bytes += length;
  }

  #instruction(next: () => number): void {
    const kind = next() % 32;
    if (kind < 9) this.#integer(next);
    else if (kind < 18) this.#float(next);
    else if (kind < 23) this.#compressed(next);
    else if (kind < 27) this.#access(next);
    else if (kind < 29) this.#branch(next);
    else if (kind < 30) this.#atomic(next);
    else if (kind < 31) this.#csr(next);
    else this.#jump(next);
  }

  #integer(next: () => number): void {
    const op = pickFrom(INTEGER_OPS, next);
    const fields = { rd: freeRegister(next), rs1: next() % 32, rs2: next() % 32 };
    const isUpper = OPERATIONS[op]?.format === 'U';
    this.#add(encode(op, { ...fields, imm: isUpper ? next() : next() & 0xfff }), 4, 0);
  }

  #float(next: () => number): void {
    const op = pickFrom(FLOAT_OPS, next);
    const isToInteger = TO_INTEGER.has(OPERATIONS[op]?.format ?? '');
    const rd = isToInteger ? freeRegister(next) : next() % 32;
    const rm = pickFrom(MODES, next);
    this.#add(encode(op, { rd, rs1: next() % 32, rs2: next() % 32, rs3: next() % 32, rm }), 4, 0);
  }

  /** A random compressed word, if it is one that may stand here; else one that does nothing. */
  #compressed(next: () => number): void {
    const word = next() % 0x1_0000;
    const { op, rd, rs1, imm } = decode(word);
    const isCompressed = (word & 3) !== 3;
    const isArithmetic = ARITHMETIC.has(op) && !RESERVED.has(rd);
    const isFloat = op === OP_OF.fld || STORES.includes(op);
    const isAccess = ACCESSES.has(op) && BASES.includes(rs1) && imm <= 504;
    const isAllowed = isArithmetic || (isAccess && (isFloat || !RESERVED.has(rd)));
    this.#add(isCompressed && isAllowed ? word : 0x0001, 2, 0);
  }

  #access(next: () => number): void {
    const isLoad = next() % 2 === 0;
    const op = pickFrom(isLoad ? LOADS : STORES, next);
    const rd = OPERATIONS[op]?.format === 'fload' ? next() % 32 : freeRegister(next);
    // Aligned or not, as it comes.
    const imm = (next() % 760) - 256;
    const base = BASES[next() % 3] as number;
    this.#add(
      encode(op, isLoad ? { rd, rs1: base, imm } : { rs1: base, rs2: next() % 32, imm }),
      4,
      0,
    );
  }

  #branch(next: () => number): void {
    const op = pickFrom(BRANCHES, next);
    this.#add(encode(op, { rs1: next() % 32, rs2: next() % 32 }), 4, 1 + (next() % 8));
  }

  #jump(next: () => number): void {
    const rd = next() % 2 === 0 ? 0 : freeRegister(next);
    if (next() % 2 === 0) {
      this.#add(encode(OP_OF.jal, { rd }), 4, 1 + (next() % 8));
    } else {
      // Over the next instruction of four bytes, by a register.
      this.put('auipc', { rd: ADDRESS });
      this.put('jalr', { rd, rs1: ADDRESS, imm: 12 });
      this.put('addi', { rd: freeRegister(next), imm: 77 });
    }
  }

  #atomic(next: () => number): void {
    const offset = 8 * ((next() % 64) - 16);
    const ordering = next() & 3;
    this.put('addi', { rd: ADDRESS, rs1: GP, imm: offset });
    const isDouble = next() % 2 === 0;
    if (next() % 3 !== 0) {
      const op = pickFrom(AMOS, next);
      this.#add(
        encode(op, { rd: freeRegister(next), rs1: ADDRESS, rs2: next() % 32, ordering }),
        4,
        0,
      );
      return;
    }
    const rd = freeRegister(next);
    const result = freeRegister(next);
    const isPaired = next() % 4 !== 0 && rd !== ADDRESS;
    this.put(isDouble ? 'lr.d' : 'lr.w', { rd, rs1: isPaired ? ADDRESS : GP, ordering });
    this.put(isDouble ? 'sc.d' : 'sc.w', {
      rd: result,
      rs1: rd === ADDRESS ? GP : ADDRESS,
      rs2: next() % 32,
      ordering,
    });
  }

  /** fflags as it comes; frm with a mode that is one. */
  #csr(next: () => number): void {
    const rd = freeRegister(next);
    switch (next() % 4) {
      case 0:
        this.put('csrrwi', { rd, rs1: next() % 5, imm: 2 });
        break;
      case 1:
        this.put('csrrs', { rd, imm: 1 + (next() % 3) });
        break;
      default: {
        const op = pickFrom(
          [OP_OF.csrrw, OP_OF.csrrs, OP_OF.csrrc, OP_OF.csrrwi, OP_OF.csrrsi, OP_OF.csrrci],
          next,
        );
        this.#add(encode(op, { rd, rs1: next() % 32, imm: 1 }), 4, 0);
      }
    }
  }
}

function pickFrom(list: readonly number[], next: () => number): number {
  return list[next() % list.length] as number;
}

function freeRegister(next: () => number): number {
  const register = next() % 32;
  return RESERVED.has(register) ? 10 : register;
}

/** A branch or jump with its offset. */
function withOffset(word: number, imm: number): number {
  const { op, rd, rs1, rs2 } = decode(word);
  return encode(op, { rd, rs1, rs2, imm });
}
