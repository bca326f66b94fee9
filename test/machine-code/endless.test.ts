// Goal: machine code that never waits hangs no run and harms nobody whom a board would not let it
// harm. Method: loops of different priority and budget, under the virtual clock, with instructions
// that take time and with instructions that take none.

import { describe, expect, it } from 'vitest';
import { FAULT_USER_EXCEPTION } from '../../kernel/abi.ts';
import { NO_COSTS } from '../../kernel/cost.ts';
import { USER_EXCEPTION_ENDLESS } from '../../kernel/user.ts';
import { system } from '../../microkit/builder.ts';
import type { ChildFault, Program } from '../../microkit/pd.ts';
import type { RunCosts } from '../../systems/run-costs.ts';
import { createTestbed, type Testbed } from '../../systems/testbed.ts';
import { addi, assemble, bne, ecall, j, li, R } from '../support/assembler.ts';
import { described } from '../support/echo-testbed.ts';
import { machineProgram, TEXT } from '../support/machine-system.ts';

/** Waits once, and then never again. */
const LOOP_WHEN_WOKEN = assemble([
  li(R.a0, 1),
  li(R.a6, 4),
  li(R.a7, -7),
  ecall,
  'loop',
  addi(R.s1, R.s1, 1),
  bne(R.s1, R.zero, 'loop'),
  j('loop'),
]);
const LOOP_AT = TEXT + 16;

const FREE: RunCosts = {
  name: 'free',
  kernel: NO_COSTS,
  work: { wakeUp: 0, queueOperation: 0, mmio: 0, copy: 0, copyPerByte: 0, checksumPerByte: 0 },
  machineCode: { instruction: 0, deviceAccess: 0 },
  deviceLatencyNs: 1_000,
  events: [],
};

interface Ran {
  readonly testbed: Testbed;
  readonly lines: string[];
  readonly faults: (ChildFault & { readonly pd: string })[];
}

/** A loop that `program` wakes, in a system of the two. */
function run(
  loop: { readonly priority: number; readonly budget?: number; readonly period?: number },
  program: Program,
  costs?: RunCosts,
): Ran {
  const sys = system({ name: 'endless' });
  const looper = sys.pd('loop', loop);
  const other = sys.pd('other', { priority: 50, program });
  sys.channel(other, looper, { a: { id: 1 }, b: { id: 1 } });
  const lines: string[] = [];
  const faults: Ran['faults'] = [];
  const testbed = createTestbed({
    system: described(sys.build()),
    clock: 'virtual',
    ramBytes: 2 ** 24,
    ...(costs === undefined ? {} : { costs }),
    images: new Map([['loop', machineProgram(LOOP_WHEN_WOKEN)]]),
    observer: {
      log: (pd, line) => lines.push(pd === 'monitor' ? line : `${pd}: ${line}`),
      faulted: (pd, fault) => faults.push({ pd, ...fault }),
    },
  });
  return { testbed, lines, faults };
}

const wakesTheLoop: Program = (pd) => {
  pd.log('before');
  pd.notify(1);
  pd.log('after');
  return { notified: () => undefined };
};

describe('a loop that takes time', () => {
  it('of lower priority only has what others leave', () => {
    const { testbed, lines } = run({ priority: 10 }, wakesTheLoop);
    testbed.runUntil(1_000_000);

    expect(lines.slice(1)).toEqual(['other: before', 'other: after']);
    expect(testbed.now()).toBe(1_000_000);
  });

  it('gives way when its budget ends, also to the program that woke it', () => {
    const { testbed, lines } = run({ priority: 200, budget: 1_000, period: 5_000 }, wakesTheLoop);
    testbed.runUntil(20_000_000);

    expect(lines.slice(1)).toEqual(['other: before', 'other: after']);
    const use = (testbed.counters().harts?.['loop']?.userNs ?? 0) / testbed.now();
    expect(use).toBeGreaterThan(0.18);
    expect(use).toBeLessThan(0.26);
  });

  it('of higher priority and all of the time keeps a run for a second more: then the frame below it goes', () => {
    const { testbed, lines, faults } = run({ priority: 200 }, wakesTheLoop);
    testbed.runUntil(1_000_000);
    testbed.runUntil(2_000_000_000);

    expect(testbed.now()).toBeGreaterThanOrEqual(2_000_000_000);
    expect(testbed.now()).toBeLessThan(2_100_000_000);
    expect(lines.slice(1)).toEqual(['other: before']);
    // Its turn has not come: the loop still has the processor.
    expect(faults).toEqual([]);
    expect(testbed.kernel.counters.framesLost).toBe(0);
  }, 600_000);
});

describe('a loop that takes no time', () => {
  it('is stopped by a fault that says where it is, and the others go on', () => {
    const { testbed, lines, faults } = run({ priority: 200 }, wakesTheLoop, FREE);
    testbed.runUntil(1_000_000);

    const [fault] = faults;
    expect(fault).toMatchObject({ pd: 'loop', label: FAULT_USER_EXCEPTION });
    expect(fault?.words[2]).toBe(USER_EXCEPTION_ENDLESS);
    expect(fault?.words[0]).toBeOneOf([LOOP_AT, LOOP_AT + 4]);
    const loop = `0x${LOOP_AT.toString(16)}`;
    expect(lines).toContain(
      'loop: 100,000,000 instructions without a system call, which take no time here: ' +
        `a loop between ${loop} and ${loop}; --cost gives instructions a time`,
    );
    expect(lines.at(-1)).toBe('other: after');
  }, 600_000);
});
