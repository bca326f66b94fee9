/**
 * Executes the floating-point instructions but loads and stores: F and D of the manual, volume I.
 *
 * Operands and results are in the hart block, so that both engines can call this. Arithmetic that
 * rounds to nearest even, with a result that is neither subnormal nor close to overflow, is the
 * host's (`host.ts`); everything else is computed exactly and rounded once (`exact.ts`). The
 * numbers of the cases are those of `../operations.ts`, and a test holds them to their names.
 */

import { ROUNDING } from '../decode.ts';
import {
  addOrSubtract,
  divideFloats,
  fuse,
  type Fused,
  multiplyFloats,
  squareRootFloat,
} from './arithmetic.ts';
import { classOf, injectSign, isEqualFloat, isLessFloat, minimumOrMaximum } from './compare.ts';
import { doubleToSingle, INTEGER, singleToDouble, toFloat, toInteger } from './convert.ts';
import { dynamicMode, type FloatViews, rdOf, type Registers, rs1Of } from './registers.ts';

/**
 * Executes one instruction.
 *
 * @param op number of the operation
 * @param registers its operands, from `packRegisters`
 * @param rm the rounding mode in the instruction, 0 where it has none
 * @returns false when it is illegal, because the mode in `fcsr` that it asks for is none: nothing
 * is done then
 */
export function executeFloat(
  views: FloatViews,
  op: number,
  registers: Registers,
  rm: number,
): boolean {
  const mode = rm === ROUNDING.dyn ? dynamicMode(views) : rm;
  if (mode > ROUNDING.rmm) return false;
  arithmetic(views, op, registers, mode);
  return true;
}

/** Executes one of those that round, or one of the others. */
function arithmetic(views: FloatViews, op: number, registers: Registers, mode: number): void {
  switch (op) {
    case 129: // fmadd.s
    case 159: // fmadd.d
      fuse(views, registers, op === 159, mode, FMADD);
      break;
    case 130: // fmsub.s
    case 160: // fmsub.d
      fuse(views, registers, op === 160, mode, FMSUB);
      break;
    case 131: // fnmsub.s
    case 161: // fnmsub.d
      fuse(views, registers, op === 161, mode, FNMSUB);
      break;
    case 132: // fnmadd.s
    case 162: // fnmadd.d
      fuse(views, registers, op === 162, mode, FNMADD);
      break;
    case 133: // fadd.s
    case 163: // fadd.d
      addOrSubtract(views, registers, op === 163, mode, false);
      break;
    case 134: // fsub.s
    case 164: // fsub.d
      addOrSubtract(views, registers, op === 164, mode, true);
      break;
    case 135: // fmul.s
    case 165: // fmul.d
      multiplyFloats(views, registers, op === 165, mode);
      break;
    case 136: // fdiv.s
    case 166: // fdiv.d
      divideFloats(views, registers, op === 166, mode);
      break;
    case 137: // fsqrt.s
    case 167: // fsqrt.d
      squareRootFloat(views, registers, op === 167, mode);
      break;
    default:
      if (!conversion(views, op, registers, mode)) withoutRounding(views, op, registers);
  }
}

// fmsub is a x b - c, fnmsub -(a x b) + c, fnmadd -(a x b) - c.
const FMADD: Fused = { isProductNegated: false, isAddendNegated: false };
const FMSUB: Fused = { isProductNegated: false, isAddendNegated: true };
const FNMSUB: Fused = { isProductNegated: true, isAddendNegated: false };
const FNMADD: Fused = { isProductNegated: true, isAddendNegated: true };

/** @returns false when it is no conversion */
function conversion(views: FloatViews, op: number, registers: Registers, mode: number): boolean {
  switch (op) {
    case 146: // fcvt.w.s
    case 147: // fcvt.wu.s
    case 148: // fcvt.l.s
    case 149: // fcvt.lu.s
      toInteger(views, registers, false, mode, INTEGER.w + op - 146);
      return true;
    case 150: // fcvt.s.w
    case 151: // fcvt.s.wu
    case 152: // fcvt.s.l
    case 153: // fcvt.s.lu
      toFloat(views, registers, false, mode, INTEGER.w + op - 150);
      return true;
    case 173: // fcvt.s.d
      doubleToSingle(views, registers, mode);
      return true;
    case 174: // fcvt.d.s
      singleToDouble(views, registers);
      return true;
    case 178: // fcvt.w.d
    case 179: // fcvt.wu.d
    case 180: // fcvt.l.d
    case 181: // fcvt.lu.d
      toInteger(views, registers, true, mode, INTEGER.w + op - 178);
      return true;
    case 182: // fcvt.d.w
    case 183: // fcvt.d.wu
    case 184: // fcvt.d.l
    case 185: // fcvt.d.lu
      toFloat(views, registers, true, mode, INTEGER.w + op - 182);
      return true;
    default:
      return false;
  }
}

function withoutRounding(views: FloatViews, op: number, registers: Registers): void {
  switch (op) {
    case 138: // fsgnj.s
    case 168: // fsgnj.d
      injectSign(views, registers, op === 168, 'copy');
      break;
    case 139: // fsgnjn.s
    case 169: // fsgnjn.d
      injectSign(views, registers, op === 169, 'negate');
      break;
    case 140: // fsgnjx.s
    case 170: // fsgnjx.d
      injectSign(views, registers, op === 170, 'xor');
      break;
    case 141: // fmin.s
    case 171: // fmin.d
      minimumOrMaximum(views, registers, op === 171, false);
      break;
    case 142: // fmax.s
    case 172: // fmax.d
      minimumOrMaximum(views, registers, op === 172, true);
      break;
    default:
      toIntegerRegister(views, op, registers);
  }
}

/** Comparisons, classes and moves of bits. */
function toIntegerRegister(views: FloatViews, op: number, registers: Registers): void {
  const { x } = views;
  const rs1 = rs1Of(registers);
  const low = x[rs1] as number;
  switch (op) {
    case 143: // fle.s
    case 175: // fle.d
      put(x, registers, isLessFloat(views, registers, op === 175, true) ? 1 : 0, 0);
      break;
    case 144: // flt.s
    case 176: // flt.d
      put(x, registers, isLessFloat(views, registers, op === 176, false) ? 1 : 0, 0);
      break;
    case 145: // feq.s
    case 177: // feq.d
      put(x, registers, isEqualFloat(views, registers, op === 177) ? 1 : 0, 0);
      break;
    case 155: // fclass.s
    case 187: // fclass.d
      put(x, registers, classOf(views, registers, op === 187), 0);
      break;
    case 154: // fmv.x.w
      put(x, registers, low, low >> 31);
      break;
    case 156: // fmv.w.x
      put(x, registers, low, -1);
      break;
    case 186: // fmv.x.d
    case 188: // fmv.d.x
      put(x, registers, low, x[rs1 + 1] as number);
      break;
  }
}

function put(x: Int32Array, registers: Registers, low: number, high: number): void {
  const rd = rdOf(registers);
  x[rd] = low;
  x[rd + 1] = high;
}
