// Goal: programs that ask for CPU use as on seL4's benchmark configuration get figures of this run:
// sDDF's benchmark domain does so for its children. Method: a parent that measures its child, in
// words; what it is told is compared with what was executed.

import { expect, it } from 'vitest';
import { system } from '../../microkit/builder.ts';
import { createTestbed } from '../../systems/testbed.ts';
import { addi, assemble, bne, ecall, j, ld, li, lui, R, sd, slli } from '../support/assembler.ts';
import { described } from '../support/echo-testbed.ts';
import { DATA, machineProgram } from '../support/machine-system.ts';

const CHILD_TCB = 202 + 3;
const WORDS = 13;
const ROUNDS = 1_000;

const call = (number: number, a0 = 0): number[] => [li(R.a0, a0), li(R.a7, number), ecall];
const wait = [li(R.a0, 1), li(R.a6, 4), li(R.a7, -7), ecall];
/** 0x3fffffe008: the first message register in the IPC buffer. */
const bufferIn = (register: number): number[] => [
  li(register, 1),
  slli(register, register, 38),
  ...[2040, 2048, 2048, 2048].map((bytes) => addi(register, register, -bytes)),
];

/** Begins to measure, waits for its child, asks, and keeps the answer. */
const PARENT = assemble([
  ...call(-22),
  ...call(-27, CHILD_TCB),
  ...wait,
  ...call(-23),
  ...call(-26, CHILD_TCB),
  ...bufferIn(R.s1),
  lui(R.s0, DATA >>> 12),
  ...Array.from({ length: WORDS }, (_, i) => [ld(R.t0, R.s1, 8 * i), sd(R.t0, R.s0, 8 * i)]).flat(),
  'rest',
  ...wait,
  j('rest'),
]);
const CHILD = assemble([
  li(R.t0, ROUNDS),
  'loop',
  addi(R.t0, R.t0, -1),
  bne(R.t0, R.zero, 'loop'),
  ...[li(R.a0, 10), li(R.a1, 0), li(R.a7, -5), ecall],
  ...wait,
]);

it('is that of the child and of the whole system between begin and end', () => {
  const sys = system({ name: 'measured' });
  const parent = sys.pd('parent', { priority: 100 });
  const child = parent.child('child', { priority: 50, id: 3 });
  sys.channel(parent, child, { a: { id: 0 }, b: { id: 0 } });
  const testbed = createTestbed({
    system: described(sys.build()),
    clock: 'virtual',
    ramBytes: 2 ** 24,
    images: new Map([
      ['parent', machineProgram(PARENT)],
      ['child', machineProgram(CHILD)],
    ]),
  });
  testbed.runUntilQuiet();

  const at = (testbed.hartOf('parent')?.runAt(DATA)?.at ?? 0) >>> 2;
  const words = Array.from({ length: WORDS }, (_, i) => testbed.board.ram.u32[at + 2 * i] ?? 0);
  const [ns = 0, schedules, kernelNs = 0, entries, ...rest] = words;
  const [idleNs, , , , , totalNs = 0, totalSchedules = 0, totalKernelNs = 0, totalEntries = 0] =
    rest;
  // Two instructions a round, a few around them, and one system call that ends its turn.
  expect(ns - kernelNs).toBe(2 * ROUNDS + 4);
  expect([schedules, entries, idleNs]).toEqual([1, 1, 0]);
  expect(kernelNs).toBe(150 + 250);
  expect(totalNs).toBeGreaterThan(ns);
  expect(totalKernelNs).toBeGreaterThan(kernelNs);
  expect(totalKernelNs).toBeLessThan(totalNs);
  expect(totalSchedules).toBeGreaterThanOrEqual(2);
  expect(totalEntries).toBeGreaterThanOrEqual(3);
});
