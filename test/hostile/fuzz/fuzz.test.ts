/**
 * Goal: no input from outside, however bad, ends in anything but a refusal, and none costs memory
 * without bound. 200 inputs a target unless SDDF_FUZZ_INPUTS says otherwise (20,000 in CI);
 * SDDF_FUZZ_SEED is the first seed, and in the name of each test.
 */

import { describe, expect, it } from 'vitest';
import { runInputs } from './run.ts';
import { FUZZ_TARGETS } from './targets.ts';

const ASKED = process.env['SDDF_FUZZ_INPUTS'];
const INPUTS = Number(ASKED ?? 200);
const SEED = Number(process.env['SDDF_FUZZ_SEED'] ?? 1);
/** What the collector leaves lying about, at most. */
const GROWTH_BYTES_MAX = 512 * 1024 * 1024;

describe('bad input', () => {
  it.each(FUZZ_TARGETS)(
    `for $name is refused (${INPUTS} inputs from seed ${SEED})`,
    { timeout: 1_200_000 },
    async (target) => {
      const before = process.memoryUsage().rss;
      const { slowness = 1 } = target;
      await runInputs(target, SEED, ASKED === undefined ? INPUTS / slowness : INPUTS);
      expect(process.memoryUsage().rss - before).toBeLessThan(GROWTH_BYTES_MAX);
    },
  );

  it('that does what none may is told with its seed', async () => {
    const target = {
      name: 'planted',
      seeds: [Uint8Array.of(1, 2, 3)],
      run: (bytes: Uint8Array) => {
        if (bytes.length === 2) throw new TypeError('planted');
      },
    };
    await expect(runInputs(target, 1, 200)).rejects.toThrow(
      /^planted, seed \d+ \(2 bytes: .*planted/,
    );
  });
});
