/**
 * The compressed instructions of RV64C with D, each as the row of the one table that it
 * abbreviates.
 *
 * A row has the name, the operation it expands to, mask and match of the 16 bits, where its
 * operands are, and the values that are reserved. Source: the manual, volume I, chapter "C" with
 * its listing by quadrant.
 */

import { OP_OF, type OperationName } from './operations.ts';

/**
 * What a compressed instruction expands to: the fields of the instruction of 32 bits that does the
 * same.
 */
export interface Expansion {
  readonly rd: number;
  readonly rs1: number;
  readonly rs2: number;
  readonly imm: number;
}

export interface CompressedForm {
  readonly name: string;
  /** Number of the operation it expands to. */
  readonly op: number;
  readonly mask: number;
  readonly match: number;
  readonly expand: (word: number) => Expansion;
  /** Encodings that the manual reserves: illegal. */
  readonly isReserved: (word: number) => boolean;
}

type Field = (word: number) => number;

const X0: Field = () => 0;
const RA: Field = () => 1;
const SP: Field = () => 2;
const ZERO: Field = () => 0;

/** Register in bits 11..7. */
const full: Field = (word) => bits(word, 11, 7);
/** Register in bits 6..2. */
const fullRs2: Field = (word) => bits(word, 6, 2);
/** One of x8..x15 in bits 9..7. */
const high: Field = (word) => 8 + bits(word, 9, 7);
/** One of x8..x15 in bits 4..2. */
const low: Field = (word) => 8 + bits(word, 4, 2);

/** Bits `from` down to `to` of a word, moved to the right end and then left by `shift`. */
function bits(word: number, from: number, to: number, shift = 0): number {
  return ((word >>> to) & ((1 << (from - to + 1)) - 1)) << shift;
}

/** The number whose highest bit is bit `sign`, with that bit extended to the left. */
function signed(value: number, sign: number): number {
  return (value << (31 - sign)) >> (31 - sign);
}

// Immediates, in the order of the manual's figures.
const imm6: Field = (w) => signed(bits(w, 12, 12, 5) | bits(w, 6, 2), 5);
const shamt: Field = (w) => bits(w, 12, 12, 5) | bits(w, 6, 2);
const luiImm: Field = (w) => imm6(w) << 12;
const addi16spImm: Field = (w) =>
  signed(
    bits(w, 12, 12, 9) | bits(w, 6, 6, 4) | bits(w, 5, 5, 6) | bits(w, 4, 3, 7) | bits(w, 2, 2, 5),
    9,
  );
const addi4spnImm: Field = (w) =>
  bits(w, 12, 11, 4) | bits(w, 10, 7, 6) | bits(w, 6, 6, 2) | bits(w, 5, 5, 3);
const wordOffset: Field = (w) => bits(w, 12, 10, 3) | bits(w, 6, 6, 2) | bits(w, 5, 5, 6);
const doubleOffset: Field = (w) => bits(w, 12, 10, 3) | bits(w, 6, 5, 6);
const lwspOffset: Field = (w) => bits(w, 12, 12, 5) | bits(w, 6, 4, 2) | bits(w, 3, 2, 6);
const ldspOffset: Field = (w) => bits(w, 12, 12, 5) | bits(w, 6, 5, 3) | bits(w, 4, 2, 6);
const swspOffset: Field = (w) => bits(w, 12, 9, 2) | bits(w, 8, 7, 6);
const sdspOffset: Field = (w) => bits(w, 12, 10, 3) | bits(w, 9, 7, 6);
const branchOffset: Field = (w) =>
  signed(
    bits(w, 12, 12, 8) |
      bits(w, 11, 10, 3) |
      bits(w, 6, 5, 6) |
      bits(w, 4, 3, 1) |
      bits(w, 2, 2, 5),
    8,
  );
const jumpOffset: Field = (w) =>
  signed(
    bits(w, 12, 12, 11) |
      bits(w, 11, 11, 4) |
      bits(w, 10, 9, 8) |
      bits(w, 8, 8, 10) |
      bits(w, 7, 7, 6) |
      bits(w, 6, 6, 7) |
      bits(w, 5, 3, 1) |
      bits(w, 2, 2, 5),
    11,
  );

type Row = readonly [
  name: string,
  expandsTo: OperationName,
  mask: number,
  match: number,
  operands: { rd?: Field; rs1?: Field; rs2?: Field; imm?: Field },
  isReserved?: (word: number) => boolean,
];

const noRd = (word: number): boolean => full(word) === 0;

// A row that stands before another one with a wider mask takes its encodings out of it.
const ROWS: readonly Row[] = [
  // Quadrant 0
  [
    'c.addi4spn',
    'addi',
    0xe003,
    0x0000,
    { rd: low, rs1: SP, imm: addi4spnImm },
    (w) => addi4spnImm(w) === 0,
  ],
  ['c.fld', 'fld', 0xe003, 0x2000, { rd: low, rs1: high, imm: doubleOffset }],
  ['c.lw', 'lw', 0xe003, 0x4000, { rd: low, rs1: high, imm: wordOffset }],
  ['c.ld', 'ld', 0xe003, 0x6000, { rd: low, rs1: high, imm: doubleOffset }],
  ['c.fsd', 'fsd', 0xe003, 0xa000, { rs2: low, rs1: high, imm: doubleOffset }],
  ['c.sw', 'sw', 0xe003, 0xc000, { rs2: low, rs1: high, imm: wordOffset }],
  ['c.sd', 'sd', 0xe003, 0xe000, { rs2: low, rs1: high, imm: doubleOffset }],

  // Quadrant 1
  ['c.addi', 'addi', 0xe003, 0x0001, { rd: full, rs1: full, imm: imm6 }],
  ['c.addiw', 'addiw', 0xe003, 0x2001, { rd: full, rs1: full, imm: imm6 }, noRd],
  ['c.li', 'addi', 0xe003, 0x4001, { rd: full, rs1: X0, imm: imm6 }],
  [
    'c.addi16sp',
    'addi',
    0xef83,
    0x6101,
    { rd: SP, rs1: SP, imm: addi16spImm },
    (w) => addi16spImm(w) === 0,
  ],
  ['c.lui', 'lui', 0xe003, 0x6001, { rd: full, imm: luiImm }, (w) => luiImm(w) === 0],
  ['c.srli', 'srli', 0xec03, 0x8001, { rd: high, rs1: high, imm: shamt }],
  ['c.srai', 'srai', 0xec03, 0x8401, { rd: high, rs1: high, imm: shamt }],
  ['c.andi', 'andi', 0xec03, 0x8801, { rd: high, rs1: high, imm: imm6 }],
  ['c.sub', 'sub', 0xfc63, 0x8c01, { rd: high, rs1: high, rs2: low }],
  ['c.xor', 'xor', 0xfc63, 0x8c21, { rd: high, rs1: high, rs2: low }],
  ['c.or', 'or', 0xfc63, 0x8c41, { rd: high, rs1: high, rs2: low }],
  ['c.and', 'and', 0xfc63, 0x8c61, { rd: high, rs1: high, rs2: low }],
  ['c.subw', 'subw', 0xfc63, 0x9c01, { rd: high, rs1: high, rs2: low }],
  ['c.addw', 'addw', 0xfc63, 0x9c21, { rd: high, rs1: high, rs2: low }],
  ['c.j', 'jal', 0xe003, 0xa001, { rd: X0, imm: jumpOffset }],
  ['c.beqz', 'beq', 0xe003, 0xc001, { rs1: high, rs2: X0, imm: branchOffset }],
  ['c.bnez', 'bne', 0xe003, 0xe001, { rs1: high, rs2: X0, imm: branchOffset }],

  // Quadrant 2
  ['c.slli', 'slli', 0xe003, 0x0002, { rd: full, rs1: full, imm: shamt }],
  ['c.fldsp', 'fld', 0xe003, 0x2002, { rd: full, rs1: SP, imm: ldspOffset }],
  ['c.lwsp', 'lw', 0xe003, 0x4002, { rd: full, rs1: SP, imm: lwspOffset }, noRd],
  ['c.ldsp', 'ld', 0xe003, 0x6002, { rd: full, rs1: SP, imm: ldspOffset }, noRd],
  ['c.ebreak', 'ebreak', 0xffff, 0x9002, {}],
  ['c.jr', 'jalr', 0xf07f, 0x8002, { rd: X0, rs1: full }, noRd],
  ['c.mv', 'add', 0xf003, 0x8002, { rd: full, rs1: X0, rs2: fullRs2 }],
  ['c.jalr', 'jalr', 0xf07f, 0x9002, { rd: RA, rs1: full }],
  ['c.add', 'add', 0xf003, 0x9002, { rd: full, rs1: full, rs2: fullRs2 }],
  ['c.fsdsp', 'fsd', 0xe003, 0xa002, { rs2: fullRs2, rs1: SP, imm: sdspOffset }],
  ['c.swsp', 'sw', 0xe003, 0xc002, { rs2: fullRs2, rs1: SP, imm: swspOffset }],
  ['c.sdsp', 'sd', 0xe003, 0xe002, { rs2: fullRs2, rs1: SP, imm: sdspOffset }],
];

export const COMPRESSED_FORMS: readonly CompressedForm[] = ROWS.map(
  ([name, expandsTo, mask, match, operands, isReserved = (): boolean => false]) => {
    const { rd = ZERO, rs1 = ZERO, rs2 = ZERO, imm = ZERO } = operands;
    const expand = (word: number): Expansion => ({
      rd: rd(word),
      rs1: rs1(word),
      rs2: rs2(word),
      imm: imm(word),
    });
    return { name, op: OP_OF[expandsTo], mask, match, expand, isReserved };
  },
);
