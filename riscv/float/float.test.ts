/**
 * Floating point against tables worked out from the manual and IEEE 754: NaNs and their boxes,
 * conversions at their limits, flags, the five rounding modes. Then the host's arithmetic against
 * the exact one, which must be equal wherever both answer. The whole is compared with QEMU in
 * `test/riscv/`.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { assemble } from '../../test/support/riscv-assembler.ts';
import { RiscvMachine, TEXT, TEXT_AND_DATA } from '../../test/support/riscv-machine.ts';
import { EXIT, HART } from '../hart.ts';
import {
  add,
  BINARY32,
  BINARY64,
  divide,
  type FloatFormat,
  multiply,
  multiplyAdd,
  type Rounded,
  squareRoot,
} from './exact.ts';

const NV = 0x10;
const DZ = 0x08;
const OF = 0x04;
const UF = 0x02;
const NX = 0x01;

const BOX = 0xffff_ffff_0000_0000n;
const NAN32 = BOX | 0x7fc0_0000n;
const NAN64 = 0x7ff8_0000_0000_0000n;
const SIGNALING32 = BOX | 0x7fa0_0000n;
const SIGNALING64 = 0x7ff4_0000_0000_0000n;

const scratch = new DataView(new ArrayBuffer(8));

function d(value: number): bigint {
  scratch.setFloat64(0, value);
  return scratch.getBigUint64(0);
}

function s(value: number): bigint {
  scratch.setFloat32(0, value);
  return BOX | BigInt(scratch.getUint32(0));
}

const machine = new RiscvMachine();

interface Inputs {
  readonly f?: readonly bigint[];
  readonly x?: bigint;
  readonly fcsr?: number;
}

/** Executes one instruction on fa1, fa2, fa3 and a1. @returns fa0, a0 and the flags afterwards */
function execute(
  line: string,
  { f = [], x = 0n, fcsr = 0 }: Inputs,
): {
  f: bigint;
  x: bigint;
  flags: number;
} {
  machine.map(TEXT_AND_DATA);
  machine.load(TEXT, assemble(`${line}\necall`));
  f.forEach((bits, index) => machine.setF(11 + index, bits));
  machine.setX(11, x);
  machine.setX(10, 0x5555n);
  machine.setWord(HART.fcsr, fcsr);
  machine.pc = TEXT;
  expect(machine.run()).toBe(EXIT.ecall);
  return { f: machine.f(10), x: machine.x(10), flags: machine.word(HART.fcsr) & 0x1f };
}

describe('NaNs', () => {
  it.each([
    ['fadd.s fa0,fa1,fa2', [SIGNALING32, s(1)], NAN32, NV],
    ['fadd.s fa0,fa1,fa2', [BOX | 0xffc1_2345n, s(1)], NAN32, 0],
    ['fadd.s fa0,fa1,fa2', [s(1) & 0xffff_ffffn, s(1)], NAN32, 0], // not boxed
    ['fadd.d fa0,fa1,fa2', [SIGNALING64, d(1)], NAN64, NV],
    ['fsub.d fa0,fa1,fa2', [d(Infinity), d(Infinity)], NAN64, NV],
    ['fmul.s fa0,fa1,fa2', [s(0), s(-Infinity)], NAN32, NV],
    ['fdiv.d fa0,fa1,fa2', [d(0), d(-0)], NAN64, NV],
    ['fdiv.d fa0,fa1,fa2', [d(Infinity), d(Infinity)], NAN64, NV],
    ['fsqrt.d fa0,fa1', [d(-1)], NAN64, NV],
    ['fsqrt.s fa0,fa1', [s(-0)], s(-0), 0],
    ['fmadd.d fa0,fa1,fa2,fa3', [d(0), d(Infinity), NAN64], NAN64, NV],
    ['fcvt.d.s fa0,fa1', [SIGNALING32], NAN64, NV],
    ['fcvt.s.d fa0,fa1', [0xfff8_0000_dead_beefn], NAN32, 0],
    ['fmin.s fa0,fa1,fa2', [NAN32, s(2)], s(2), 0],
    ['fmin.s fa0,fa1,fa2', [SIGNALING32, s(2)], s(2), NV],
    ['fmax.d fa0,fa1,fa2', [SIGNALING64, NAN64], NAN64, NV],
    ['fmin.d fa0,fa1,fa2', [d(0), d(-0)], d(-0), 0],
    ['fmax.d fa0,fa1,fa2', [d(-0), d(0)], d(0), 0],
    ['fmin.s fa0,fa1,fa2', [1n, s(2)], s(2), 0], // not boxed
    ['fsgnj.s fa0,fa1,fa2', [0x1234n, s(-1)], BOX | 0xffc0_0000n, 0],
    ['fsgnjn.d fa0,fa1,fa2', [SIGNALING64, d(1)], SIGNALING64 | (1n << 63n), 0],
    ['fsgnjx.s fa0,fa1,fa2', [s(-3), s(-1)], s(3), 0],
    ['fmv.w.x fa0,a1', [], BOX, 0],
  ] as const)('%s of %s', (line, f, expected, flags) => {
    const outcome = execute(line, { f });

    expect([outcome.f.toString(16), outcome.flags]).toEqual([expected.toString(16), flags]);
  });

  it.each([
    ['feq.d a0,fa1,fa2', [NAN64, d(1)], 0n, 0],
    ['feq.d a0,fa1,fa2', [SIGNALING64, d(1)], 0n, NV],
    ['flt.d a0,fa1,fa2', [NAN64, d(1)], 0n, NV],
    ['fle.s a0,fa1,fa2', [NAN32, s(1)], 0n, NV],
    ['fle.s a0,fa1,fa2', [s(-0), s(0)], 1n, 0],
    ['flt.s a0,fa1,fa2', [s(-0), s(0)], 0n, 0],
    ['fclass.d a0,fa1', [d(-Infinity)], 1n << 0n, 0],
    ['fclass.d a0,fa1', [d(-1)], 1n << 1n, 0],
    ['fclass.d a0,fa1', [d(-5e-324)], 1n << 2n, 0],
    ['fclass.d a0,fa1', [d(-0)], 1n << 3n, 0],
    ['fclass.d a0,fa1', [d(0)], 1n << 4n, 0],
    ['fclass.s a0,fa1', [BOX | 1n], 1n << 5n, 0],
    ['fclass.s a0,fa1', [s(2 ** -126)], 1n << 6n, 0],
    ['fclass.s a0,fa1', [s(Infinity)], 1n << 7n, 0],
    ['fclass.s a0,fa1', [SIGNALING32], 1n << 8n, 0],
    ['fclass.s a0,fa1', [0n], 1n << 9n, 0], // not boxed
    ['fmv.x.w a0,fa1', [0x8000_0000n], 0xffff_ffff_8000_0000n, 0],
  ] as const)('%s of %s is %i', (line, f, expected, flags) => {
    const outcome = execute(line, { f });

    expect([outcome.x, outcome.flags]).toEqual([expected, flags]);
  });
});

describe('conversions to integers', () => {
  const ALL = 0xffff_ffff_ffff_ffffn;
  // Table "Domains of float-to-integer conversions and behavior for invalid inputs".
  it.each([
    ['fcvt.w.d', 2147483647, 0x7fff_ffffn, 0],
    ['fcvt.w.d', 2147483648, 0x7fff_ffffn, NV],
    ['fcvt.w.d', -2147483648.9, 0xffff_ffff_8000_0000n, NX],
    ['fcvt.w.d', -2147483649, 0xffff_ffff_8000_0000n, NV],
    ['fcvt.w.d', Infinity, 0x7fff_ffffn, NV],
    ['fcvt.w.d', NaN, 0x7fff_ffffn, NV],
    ['fcvt.wu.d', 4294967295.5, ALL, NX],
    ['fcvt.wu.d', 4294967296, ALL, NV],
    ['fcvt.wu.d', -0.9, 0n, NX],
    ['fcvt.wu.d', -1, 0n, NV],
    ['fcvt.wu.d', NaN, ALL, NV],
    ['fcvt.l.d', 9223372036854774784, 0x7fff_ffff_ffff_fc00n, 0],
    ['fcvt.l.d', 9223372036854775808, 0x7fff_ffff_ffff_ffffn, NV],
    ['fcvt.l.d', -9223372036854775808, 0x8000_0000_0000_0000n, 0],
    ['fcvt.l.d', -Infinity, 0x8000_0000_0000_0000n, NV],
    ['fcvt.l.d', -4294967297, 0xffff_fffe_ffff_ffffn, 0],
    ['fcvt.l.d', NaN, 0x7fff_ffff_ffff_ffffn, NV],
    ['fcvt.lu.d', 18446744073709549568, 0xffff_ffff_ffff_f800n, 0],
    ['fcvt.lu.d', 18446744073709551616, ALL, NV],
    ['fcvt.lu.d', -1, 0n, NV],
    ['fcvt.lu.d', 5e-324, 0n, NX],
  ])('%s of %d, towards zero', (name, value, expected, flags) => {
    const outcome = execute(`${name} a0,fa1,rtz`, { f: [d(value)] });

    expect([outcome.x.toString(16), outcome.flags]).toEqual([expected.toString(16), flags]);
  });

  // Columns: rne, rtz, rdn, rup, rmm.
  it.each([
    [2.5, [2, 2, 2, 3, 3]],
    [3.5, [4, 3, 3, 4, 4]],
    [-2.5, [-2, -2, -3, -2, -3]],
    [-0.5, [0, 0, -1, 0, -1]],
    [0.49999999999999994, [0, 0, 0, 1, 0]],
    [
      4503599627370495.5,
      [4503599627370496, 4503599627370495, 4503599627370495, 4503599627370496, 4503599627370496],
    ],
  ])('%d in each mode, static and dynamic', (value, expected) => {
    const wanted = expected.map((each) => BigInt.asUintN(64, BigInt(each)));
    const modes = ['rne', 'rtz', 'rdn', 'rup', 'rmm'];

    expect(modes.map((mode) => execute(`fcvt.l.d a0,fa1,${mode}`, { f: [d(value)] }).x)).toEqual(
      wanted,
    );
    expect(
      modes.map((_, mode) => execute('fcvt.l.d a0,fa1', { f: [d(value)], fcsr: mode << 5 }).x),
    ).toEqual(wanted);
  });
});

describe('conversions from integers', () => {
  it.each([
    ['fcvt.s.w fa0,a1,rne', 16777217n, s(16777216), NX],
    ['fcvt.s.w fa0,a1,rup', 16777217n, s(16777218), NX],
    ['fcvt.s.l fa0,a1,rne', 0x8000_0080_0000_0001n, s(-9223371487098961920), NX],
    ['fcvt.s.lu fa0,a1,rne', 0x8000_0080_0000_0001n, s(9223373136366403584), NX], // rounded twice it would be less
    ['fcvt.s.lu fa0,a1,rtz', 0xffff_ffff_ffff_ffffn, BOX | 0x5f7f_ffffn, NX],
    ['fcvt.d.l fa0,a1,rne', 9007199254740993n, d(9007199254740992), NX],
    ['fcvt.d.l fa0,a1,rup', 9007199254740993n, d(9007199254740994), NX],
    ['fcvt.d.lu fa0,a1,rne', 0xffff_ffff_ffff_ffffn, d(2 ** 64), NX],
    ['fcvt.d.lu fa0,a1,rdn', 0xffff_ffff_ffff_ffffn, d(18446744073709549568), NX],
    ['fcvt.d.w fa0,a1,rne', 0x1234_5678_ffff_ffffn, d(-1), 0],
    ['fcvt.d.wu fa0,a1,rne', 0x1234_5678_ffff_ffffn, d(4294967295), 0],
    ['fcvt.d.l fa0,a1,rdn', 0n, d(0), 0],
  ] as const)('%s of %i', (line, x, expected, flags) => {
    const outcome = execute(line, { x });

    expect([outcome.f.toString(16), outcome.flags]).toEqual([expected.toString(16), flags]);
  });
});

describe('flags and rounding', () => {
  it.each([
    ['fdiv.d fa0,fa1,fa2,rne', [d(1), d(-0)], d(-Infinity), DZ],
    ['fdiv.d fa0,fa1,fa2,rne', [d(1), d(3)], 0x3fd5_5555_5555_5555n, NX],
    ['fdiv.d fa0,fa1,fa2,rup', [d(1), d(3)], 0x3fd5_5555_5555_5556n, NX],
    ['fdiv.d fa0,fa1,fa2,rne', [d(6), d(3)], d(2), 0],
    ['fadd.d fa0,fa1,fa2,rne', [d(1), d(2 ** -53)], d(1), NX],
    ['fadd.d fa0,fa1,fa2,rup', [d(1), d(2 ** -53)], d(1 + 2 ** -52), NX],
    ['fadd.d fa0,fa1,fa2,rmm', [d(1), d(2 ** -53)], d(1 + 2 ** -52), NX],
    ['fadd.d fa0,fa1,fa2,rne', [d(0.5), d(0.25)], d(0.75), 0],
    ['fadd.d fa0,fa1,fa2,rdn', [d(1), d(-1)], d(-0), 0],
    ['fadd.d fa0,fa1,fa2,rne', [d(1), d(-1)], d(0), 0],
    ['fmul.d fa0,fa1,fa2,rne', [d(Number.MAX_VALUE), d(2)], d(Infinity), OF | NX],
    ['fmul.d fa0,fa1,fa2,rtz', [d(Number.MAX_VALUE), d(-2)], d(-Number.MAX_VALUE), OF | NX],
    ['fmul.d fa0,fa1,fa2,rup', [d(Number.MAX_VALUE), d(-2)], d(-Number.MAX_VALUE), OF | NX],
    ['fmul.d fa0,fa1,fa2,rne', [d(2 ** -1074), d(0.5)], d(0), UF | NX],
    ['fmul.d fa0,fa1,fa2,rup', [d(2 ** -1074), d(0.5)], d(2 ** -1074), UF | NX],
    ['fmul.d fa0,fa1,fa2,rne', [d(2 ** -1074), d(2)], d(2 ** -1073), 0],
    // Tininess is detected after rounding: up to the least normal number with all its bits, it is
    // not tiny.
    [
      'fmul.s fa0,fa1,fa2,rne',
      [BOX | 0x3f7f_ffffn, BOX | 0x0080_0000n],
      BOX | 0x0080_0000n,
      UF | NX,
    ],
    ['fmul.s fa0,fa1,fa2,rup', [BOX | 0x3f7f_ffffn, BOX | 0x0080_0001n], BOX | 0x0080_0001n, NX],
    ['fsqrt.d fa0,fa1,rne', [d(2)], d(Math.SQRT2), NX],
    ['fsqrt.d fa0,fa1,rne', [d(9)], d(3), 0],
    ['fsqrt.s fa0,fa1,rup', [s(2)], BOX | 0x3fb5_04f4n, NX],
    ['fcvt.s.d fa0,fa1,rne', [d(1e300)], s(Infinity), OF | NX],
    ['fcvt.s.d fa0,fa1,rne', [d(1e-320)], s(0), UF | NX],
    ['fmadd.d fa0,fa1,fa2,fa3,rne', [d(1 + 2 ** -52), d(1 - 2 ** -52), d(-1)], d(-(2 ** -104)), 0],
    ['fmsub.s fa0,fa1,fa2,fa3,rne', [s(3), s(5), s(1)], s(14), 0],
    ['fnmsub.s fa0,fa1,fa2,fa3,rne', [s(3), s(5), s(1)], s(-14), 0],
    ['fnmadd.d fa0,fa1,fa2,fa3,rne', [d(3), d(5), d(1)], d(-16), 0],
    ['fnmadd.d fa0,fa1,fa2,fa3,rne', [d(0), d(5), d(0)], d(-0), 0],
  ] as const)('%s of %s', (line, f, expected, flags) => {
    const outcome = execute(line, { f });

    expect([outcome.f.toString(16), outcome.flags]).toEqual([expected.toString(16), flags]);
  });

  it('flags accrue', () => {
    expect(execute('fdiv.d fa0,fa1,fa2', { f: [d(1), d(0)], fcsr: OF }).flags).toBe(OF | DZ);
  });
});

describe('the host beside the exact arithmetic', () => {
  type Binary = (format: FloatFormat, a: bigint, b: bigint, rm: number) => Rounded;
  const RNE = 0;
  const float64 = fc.oneof(
    fc.double(),
    // Of similar size, with few bits or all: sums cancel, products end in a tie.
    fc
      .tuple(
        fc.bigInt({ min: 0n, max: (1n << 53n) - 1n }),
        fc.integer({ min: -60, max: 4 }),
        fc.nat(52),
      )
      .map(
        ([bits, exponent, shift]) =>
          Number((bits >> BigInt(shift)) << BigInt(shift)) * 2 ** exponent,
      ),
  );
  const float32 = float64.map((value) => Math.fround(value));
  const raised = fc.constantFrom(0, NX);

  function compare(line: string, operands: readonly bigint[], exact: Rounded, fcsr: number): void {
    const box = line.includes('.s') ? BOX : 0n;
    const outcome = execute(line, { f: operands.map((bits) => bits | box), fcsr });
    expect([outcome.f, outcome.flags]).toEqual([exact.bits | box, exact.flags | fcsr]);
  }

  it.each([
    ['fadd', add],
    ['fmul', multiply],
    ['fdiv', divide],
  ] as const)('%s', (name, operation: Binary) => {
    fc.assert(
      fc.property(float64, float64, raised, (a, b, fcsr) => {
        const bits = [d(a), d(b)] as const;
        compare(`${name}.d fa0,fa1,fa2`, bits, operation(BINARY64, ...bits, RNE), fcsr);
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(float32, float32, raised, (a, b, fcsr) => {
        const bits = [s(a) & 0xffff_ffffn, s(b) & 0xffff_ffffn] as const;
        compare(`${name}.s fa0,fa1,fa2`, bits, operation(BINARY32, ...bits, RNE), fcsr);
      }),
      { numRuns: 500 },
    );
  });

  it('fsqrt', () => {
    fc.assert(
      fc.property(float64, raised, (a, fcsr) => {
        compare('fsqrt.d fa0,fa1', [d(a)], squareRoot(BINARY64, d(a), RNE), fcsr);
        const single = s(a) & 0xffff_ffffn;
        compare('fsqrt.s fa0,fa1', [single], squareRoot(BINARY32, single, RNE), fcsr);
      }),
      { numRuns: 500 },
    );
  });

  it('fmadd', () => {
    fc.assert(
      fc.property(float64, float64, float64, raised, (a, b, c, fcsr) => {
        const bits = [d(a), d(b), d(c)] as const;
        compare('fmadd.d fa0,fa1,fa2,fa3', bits, multiplyAdd(BINARY64, ...bits, RNE), fcsr);
        const singles = [s(a) & 0xffff_ffffn, s(b) & 0xffff_ffffn, s(c) & 0xffff_ffffn] as const;
        compare('fmadd.s fa0,fa1,fa2,fa3', singles, multiplyAdd(BINARY32, ...singles, RNE), fcsr);
      }),
      { numRuns: 1000 },
    );
  });
});
