/**
 * Goal: a system of images is broken, explored and judged as one of programs in TypeScript is.
 * Method: the echo system in C, under a plan and under exploration; what it answers, what struck,
 * and that the same world comes again.
 */

import { beforeAll, describe, expect, it } from 'vitest';
import { loadTarget } from '../../cli/sim/target.ts';
import { NO_FAULTS, type Rule } from '../../sim/plan/plan.ts';
import { runWorld } from '../../sim/world.ts';
import { buildPrograms, COMPILER, hasCompiler } from '../support/c-programs.ts';

const AMOUNT = 10;

function rule(at: string, fault: string, nth: number): Rule {
  return { at, fault, when: { nth: [nth] }, for: {}, parameters: {}, optional: 'no' };
}

async function echoInC() {
  const { target } = await loadTarget({
    reference: 'echo',
    choices: { code: 'c' },
    searchPath: [],
  });
  expect(target.images?.size).toBeGreaterThan(5);
  return target;
}

describe.runIf(hasCompiler)(`worlds of machine code (needs ${COMPILER})`, () => {
  beforeAll(buildPrograms, 120_000);

  it('answers under a plan, and its buffers are where they belong', async () => {
    const target = await echoInC();
    const rules = [rule('net.wire.in', 'lose', 3), rule('pd.net_virt_rx', 'babble', 2)];
    const plan = { name: 'two faults', rules };
    const outcome = runWorld({ target, plan, seed: 1, amount: AMOUNT });
    expect(outcome).toMatchObject({ verdict: 'passed', violations: [] });
    expect(outcome.strikes.map(({ at }) => at).toSorted()).toEqual([
      'net.wire.in',
      'pd.net_virt_rx',
    ]);
    expect(outcome.traffic['asked']).toBeGreaterThanOrEqual(AMOUNT);
  });

  it('is explored at its system calls, and the same decisions give the same world', async () => {
    const target = await echoInC();
    // A seed by which somebody is let in between, several times; by others nobody is.
    const options = { target, plan: NO_FAULTS, seed: 4, amount: AMOUNT };
    const explored = runWorld({ ...options, explore: { kind: 'random' } });
    expect(explored.verdict).toBe('passed');
    expect(explored.points).toBeGreaterThan(explored.decisions.length);
    expect(explored.decisions.length).toBeGreaterThan(0);
    const { decisions } = explored;
    expect(runWorld({ ...options, explore: { kind: 'replay', decisions } })).toEqual(explored);
  });

  it('a client that dies answers no more', async () => {
    const target = await echoInC();
    const plan = { name: 'a death', rules: [rule('pd.client0', 'kill', 1)] };
    const outcome = runWorld({ target, plan, seed: 1, amount: AMOUNT });
    expect(outcome.strikes).toMatchObject([{ at: 'pd.client0', fault: 'kill' }]);
    expect(outcome.traffic['answered'] ?? 0).toBeLessThan(outcome.traffic['asked'] ?? 0);
  });
});
