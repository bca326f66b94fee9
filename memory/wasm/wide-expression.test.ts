/**
 * Goal: expressions of 64 and 128 bits are what they read like. Method: each works on numbers in
 * memory, and is compared with the same on bigints or bytes.
 */

import { describe, expect, test } from 'vitest';
import { Ram } from '../ram.ts';
import { type Expression, load16 } from './expression.ts';
import { ModuleWriter } from './module.ts';
import { Routine } from './routine.ts';
import * as e from './wide-expression.ts';

const [ONE_AT, OTHER_AT, RESULT_AT] = [0, 16, 32];

/** Memory behind two operands in it have been used. */
function after(write: (routine: Routine) => void, one: Uint8Array, other: Uint8Array): Ram {
  const ram = new Ram({ sizeBytes: 65_536 });
  ram.u8.set(one, ONE_AT);
  ram.u8.set(other, OTHER_AT);
  const { f } = ram.functions((pages) => {
    const module = new ModuleWriter();
    module.importMemory('host', 'memory', pages);
    const routine = new Routine(0);
    write(routine);
    const type = module.type({ parameters: [], results: [] });
    module.exportFunction('f', module.function(type, routine.finish()));
    return module.finish();
  }) as { f: () => void };
  f();
  return ram;
}

const NUMBERS = [0n, 1n, 7n, 0xffffn, 0x8000_0000n, 0xffff_ffffn, 1n << 32n, 1n << 63n, -1n, -9n];

function bytesOf(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, value, true);
  return bytes;
}

const positive = (value: bigint): bigint => BigInt.asUintN(64, value);

describe('64 bits', () => {
  const binary: readonly [
    string,
    (one: Expression, other: Expression) => Expression,
    (one: bigint, other: bigint) => bigint | boolean,
  ][] = [
    ['add64', e.add64, (a, b) => a + b],
    ['subtract64', e.subtract64, (a, b) => a - b],
    ['multiply64', e.multiply64, (a, b) => a * b],
    ['and64', e.and64, (a, b) => a & b],
    ['or64', e.or64, (a, b) => a | b],
    ['equal64', (a, b) => e.widened(e.equal64(a, b)), (a, b) => a === b],
    ['notEqual64', (a, b) => e.widened(e.notEqual64(a, b)), (a, b) => a !== b],
    ['below64', (a, b) => e.widened(e.below64(a, b)), (a, b) => positive(a) < positive(b)],
    ['above64', (a, b) => e.widened(e.above64(a, b)), (a, b) => positive(a) > positive(b)],
    ['notBelow64', (a, b) => e.widened(e.notBelow64(a, b)), (a, b) => positive(a) >= positive(b)],
    ['shiftedRight64', (a) => e.shiftedRight64(a, 7), (a) => positive(a) >> 7n],
    ['lowOf', (a) => e.widened(e.lowOf(a)), (a) => positive(a) & 0xffff_ffffn],
    ['highOf', (a) => e.widened(e.highOf(a)), (a) => positive(a) >> 32n],
    ['loadWidened32', () => e.loadWidened32(ONE_AT, 1), (a) => (positive(a) >> 8n) & 0xffff_ffffn],
    ['loadWidened16', () => e.loadWidened16(ONE_AT, 1), (a) => (positive(a) >> 8n) & 0xffffn],
    ['widened', () => e.widened(load16(ONE_AT)), (a) => positive(a) & 0xffffn],
    ['constant64', () => e.constant64(-2, 3), () => 0x3_ffff_fffen],
  ];

  test.each(binary)('%s', (_, expression, expected) => {
    for (const one of NUMBERS) {
      for (const other of NUMBERS) {
        const write = (routine: Routine): void =>
          routine.store64(
            RESULT_AT,
            routine.let64(expression(e.load64(ONE_AT), e.load64(OTHER_AT))),
          );
        const ram = after(write, bytesOf(one), bytesOf(other));
        const wanted = positive(BigInt(expected(one, other)));
        expect(ram.view.getBigUint64(RESULT_AT, true), `${one}, ${other}`).toBe(wanted);
      }
    }
  });
});

describe('128 bits', () => {
  const ONE = Uint8Array.from({ length: 16 }, (_, index) => 31 * index + 5);
  const OTHER = Uint8Array.from({ length: 16 }, (_, index) => (7 * index + 3) & 15);

  test.each<
    [string, (one: Expression, other: Expression) => Expression, (a: number, b: number) => number]
  >([
    ['and128', e.and128, (a, b) => a & b],
    ['or128', e.or128, (a, b) => a | b],
    ['exclusiveOr128', e.exclusiveOr128, (a, b) => a ^ b],
    ['arranged', e.arranged, (_, b) => ONE[b] as number],
  ])('%s', (_, expression, expected) => {
    const write = (routine: Routine): void =>
      routine.store128(
        RESULT_AT,
        routine.let128(expression(e.load128(ONE_AT), e.load128(OTHER_AT))),
      );
    const ram = after(write, ONE, OTHER);
    const wanted = ONE.map((each, index) => expected(each, OTHER[index] as number));
    expect(ram.u8.slice(RESULT_AT, RESULT_AT + 16)).toEqual(wanted);
  });

  test.each([-1, 0, 7, 8, 15])('a bit that is set in byte %i is found', (at) => {
    const one = new Uint8Array(16);
    if (at >= 0) one[at] = 0x80;
    const write = (routine: Routine): void =>
      routine.store32(RESULT_AT, e.isAnySet(e.load128(ONE_AT)));
    expect(after(write, one, one).u8[RESULT_AT]).toBe(at >= 0 ? 1 : 0);
  });
});
