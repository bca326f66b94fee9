// Goal: a program that reads the cycle counter again and again sees the time that passes, its own
// and others', as sDDF's idle domain needs it: small steps are its own instructions, a large one
// says that somebody else has run. Method: such a program below one that takes a tenth of the time;
// what it has added up is held against the clock, and against the other engine.

import { describe, expect, it } from 'vitest';
import { system } from '../../microkit/builder.ts';
import { parseCosts, type RunCosts } from '../../systems/run-costs.ts';
import { createTestbed } from '../../systems/testbed.ts';
import { assemble as loopOf, j } from '../support/assembler.ts';
import { described } from '../support/echo-testbed.ts';
import { machineProgram } from '../support/machine-system.ts';
import { assemble } from '../support/riscv-assembler.ts';
import { SLOT_OF_X } from '../../riscv/hart.ts';

const RUN_NS = 600_000;
const PERIOD_US = 200;
const BUDGET_US = 20;

/**
 * s1: cycle counter when last read; s3, s4: how often and how long somebody else has run; s5: the
 * rest; s6: ticks; s7: instret.
 */
const COUNTER = new Uint8Array(
  Uint32Array.from(
    assemble(`
        li   s2, 149
again:  csrr t0, cycle
        sub  t1, t0, s1
        bgeu s2, t1, small
        addi s3, s3, 1
        add  s4, s4, t1
        j    next
small:  add  s5, s5, t1
next:   mv   s1, t0
        csrr s6, time
        csrr s7, instret
        j    again
`),
  ).buffer,
);
const S1 = 9;
const [S3, S4, S5, S6, S7] = [19, 20, 21, 22, 23];

function run(engine: 'interpreter' | 'translator', costs: RunCosts) {
  const sys = system({ name: 'counting' });
  sys.pd('busy', { priority: 100, budget: BUDGET_US, period: PERIOD_US });
  sys.pd('counter', { priority: 50 });
  const testbed = createTestbed({
    system: described(sys.build()),
    clock: 'virtual',
    engine,
    costs,
    ramBytes: 2 ** 24,
    images: new Map([
      ['busy', machineProgram(loopOf(['loop', j('loop')]))],
      ['counter', machineProgram(COUNTER)],
    ]),
  });
  testbed.runUntil(testbed.now() + RUN_NS);
  const hart = testbed.hartOf('counter');
  const x = (register: number): number => hart?.registerAsNumber(SLOT_OF_X[register] ?? 0) ?? 0;
  return { x, now: testbed.now(), executed: hart?.executed ?? 0 };
}

describe.each([1, 2, 0.3])('with %d ns for an instruction, the cycle counter', (instruction) => {
  const read = parseCosts(
    JSON.stringify({ schema: 1, name: 'this', machineCode: { instruction } }),
  );
  if (!read.ok) throw new Error(read.problem);
  const { costs } = read;
  const { x, now, executed } = run('translator', costs);

  it('is the time since power-on, and `time` its hundredth', () => {
    expect(now - x(S1)).toBeLessThan(1_000);
    expect(x(S6)).toBeLessThanOrEqual(now / 100);
    expect(x(S6)).toBeGreaterThanOrEqual(Math.floor(x(S1) / 100));
    expect(executed - x(S7)).toBeLessThan(20);
  });

  it('goes on while others run', () => {
    expect(x(S4) + x(S5)).toBe(x(S1));
    // The first large step is the boot.
    expect(x(S3)).toBeGreaterThanOrEqual(RUN_NS / 1e3 / PERIOD_US);
    expect(x(S5)).toBeGreaterThan(0.85 * RUN_NS);
    expect(x(S5)).toBeLessThan(0.91 * x(S1));
  });

  it('is the same for the interpreter', () => {
    const other = run('interpreter', costs);
    const registers = [S1, S3, S4, S5, S6, S7];

    expect(registers.map(other.x)).toEqual(registers.map(x));
    expect([other.now, other.executed]).toEqual([now, executed]);
  });
});
