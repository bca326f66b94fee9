/**
 * Goal: floating-point and atomic instructions do in translated code what the interpreter does,
 * flags and reservations included, and ordinary ones are executed there. Method: one block for each
 * operation; registers, modes and flags are set to ordinary and to odd values, one block is run by
 * both engines, and all of the hart and its memory is compared.
 */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encode } from '../../test/support/riscv-assembler.ts';
import { DATA, RiscvMachine, TEXT, TEXT_AND_DATA } from '../../test/support/riscv-machine.ts';
import { EXIT, HART } from '../hart.ts';
import { Interpreter } from '../interpreter/interpreter.ts';
import { OP_OF, type Operation, OPERATIONS } from '../operations.ts';
import { Translations } from './translations.ts';
import { Translator } from './translator.ts';

const ECALL = 0x73;
const RD = 13;
const [RS1, RS2, RS3] = [10, 11, 12];
const DYNAMIC = 7;
const TOWARDS_ZERO = 1;

interface Variant {
  readonly operation: Operation;
  readonly rm: number;
}

/** Every operation of F, D and A; those that round in the modes that compilers use. */
const VARIANTS: readonly Variant[] = OPERATIONS.filter(({ extension }) =>
  ['F', 'D', 'A'].includes(extension),
).flatMap((operation) => {
  const isRounding = ['fma', 'fRrm', 'fR1', 'fcvtToFloat', 'fcvtToInteger'].includes(
    operation.format,
  );
  return (isRounding ? [0, TOWARDS_ZERO, DYNAMIC] : [0]).map((rm) => ({ operation, rm }));
});
const WORDS = VARIANTS.flatMap(({ operation: { name }, rm }) => [
  encode(OP_OF[name], { rd: RD, rs1: RS1, rs2: RS2, rs3: RS3, rm }),
  ECALL,
]);

/** What the interpreter has executed of what it was asked for by a translator. */
interface Counted {
  instructions: number;
}

const counted: Counted = { instructions: 0 };
const reference = new RiscvMachine();
const translated = new RiscvMachine(TEXT_AND_DATA, ({ ram, hart, space }) => {
  const interpreter = new Interpreter({ ram, at: hart, space });
  const retired = (): number => ram.view.getUint32(hart + HART.retired, true);
  const run = (most?: number): number => {
    const before = retired();
    const exit = interpreter.run(most);
    counted.instructions += retired() - before;
    return exit;
  };
  return new Translator({
    ...{ ram, at: hart, space, translations: new Translations(), few: 0 },
    interpreter: { run, accessDevice: () => false },
    laziness: { interpretedFirst: 0, hot: 1, stretch: 1, unit: 1500 },
  });
});
for (const made of [reference, translated]) made.load(TEXT, WORDS);

interface Sample {
  readonly floats: readonly bigint[];
  readonly integers: readonly bigint[];
  readonly fcsr: number;
  readonly isOn: boolean;
  readonly hasReservation: boolean;
}

function runOne(made: RiscvMachine, variant: number, sample: Sample): string {
  const { ram, hart } = made;
  ram.u8.fill(0x5a, made.place(DATA), made.place(DATA) + 256);
  for (const [index, value] of sample.floats.entries()) made.setF(RS1 + index, value);
  for (const [index, value] of sample.integers.entries()) made.setX(RS1 + index, value);
  made.setF(RD, 0x1234n);
  made.setX(RD, 0x1234n);
  made.setWord(HART.fcsr, sample.fcsr);
  made.setWord(HART.hasFloatingPoint, sample.isOn ? 1 : 0);
  made.setWord(HART.hasReservation, sample.hasReservation ? 1 : 0);
  made.setDouble(HART.reservationAddress, BigInt(DATA + 8));
  made.setDouble(HART.reservationValue, 0x5a5a_5a5a_5a5a_5a5an);
  made.pc = TEXT + 8 * variant;
  const exit = made.run(1);
  const state = ram.u8.subarray(hart + HART.registers + 8, hart + HART.remaining);
  const rest = ram.u8.subarray(hart + HART.hasReservation, hart + HART.branchCount);
  const floats = ram.u8.subarray(hart + HART.floats, hart + HART.zero);
  const data = ram.u8.subarray(made.place(DATA), made.place(DATA) + 256);
  return [exit, ...[state, rest, floats, data].map((b) => Buffer.from(b).toString('hex'))].join();
}

const bits = (value: number): bigint =>
  new BigUint64Array(new Float64Array([value]).buffer)[0] ?? 0n;
const boxed = (value: number): bigint =>
  0xffff_ffff_0000_0000n | BigInt(new Uint32Array(new Float32Array([value]).buffer)[0] ?? 0);

const NUMBERS = [
  ...[0, 1, 1.5, 2, 3, 0.1, 1 / 3, 7, 100, 12_345.678, 0.5, 2 ** 24 + 1, 2 ** 31, 2 ** 32, 2 ** 53],
  ...[2 ** 63, 2 ** 64, 2 ** 31 - 1, 2 ** 31 - 0.5, 1e-40, 1e-45, 1e38, 3.4e38, 1e300, 1e-300],
  ...[2 ** -126, 2 ** -127, 2 ** -1022, 2 ** -1074, 2 ** 1023, 2 ** 511, 2 ** -540, Infinity, NaN],
];
const number = fc
  .tuple(fc.constantFrom(...NUMBERS), fc.boolean(), fc.constantFrom(0, 1, 1e-7, 1e-16))
  .map(([value, isNegative, off]) => (isNegative ? -value : value) * (1 + off));
const double = number.map(bits);
const single = number.map(boxed);
/** Also singles that are not boxed, signaling NaNs, anything. */
const odd = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.constantFrom(0x7ff0_0000_0000_0001n, 0xffff_ffff_7f80_0001n, 0x3f80_0000n),
);
const float = (plain: fc.Arbitrary<bigint>): fc.Arbitrary<bigint> =>
  fc.oneof({ weight: 7, arbitrary: plain }, { weight: 1, arbitrary: odd });
const integer = fc.oneof(
  fc.constantFrom(0n, 1n, -1n, 2n ** 31n, -(2n ** 31n), 2n ** 53n, 2n ** 53n + 1n, -(2n ** 63n)),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
);
/** Aligned and not, in memory that may be written, may not, and is not there. */
const address = fc
  .constantFrom(DATA, DATA + 8, DATA + 16, DATA + 4, DATA + 1, TEXT, 64)
  .map(BigInt);

function accesses({ extension, format }: Operation): boolean {
  return extension === 'A' || format === 'fload' || format === 'fstore';
}

function samplesOf({ operation }: Variant): fc.Arbitrary<Sample> {
  const plain = operation.name.endsWith('.d') && operation.name !== 'fcvt.d.s' ? double : single;
  const isAccess = accesses(operation);
  return fc.record({
    floats: fc.array(float(operation.name === 'fcvt.s.d' ? double : plain), {
      minLength: 3,
      maxLength: 3,
    }),
    integers: fc.tuple(isAccess ? address : integer, integer),
    // Flags that are up already, and now and then another rounding mode.
    fcsr: fc.constantFrom(0, 1, 0, 1, 0x1f, 0x20, 0x61, 0xa0),
    isOn: fc.constantFrom(true, true, true, true, true, false),
    hasReservation: fc.boolean(),
  });
}

describe('translated code', () => {
  test.each(
    VARIANTS.map((each, index) => [`${each.operation.name} rm ${each.rm}`, index] as const),
  )('does %s as the interpreter does', (_, index) => {
    fc.assert(
      fc.property(samplesOf(VARIANTS[index] as Variant), (sample) => {
        expect(runOne(translated, index, sample)).toBe(runOne(reference, index, sample));
      }),
      { numRuns: 50 },
    );
  });

  test('leaves no ordinary instruction to the interpreter, but classes and conversions that round otherwise', () => {
    const left = VARIANTS.filter(({ operation }, index) => {
      const isDouble = operation.name.endsWith('.d') && operation.name !== 'fcvt.d.s';
      const values = [3.5, 1.25, 0.75].map(
        isDouble || operation.name === 'fcvt.s.d' ? bits : boxed,
      );
      const integers = [accesses(operation) ? BigInt(DATA + 8) : 77n, 5n];
      counted.instructions = 0;
      runOne(translated, index, {
        ...{ floats: values, integers, fcsr: 1, isOn: true, hasReservation: true },
      });
      return counted.instructions > 0;
    }).map(({ operation, rm }) => `${operation.name} ${rm}`);

    const roundsElsewhere = VARIANTS.filter(
      ({ operation: { format }, rm }) =>
        (format === 'fcvtToInteger' && rm !== TOWARDS_ZERO) ||
        (['fma', 'fRrm', 'fR1', 'fcvtToFloat'].includes(format) && rm === TOWARDS_ZERO),
    ).map(({ operation, rm }) => `${operation.name} ${rm}`);
    const never = ['fclass.s', 'fclass.d', 'fcvt.s.l', 'fcvt.s.lu'];
    expect(left.filter((each) => !never.includes(each.split(' ')[0] ?? '')).toSorted()).toEqual(
      roundsElsewhere.filter((each) => !never.includes(each.split(' ')[0] ?? '')).toSorted(),
    );
  });
});

test('a trap is where it was', () => {
  translated.setX(RS1, 64n);
  translated.pc = TEXT + 8 * VARIANTS.findIndex(({ operation }) => operation.name === 'fld');

  expect([translated.run(), translated.trapPc]).toEqual([EXIT.loadPage, translated.pc]);
});
