/**
 * What computes one integer register from others, in WebAssembly. Each entry leaves the value of
 * `rd` on the stack.
 *
 * Shifts need no mask: WebAssembly takes the amount modulo the width, as RISC-V does. Division
 * does: it traps where RISC-V has a value (the manual, volume I, chapter "M", table of division by
 * zero and overflow).
 */

import { OP, TYPE } from '../../memory/wasm/opcodes.ts';
import type { Instruction } from '../decode.ts';
import { OP_OF, type OperationName } from '../operations.ts';
import type { Writing } from './writing.ts';

type Emitter = (w: Writing, instruction: Instruction, pc: number) => void;

/**
 * @returns what computes this operation's result; undefined for one that is no integer arithmetic
 */
export function arithmeticOf(op: number): Emitter | undefined {
  return EMITTERS[op];
}

/** rd = rs1 op rs2, 64 bits. */
function both(opcode: number): Emitter {
  return (w, { rs1, rs2 }) => {
    w.get(rs1);
    w.get(rs2);
    w.code.op(opcode);
  };
}

/** rd = rs1 op imm, 64 bits. */
function immediate(opcode: number): Emitter {
  return (w, { rs1, imm }) => {
    w.get(rs1);
    w.code.i64(imm);
    w.code.op(opcode);
  };
}

/** The lower 32 bits of both, by an operation on 32 bits, and the result sign-extended. */
function both32(opcode: number): Emitter {
  return (w, { rs1, rs2 }) => {
    w.get32(rs1);
    w.get32(rs2);
    w.code.op(opcode);
    w.code.op(OP.i64ExtendI32S);
  };
}

function immediate32(opcode: number): Emitter {
  return (w, { rs1, imm }) => {
    w.get32(rs1);
    w.code.i32(imm);
    w.code.op(opcode);
    w.code.op(OP.i64ExtendI32S);
  };
}

/** 1 or 0, by a comparison. */
function compared(emitter: Emitter): Emitter {
  return (w, instruction, pc) => {
    emitter(w, instruction, pc);
    w.code.op(OP.i64ExtendI32U);
  };
}

/** rd = (rs1 << shift) + rs2, of rs1 the lower 32 bits only when told. */
function shiftAdd(shift: number, isLowerWord: boolean): Emitter {
  return (w, { rs1, rs2 }) => {
    if (isLowerWord) lowerWord(w, rs1);
    else w.get(rs1);
    if (shift > 0) {
      w.code.i64(shift);
      w.code.op(OP.i64Shl);
    }
    w.get(rs2);
    w.code.op(OP.i64Add);
  };
}

function lowerWord(w: Writing, x: number): void {
  w.get32(x);
  w.code.op(OP.i64ExtendI32U);
}

/** rd = rs1 op ~rs2. */
function withInverse(opcode: number): Emitter {
  return (w, { rs1, rs2 }) => {
    w.get(rs1);
    w.get(rs2);
    w.code.i64(-1);
    w.code.op(OP.i64Xor);
    w.code.op(opcode);
  };
}

/** The one of both for which the comparison holds, or else rs2. */
function chosen(comparison: number): Emitter {
  return (w, { rs1, rs2 }) => {
    w.get(rs1);
    w.get(rs2);
    w.get(rs1);
    w.get(rs2);
    w.code.op(comparison);
    w.code.op(OP.select);
  };
}

function unary(...opcodes: number[]): Emitter {
  return (w, { rs1 }) => {
    w.get(rs1);
    for (const opcode of opcodes) w.code.op(opcode);
  };
}

function unary32(...opcodes: number[]): Emitter {
  return (w, { rs1 }) => {
    w.get32(rs1);
    for (const opcode of opcodes) w.code.op(opcode);
  };
}

/** By zero: all ones. The least number by -1: itself, which is 0 - rs1. */
const divide: Emitter = (w, { rs1, rs2 }) => {
  const { code } = w;
  w.get(rs2);
  code.op(OP.i64Eqz);
  code.if(TYPE.i64);
  code.i64(-1);
  code.else();
  w.get(rs2);
  code.i64(-1);
  code.op(OP.i64Eq);
  code.if(TYPE.i64);
  code.i64(0);
  w.get(rs1);
  code.op(OP.i64Sub);
  code.else();
  w.get(rs1);
  w.get(rs2);
  code.op(OP.i64DivS);
  code.end();
  code.end();
};

/**
 * What is left of a division by zero is the dividend; WebAssembly has 0 for the least number by -1,
 * as RISC-V does.
 */
function guarded(operation: number, byZero: (w: Writing, rs1: number) => void): Emitter {
  return (w, { rs1, rs2 }) => {
    w.get(rs2);
    w.code.op(OP.i64Eqz);
    w.code.if(TYPE.i64);
    byZero(w, rs1);
    w.code.else();
    w.get(rs1);
    w.get(rs2);
    w.code.op(operation);
    w.code.end();
  };
}

const allOnes = (w: Writing): void => w.code.i64(-1);
const dividend = (w: Writing, rs1: number): void => w.get(rs1);

/** Division of words, as one of 64 bits: there, no quotient overflows. */
function guarded32(
  operation: number,
  extend: number,
  byZero: (w: Writing, rs1: number) => void,
): Emitter {
  return (w, { rs1, rs2 }) => {
    w.get32(rs2);
    w.code.op(OP.i32Eqz);
    w.code.if(TYPE.i64);
    byZero(w, rs1);
    w.code.else();
    w.get32(rs1);
    w.code.op(extend);
    w.get32(rs2);
    w.code.op(extend);
    w.code.op(operation);
    w.code.end();
    w.code.op(OP.i64Extend32S);
  };
}

/**
 * The upper half of a product, from the unsigned one: minus rs2 when rs1 is negative, minus rs1
 * when rs2 is.
 */
function upperProduct(isSigned1: boolean, isSigned2: boolean): Emitter {
  return (w, { rs1, rs2 }) => {
    const { code } = w;
    w.get(rs1);
    w.get(rs2);
    code.call(w.helpers.mulhu);
    for (const [isSigned, sign, other] of [
      [isSigned1, rs1, rs2],
      [isSigned2, rs2, rs1],
    ] as const) {
      if (!isSigned) continue;
      w.get(sign);
      code.i64(63);
      code.op(OP.i64ShrS);
      w.get(other);
      code.op(OP.i64And);
      code.op(OP.i64Sub);
    }
  };
}

const rotateImmediate32: Emitter = (w, { rs1, imm }) => {
  w.get32(rs1);
  w.code.i32(imm);
  w.code.op(OP.i32Rotr);
  w.code.op(OP.i64ExtendI32S);
};

/** The upper 32 bits of an instruction's result, so that `lui` and `auipc` are constants. */
const lui: Emitter = (w, { imm }) => w.code.i64(imm);
const auipc: Emitter = (w, { imm }, pc) => w.code.i64(pc + imm);

/** The lower 32 bits of a sum or difference of 64 bits are those of 32. */
function wordOf(emitter: Emitter): Emitter {
  return (w, instruction, pc) => {
    emitter(w, instruction, pc);
    w.code.op(OP.i64Extend32S);
  };
}

const addImmediate: Emitter = (w, { rs1, imm }) => {
  if (rs1 === 0) {
    w.code.i64(imm);
    return;
  }
  w.get(rs1);
  if (imm === 0) return;
  w.code.i64(imm);
  w.code.op(OP.i64Add);
};

const BY_NAME: Partial<Record<OperationName, Emitter>> = {
  lui,
  auipc,
  addi: addImmediate,
  slti: compared(immediate(OP.i64LtS)),
  sltiu: compared(immediate(OP.i64LtU)),
  xori: immediate(OP.i64Xor),
  ori: immediate(OP.i64Or),
  andi: immediate(OP.i64And),
  slli: immediate(OP.i64Shl),
  srli: immediate(OP.i64ShrU),
  srai: immediate(OP.i64ShrS),
  add: both(OP.i64Add),
  sub: both(OP.i64Sub),
  sll: both(OP.i64Shl),
  slt: compared(both(OP.i64LtS)),
  sltu: compared(both(OP.i64LtU)),
  xor: both(OP.i64Xor),
  srl: both(OP.i64ShrU),
  sra: both(OP.i64ShrS),
  or: both(OP.i64Or),
  and: both(OP.i64And),
  addiw: wordOf(addImmediate),
  slliw: immediate32(OP.i32Shl),
  srliw: immediate32(OP.i32ShrU),
  sraiw: immediate32(OP.i32ShrS),
  addw: wordOf(both(OP.i64Add)),
  subw: wordOf(both(OP.i64Sub)),
  sllw: both32(OP.i32Shl),
  srlw: both32(OP.i32ShrU),
  sraw: both32(OP.i32ShrS),
  mul: both(OP.i64Mul),
  mulh: upperProduct(true, true),
  mulhsu: upperProduct(true, false),
  mulhu: upperProduct(false, false),
  div: divide,
  divu: guarded(OP.i64DivU, allOnes),
  rem: guarded(OP.i64RemS, dividend),
  remu: guarded(OP.i64RemU, dividend),
  mulw: wordOf(both(OP.i64Mul)),
  divw: guarded32(OP.i64DivS, OP.i64ExtendI32S, allOnes),
  divuw: guarded32(OP.i64DivU, OP.i64ExtendI32U, allOnes),
  remw: guarded32(OP.i64RemS, OP.i64ExtendI32S, dividend),
  remuw: guarded32(OP.i64RemU, OP.i64ExtendI32U, dividend),
  'add.uw': shiftAdd(0, true),
  sh1add: shiftAdd(1, false),
  sh2add: shiftAdd(2, false),
  sh3add: shiftAdd(3, false),
  'sh1add.uw': shiftAdd(1, true),
  'sh2add.uw': shiftAdd(2, true),
  'sh3add.uw': shiftAdd(3, true),
  'slli.uw': (w, { rs1, imm }) => {
    lowerWord(w, rs1);
    w.code.i64(imm);
    w.code.op(OP.i64Shl);
  },
  andn: withInverse(OP.i64And),
  orn: withInverse(OP.i64Or),
  xnor: withInverse(OP.i64Xor),
  clz: unary(OP.i64Clz),
  ctz: unary(OP.i64Ctz),
  cpop: unary(OP.i64Popcnt),
  'sext.b': unary(OP.i64Extend8S),
  'sext.h': unary(OP.i64Extend16S),
  clzw: unary32(OP.i32Clz, OP.i64ExtendI32U),
  ctzw: unary32(OP.i32Ctz, OP.i64ExtendI32U),
  cpopw: unary32(OP.i32Popcnt, OP.i64ExtendI32U),
  min: chosen(OP.i64LtS),
  minu: chosen(OP.i64LtU),
  max: chosen(OP.i64GtS),
  maxu: chosen(OP.i64GtU),
  'zext.h': (w, { rs1 }) => {
    w.get(rs1);
    w.code.i64(0xffff);
    w.code.op(OP.i64And);
  },
  rol: both(OP.i64Rotl),
  ror: both(OP.i64Rotr),
  rori: immediate(OP.i64Rotr),
  rolw: both32(OP.i32Rotl),
  rorw: both32(OP.i32Rotr),
  roriw: rotateImmediate32,
  'orc.b': (w, { rs1 }) => {
    w.get(rs1);
    w.code.call(w.helpers.orcb);
  },
  rev8: (w, { rs1 }) => {
    w.get(rs1);
    w.code.call(w.helpers.rev8);
  },
};

const EMITTERS: (Emitter | undefined)[] = [];
for (const [name, emitter] of Object.entries(BY_NAME)) {
  EMITTERS[OP_OF[name as OperationName]] = emitter;
}
