/**
 * Functions of every module that arithmetic of doubles needs: is a rounded sum or product exact,
 * and the fused multiply-add, which WebAssembly lacks. The same transformations as in
 * `../float/host.ts` and `../float/arithmetic.ts`, which say whose they are and when they hold.
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
  /**
   * (a, b, c) of singles as doubles → a x b + c, rounded to odd, so that rounding it to a single is
   * right.
   */
  readonly fusedSingle: number;
}

const { f64, i32, i64 } = TYPE;
const [A, B, C] = [0, 1, 2];
const SPLITTER = 2 ** 27 + 1;
const MAX_FACTOR = 2 ** 990;
const MIN_PRODUCT = 2 ** -960;

export function defineFloatHelpers(module: ModuleWriter): FloatHelpers {
  const test = module.type({ parameters: [f64, f64, f64], results: [i32] });
  const ternary = module.type({ parameters: [f64, f64, f64], results: [f64] });
  return {
    isExactSum: module.function(test, isExactSumBody()),
    isExactProduct: module.function(test, isExactProductBody()),
    fused: module.function(ternary, fusedBody()),
    fusedSingle: module.function(ternary, fusedSingleBody()),
  };
}

/** Writes expressions on doubles in locals, in line: each leaves its value on the stack. */
class Doubles {
  readonly code = new Code(3);

  /** Takes a value from the stack. @returns a new local that holds it */
  keep(): number {
    const local = this.code.local(f64);
    this.code.set(local);
    return local;
  }

  /** a op b, and so on from left to right. */
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

  /** Whether the value on the stack is zero. */
  isZero(): void {
    this.code.f64(0);
    this.code.op(OP.f64Eq);
  }

  /** a - (sum - bPart) + (b - bPart), where bPart is sum - a. */
  sumError(a: number, b: number, sum: number): void {
    this.chain(sum, [OP.f64Sub, a]);
    const bPart = this.keep();
    this.code.get(a);
    this.chain(sum, [OP.f64Sub, bPart]);
    this.code.op(OP.f64Sub);
    this.chain(b, [OP.f64Sub, bPart]);
    this.code.op(OP.f64Add);
  }

  /** aLow bLow - (product - aHigh bHigh - aLow bHigh - aHigh bLow) */
  productError(a: number, b: number, product: number): void {
    const { code } = this;
    const [left, right] = [this.#halves(a), this.#halves(b)];
    this.chain(left.low, [OP.f64Mul, right.low]);
    code.get(product);
    for (const [x, y] of [
      [left.high, right.high],
      [left.low, right.high],
      [left.high, right.low],
    ] as const) {
      this.chain(x, [OP.f64Mul, y]);
      code.op(OP.f64Sub);
    }
    code.op(OP.f64Sub);
  }

  #halves(value: number): { high: number; low: number } {
    const { code } = this;
    code.f64(SPLITTER);
    code.get(value);
    code.op(OP.f64Mul);
    const scaled = this.keep();
    code.get(scaled);
    this.chain(scaled, [OP.f64Sub, value]);
    code.op(OP.f64Sub);
    const high = this.keep();
    this.chain(value, [OP.f64Sub, high]);
    return { high, low: this.keep() };
  }

  /** Whether the factors and their product are in the range where the product's error is exact. */
  isSplittable(a: number, b: number, product: number): void {
    this.magnitude(a, OP.f64Lt, MAX_FACTOR);
    this.magnitude(b, OP.f64Lt, MAX_FACTOR);
    this.code.op(OP.i32And);
    this.magnitude(product, OP.f64Lt, MAX_FACTOR);
    this.code.op(OP.i32And);
    this.magnitude(product, OP.f64Gt, MIN_PRODUCT);
    this.code.op(OP.i32And);
  }

  /** The value, or if the error is not zero and the value is even, its neighbour towards it. */
  roundedToOdd(value: number, error: number): void {
    const { code } = this;
    const bits = code.local(i64);
    code.get(value);
    code.op(OP.i64ReinterpretF64);
    code.set(bits);
    code.get(bits);
    for (const step of [1, -1]) code.i64(step);
    for (const local of [error, value]) {
      code.get(local);
      code.f64(0);
      code.op(OP.f64Gt);
    }
    code.op(OP.i32Eq);
    code.op(OP.select);
    code.i64(0);
    code.get(error);
    code.f64(0);
    code.op(OP.f64Ne);
    code.get(bits);
    code.op(OP.i32WrapI64);
    code.i32(1);
    code.op(OP.i32And);
    code.op(OP.i32GtU);
    code.op(OP.select);
    code.op(OP.i64Add);
    code.op(OP.f64ReinterpretI64);
  }
}

function isExactSumBody(): FunctionBody {
  const doubles = new Doubles();
  doubles.sumError(A, B, C);
  doubles.isZero();
  return doubles.code.finish();
}

/** A zero is exact when a factor is one, which its maker has looked at. */
function isExactProductBody(): FunctionBody {
  const doubles = new Doubles();
  const { code } = doubles;
  code.get(C);
  doubles.isZero();
  code.if();
  code.i32(1);
  code.op(OP.return);
  code.end();
  doubles.isSplittable(A, B, C);
  doubles.productError(A, B, C);
  doubles.isZero();
  code.op(OP.i32And);
  return code.finish();
}

/** Boldo and Melquiond's emulation, figure 5. */
function fusedBody(): FunctionBody {
  const doubles = new Doubles();
  const { code } = doubles;
  doubles.chain(A, [OP.f64Mul, B]);
  const product = doubles.keep();
  doubles.isSplittable(A, B, product);
  doubles.magnitude(C, OP.f64Lt, MAX_FACTOR);
  code.op(OP.i32And);
  code.op(OP.i32Eqz);
  code.ifRarely();
  writeUnsplittable(doubles, product);
  code.end();
  doubles.productError(A, B, product);
  const productRest = doubles.keep();
  doubles.chain(C, [OP.f64Add, productRest]);
  const low = doubles.keep();
  doubles.sumError(C, productRest, low);
  const lowRest = doubles.keep();
  doubles.chain(product, [OP.f64Add, low]);
  const high = doubles.keep();
  doubles.sumError(product, low, high);
  const highRest = doubles.keep();
  doubles.chain(lowRest, [OP.f64Add, highRest]);
  const rest = doubles.keep();
  doubles.sumError(lowRest, highRest, rest);
  const restError = doubles.keep();
  code.get(high);
  doubles.roundedToOdd(rest, restError);
  code.op(OP.f64Add);
  return code.finish();
}

/**
 * With a factor of zero the product is one, and has its sign: the sum is exact. Of all else,
 * doubles cannot tell.
 */
function writeUnsplittable(doubles: Doubles, product: number): void {
  const { code } = doubles;
  doubles.chain(product, [OP.f64Add, C]);
  code.f64(Number.NaN);
  for (const factor of [A, B]) {
    code.get(factor);
    doubles.isZero();
  }
  code.op(OP.i32Or);
  code.op(OP.select);
  code.op(OP.return);
}

/** The product of two singles is exact in a double. */
function fusedSingleBody(): FunctionBody {
  const doubles = new Doubles();
  doubles.chain(A, [OP.f64Mul, B]);
  const product = doubles.keep();
  doubles.chain(product, [OP.f64Add, C]);
  const sum = doubles.keep();
  doubles.sumError(product, C, sum);
  doubles.roundedToOdd(sum, doubles.keep());
  return doubles.code.finish();
}
