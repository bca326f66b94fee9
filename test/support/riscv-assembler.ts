/**
 * A small assembler for RISC-V, so that tests need no toolchain: one instruction a line, labels,
 * and a few of the manual's pseudo-instructions. Words come from the table of operations, whose
 * masks `riscv/decode.test.ts` compares with binutils.
 */

import { F_NAMES, X_NAMES } from '../../riscv/disassemble.ts';
import { type Format, OP_OF, type Operation, OPERATIONS } from '../../riscv/operations.ts';

/** Operands of an instruction, as `decode` gives them. */
export interface Fields {
  readonly rd?: number;
  readonly rs1?: number;
  readonly rs2?: number;
  readonly rs3?: number;
  readonly imm?: number;
  readonly rm?: number;
  readonly ordering?: number;
}

/** Where each format has its immediate. */
const IMMEDIATES: Partial<Record<Format, (imm: number) => number>> = {
  I: immI,
  load: immI,
  jalr: immI,
  fload: immI,
  S: immS,
  fstore: immS,
  B: (i) => ((i & 0x1000) << 19) | ((i & 0x7e0) << 20) | ((i & 0x1e) << 7) | ((i & 0x800) >>> 4),
  U: (i) => i & ~0xfff,
  J: (i) => ((i & 0x10_0000) << 11) | ((i & 0x7fe) << 20) | ((i & 0x800) << 9) | (i & 0xf_f000),
  shift64: (i) => (i & 63) << 20,
  shift32: (i) => (i & 31) << 20,
  fence: immI,
  csr: immI,
  csri: immI,
};

function immI(imm: number): number {
  return imm << 20;
}

function immS(imm: number): number {
  return ((imm & 0xfe0) << 20) | ((imm & 0x1f) << 7);
}

const ROUNDED: readonly Format[] = ['fma', 'fRrm', 'fR1', 'fcvtToInteger', 'fcvtToFloat'];

/**
 * @returns the word of an instruction of 32 bits; fields that its format does not have are ignored
 */
export function encode(op: number, fields: Fields): number {
  const { match, mask, format } = OPERATIONS[op] as Operation;
  const { imm = 0, rm = 0, ordering = 0 } = fields;
  const { rd = 0, rs1 = 0, rs2 = 0, rs3 = 0 } = fields;
  const registers =
    ((rd << 7) | (rs1 << 15) | (rs2 << 20) | (rs3 << 27)) & (REGISTER_BITS[op] as number);
  const rounding = ROUNDED.includes(format) ? rm << 12 : 0;
  const order = format === 'amo' || format === 'lr' ? ordering << 25 : 0;
  const immediate = IMMEDIATES[format]?.(imm) ?? 0;
  return (match | ((registers | rounding | order | immediate) & ~mask)) >>> 0;
}

/** @returns the words of a program; a line may begin with `label:` and be empty behind it */
export function assemble(text: string): number[] {
  const lines: string[] = [];
  const labels = new Map<string, number>();
  for (const line of text.split('\n').map((each) => each.replace(/#.*/, '').trim())) {
    const [, label, rest = ''] = /^(?:(\w+):)?\s*(.*)$/.exec(line) ?? [];
    if (label !== undefined) labels.set(label, 4 * lines.length);
    if (rest !== '') lines.push(rest);
  }
  return lines.map((line, index) => assembleLine(line, 4 * index, labels));
}

/** Each pseudo-instruction as the instruction it stands for; `$1` … are its operands. */
const PSEUDO: Readonly<Record<string, string>> = {
  nop: 'addi zero,zero,0',
  li: 'addi $1,zero,$2',
  mv: 'addi $1,$2,0',
  j: 'jal zero,$1',
  ret: 'jalr zero,0(ra)',
  jr: 'jalr zero,0($1)',
  beqz: 'beq $1,zero,$2',
  bnez: 'bne $1,zero,$2',
  csrr: 'csrrs $1,$2,zero',
  csrw: 'csrrw zero,$1,$2',
};

function assembleLine(line: string, at: number, labels: ReadonlyMap<string, number>): number {
  const [mnemonic = '', ...rest] = line.split(/\s+/);
  const operands = rest
    .join('')
    .split(/[,()]/)
    .filter((each) => each !== '');
  if (mnemonic === '.word') return Number(operands[0]) >>> 0;
  const meant = PSEUDO[mnemonic];
  if (meant !== undefined) {
    const full = meant.replace(/\$(\d)/g, (_, n: string) => operands[Number(n) - 1] ?? '');
    return assembleLine(full, at, labels);
  }
  const op = OP_OF[mnemonic as keyof typeof OP_OF] as number | undefined;
  if (op === undefined) throw new Error(`no instruction ${mnemonic}`);
  return encode(op, fieldsOf(OPERATIONS[op] as Operation, operands, at, labels));
}

/** The operands of each format in the order of the text. */
const ORDER: Readonly<Record<Format, string>> = {
  illegal: '',
  none: '',
  R: 'rd rs1 rs2',
  R1: 'rd rs1',
  I: 'rd rs1 imm',
  load: 'rd imm rs1',
  S: 'rs2 imm rs1',
  B: 'rs1 rs2 imm',
  U: 'rd imm',
  J: 'rd imm',
  jalr: 'rd imm rs1',
  shift64: 'rd rs1 imm',
  shift32: 'rd rs1 imm',
  fence: '',
  csr: 'rd imm rs1',
  csri: 'rd imm rs1',
  lr: 'rd rs1',
  amo: 'rd rs2 rs1',
  fload: 'rd imm rs1',
  fstore: 'rs2 imm rs1',
  fma: 'rd rs1 rs2 rs3 rm',
  fR: 'rd rs1 rs2',
  fRrm: 'rd rs1 rs2 rm',
  fR1: 'rd rs1 rm',
  fcompare: 'rd rs1 rs2',
  fclass: 'rd rs1',
  fmvToInteger: 'rd rs1',
  fmvToFloat: 'rd rs1',
  fcvtToInteger: 'rd rs1 rm',
  fcvtToFloat: 'rd rs1 rm',
};

/** Of each operation: the bits of a word that name its registers. */
const REGISTER_BITS: readonly number[] = OPERATIONS.map(({ format }) => {
  const used = ORDER[format].split(' ');
  const bits = { rd: 0x1f << 7, rs1: 0x1f << 15, rs2: 0x1f << 20, rs3: 0x1f << 27 };
  return Object.entries(bits).reduce(
    (all, [name, each]) => (used.includes(name) ? all | each : all),
    0,
  );
});

const NAMED: Readonly<Record<string, number>> = {
  fflags: 0x001,
  frm: 0x002,
  fcsr: 0x003,
  cycle: 0xc00,
  time: 0xc01,
  instret: 0xc02,
  rne: 0,
  rtz: 1,
  rdn: 2,
  rup: 3,
  rmm: 4,
  dyn: 7,
};

function fieldsOf(
  { format }: Operation,
  operands: readonly string[],
  at: number,
  labels: ReadonlyMap<string, number>,
): Fields {
  const fields: Record<string, number> = ROUNDED.includes(format) ? { rm: 7 } : {};
  ORDER[format].split(' ').forEach((field, index) => {
    const operand = operands[index];
    if (operand !== undefined && field !== '') fields[field] = valueOf(operand, at, labels);
  });
  if (format === 'U') fields['imm'] = (fields['imm'] ?? 0) << 12;
  return fields;
}

function valueOf(operand: string, at: number, labels: ReadonlyMap<string, number>): number {
  const label = labels.get(operand);
  if (label !== undefined) return label - at;
  const x = X_NAMES.indexOf(operand);
  if (x >= 0) return x;
  const f = F_NAMES.indexOf(operand);
  if (f >= 0) return f;
  const value = NAMED[operand] ?? Number(operand);
  if (Number.isNaN(value)) throw new Error(`no operand ${operand}`);
  return value;
}
