/**
 * Floating point in translated code.
 *
 * Registers stay in the hart's block. WebAssembly rounds to nearest even and raises no flags, so an
 * instruction is executed here when the result surely raises none that is not up already: it is
 * neither a NaN nor infinite, subnormal or close to that, and it is exact, or the inexact flag is
 * up. Everything else is left to the interpreter: other rounding modes, NaNs, singles that are not
 * boxed. Singles are computed in doubles and rounded again, as in `../float/arithmetic.ts`.
 */

import { assert } from '../../memory/assert.ts';
import { ACCESS, OP, TYPE } from '../../memory/wasm/opcodes.ts';
import { type Instruction, ROUNDING } from '../decode.ts';
import { FLAG } from '../float/flags.ts';
import { HART } from '../hart.ts';
import { OPERATIONS } from '../operations.ts';
import { HART_LOCAL, type Writing } from './writing.ts';

/** Writes what leaves the function before the instruction. */
export type Leave = () => void;

type Emitter = (floats: Floats, instruction: Instruction, leave: Leave) => void;

/** Whether translated code executes this operation of F or D, loads and stores apart. */
export function isFloatTranslated({ op, rm }: Instruction): boolean {
  const emitter = EMITTERS[op];
  if (emitter === undefined) return false;
  const isNearest = rm === ROUNDING.rne || rm === ROUNDING.dyn;
  return OPERATIONS[op]?.format === 'fcvtToInteger' ? rm === ROUNDING.rtz : isNearest;
}

/** Whether an operation is illegal while floating point is off. */
export function needsFloatingPoint(op: number): boolean {
  const extension = OPERATIONS[op]?.extension;
  return extension === 'F' || extension === 'D';
}

const ROUNDING_FIELD = 0xe0;
const HIGH = 4;
const BOXED = -1;
const LEAST_64 = 2 ** -1022;
const MOST_64 = 2 ** 1022;
const LEAST_32 = 2 ** -126;
const MOST_32 = (2 - 2 ** -23) * 2 ** 127;

export function offsetOfF(register: number): number {
  return HART.floats + 8 * register;
}

/** Writes the instructions of one function. */
export class Floats {
  readonly w: Writing;
  #locals: { readonly a: number; readonly b: number; readonly c: number } | undefined;
  #results: { readonly wide: number; readonly result: number } | undefined;

  constructor(w: Writing) {
    this.w = w;
  }

  /** Leaves when floating point is off. */
  checkEnabled(leave: Leave): void {
    const { code } = this.w;
    code.get(HART_LOCAL);
    code.access(ACCESS.i32Load, HART.hasFloatingPoint);
    code.op(OP.i32Eqz);
    this.leaveIf(leave);
  }

  write(instruction: Instruction, leave: Leave): void {
    const emitter = EMITTERS[instruction.op];
    assert(emitter !== undefined, 'a block has translated instructions and its end');
    emitter(this, instruction, leave);
  }

  /** Locals for operands: of no meaning between instructions. */
  get operands(): { readonly a: number; readonly b: number; readonly c: number } {
    const { code } = this.w;
    const { f64 } = TYPE;
    return (this.#locals ??= { a: code.local(f64), b: code.local(f64), c: code.local(f64) });
  }

  /**
   * Local for a result in a double, and for what it is in the end, rounded to a single if it is
   * one.
   */
  get results(): { readonly wide: number; readonly result: number } {
    const { code } = this.w;
    return (this.#results ??= { wide: code.local(TYPE.f64), result: code.local(TYPE.f64) });
  }

  /** Takes a condition from the stack. */
  leaveIf(leave: Leave): void {
    this.w.code.ifRarely();
    leave();
    this.w.code.end();
  }

  /** Sets locals to registers, as doubles. */
  read(isDouble: boolean, registers: readonly (readonly [number, number])[], leave: Leave): void {
    const { code } = this.w;
    if (!isDouble)
      this.checkBoxed(
        registers.map(([, register]) => register),
        leave,
      );
    for (const [local, register] of registers) {
      code.get(HART_LOCAL);
      code.access(isDouble ? ACCESS.f64Load : ACCESS.f32Load, offsetOfF(register));
      if (!isDouble) code.op(OP.f64PromoteF32);
      code.set(local);
    }
  }

  checkBoxed(registers: readonly number[], leave: Leave): void {
    const { code } = this.w;
    registers.forEach((register, index) => {
      code.get(HART_LOCAL);
      code.access(ACCESS.i32Load, offsetOfF(register) + HIGH);
      if (index > 0) code.op(OP.i32And);
    });
    code.i32(BOXED);
    code.op(OP.i32Ne);
    this.leaveIf(leave);
  }

  /** Leaves unless the mode is to nearest even: what an instruction says, or `fcsr`. */
  checkRounding(rm: number, leave: Leave): void {
    if (rm !== ROUNDING.dyn) return;
    const { code } = this.w;
    code.get(HART_LOCAL);
    code.access(ACCESS.i32Load, HART.fcsr);
    code.i32(ROUNDING_FIELD);
    code.op(OP.i32And);
    this.leaveIf(leave);
  }

  /** Leaves when one of these locals is a NaN. */
  checkNumbers(locals: readonly number[], leave: Leave): void {
    const { code } = this.w;
    locals.forEach((local, index) => {
      code.get(local);
      code.get(local);
      code.op(OP.f64Ne);
      if (index > 0) code.op(OP.i32Or);
    });
    this.leaveIf(leave);
  }

  /** Takes what has been computed from the stack, and sets both results. */
  takeResult(isDouble: boolean): void {
    const { code } = this.w;
    const { wide, result } = this.results;
    code.tee(wide);
    if (!isDouble) {
      code.op(OP.f32DemoteF64);
      code.op(OP.f64PromoteF32);
    }
    code.set(result);
  }

  /** Leaves unless the result is a plain number, or a zero that is exact, as `putIsZero` says. */
  checkPlain(isDouble: boolean, putIsZero: () => void, leave: Leave): void {
    const { code } = this.w;
    const { result } = this.results;
    code.get(result);
    code.op(OP.f64Abs);
    code.f64(isDouble ? LEAST_64 : LEAST_32);
    code.op(OP.f64Gt);
    code.get(result);
    code.op(OP.f64Abs);
    code.f64(isDouble ? MOST_64 : MOST_32);
    code.op(isDouble ? OP.f64Lt : OP.f64Le);
    code.op(OP.i32And);
    code.op(OP.i32Eqz);
    code.ifRarely();
    putIsZero();
    code.op(OP.i32Eqz);
    code.if();
    leave();
    code.end();
    code.end();
  }

  /** Leaves when the inexact flag is not up and would have to be raised. */
  checkExact(putIsExact: () => void, leave: Leave): void {
    const { code } = this.w;
    code.get(HART_LOCAL);
    code.access(ACCESS.i32Load, HART.fcsr);
    code.i32(FLAG.inexact);
    code.op(OP.i32And);
    code.op(OP.i32Eqz);
    code.if();
    putIsExact();
    code.op(OP.i32Eqz);
    code.if();
    leave();
    code.end();
    code.end();
  }

  /** Writes a local to a register. */
  store(isDouble: boolean, register: number, local: number): void {
    const { code } = this.w;
    code.get(HART_LOCAL);
    code.get(local);
    if (isDouble) {
      code.access(ACCESS.f64Store, offsetOfF(register));
      return;
    }
    code.op(OP.f32DemoteF64);
    code.access(ACCESS.f32Store, offsetOfF(register));
    this.box(register);
  }

  /** The upper half of a register with a single. */
  box(register: number): void {
    const { code } = this.w;
    code.get(HART_LOCAL);
    code.i32(BOXED);
    code.access(ACCESS.i32Store, offsetOfF(register) + HIGH);
  }
}

/** Puts whether a local compares so with a constant, or another local. */
function putCompared(
  { w: { code } }: Floats,
  local: number,
  opcode: number,
  other: number | { local: number },
): void {
  code.get(local);
  if (typeof other === 'number') code.f64(other);
  else code.get(other.local);
  code.op(opcode);
}

/** What a sum, product, quotient or root is made of. */
interface Arithmetic {
  readonly operands: 1 | 2;
  /** Computes the result from locals a and b, in doubles. */
  readonly compute: (floats: Floats) => void;
  /** Puts whether the result is a zero that is exact. */
  readonly putIsZero: (floats: Floats) => void;
  readonly putIsExact: (floats: Floats, isDouble: boolean) => void;
}

function arithmetic(isDouble: boolean, what: Arithmetic): Emitter {
  return (floats, { rd, rs1, rs2, rm }, leave) => {
    const { a, b } = floats.operands;
    const registers = [
      [a, rs1],
      [b, rs2],
    ] as const;
    floats.checkRounding(rm, leave);
    floats.read(isDouble, registers.slice(0, what.operands), leave);
    what.compute(floats);
    floats.takeResult(isDouble);
    floats.checkPlain(isDouble, () => what.putIsZero(floats), leave);
    floats.checkExact(() => what.putIsExact(floats, isDouble), leave);
    floats.store(isDouble, rd, floats.results.result);
  };
}

function putIsUnrounded(floats: Floats): void {
  const { wide, result } = floats.results;
  putCompared(floats, result, OP.f64Eq, { local: wide });
}

/** Puts whether a helper says so of three locals. */
function putTest({ w: { code } }: Floats, helper: number, locals: readonly number[]): void {
  for (const local of locals) code.get(local);
  code.call(helper);
}

function sum(isSubtraction: boolean): Arithmetic {
  return {
    operands: 2,
    compute: ({ w: { code }, operands: { a, b } }) => {
      if (isSubtraction) {
        code.get(b);
        code.op(OP.f64Neg);
        code.set(b);
      }
      code.get(a);
      code.get(b);
      code.op(OP.f64Add);
    },
    // A sum that is zero is exact.
    putIsZero: (floats) => putCompared(floats, floats.results.wide, OP.f64Eq, 0),
    putIsExact: (floats, isDouble) => {
      const { a, b } = floats.operands;
      putTest(floats, floats.w.helpers.isExactSum, [a, b, floats.results.wide]);
      if (isDouble) return;
      putIsUnrounded(floats);
      floats.w.code.op(OP.i32And);
    },
  };
}

const PRODUCT: Arithmetic = {
  operands: 2,
  compute: ({ w: { code }, operands: { a, b } }) => {
    code.get(a);
    code.get(b);
    code.op(OP.f64Mul);
  },
  putIsZero: (floats) => {
    const { code } = floats.w;
    const { a, b } = floats.operands;
    putCompared(floats, floats.results.wide, OP.f64Eq, 0);
    putCompared(floats, a, OP.f64Eq, 0);
    putCompared(floats, b, OP.f64Eq, 0);
    code.op(OP.i32Or);
    code.op(OP.i32And);
  },
  putIsExact: (floats, isDouble) => {
    const { a, b } = floats.operands;
    if (isDouble) putTest(floats, floats.w.helpers.isExactProduct, [a, b, floats.results.wide]);
    else putIsUnrounded(floats);
  },
};

/** Puts whether a is the product of the result and another local. */
function putIsFactor(floats: Floats, other: number, isDouble: boolean): void {
  const { code } = floats.w;
  const { a, c } = floats.operands;
  const { result } = floats.results;
  code.get(result);
  code.get(other);
  code.op(OP.f64Mul);
  code.tee(c);
  code.get(a);
  code.op(OP.f64Eq);
  if (!isDouble) return;
  putTest(floats, floats.w.helpers.isExactProduct, [result, other, c]);
  code.op(OP.i32And);
}

/** Of a quotient or root: a zero of a zero is exact. */
function putIsZeroOfZero(floats: Floats): void {
  putCompared(floats, floats.results.wide, OP.f64Eq, 0);
  putCompared(floats, floats.operands.a, OP.f64Eq, 0);
  floats.w.code.op(OP.i32And);
}

const QUOTIENT: Arithmetic = {
  operands: 2,
  compute: ({ w: { code }, operands: { a, b } }) => {
    code.get(a);
    code.get(b);
    code.op(OP.f64Div);
  },
  putIsZero: putIsZeroOfZero,
  putIsExact: (floats, isDouble) => putIsFactor(floats, floats.operands.b, isDouble),
};

const ROOT: Arithmetic = {
  operands: 1,
  compute: ({ w: { code }, operands: { a } }) => {
    code.get(a);
    code.op(OP.f64Sqrt);
  },
  putIsZero: putIsZeroOfZero,
  putIsExact: (floats, isDouble) => putIsFactor(floats, floats.results.result, isDouble),
};

/**
 * Whether a fused result is exact is not looked at: it is left to the interpreter until the flag is
 * up.
 */
function fused(isDouble: boolean, isProductNegated: boolean, isAddendNegated: boolean): Emitter {
  return (floats, { rd, rs1, rs2, rs3, rm }, leave) => {
    const { code, helpers } = floats.w;
    const { a, b, c } = floats.operands;
    const registers = [
      [a, rs1],
      [b, rs2],
      [c, rs3],
    ] as const;
    floats.checkRounding(rm, leave);
    floats.checkExact(() => code.i32(0), leave);
    floats.read(isDouble, registers, leave);
    for (const [local, isNegated] of [
      [a, isProductNegated],
      [b, false],
      [c, isAddendNegated],
    ] as const) {
      code.get(local);
      if (isNegated) code.op(OP.f64Neg);
    }
    code.call(isDouble ? helpers.fused : helpers.fusedSingle);
    floats.takeResult(isDouble);
    floats.checkPlain(isDouble, () => putCompared(floats, floats.results.wide, OP.f64Eq, 0), leave);
    floats.store(isDouble, rd, floats.results.result);
  };
}

/** `fmin`, `fmax`: of numbers; WebAssembly's -0 is less than its +0, too. */
function extreme(isDouble: boolean, opcode: number): Emitter {
  return (floats, { rd, rs1, rs2 }, leave) => {
    const { code } = floats.w;
    const { a, b } = floats.operands;
    readBoth(floats, isDouble, [rs1, rs2], leave);
    code.get(a);
    code.get(b);
    code.op(opcode);
    code.set(a);
    floats.store(isDouble, rd, a);
  };
}

function comparison(isDouble: boolean, opcode: number): Emitter {
  return (floats, { rd, rs1, rs2 }, leave) => {
    const { a, b } = floats.operands;
    readBoth(floats, isDouble, [rs1, rs2], leave);
    putCompared(floats, a, opcode, { local: b });
    floats.w.code.op(OP.i64ExtendI32U);
    floats.w.set(rd);
  };
}

/** Sets a and b to numbers. */
function readBoth(
  floats: Floats,
  isDouble: boolean,
  [rs1, rs2]: readonly [number, number],
  leave: Leave,
): void {
  const { a, b } = floats.operands;
  const registers = [
    [a, rs1],
    [b, rs2],
  ] as const;
  floats.read(isDouble, registers, leave);
  floats.checkNumbers([a, b], leave);
}

/** The magnitude of rs1, and a sign that is made of both. */
function signInjection(isDouble: boolean, kind: 'copy' | 'negate' | 'xor'): Emitter {
  return (floats, { rd, rs1, rs2 }, leave) => {
    const { code } = floats.w;
    if (!isDouble) floats.checkBoxed([rs1, rs2], leave);
    const put = (register: number): void => {
      code.get(HART_LOCAL);
      code.access(isDouble ? ACCESS.i64Load : ACCESS.i64Load32U, offsetOfF(register));
    };
    const mask = (high: number): void => {
      if (isDouble) code.i64Halves(high === SIGN ? 0 : -1, high);
      else code.i64(high >>> 0);
      code.op(OP.i64And);
    };
    code.get(HART_LOCAL);
    put(rs1);
    if (kind !== 'xor') mask(~SIGN);
    put(rs2);
    if (kind === 'negate') {
      code.i64(-1);
      code.op(OP.i64Xor);
    }
    mask(SIGN);
    code.op(OP.i64Xor);
    code.access(isDouble ? ACCESS.i64Store : ACCESS.i64Store32, offsetOfF(rd));
    if (!isDouble) floats.box(rd);
  };
}

const SIGN = 0x8000_0000 | 0;

function moveToInteger(opcode: number): Emitter {
  return ({ w }, { rd, rs1 }) => {
    w.code.get(HART_LOCAL);
    w.code.access(opcode, offsetOfF(rs1));
    w.set(rd);
  };
}

function moveToFloat(isDouble: boolean): Emitter {
  return (floats, { rd, rs1 }) => {
    const { w } = floats;
    w.code.get(HART_LOCAL);
    w.get(rs1);
    w.code.access(isDouble ? ACCESS.i64Store : ACCESS.i64Store32, offsetOfF(rd));
    if (!isDouble) floats.box(rd);
  };
}

const widen: Emitter = (floats, { rd, rs1, rm }, leave) => {
  const { a } = floats.operands;
  floats.checkRounding(rm, leave);
  floats.read(false, [[a, rs1]], leave);
  floats.checkNumbers([a], leave);
  floats.store(true, rd, a);
};

const narrow: Emitter = (floats, { rd, rs1, rm }, leave) => {
  const { a } = floats.operands;
  floats.checkRounding(rm, leave);
  floats.read(true, [[a, rs1]], leave);
  floats.w.code.get(a);
  roundToSingle(floats, rd, leave);
};

/** Takes a double from the stack. */
function roundToSingle(floats: Floats, rd: number, leave: Leave): void {
  floats.takeResult(false);
  const { wide, result } = floats.results;
  floats.checkPlain(false, () => putCompared(floats, wide, OP.f64Eq, 0), leave);
  floats.checkExact(() => putIsUnrounded(floats), leave);
  floats.store(false, rd, result);
}

/** From 32 bits: exact in a double. */
function fromWord(isDouble: boolean, opcode: number): Emitter {
  return (floats, { rd, rs1, rm }, leave) => {
    const { w, operands } = floats;
    floats.checkRounding(rm, leave);
    w.get32(rs1);
    w.code.op(opcode);
    if (!isDouble) {
      roundToSingle(floats, rd, leave);
      return;
    }
    w.code.set(operands.a);
    floats.store(true, rd, operands.a);
  };
}

/** From 64 bits to a double: exact below 2^53. */
function fromDoubleWord(opcode: number, isSigned: boolean): Emitter {
  return (floats, { rd, rs1, rm }, leave) => {
    const { w, operands } = floats;
    floats.checkRounding(rm, leave);
    const putIsSmall = (): void => {
      w.get(rs1);
      if (isSigned) {
        w.code.i64(2 ** 52);
        w.code.op(OP.i64Add);
      }
      w.code.i64(2 ** 53 - 1);
      w.code.op(OP.i64LeU);
    };
    floats.checkExact(putIsSmall, leave);
    w.get(rs1);
    w.code.op(opcode);
    w.code.set(operands.a);
    floats.store(true, rd, operands.a);
  };
}

/** To an integer of those above `above` and below `below`, towards zero. */
interface Whole {
  readonly opcode: number;
  readonly isLong: boolean;
  readonly above: number;
  /** Whether `above` itself can be converted. */
  readonly includes: boolean;
  readonly below: number;
}

function toWhole(isDouble: boolean, { opcode, isLong, above, includes, below }: Whole): Emitter {
  return (floats, { rd, rs1 }, leave) => {
    const { w, operands } = floats;
    const { a } = operands;
    floats.read(isDouble, [[a, rs1]], leave);
    putCompared(floats, a, includes ? OP.f64Ge : OP.f64Gt, above);
    putCompared(floats, a, OP.f64Lt, below);
    w.code.op(OP.i32And);
    w.code.op(OP.i32Eqz);
    floats.leaveIf(leave);
    const putIsWhole = (): void => {
      w.code.get(a);
      w.code.op(OP.f64Trunc);
      w.code.get(a);
      w.code.op(OP.f64Eq);
    };
    floats.checkExact(putIsWhole, leave);
    w.code.get(a);
    w.code.op(opcode);
    if (!isLong) w.code.op(OP.i64ExtendI32S);
    w.set(rd);
  };
}

const WHOLES: Readonly<Record<string, Whole>> = {
  w: {
    ...{ opcode: OP.i32TruncF64S, isLong: false },
    ...{ above: -(2 ** 31) - 1, includes: false, below: 2 ** 31 },
  },
  wu: {
    ...{ opcode: OP.i32TruncF64U, isLong: false },
    ...{ above: -1, includes: false, below: 2 ** 32 },
  },
  l: {
    ...{ opcode: OP.i64TruncF64S, isLong: true },
    ...{ above: -(2 ** 63), includes: true, below: 2 ** 63 },
  },
  lu: {
    ...{ opcode: OP.i64TruncF64U, isLong: true },
    ...{ above: -1, includes: false, below: 2 ** 64 },
  },
};

function emittersOf(isDouble: boolean): readonly (readonly [string, Emitter])[] {
  const s = isDouble ? 'd' : 's';
  return [
    [`fadd.${s}`, arithmetic(isDouble, sum(false))],
    [`fsub.${s}`, arithmetic(isDouble, sum(true))],
    [`fmul.${s}`, arithmetic(isDouble, PRODUCT)],
    [`fdiv.${s}`, arithmetic(isDouble, QUOTIENT)],
    [`fsqrt.${s}`, arithmetic(isDouble, ROOT)],
    [`fmadd.${s}`, fused(isDouble, false, false)],
    [`fmsub.${s}`, fused(isDouble, false, true)],
    [`fnmsub.${s}`, fused(isDouble, true, false)],
    [`fnmadd.${s}`, fused(isDouble, true, true)],
    [`fmin.${s}`, extreme(isDouble, OP.f64Min)],
    [`fmax.${s}`, extreme(isDouble, OP.f64Max)],
    [`feq.${s}`, comparison(isDouble, OP.f64Eq)],
    [`flt.${s}`, comparison(isDouble, OP.f64Lt)],
    [`fle.${s}`, comparison(isDouble, OP.f64Le)],
    [`fsgnj.${s}`, signInjection(isDouble, 'copy')],
    [`fsgnjn.${s}`, signInjection(isDouble, 'negate')],
    [`fsgnjx.${s}`, signInjection(isDouble, 'xor')],
    [`fcvt.${s}.w`, fromWord(isDouble, OP.f64ConvertI32S)],
    [`fcvt.${s}.wu`, fromWord(isDouble, OP.f64ConvertI32U)],
    ...Object.entries(WHOLES).map(
      ([kind, whole]) => [`fcvt.${kind}.${s}`, toWhole(isDouble, whole)] as const,
    ),
  ];
}

const BY_NAME: ReadonlyMap<string, Emitter> = new Map([
  ...emittersOf(false),
  ...emittersOf(true),
  ['fcvt.d.l', fromDoubleWord(OP.f64ConvertI64S, true)],
  ['fcvt.d.lu', fromDoubleWord(OP.f64ConvertI64U, false)],
  ['fcvt.d.s', widen],
  ['fcvt.s.d', narrow],
  ['fmv.x.d', moveToInteger(ACCESS.i64Load)],
  ['fmv.x.w', moveToInteger(ACCESS.i64Load32S)],
  ['fmv.d.x', moveToFloat(true)],
  ['fmv.w.x', moveToFloat(false)],
]);

const EMITTERS: readonly (Emitter | undefined)[] = OPERATIONS.map(({ name }) => BY_NAME.get(name));
