// Goal: under the host clock, a domain pays for what it executes, not for what the host did in
// between: a domain with a small budget would be stopped for many times as long. Method: a loop
// that has a quarter of the time, and a host that is elsewhere for a tenth of a second; then the
// kernel is asked when the domain runs again.

import { expect, it } from 'vitest';
import { system } from '../../microkit/builder.ts';
import { createTestbed } from '../../systems/testbed.ts';
import { assemble, j } from '../support/assembler.ts';
import { described } from '../support/echo-testbed.ts';
import { machineProgram } from '../support/machine-system.ts';

const ELSEWHERE_MS = 100;

it('a domain does not pay for what the host did meanwhile', () => {
  const sys = system({ name: 'elsewhere' });
  sys.pd('loop', { priority: 100, budget: 100, period: 400 });
  let isOver = false;
  const sample = (): void => {
    if (!isOver) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ELSEWHERE_MS);
    isOver = true;
  };
  const testbed = createTestbed({
    system: described(sys.build()),
    clock: 'host',
    ramBytes: 2 ** 24,
    images: new Map([['loop', machineProgram(assemble(['loop', j('loop')]))]]),
    sampling: { everyInstructions: 1_000, sample },
  });
  while (!isOver) testbed.runSlice(1_000_000);
  const executed = testbed.hartOf('loop')?.executed ?? 0;
  testbed.runSlice(1_000_000);

  // It waits 8 ms for its budget, if it has not had it already; for all of that time it would wait
  // 300 ms more.
  const runsAgain = (testbed.hartOf('loop')?.executed ?? 0) > executed;
  const waitMs = runsAgain ? 0 : (testbed.nextEventAt() - testbed.now()) / 1e6;
  expect(waitMs).toBeLessThan(ELSEWHERE_MS);
});
