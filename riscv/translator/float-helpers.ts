/**
 * Functions of every module that arithmetic of doubles needs: is a rounded sum or product exact, and the fused multiply-add,
 * which WebAssembly lacks. The same transformations as in `../float/host.ts` and `../float/arithmetic.ts`, which say whose they
 * are and when they hold.
 */

import { Code, type FunctionBody } from '../../memory/wasm/code.ts';
import type { ModuleWriter } from '../../memory/wasm/module.ts';
import { OP, TYPE } from '../../memory/wasm/opcodes.ts';

/** Numbers of these functions. */
export interface FloatHelpers {
  /** (a, b, sum) → whether sum is a + b exactly. */
  readonly isExactSum: number;
  /** (a, b, product) → whether product is a x b exactly, as far as doubles tell. */
  readonly isExactProduct: number;
  /** (a, b, c) → a x b + c, rounded once; a NaN where doubles cannot tell. */
  readonly fused: number;
  /** (a, b, c) of singles as doubles → a x b + c, rounded to odd, so that rounding it to a single is right. */
  readonly fusedSingle: number;
}

const { f64, i32, i64 } = TYPE;
const SPLITTER = 2 ** 27 + 1;
const MAX_FACTOR = 2 ** 990;
const MIN_PRODUCT = 2 ** -960;

export function defineFloatHelpers(module: ModuleWriter): FloatHelpers {
  const binary = module.type({ parameters: [f64, f64], results: [f64] });
  const test = module.type({ parameters: [f64, f64, f64], results: [i32] });
  const ternary = module.type({ parameters: [f64, f64, f64], results: [f64] });
  const sumError = module.function(ternary, sumErrorBody());
  const productError = module.function(ternary, productErrorBody());
  const isSplittable = module.function(test, isSplittableBody());
  const toOdd = module.function(binary, roundedToOddBody());
  return {
    isExactSum: module.function(test, isZeroBody(sumError)),
    isExactProduct: module.function(test, isExactProductBody(isSplittable, productError)),
    fused: module.function(ternary, fusedBody({ sumError, productError, isSplittable, toOdd })),
    fusedSingle: module.function(ternary, fusedSingleBody(sumError, toOdd)),
  };
}

/** Writes expressions on doubles: each leaves its value on the stack. */
class Doubles {
  readonly code: Code;
  constructor(code: Code) {
    this.code = code;
  }

  /** a op b, and so on from left to right: operands are locals. */
  chain(first: number, ...steps: readonly (readonly [number, number])[]): void {
    this.code.get(first);
    for (const [opcode, local] of steps) {
      this.code.get(local);
      this.code.op(opcode);
    }
  }

  /** Whether |local| compares so with a constant. */
  magnitude(local: number, opcode: number, limit: number): void {
    this.code.get(local);
    this.code.op(OP.f64Abs);
    this.code.f64(limit);
    this.code.op(opcode);
  }
}

/** a - (sum - bPart) + (b - bPart), where bPart is sum - a. */
function sumErrorBody(): FunctionBody {
  const code = new Code(3);
  const [a, b, sum] = [0, 1, 2];
  const bPart = code.local(f64);
  const doubles = new Doubles(code);
  doubles.chain(sum, [OP.f64Sub, a]);
  code.set(bPart);
  code.get(a);
  doubles.chain(sum, [OP.f64Sub, bPart]);
  code.op(OP.f64Sub);
  doubles.chain(b, [OP.f64Sub, bPart]);
  code.op(OP.f64Add);
  return code.finish();
}

/** aLow bLow - (product - aHigh bHigh - aLow bHigh - aHigh bLow) */
function productErrorBody(): FunctionBody {
  const code = new Code(3);
  const doubles = new Doubles(code);
  const [a, b, product] = [0, 1, 2];
  const scaled = code.local(f64);
  const split = (value: number): { high: number; low: number } => {
    const [high, low] = [code.local(f64), code.local(f64)];
    code.f64(SPLITTER);
    code.get(value);
    code.op(OP.f64Mul);
    code.set(scaled);
    code.get(scaled);
    doubles.chain(scaled, [OP.f64Sub, value]);
    code.op(OP.f64Sub);
    code.set(high);
    doubles.chain(value, [OP.f64Sub, high]);
    code.set(low);
    return { high, low };
  };
  const [left, right] = [split(a), split(b)];
  doubles.chain(left.low, [OP.f64Mul, right.low]);
  code.get(product);
  for (const [x, y] of [
    [left.high, right.high],
    [left.low, right.high],
    [left.high, right.low],
  ] as const) {
    doubles.chain(x, [OP.f64Mul, y]);
    code.op(OP.f64Sub);
  }
  code.op(OP.f64Sub);
  return code.finish();
}

/** Whether the factors and their product are in the range where the product's error is exact. */
function isSplittableBody(): FunctionBody {
  const code = new Code(3);
  const doubles = new Doubles(code);
  const [a, b, product] = [0, 1, 2];
  doubles.magnitude(a, OP.f64Lt, MAX_FACTOR);
  doubles.magnitude(b, OP.f64Lt, MAX_FACTOR);
  code.op(OP.i32And);
  doubles.magnitude(product, OP.f64Lt, MAX_FACTOR);
  code.op(OP.i32And);
  doubles.magnitude(product, OP.f64Gt, MIN_PRODUCT);
  code.op(OP.i32And);
  return code.finish();
}

/** Whether the error that a function tells is zero. */
function isZeroBody(error: number): FunctionBody {
  const code = new Code(3);
  for (const local of [0, 1, 2]) code.get(local);
  code.call(error);
  code.f64(0);
  code.op(OP.f64Eq);
  return code.finish();
}

/** A zero is exact when a factor is one, which its maker has looked at. */
function isExactProductBody(isSplittable: number, productError: number): FunctionBody {
  const code = new Code(3);
  code.get(2);
  code.f64(0);
  code.op(OP.f64Eq);
  code.if();
  code.i32(1);
  code.op(OP.return);
  code.end();
  for (const local of [0, 1, 2]) code.get(local);
  code.call(isSplittable);
  for (const local of [0, 1, 2]) code.get(local);
  code.call(productError);
  code.f64(0);
  code.op(OP.f64Eq);
  code.op(OP.i32And);
  return code.finish();
}

/** (value, error) → value, or if the error is not zero the neighbour towards it, when that is the odd one. */
function roundedToOddBody(): FunctionBody {
  const code = new Code(2);
  const [value, error] = [0, 1];
  const bits = code.local(i64);
  code.get(error);
  code.f64(0);
  code.op(OP.f64Eq);
  code.get(value);
  code.op(OP.i64ReinterpretF64);
  code.tee(bits);
  code.op(OP.i32WrapI64);
  code.i32(1);
  code.op(OP.i32And);
  code.op(OP.i32Or);
  code.if();
  code.get(value);
  code.op(OP.return);
  code.end();
  code.get(bits);
  for (const step of [1, -1]) code.i64(step);
  for (const local of [error, value]) {
    code.get(local);
    code.f64(0);
    code.op(OP.f64Gt);
  }
  code.op(OP.i32Eq);
  code.op(OP.select);
  code.op(OP.i64Add);
  code.op(OP.f64ReinterpretI64);
  return code.finish();
}

interface FusedParts {
  readonly sumError: number;
  readonly productError: number;
  readonly isSplittable: number;
  readonly toOdd: number;
}

/** Boldo and Melquiond's emulation, figure 5. */
function fusedBody({ sumError, productError, isSplittable, toOdd }: FusedParts): FunctionBody {
  const code = new Code(3);
  const doubles = new Doubles(code);
  const [a, b, c] = [0, 1, 2];
  const apply = (helper: number, ...locals: readonly number[]): void => {
    for (const local of locals) code.get(local);
    code.call(helper);
  };
  const keep = (): number => {
    const local = code.local(f64);
    code.set(local);
    return local;
  };
  doubles.chain(a, [OP.f64Mul, b]);
  const product = keep();
  // With a factor of zero the product is one, and has its sign: the sum is exact.
  for (const factor of [a, b]) {
    code.get(factor);
    code.f64(0);
    code.op(OP.f64Eq);
  }
  code.op(OP.i32Or);
  code.if();
  doubles.chain(product, [OP.f64Add, c]);
  code.op(OP.return);
  code.end();
  apply(isSplittable, a, b, product);
  doubles.magnitude(c, OP.f64Lt, MAX_FACTOR);
  code.op(OP.i32And);
  code.op(OP.i32Eqz);
  code.if();
  code.f64(Number.NaN);
  code.op(OP.return);
  code.end();
  apply(productError, a, b, product);
  const productRest = keep();
  doubles.chain(c, [OP.f64Add, productRest]);
  const low = keep();
  apply(sumError, c, productRest, low);
  const lowRest = keep();
  doubles.chain(product, [OP.f64Add, low]);
  const high = keep();
  apply(sumError, product, low, high);
  const highRest = keep();
  doubles.chain(lowRest, [OP.f64Add, highRest]);
  const rest = keep();
  apply(sumError, lowRest, highRest, rest);
  const restError = keep();
  code.get(high);
  apply(toOdd, rest, restError);
  code.op(OP.f64Add);
  return code.finish();
}

/** The product of two singles is exact in a double. */
function fusedSingleBody(sumError: number, toOdd: number): FunctionBody {
  const code = new Code(3);
  const [a, b, c] = [0, 1, 2];
  const [product, sum] = [code.local(f64), code.local(f64)];
  const doubles = new Doubles(code);
  doubles.chain(a, [OP.f64Mul, b]);
  code.set(product);
  doubles.chain(product, [OP.f64Add, c]);
  code.tee(sum);
  for (const local of [product, c, sum]) code.get(local);
  code.call(sumError);
  code.call(toOdd);
  return code.finish();
}
