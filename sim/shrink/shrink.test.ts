/**
 * Goal: what is left after shrinking still fails in the same way, and nothing of it can be taken
 * away. Method: lists with known causes; an echo system whose client dies of a frame that is too
 * short for its headers.
 */

import { describe, expect, it } from 'vitest';
import { main as echoMain, type EchoConfig } from '../../clients/echo/echo.ts';
import { ECHO_COUNTERS } from '../../clients/echo/responder.ts';
import type { Program, ProtectionDomain } from '../../microkit/pd.ts';
import { readCounters } from '../../queues/counters.ts';
import { echo } from '../../systems/echo.ts';
import { completeChoices } from '../../systems/system.ts';
import { digestOf } from '../failure/digest.ts';
import type { Failure, WorldSpec } from '../failure/failure-file.ts';
import { worldOptions } from '../failure/replay.ts';
import type { Plan, Rule } from '../plan/plan.ts';
import { countStrikes } from '../points/point.ts';
import { pointsOf } from '../points/system-points.ts';
import { runWorld, type WorldSystem } from '../world.ts';
import { minimise } from './minimise.ts';
import { shrink } from './shrink.ts';
import { noteWorld, storyOf } from './story.ts';
import { whenLikely } from './when.ts';

describe('minimise', () => {
  const items = Array.from({ length: 40 }, (_, index) => index);

  it.each([[[]], [[7]], [[3, 31]], [[0, 1, 2, 39]]])('finds what %j alone causes', (cause) => {
    const holds = (kept: readonly number[]): boolean => cause.every((each) => kept.includes(each));
    expect(minimise(items, holds, () => true)).toEqual(cause);
  });

  it('ends when it may not go on, with something that holds', () => {
    let asked = 0;
    const holds = (kept: readonly number[]): boolean => {
      asked += 1;
      return kept.includes(3) && kept.includes(31);
    };
    const kept = minimise(items, holds, () => asked < 4);
    expect(kept).toEqual(expect.arrayContaining([3, 31]));
    expect(asked).toBeLessThanOrEqual(5);
  });
});

const built = echo.build(completeChoices(echo, {}));
if (!built.ok) throw new Error('the echo system is built');

/** Dies of the first frame that is shorter than its headers. */
function fragile(pd: ProtectionDomain<EchoConfig>) {
  const inner = echoMain(pd);
  const stats = pd.readonlyRegion('client0_stats');
  return {
    ...inner,
    notified: (channel: number) => {
      inner.notified(channel);
      const { dropShort, dropIpHeader } = readCounters(ECHO_COUNTERS, stats);
      if (dropShort + dropIpHeader > 0) throw new Error('a short frame');
    },
  };
}

const target: WorldSystem = {
  system: built.system,
  programs: new Map([['client0', fragile as unknown as Program]]),
};

function rule(fields: Partial<Rule>): Rule {
  const usual = { at: 'net.wire.in', when: {}, for: {}, parameters: {}, optional: 'yes' } as const;
  return { ...usual, fault: 'lose', ...fields };
}

const PLAN: Plan = {
  name: 'chances',
  rules: [
    rule({ when: { probability: 0.1 } }),
    rule({
      fault: 'truncate',
      when: { probability: 0.05 },
      parameters: { to: { min: 15, max: 60 } },
    }),
    rule({ at: 'net.irq', fault: 'delay', when: { probability: 0.1 } }),
  ],
};

function failureOf(world: WorldSpec): Failure {
  const outcome = runWorld(worldOptions(world, target));
  expect(outcome.verdict).toBe('failed');
  const { violations } = outcome;
  const strikes = countStrikes(outcome.strikes);
  const system = { reference: 'echo', choices: {}, searchPath: [] };
  const digest = digestOf(JSON.stringify(outcome));
  return { system, digests: {}, world, violations, strikes, outcome: digest };
}

const world: WorldSpec = {
  seed: 2,
  plan: PLAN,
  amount: 200,
  forNs: undefined,
  decisions: undefined,
};

describe('a failure', () => {
  it('is shrunk to one strike and the traffic up to it', () => {
    const failure = failureOf(world);
    const steps: number[] = [];
    const shrunk = shrink({
      failure,
      target,
      limit: 500,
      mayGoOn: () => true,
      onProgress: (worlds) => steps.push(worlds),
    });
    expect(shrunk?.end).toBe('minimum');
    expect(shrunk?.failure.world.plan.rules.map((each) => each.fault)).toEqual(['truncate']);
    // The run ends with the question that is cut short; frames that are no questions are counted,
    // too.
    const { plan, amount = 0 } = shrunk?.failure.world ?? world;
    expect(plan.rules[0]?.when.nth?.[0]).toBeGreaterThanOrEqual(amount);
    expect(amount).toBeLessThan(200);
    expect(shrunk?.failure.violations[0]?.oracle).toBe('no-fault');
    expect(steps.length).toBeGreaterThan(3);

    const again = failureOf(shrunk?.failure.world ?? world);
    expect(again.outcome).toBe(shrunk?.failure.outcome);
    if (shrunk === undefined) throw new Error('it has been shrunk');
    const points = pointsOf(built.system);
    const story = storyOf(shrunk.outcome, points, noteWorld(shrunk.failure.world, target));
    expect(story.length).toBeLessThanOrEqual(10);
    expect(story[0]).toMatch(
      /net\.wire\.in, the \d+.. time that a frame passes, question \d+ to 10\.0\.2\.15, \d+ bytes: the frame is cut short; bytes that are left, at most: \d+$/,
    );
    expect(storyOf(shrunk.outcome, points)[0]).toContain(': the frame is cut short; bytes');
    expect(story.join('\n')).toContain('no-fault: client0 has faulted');
  });

  it('of an order tells who was slow, where, and for how long', () => {
    const decisions = [
      { at: 100, ns: 3000 },
      { at: 300, ns: 1_500_000 },
    ];
    const slow: WorldSpec = { ...world, amount: 5, plan: { name: 'none', rules: [] }, decisions };
    const outcome = runWorld(worldOptions(slow, target));
    const story = storyOf(outcome, pointsOf(built.system), noteWorld(slow, target));
    expect(story).toHaveLength(2);
    expect(story[0]).toMatch(/^ +\d+\.\d{3} ms {2}\w+ takes 3\.00 µs longer before \w+/);
    expect(story[1]).toMatch(/ takes 1\.50 ms longer before \w+/);
  });

  it('without a cause says so, and says once what is said again and again', () => {
    const outcome = runWorld(
      worldOptions({ ...world, amount: 3, plan: { name: 'none', rules: [] } }, target),
    );
    const violation = (where: string, what: string) => ({ oracle: 'o', where, what, timeNs: 5e6 });
    const violations = [
      violation('driver', 'has missed 1 interrupts'),
      violation('driver', 'has missed 2 interrupts'),
      violation('client0', 'client0 answers 5 twice'),
    ];
    expect(storyOf({ ...outcome, violations }, pointsOf(built.system))).toEqual([
      '    0.000 ms  nothing is broken on purpose: the traffic alone shows it',
      '    5.000 ms  o: driver: has missed 1 interrupts (and 1 more like this)',
      '    5.000 ms  o: client0 answers 5 twice',
    ]);
  });

  it('that does not come again is not shrunk', () => {
    const failure = failureOf(world);
    const healthy = { system: built.system };
    const options = { failure, target: healthy, limit: 9, mayGoOn: () => true };
    expect(shrink({ ...options, onProgress: () => undefined })).toBeUndefined();
  });

  it('is certain from a moment on, and less likely from an earlier one', () => {
    const chance = {
      ...PLAN,
      rules: [rule({ fault: 'truncate', when: { probability: 0.004 }, parameters: { to: 20 } })],
    };
    const seeds = Array.from({ length: 40 }, (_, index) => index + 1);
    const seed = seeds.find(
      (each) =>
        runWorld(worldOptions({ ...world, plan: chance, seed: each }, target)).verdict === 'failed',
    );
    const failure = failureOf({ ...world, plan: chance, seed: seed ?? 0 });
    const shown = whenLikely({ failure, target, moments: 2, worlds: 6, onMoment: () => undefined });
    const [atFirst, atLast] = shown ?? [];
    expect(atLast?.failed).toBe(6);
    expect(atFirst?.fromNs).toBe(0);
    expect(atFirst?.failed).toBeLessThan(6);
  });
});
