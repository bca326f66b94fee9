/**
 * Integer instructions against tables worked out by hand from the manual: division with its two
 * special cases, shifts, high products, extension of signs, bits. Then against BigInt on random
 * operands, which is another way to compute the same.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { encode } from '../../test/support/riscv-assembler.ts';
import { RiscvMachine, TEXT } from '../../test/support/riscv-machine.ts';
import { EXIT } from '../hart.ts';
import { OP_OF, type OperationName } from '../operations.ts';

const ALL = 0xffff_ffff_ffff_ffffn;
const MIN = 0x8000_0000_0000_0000n;
const MAX = 0x7fff_ffff_ffff_ffffn;

const machine = new RiscvMachine();

/** a0 of `name a0,a1,a2`, or of `name a0,a1,imm`. */
function result(name: OperationName, a: bigint, b: bigint, imm = 0): bigint {
  machine.space.fenceInstructions();
  machine.map([{ vaddr: TEXT, sizeBytes: 0x1000, rights: 'rx', at: 0x1000 }]);
  machine.load(TEXT, [
    encode(OP_OF[name], { rd: 10, rs1: 11, rs2: 12, imm }),
    encode(OP_OF.ecall, {}),
  ]);
  machine.setX(11, a);
  machine.setX(12, b);
  machine.pc = TEXT;
  expect(machine.run()).toBe(EXIT.ecall);
  return machine.x(10);
}

type Row = readonly [OperationName, bigint, bigint, bigint];

describe('tables from the manual', () => {
  // Table "Semantics for division by zero and division overflow".
  const DIVISION: readonly Row[] = [
    ['div', 20n, 6n, 3n],
    ['div', -20n, 6n, -3n],
    ['div', 20n, -6n, -3n],
    ['div', -20n, -6n, 3n],
    ['div', 7n, 0n, -1n],
    ['div', MIN, 0n, -1n],
    ['div', MIN, -1n, MIN],
    ['div', MIN, 1n, MIN],
    ['div', MIN, 2n, -0x4000_0000_0000_0000n],
    ['div', MAX, MIN, 0n],
    ['rem', 20n, 6n, 2n],
    ['rem', -20n, 6n, -2n],
    ['rem', 20n, -6n, 2n],
    ['rem', -20n, -6n, -2n],
    ['rem', 7n, 0n, 7n],
    ['rem', MIN, 0n, MIN],
    ['rem', MIN, -1n, 0n],
    ['rem', MAX, MIN, MAX],
    ['divu', ALL, 0n, ALL],
    ['divu', ALL, 1n, ALL],
    ['divu', ALL, ALL, 1n],
    ['divu', ALL, 10n, 0x1999_9999_9999_9999n],
    ['divu', ALL, 0x1_0000_0000n, 0xffff_ffffn],
    ['divu', ALL, 0xffff_ffffn, 0x1_0000_0001n],
    ['divu', MIN, ALL, 0n],
    ['remu', 7n, 0n, 7n],
    ['remu', ALL, 10n, 5n],
    ['remu', ALL, 0xffff_fffen, 3n],
    ['remu', MIN, ALL, MIN],
    ['divw', 0x8000_0000n, ALL, 0xffff_ffff_8000_0000n],
    ['divw', 0xdead_beef_0000_0014n, 0x1234_5678_0000_0006n, 3n],
    ['divw', 7n, 0xffff_ffff_0000_0000n, -1n],
    ['remw', 0x8000_0000n, ALL, 0n],
    ['remw', 0x8000_0000n, 0n, 0xffff_ffff_8000_0000n],
    ['divuw', 0x8000_0000n, 1n, 0xffff_ffff_8000_0000n],
    ['divuw', 5n, 0n, ALL],
    ['remuw', 0xffff_ffffn, 0n, ALL],
    ['remuw', 0xffff_ffffn, 16n, 15n],
  ];

  const SHIFTS: readonly Row[] = [
    ['sll', 1n, 63n, MIN],
    ['sll', 1n, 64n, 1n],
    ['sll', ALL, 32n, 0xffff_ffff_0000_0000n],
    ['sll', 0x8000_0001n, 31n, 0x4000_0000_8000_0000n],
    ['srl', MIN, 63n, 1n],
    ['srl', MIN, 32n, 0x8000_0000n],
    ['srl', ALL, 0n, ALL],
    ['srl', 0x1_0000_0000n, 1n, 0x8000_0000n],
    ['sra', MIN, 63n, ALL],
    ['sra', MIN, 32n, 0xffff_ffff_8000_0000n],
    ['sra', MAX, 62n, 1n],
    ['sllw', 1n, 31n, 0xffff_ffff_8000_0000n],
    ['sllw', 1n, 32n, 1n],
    ['srlw', 0xffff_ffff_8000_0000n, 31n, 1n],
    ['srlw', 0x8000_0000n, 32n, 0xffff_ffff_8000_0000n],
    ['sraw', 0x8000_0000n, 31n, ALL],
    ['rol', 1n, 63n, MIN],
    ['rol', 0x8000_0000_0000_0001n, 1n, 3n],
    ['ror', 1n, 1n, MIN],
    ['ror', 0x1234_5678_9abc_def0n, 32n, 0x9abc_def0_1234_5678n],
    ['rolw', 0x8000_0000n, 1n, 1n],
    ['rorw', 1n, 1n, 0xffff_ffff_8000_0000n],
  ];

  const OTHERS: readonly Row[] = [
    ['mulh', MIN, MIN, 0x4000_0000_0000_0000n],
    ['mulh', -1n, -1n, 0n],
    ['mulhsu', -1n, ALL, -1n],
    ['mulhsu', 1n, ALL, 0n],
    ['mulhu', ALL, ALL, 0xffff_ffff_ffff_fffen],
    ['mul', 0x1_0000_0001n, 0x1_0000_0001n, 0x2_0000_0001n],
    ['mulw', 0x1_0000n, 0x8000n, 0xffff_ffff_8000_0000n],
    ['addw', 0x7fff_ffffn, 1n, 0xffff_ffff_8000_0000n],
    ['subw', 0x8000_0000n, 1n, 0x7fff_ffffn],
    ['slt', MIN, MAX, 1n],
    ['sltu', MIN, MAX, 0n],
    ['add.uw', ALL, 1n, 0x1_0000_0000n],
    ['sh3add', 0x2000_0000_0000_0001n, 1n, 9n],
    ['sh1add.uw', ALL, 0n, 0x1_ffff_fffen],
    ['clz', 0n, 0n, 64n],
    ['clz', 1n, 0n, 63n],
    ['ctz', 0n, 0n, 64n],
    ['ctz', MIN, 0n, 63n],
    ['clzw', 0xffff_ffff_0000_0000n, 0n, 32n],
    ['ctzw', 0xffe0_0000_0000_0000n, 0n, 32n],
    ['cpop', ALL, 0n, 64n],
    ['cpopw', ALL, 0n, 32n],
    ['orc.b', 0x0100_8000_0000_0010n, 0n, 0xff00_ff00_0000_00ffn],
    ['rev8', 0x0102_0304_0506_0708n, 0n, 0x0807_0605_0403_0201n],
    ['min', ALL, 1n, ALL],
    ['minu', ALL, 1n, 1n],
    ['max', ALL, 1n, 1n],
    ['maxu', ALL, 1n, ALL],
    ['sext.b', 0x80n, 0n, -128n],
    ['sext.h', 0x8000n, 0n, -0x8000n],
    ['zext.h', ALL, 0n, 0xffffn],
    ['andn', 0xffn, 0x0fn, 0xf0n],
    ['orn', 0n, 0xffn, ALL - 0xffn],
    ['xnor', 0xffn, 0x0fn, ALL - 0xf0n],
  ];

  it.each([...DIVISION, ...SHIFTS, ...OTHERS])('%s of %i and %i is %i', (name, a, b, expected) => {
    expect(result(name, a, b)).toBe(BigInt.asUintN(64, expected));
  });

  it.each([
    ['slli', 1n, 63, MIN],
    ['srli', MIN, 33, 0x4000_0000n],
    ['srai', MIN, 40, 0xffff_ffff_ff80_0000n],
    ['slliw', 0x1_0000_0001n, 31, 0xffff_ffff_8000_0000n],
    ['sraiw', 0x8000_0000n, 4, 0xffff_ffff_f800_0000n],
    ['slti', -5n, -4, 1n],
    ['sltiu', 5n, -4, 1n],
    ['xori', 0n, -1, ALL],
    ['andi', ALL, -2048, 0xffff_ffff_ffff_f800n],
    ['rori', 1n, 40, 0x1_00_0000n],
    ['slli.uw', ALL, 4, 0xf_ffff_fff0n],
  ] as const)('%s of %i and %i is %i', (name, a, imm, expected) => {
    expect(result(name, a, 0n, imm)).toBe(expected);
  });
});

describe('against BigInt', () => {
  const signed = (value: bigint): bigint => BigInt.asIntN(64, value);
  const MODELS: readonly (readonly [OperationName, (a: bigint, b: bigint) => bigint])[] = [
    ['add', (a, b) => a + b],
    ['sub', (a, b) => a - b],
    ['mul', (a, b) => a * b],
    ['mulh', (a, b) => (signed(a) * signed(b)) >> 64n],
    ['mulhsu', (a, b) => (signed(a) * b) >> 64n],
    ['mulhu', (a, b) => (a * b) >> 64n],
    ['div', (a, b) => (b === 0n ? -1n : signed(a) / signed(b))],
    ['rem', (a, b) => (b === 0n ? a : signed(a) % signed(b))],
    ['divu', (a, b) => (b === 0n ? ALL : a / b)],
    ['remu', (a, b) => (b === 0n ? a : a % b)],
    ['slt', (a, b) => (signed(a) < signed(b) ? 1n : 0n)],
    ['sltu', (a, b) => (a < b ? 1n : 0n)],
    ['sll', (a, b) => a << (b & 63n)],
    ['srl', (a, b) => a >> (b & 63n)],
    ['sra', (a, b) => signed(a) >> (b & 63n)],
    ['sh2add', (a, b) => (a << 2n) + b],
  ];
  const value = fc
    .tuple(fc.bigInt({ min: 0n, max: ALL }), fc.nat(63))
    .map(([bits, shift]) => bits >> BigInt(shift));

  it.each(MODELS)('%s', (name, model) => {
    fc.assert(
      fc.property(value, value, (a, b) => {
        expect(result(name, a, b)).toBe(BigInt.asUintN(64, model(a, b)));
      }),
      { numRuns: 100 },
    );
  });
});
