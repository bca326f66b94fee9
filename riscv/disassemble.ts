/**
 * An instruction as text, in the spelling of `objdump -d`: register names of the ABI, and the
 * manual's pseudo-instructions (`ret`, `li`, `mv`, `beqz` …) where objdump prints those. A blank
 * stands between mnemonic and operands, and a target is a number.
 *
 * Not the same: CSRs that no program here may use have numbers only, no comments are added, the
 * hints among the compressed instructions read like others, and `addi` and its like never lose
 * their `i` (binutils 2.40 prints `add a0,a0,4`).
 */

import { type Instruction, ROUNDING } from './decode.ts';
import { type Format, OPERATIONS, type OperationName } from './operations.ts';

/** Names of x0..x31 in the calling convention. */
export const X_NAMES: readonly string[] = (
  'zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 ' +
  's2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6'
).split(' ');

/** Names of f0..f31 in the calling convention. */
export const F_NAMES: readonly string[] = (
  'ft0 ft1 ft2 ft3 ft4 ft5 ft6 ft7 fs0 fs1 fa0 fa1 fa2 fa3 fa4 fa5 fa6 fa7 ' +
  'fs2 fs3 fs4 fs5 fs6 fs7 fs8 fs9 fs10 fs11 ft8 ft9 ft10 ft11'
).split(' ');

/**
 * @param pc address of the instruction, for targets; below 2^53
 * @returns mnemonic and operands; `illegal` for what is no instruction
 */
export function disassemble(instruction: Instruction, pc: number): string {
  const operation = OPERATIONS[instruction.op];
  if (operation === undefined || operation.format === 'illegal') return 'illegal';
  const text = {
    rd: x(instruction.rd),
    rs1: x(instruction.rs1),
    rs2: x(instruction.rs2),
    target: `0x${BigInt.asUintN(64, BigInt(pc + instruction.imm)).toString(16)}`,
  };
  const alias = ALIASES[operation.name]?.(instruction, text);
  if (alias !== undefined) return alias;
  const operands = OPERANDS[operation.format](instruction, text, operation.name);
  const mnemonic = operation.name + ORDERING[instruction.ordering];
  return operands === '' ? mnemonic : `${mnemonic} ${operands}`;
}

/** Operands that most formats have, as text. */
interface Text {
  readonly rd: string;
  readonly rs1: string;
  readonly rs2: string;
  readonly target: string;
}

const ORDERING: readonly string[] = ['', '.rl', '.aq', '.aqrl'];

const ROUNDING_SUFFIX: readonly string[] = [',rne', ',rtz', ',rdn', ',rup', ',rmm', '', '', ''];

const x = (register: number): string => X_NAMES[register] ?? '';
const f = (register: number): string => F_NAMES[register] ?? '';
const hex = (value: number): string => `0x${(value >>> 0).toString(16)}`;

/**
 * Operations that are exact whatever the mode: objdump shows no mode with them as long as the field
 * is 0.
 */
const EXACT: ReadonlySet<string> = new Set(['fcvt.d.s', 'fcvt.d.w', 'fcvt.d.wu']);

function rounding({ rm }: Instruction, name: OperationName): string {
  if (EXACT.has(name) && rm === ROUNDING.rne) return '';
  return ROUNDING_SUFFIX[rm] ?? '';
}

const OPERANDS: Readonly<Record<Format, (i: Instruction, t: Text, n: OperationName) => string>> = {
  illegal: () => '',
  R: (_, t) => `${t.rd},${t.rs1},${t.rs2}`,
  R1: (_, t) => `${t.rd},${t.rs1}`,
  I: (i, t) => `${t.rd},${t.rs1},${i.imm}`,
  load: (i, t) => `${t.rd},${i.imm}(${t.rs1})`,
  S: (i, t) => `${t.rs2},${i.imm}(${t.rs1})`,
  B: (_, t) => `${t.rs1},${t.rs2},${t.target}`,
  U: (i, t) => `${t.rd},${hex(i.imm >>> 12)}`,
  J: (_, t) => `${t.rd},${t.target}`,
  jalr: (i, t) => `${t.rd},${i.imm}(${t.rs1})`,
  shift64: (i, t) => `${t.rd},${t.rs1},${hex(i.imm)}`,
  shift32: (i, t) => `${t.rd},${t.rs1},${hex(i.imm)}`,
  fence: (i) => `${fenceSet(i.imm >>> 4)},${fenceSet(i.imm)}`,
  none: () => '',
  csr: (i, t) => `${t.rd},${csrName(i.imm)},${t.rs1}`,
  csri: (i, t) => `${t.rd},${csrName(i.imm)},${i.rs1}`,
  lr: (_, t) => `${t.rd},(${t.rs1})`,
  amo: (_, t) => `${t.rd},${t.rs2},(${t.rs1})`,
  fload: (i, t) => `${f(i.rd)},${i.imm}(${t.rs1})`,
  fstore: (i, t) => `${f(i.rs2)},${i.imm}(${t.rs1})`,
  fma: (i, _, n) => `${f(i.rd)},${f(i.rs1)},${f(i.rs2)},${f(i.rs3)}${rounding(i, n)}`,
  fR: (i) => `${f(i.rd)},${f(i.rs1)},${f(i.rs2)}`,
  fRrm: (i, _, n) => `${f(i.rd)},${f(i.rs1)},${f(i.rs2)}${rounding(i, n)}`,
  fR1: (i, _, n) => `${f(i.rd)},${f(i.rs1)}${rounding(i, n)}`,
  fcompare: (i, t) => `${t.rd},${f(i.rs1)},${f(i.rs2)}`,
  fclass: (i, t) => `${t.rd},${f(i.rs1)}`,
  fmvToInteger: (i, t) => `${t.rd},${f(i.rs1)}`,
  fmvToFloat: (i, t) => `${f(i.rd)},${t.rs1}`,
  fcvtToInteger: (i, t, n) => `${t.rd},${f(i.rs1)}${rounding(i, n)}`,
  fcvtToFloat: (i, t, n) => `${f(i.rd)},${t.rs1}${rounding(i, n)}`,
};

/** Letters of the four bits: device input, device output, memory reads, memory writes. */
function fenceSet(bits: number): string {
  const letters = ['i', 'o', 'r', 'w'].filter((_, index) => (bits & (8 >> index)) !== 0);
  return letters.length === 0 ? 'unknown' : letters.join('');
}

const CSR_NAMES: Readonly<Record<number, string>> = {
  0x001: 'fflags',
  0x002: 'frm',
  0x003: 'fcsr',
  0xc00: 'cycle',
  0xc01: 'time',
  0xc02: 'instret',
};

function csrName(csr: number): string {
  return CSR_NAMES[csr] ?? hex(csr);
}

type Alias = (i: Instruction, t: Text) => string | undefined;

/** A branch that compares its rs1 with x0. */
function rs2Zero(mnemonic: string): Alias {
  return (i, t) => (i.rs2 === 0 ? `${mnemonic} ${t.rs1},${t.target}` : undefined);
}

/** A branch that compares x0 with its rs2. */
function rs1Zero(mnemonic: string): Alias {
  return (i, t) => (i.rs1 === 0 ? `${mnemonic} ${t.rs2},${t.target}` : undefined);
}

function firstOf(...aliases: readonly Alias[]): Alias {
  return (i, t) => aliases.map((alias) => alias(i, t)).find((text) => text !== undefined);
}

/** Sign injections of a register with itself. */
function signAlias(mnemonic: string): Alias {
  return (i) => (i.rs1 === i.rs2 ? `${mnemonic} ${f(i.rd)},${f(i.rs1)}` : undefined);
}

/** Names for reading one CSR: rdtime, frcsr and their like. */
const CSR_READS: Readonly<Record<number, string>> = {
  0x001: 'frflags',
  0x002: 'frrm',
  0x003: 'frcsr',
  0xc00: 'rdcycle',
  0xc01: 'rdtime',
  0xc02: 'rdinstret',
};

/** Names for exchanging one CSR. */
const CSR_WRITES: Readonly<Record<number, string>> = {
  0x001: 'fsflags',
  0x002: 'fsrm',
  0x003: 'fscsr',
};

const ALIASES: Partial<Record<OperationName, Alias>> = {
  addi: (i, t) => {
    if (i.rs1 === 0) return i.rd === 0 && i.imm === 0 ? 'nop' : `li ${t.rd},${i.imm}`;
    return i.imm === 0 && i.length === 4 ? `mv ${t.rd},${t.rs1}` : undefined;
  },
  add: (i, t) => (i.length === 2 && i.rs1 === 0 ? `mv ${t.rd},${t.rs2}` : undefined),
  addiw: (i, t) => (i.imm === 0 ? `sext.w ${t.rd},${t.rs1}` : undefined),
  andi: (i, t) => (i.imm === 255 ? `zext.b ${t.rd},${t.rs1}` : undefined),
  xori: (i, t) => (i.imm === -1 ? `not ${t.rd},${t.rs1}` : undefined),
  sub: (i, t) => (i.rs1 === 0 ? `neg ${t.rd},${t.rs2}` : undefined),
  subw: (i, t) => (i.rs1 === 0 ? `negw ${t.rd},${t.rs2}` : undefined),
  sltiu: (i, t) => (i.imm === 1 ? `seqz ${t.rd},${t.rs1}` : undefined),
  sltu: (i, t) => (i.rs1 === 0 ? `snez ${t.rd},${t.rs2}` : undefined),
  slt: (i, t) => {
    if (i.rs2 === 0) return `sltz ${t.rd},${t.rs1}`;
    return i.rs1 === 0 ? `sgtz ${t.rd},${t.rs2}` : undefined;
  },
  'add.uw': (i, t) => (i.rs2 === 0 ? `zext.w ${t.rd},${t.rs1}` : undefined),
  jal: (i, t) => {
    if (i.rd === 0) return `j ${t.target}`;
    return i.rd === 1 ? `jal ${t.target}` : undefined;
  },
  jalr: (i, t) => {
    const target = i.imm === 0 ? t.rs1 : `${i.imm}(${t.rs1})`;
    if (i.rd === 0) return i.rs1 === 1 && i.imm === 0 ? 'ret' : `jr ${target}`;
    if (i.rd === 1) return `jalr ${target}`;
    return i.imm === 0 ? `jalr ${t.rd},${t.rs1}` : undefined;
  },
  beq: rs2Zero('beqz'),
  bne: rs2Zero('bnez'),
  blt: firstOf(rs2Zero('bltz'), rs1Zero('bgtz')),
  bge: firstOf(rs1Zero('blez'), rs2Zero('bgez')),
  fence: (i) => {
    if (i.imm === 0x0ff) return 'fence';
    if (i.imm === 0x833) return 'fence.tso';
    return i.imm === 0x010 ? 'pause' : undefined;
  },
  csrrw: (i, t) => {
    if (i.imm === 0xc00 && i.rd === 0 && i.rs1 === 0) return 'unimp';
    const name = CSR_WRITES[i.imm];
    if (name !== undefined) return i.rd === 0 ? `${name} ${t.rs1}` : `${name} ${t.rd},${t.rs1}`;
    return i.rd === 0 ? `csrw ${csrName(i.imm)},${t.rs1}` : undefined;
  },
  csrrs: (i, t) => {
    const name = CSR_READS[i.imm];
    if (i.rs1 === 0 && name !== undefined) return `${name} ${t.rd}`;
    if (i.rs1 === 0) return `csrr ${t.rd},${csrName(i.imm)}`;
    return i.rd === 0 ? `csrs ${csrName(i.imm)},${t.rs1}` : undefined;
  },
  csrrc: (i, t) => (i.rd === 0 ? `csrc ${csrName(i.imm)},${t.rs1}` : undefined),
  csrrwi: (i, t) => {
    const name = { 0x001: 'fsflagsi', 0x002: 'fsrmi' }[i.imm];
    if (name !== undefined) return `${name} ${t.rd},${i.rs1}`;
    return i.rd === 0 ? `csrwi ${csrName(i.imm)},${i.rs1}` : undefined;
  },
  csrrsi: (i) => (i.rd === 0 ? `csrsi ${csrName(i.imm)},${i.rs1}` : undefined),
  csrrci: (i) => (i.rd === 0 ? `csrci ${csrName(i.imm)},${i.rs1}` : undefined),
  'fsgnj.s': signAlias('fmv.s'),
  'fsgnjn.s': signAlias('fneg.s'),
  'fsgnjx.s': signAlias('fabs.s'),
  'fsgnj.d': signAlias('fmv.d'),
  'fsgnjn.d': signAlias('fneg.d'),
  'fsgnjx.d': signAlias('fabs.d'),
};
