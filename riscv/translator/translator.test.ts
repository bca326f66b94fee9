/**
 * Goal: the translator is in the same state as the interpreter after any number of instructions.
 * Method: random programs, made of every operation there is, with branches, calls, loops, accesses
 * inside, across and outside of memory, run by both in pieces of different lengths; registers,
 * counts, memory and what a device has seen are compared. A failure prints the seed.
 */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Format, OPERATIONS, type Operation } from '../operations.ts';
import { assemble } from '../../test/support/riscv-assembler.ts';
import { makeRig, reset, runFor, stateOf } from '../../test/support/engine-rig.ts';
import { Translations } from './translations.ts';

const INSTRUCTIONS = 60;
/** Registers that addresses are formed of: mostly inside, some read-only, some of a device. */
const BASES = [8, 9, 13, 8, 9, 13, 8, 9, 13, 8, 9, 13, 8, 9, 13, 10, 11, 12];

/**
 * One instruction word: an operation and 25 bits for its operands, bent so that programs do
 * something.
 */
interface Choice {
  readonly operation: Operation;
  readonly bits: number;
  readonly place: number;
}

/** How often the operations of a format are taken. */
const WEIGHTS: Partial<Record<Format, number>> = {
  B: 40,
  J: 20,
  load: 40,
  S: 50,
  R: 8,
  I: 16,
  jalr: 8,
};
const WEIGHTED = OPERATIONS.filter(({ name }) => name !== 'illegal' && name !== 'fence.i').flatMap(
  (operation) => new Array<Operation>(WEIGHTS[operation.format] ?? 1).fill(operation),
);

function wordOf({ operation, bits, place }: Choice): number {
  const { format, match, mask } = operation;
  let word = (bits << 7) & ~mask;
  const pointer = BASES[(bits >>> 3) % BASES.length] ?? 8;
  if (format === 'load' || format === 'S' || format === 'fload' || format === 'fstore') {
    word = withField(word, 15, 5, bits % 7 === 0 ? 2 : pointer);
    // Small offsets: their upper bits are zero, or all ones.
    word &= ~(0x3f << 26);
    if (format === 'load' || format === 'fload') word &= ~(3 << 24);
    if (bits % 5 === 0) word |= 0x3f << 26;
  }
  if (format === 'amo' || format === 'lr') word = withField(word, 15, 5, pointer);
  if (format === 'B') word = branch((bits % INSTRUCTIONS) - place) | (word & 0x01ff_8000);
  if (format === 'J') word = jump((bits % INSTRUCTIONS) - place) | (bits % 3 === 0 ? 1 << 7 : 0);
  if (format === 'jalr')
    word =
      withField(word & ~(0xfff << 20), 15, 5, bits % 3 === 0 ? 7 : 1) &
      ~(bits % 2 === 0 ? 0xf80 : 0);
  const rd = (word >>> 7) & 31;
  // Most programs keep their pointers: with random ones, they would do nothing but trap.
  if (WRITES.has(format) && rd < 16 && bits % 11 !== 0) word = withField(word, 7, 5, rd + 16);
  return (word & ~mask) | match;
}

/** Formats with an integer register as the destination, calls apart. */
const WRITES = new Set<Format>([
  'R',
  'R1',
  'I',
  'U',
  'load',
  'shift64',
  'shift32',
  'csr',
  'csri',
  'lr',
  'amo',
]);

function withField(word: number, at: number, width: number, value: number): number {
  return (word & ~(((1 << width) - 1) << at)) | (value << at);
}

/** Offset of a branch, in instructions. */
function branch(offset: number): number {
  const bytes = offset * 4;
  return (
    ((bytes & 0x1000) << 19) |
    ((bytes & 0x7e0) << 20) |
    ((bytes & 0x1e) << 7) |
    ((bytes & 0x800) >> 4)
  );
}

function jump(offset: number): number {
  const bytes = offset * 4;
  return (
    ((bytes & 0x10_0000) << 11) |
    ((bytes & 0x7fe) << 20) |
    ((bytes & 0x800) << 9) |
    (bytes & 0xf_f000)
  );
}

const program = fc
  .array(fc.record({ operation: fc.constantFrom(...WEIGHTED), bits: fc.nat(2 ** 25 - 1) }), {
    minLength: INSTRUCTIONS,
    maxLength: INSTRUCTIONS,
  })
  .map((choices) => {
    const words = choices.map((choice, place) => wordOf({ ...choice, place }));
    return new Uint8Array(new Int32Array([...words, 0x0000_0073]).buffer);
  });

/**
 * Bodies of loops that walk through memory: accesses by pointers, pointers that go on, sums, a
 * branch back.
 */
const STEPS = [0, 1, 2, 4, 8, 24, 64, -1, -4, -8, -40, 2000];
const loop = fc
  .record({
    body: fc.array(fc.tuple(fc.nat(9), fc.nat(2 ** 20)), { minLength: 1, maxLength: 7 }),
    steps: fc.array(fc.constantFrom(...STEPS), { minLength: 3, maxLength: 3 }),
    rounds: fc.integer({ min: 1, max: 120 }),
  })
  .map(({ body, steps, rounds }) => {
    const [first = 0, second = 0, third = 0] = steps;
    const lines = body.map(([kind, bits]) => loopLine(kind, bits));
    return new Uint8Array(
      new Int32Array(
        assemble(`
          addi t0, zero, ${rounds}
  again:  ${lines.join('\n')}
          addi s0, s0, ${first}
          addi s1, s1, ${second}
          addi a3, a3, ${third}
          addi t0, t0, -1
          bne  t0, zero, again
          addi a6, a6, 1
          ecall
          j    again
        `),
      ).buffer,
    );
  });

function loopLine(kind: number, bits: number): string {
  const pointer = ['s0', 's1', 'a3', 'a0', 't3'][bits % 5] ?? 's0';
  const offset = (bits >>> 4) % 40;
  const load = ['lb', 'lhu', 'lw', 'ld', 'lwu'][(bits >>> 12) % 5] ?? 'ld';
  const store = ['sb', 'sh', 'sw', 'sd'][(bits >>> 12) % 4] ?? 'sd';
  if (kind < 3) return `${load} t${4 + (bits % 3)}, ${offset}(${pointer})`;
  if (kind < 6) return `${store} t${4 + (bits % 3)}, ${offset}(${pointer})`;
  if (kind < 8) return `add t3, ${pointer}, ${['zero', 't0', 's1'][bits % 3] ?? 'zero'}`;
  return `add t4, t4, t5`;
}

/** Some of a program interpreted, the rest in units of few instructions. */
const BIT_BY_BIT = { interpretedFirst: 30, hot: 2, stretch: 7, unit: 20 };

function expectSame(text: Uint8Array, lengths: readonly (readonly [number, number])[]): void {
  const interpreter = makeRig({ engine: 'interpreter', text });
  const engine = 'translator';
  const atOnce = makeRig({ engine, text, translations: new Translations() });
  const translations = new Translations();
  const bitByBit = makeRig({ engine, text, translations, laziness: BIT_BY_BIT });
  for (const [instructions, piece] of lengths) {
    for (const rig of [interpreter, atOnce, bitByBit]) {
      reset(rig);
      rig.deviceLog.length = 0;
      // Caches of the engines stay; memory has changed under them.
      rig.generation += 1;
    }
    const exits = runFor(interpreter, instructions, 1000);

    for (const translator of [atOnce, bitByBit]) {
      expect(runFor(translator, instructions, piece)).toEqual(exits);
      expect(stateOf(translator)).toBe(stateOf(interpreter));
    }
  }
}

const LENGTHS = fc.array(
  fc.tuple(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 500 })),
  {
    minLength: 12,
    maxLength: 12,
  },
);

describe('in the same state after any number of instructions, in pieces of any length, are', () => {
  test('random programs', () => {
    fc.assert(fc.property(program, LENGTHS, expectSame), { numRuns: 20 });
  });

  test('loops that walk through memory, to the end of runs and over it', () => {
    fc.assert(fc.property(loop, LENGTHS, expectSame), { numRuns: 40 });
  });
});
