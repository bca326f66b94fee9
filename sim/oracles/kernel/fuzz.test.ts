// Goal: no program can make the kernel throw, break an invariant, or change anything by an
// invocation that is refused. Method: random programs, hostile included; invariants after every
// kernel entry. How many system calls in all: SDDF_KERNEL_FUZZ_STEPS (a million in CI, in two
// halves). Seed and number are printed; given again, they replay the run.

import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { runFuzz } from './fuzz.ts';

const STEPS = Number(process.env['SDDF_KERNEL_FUZZ_STEPS'] ?? 4_000);
const STEPS_PER_PROGRAM = STEPS > 100_000 ? 2_500 : 500;
/** The same seed, the same programs. */
const SEED = Number(process.env['SDDF_KERNEL_FUZZ_SEED'] ?? randomInt(1, 2 ** 31));
const REPLAY = { seed: SEED, endOnFailure: true } as const;
// Without the bias towards both ends, which would give the same programs again and again.
const seeds = fc.noBias(fc.integer({ min: 1, max: 2 ** 31 - 1 }));

describe('random programs', () => {
  beforeAll(() =>
    console.log(`random programs: SDDF_KERNEL_FUZZ_SEED=${SEED} SDDF_KERNEL_FUZZ_STEPS=${STEPS}`),
  );

  it('break nothing when they are guarded', { timeout: 3_600_000 }, () => {
    let steps = 0;
    let compared = 0;
    const property = fc.property(seeds, (seed) => {
      const result = runFuzz({
        kind: 'guarded',
        seed,
        steps: STEPS_PER_PROGRAM,
      });
      steps += result.steps;
      compared += result.compared;
      expect(result.refused).toBeGreaterThan(0);
    });

    fc.assert(property, { ...REPLAY, numRuns: Math.ceil(STEPS / STEPS_PER_PROGRAM) });

    expect(steps, 'system calls made').toBeGreaterThanOrEqual(STEPS);
    expect(compared).toBeGreaterThan(0);
  });

  // A stale capability of a frame is mapped again, over another frame.
  it('break nothing with the seed 735885693', () => {
    const { steps } = runFuzz({ kind: 'guarded', seed: 735_885_693, steps: 2_500 });
    expect(steps).toBeGreaterThanOrEqual(2_500);
  });

  it('break nothing when they may end themselves', () => {
    let faults = 0;
    const property = fc.property(seeds, (seed) => {
      faults += runFuzz({ kind: 'unbound', seed, steps: 300 }).faults;
    });

    fc.assert(property, { ...REPLAY, numRuns: 25 });

    expect(faults).toBeGreaterThan(0);
  });

  it('do the same with and without the fast path', () => {
    let lines = 0;
    const property = fc.property(seeds, (seed) => {
      const options = { kind: 'guarded', seed, steps: 400, workUnitsMax: 100 } as const;
      const fast = runFuzz({ ...options, fastPath: 'on' });
      const general = runFuzz({ ...options, fastPath: 'off' });
      lines += fast.history.length;
      expect(fast.history).toEqual(general.history);
      expect(fast.kernelEntries).toBe(general.kernelEntries);
    });

    fc.assert(property, { ...REPLAY, numRuns: 12 });

    expect(lines).toBeGreaterThan(1000);
  });
});
