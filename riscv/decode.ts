/**
 * From an instruction word to what the engines execute: the operation's number and its operands,
 * read out of the places that the format has them in. A compressed instruction becomes the one it
 * abbreviates, with `length` 2.
 */

import { COMPRESSED_FORMS, type CompressedForm } from './compressed.ts';
import { type Format, OPERATIONS, type Operation } from './operations.ts';

/** One instruction. Fields that its format does not have are 0. */
export interface Instruction {
  /** Number of the operation: the index in {@link OPERATIONS}; 0 is illegal. */
  readonly op: number;
  /** Bytes: 2 or 4. */
  readonly length: number;
  /** Numbers of registers, 0..31, integer or floating point as the format says. */
  readonly rd: number;
  /** With the format `csri`, the unsigned number that stands in its place. */
  readonly rs1: number;
  readonly rs2: number;
  readonly rs3: number;
  /**
   * Signed, 32 bits, in bytes where it is an offset. Shift amount, number of the CSR (unsigned), or
   * of a fence the four bits of its predecessors over the four of its successors over the four of
   * its mode in bits 8..11.
   */
  readonly imm: number;
  /** Rounding mode, {@link ROUNDING}: never a reserved one. 0 where the format has none. */
  readonly rm: number;
  /** Bit 1 is aq, bit 0 is rl. */
  readonly ordering: number;
}

/**
 * Rounding modes: to nearest even, towards zero, down, up, to nearest with ties away from zero, as
 * `fcsr` says.
 */
export const ROUNDING = { rne: 0, rtz: 1, rdn: 2, rup: 3, rmm: 4, dyn: 7 } as const;

/**
 * @returns how many bytes the instruction that begins with these 16 bits has; longer ones than 4 do
 * not exist here
 */
export function lengthOf(firstHalf: number): number {
  return (firstHalf & 3) === 3 ? 4 : 2;
}

/**
 * Decodes one instruction.
 *
 * @param word 32 bits from memory, little-endian; of a compressed one the upper half is ignored
 * @returns the instruction; one with `op` 0 when it is none of ours, or reserved
 */
export function decode(word: number): Instruction {
  return (word & 3) === 3 ? decodeFull(word | 0) : decodeCompressed(word & 0xffff);
}

function decodeFull(word: number): Instruction {
  for (const candidate of CANDIDATES[(word >>> 2) & 0x1f] ?? []) {
    if ((word & candidate.mask) === candidate.match) return operandsOf(candidate, word);
  }
  return ILLEGAL_FULL;
}

function decodeCompressed(word: number): Instruction {
  for (const form of FORMS_OF_QUADRANT[word & 3] ?? []) {
    if ((word & form.mask) !== form.match) continue;
    if (form.isReserved(word)) return ILLEGAL_COMPRESSED;
    const { rd, rs1, rs2, imm } = form.expand(word);
    return { op: form.op, length: 2, rd, rs1, rs2, rs3: 0, imm, rm: 0, ordering: 0 };
  }
  return ILLEGAL_COMPRESSED;
}

interface Candidate extends Operation {
  readonly op: number;
}

/** The operations by bits 6..2 of the opcode. */
const CANDIDATES: readonly (readonly Candidate[])[] = Array.from({ length: 32 }, (_, opcode) =>
  OPERATIONS.map((operation, op) => ({ ...operation, op })).filter(
    ({ match, format }) => format !== 'illegal' && ((match >>> 2) & 0x1f) === opcode,
  ),
);

const FORMS_OF_QUADRANT: readonly (readonly CompressedForm[])[] = [0, 1, 2].map((quadrant) =>
  COMPRESSED_FORMS.filter((form) => (form.match & 3) === quadrant),
);

const NO_OPERANDS = { rd: 0, rs1: 0, rs2: 0, rs3: 0, imm: 0, rm: 0, ordering: 0 };
const ILLEGAL_FULL: Instruction = { op: 0, length: 4, ...NO_OPERANDS };
const ILLEGAL_COMPRESSED: Instruction = { op: 0, length: 2, ...NO_OPERANDS };

function operandsOf({ op, format }: Candidate, word: number): Instruction {
  const fields = FIELDS[format];
  const rm = fields.hasRm ? (word >>> 12) & 7 : 0;
  if (rm === 5 || rm === 6) return ILLEGAL_FULL;
  return {
    op,
    length: 4,
    rd: fields.hasRd ? (word >>> 7) & 0x1f : 0,
    rs1: fields.hasRs1 ? (word >>> 15) & 0x1f : 0,
    rs2: fields.hasRs2 ? (word >>> 20) & 0x1f : 0,
    rs3: format === 'fma' ? word >>> 27 : 0,
    imm: fields.imm(word),
    rm,
    ordering: format === 'amo' || format === 'lr' ? (word >>> 25) & 3 : 0,
  };
}

const noImm = (): number => 0;
const immI = (w: number): number => w >> 20;
const immS = (w: number): number => ((w >> 20) & ~0x1f) | ((w >>> 7) & 0x1f);
const immB = (w: number): number =>
  ((w >> 19) & ~0xfff) | ((w << 4) & 0x800) | ((w >>> 20) & 0x7e0) | ((w >>> 7) & 0x1e);
const immU = (w: number): number => w & ~0xfff;
const immJ = (w: number): number =>
  ((w >> 11) & ~0xfffff) | (w & 0xff000) | ((w >>> 9) & 0x800) | ((w >>> 20) & 0x7fe);
const shamt6 = (w: number): number => (w >>> 20) & 0x3f;
const shamt5 = (w: number): number => (w >>> 20) & 0x1f;
const csrNumber = (w: number): number => w >>> 20;

interface Fields {
  readonly hasRd: boolean;
  readonly hasRs1: boolean;
  readonly hasRs2: boolean;
  readonly hasRm: boolean;
  readonly imm: (word: number) => number;
}

/** @param operands of `rd`, `rs1`, `rs2`, `rm` those that the format has, with blanks between */
function fields(operands: string, imm: (word: number) => number = noImm): Fields {
  const names = operands.split(' ');
  return {
    hasRd: names.includes('rd'),
    hasRs1: names.includes('rs1'),
    hasRs2: names.includes('rs2'),
    hasRm: names.includes('rm'),
    imm,
  };
}

const FIELDS: Readonly<Record<Format, Fields>> = {
  illegal: fields(''),
  R: fields('rd rs1 rs2'),
  R1: fields('rd rs1'),
  I: fields('rd rs1', immI),
  load: fields('rd rs1', immI),
  S: fields('rs1 rs2', immS),
  B: fields('rs1 rs2', immB),
  U: fields('rd', immU),
  J: fields('rd', immJ),
  jalr: fields('rd rs1', immI),
  shift64: fields('rd rs1', shamt6),
  shift32: fields('rd rs1', shamt5),
  fence: fields('', csrNumber),
  none: fields(''),
  csr: fields('rd rs1', csrNumber),
  csri: fields('rd rs1', csrNumber),
  lr: fields('rd rs1'),
  amo: fields('rd rs1 rs2'),
  fload: fields('rd rs1', immI),
  fstore: fields('rs1 rs2', immS),
  fma: fields('rd rs1 rs2 rm'),
  fR: fields('rd rs1 rs2'),
  fRrm: fields('rd rs1 rs2 rm'),
  fR1: fields('rd rs1 rm'),
  fcompare: fields('rd rs1 rs2'),
  fclass: fields('rd rs1'),
  fmvToInteger: fields('rd rs1'),
  fmvToFloat: fields('rd rs1'),
  fcvtToInteger: fields('rd rs1 rm'),
  fcvtToFloat: fields('rd rs1 rm'),
};
