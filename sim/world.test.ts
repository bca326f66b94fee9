/**
 * Goal: a world is the same for the same seed, what goes wrong on the cable is not blamed on the
 * system, and a world in which something does go wrong says so. Method: whole echo systems; planted
 * violations by a hand on the traffic.
 */

import { describe, expect, it } from 'vitest';
import { Random } from '../board/random.ts';
import { echo } from '../systems/echo.ts';
import type { Finding, Oracle } from '../systems/oracle.ts';
import { timer } from '../systems/microkit-examples/timer.ts';
import { completeChoices } from '../systems/system.ts';
import { standardChaos } from './plan/chaos.ts';
import type { Plan, Rule } from './plan/plan.ts';
import { NO_FAULTS } from './plan/plan.ts';
import { pointsOf } from './points/system-points.ts';
import { beginWorld, runWorld } from './world.ts';

const built = echo.build(completeChoices(echo, {}));
if (!built.ok) throw new Error('the echo system is built');
const { system } = built;

function plan(...rules: readonly Partial<Rule>[]): Plan {
  const usual = { at: 'net.wire.in', fault: 'lose', when: {}, for: {}, parameters: {} };
  return { name: 'test', rules: rules.map((each) => ({ ...usual, optional: 'no', ...each })) };
}

/** Of somebody whom no compiler holds to the types. */
const lie = (found: unknown) => () => found as readonly Finding[];

const world = (chosen: Plan, seed = 1) =>
  runWorld({ target: { system }, plan: chosen, seed, amount: 100 });

describe('a world', () => {
  it('without faults has every question answered once', () => {
    const outcome = world(NO_FAULTS);
    expect(outcome.verdict).toBe('passed');
    // 100 questions, and one more for each client at the end.
    expect(outcome.traffic).toMatchObject({ asked: 102, taken: 102, answered: 102, damaged: 0 });
  });

  it('of a system for whose devices there is no traffic has its time all the same', () => {
    const made = timer.build(completeChoices(timer, {}));
    if (!made.ok) throw new Error('the timer system is built');
    const outcome = runWorld({ target: { system: made.system }, plan: NO_FAULTS, seed: 1 });
    expect(outcome.timeNs).toBeGreaterThan(200e6);
  });

  it('is the same for the same seed, and another for another', () => {
    const [chaos, other] = [7, 8].map((seed) => standardChaos(pointsOf(system), new Random(seed)));
    const texts = [world(chaos as Plan, 7), world(chaos as Plan, 7), world(other as Plan, 8)].map(
      (outcome) => JSON.stringify(outcome),
    );
    expect(texts[0]).toBe(texts[1]);
    expect(texts[0]).not.toBe(texts[2]);
  });

  it.each([3, 7])('comes out the same in pieces, wherever they end: seed %i', (seed) => {
    const chaos = standardChaos(pointsOf(system), new Random(seed));
    const whole = world(chaos, seed);
    const paced = beginWorld({ target: { system }, plan: chaos, seed, amount: 100 });
    const random = new Random(100 + seed);
    let pieces = 0;
    for (let atNs = 0; paced.outcome === undefined; pieces += 1) {
      atNs = Math.max(atNs, paced.testbed?.now() ?? 0) + 1 + random.below(100_000);
      paced.runTo(atNs);
    }

    expect(pieces).toBeGreaterThan(100);
    expect(JSON.stringify(paced.outcome)).toBe(JSON.stringify(whole));
  });

  it.each([
    [{ fault: 'lose', when: { probability: 0.1 } }, { damaged: 0 }],
    [{ fault: 'duplicate', when: { every: 10 } }, { taken: 112 }],
    [{ fault: 'delay', when: { probability: 0.2 } }, { taken: 102 }],
    [{ fault: 'corrupt', when: { nth: [5] } }, {}],
    [{ fault: 'truncate', when: { nth: [5] }, parameters: { to: 40 } }, { damaged: 1 }],
    [{ fault: 'lengthen', when: { nth: [5] } }, {}],
    [{ at: 'net.wire.out', fault: 'lose', when: { probability: 0.3 } }, { answered: 102 }],
    [{ at: 'net.link', fault: 'down', when: { timeNs: 300_000 }, for: { durationNs: 90_000 } }, {}],
    [{ at: 'net.irq', fault: 'delay', when: { probability: 0.5 } }, { answered: 102 }],
    [{ at: 'net.irq', fault: 'spurious', when: { timeNs: 500_000 } }, { answered: 102 }],
    // What the driver's watchdog is for.
    [{ at: 'net.irq', fault: 'lose', when: { every: 3 } }, { answered: 102 }],
    [{ at: 'net.device', fault: 'reset', when: { timeNs: 3e6 } }, {}],
    [{ at: 'net.device', fault: 'unplug', when: { timeNs: 3e6 }, for: { durationNs: 1e6 } }, {}],
    [{ at: 'net.tx.ring', fault: 'keep', when: { nth: [9, 10] } }, {}],
  ] as const)('%j is borne by the system', (rule, traffic) => {
    const outcome = world(plan(rule as Partial<Rule>));
    expect(outcome.strikes.length).toBeGreaterThan(0);
    expect(outcome.violations).toEqual([]);
    expect(outcome.verdict).toBe('passed');
    expect(outcome.traffic).toMatchObject(traffic);
  });

  it('asks each client at the end, however many questions wait in front of a device that was gone', () => {
    const gone = {
      at: 'net.device',
      fault: 'vanish',
      when: { timeNs: 2e6 },
      for: { durationNs: 3e6 },
    };
    // A rule of the cable, so that it is planned, and full.
    const cable = { when: { nth: [100_000] }, optional: 'yes' } as const;
    const outcome = runWorld({ target: { system }, plan: plan(gone, cable), seed: 1223 });
    expect(outcome.violations).toEqual([]);
  });

  it('whose watchdog was deaf when a device lied lets it look before anybody is asked once more', () => {
    const outcome = world(
      plan(
        { at: 'net.irq', when: { every: 1 }, parameters: { for: 1e12 } },
        { at: 'net.rx.ring', fault: 'over-report', when: { nth: [99] }, parameters: { by: 3000 } },
        // Until then nobody sees the lie, and what lies behind it goes with the device's reset.
        { at: 'rtc.irq', when: { nth: [5] }, parameters: { for: 60e6 } },
      ),
    );
    expect(outcome.strikes.map(({ fault }) => fault)).toContain('over-report');
    expect(outcome.violations).toEqual([]);
    expect(outcome.verdict).toBe('passed');
  });

  it('in which a domain that others call has no budget left keeps those that call it', () => {
    const outcome = world(
      plan(
        { at: 'pd.timer_driver', fault: 'babble', when: { every: 2 }, parameters: { times: 300 } },
        { at: 'pd.timer_driver.entry', fault: 'late', when: { every: 2 }, parameters: { by: 1e6 } },
        // Its callers come while it sleeps: one whose watchdog looks, and is slow about it.
        { at: 'pd.ethernet_driver.entry', fault: 'late', when: { every: 3 }, optional: 'yes' },
        { at: 'net.irq', fault: 'lose', when: { every: 2 }, optional: 'yes' },
      ),
    );
    expect(outcome.violations).toEqual([]);
    expect(outcome.strikes.map(({ fault }) => fault)).toContain('late');
  });

  it('in which something unexpected is thrown has failed, and says what', () => {
    const attachDevices = (): never => {
      throw new RangeError('no such device');
    };
    const outcome = runWorld({ target: { system, attachDevices }, plan: NO_FAULTS, seed: 1 });
    expect(outcome.verdict).toBe('failed');
    expect(outcome.violations).toMatchObject([
      {
        oracle: 'no-internal-failure',
        what: 'an internal failure, RangeError: no such device',
      },
    ]);
  });

  it.each<[string, Oracle['check'], RegExp]>([
    [
      'throws',
      () => {
        throw new RangeError('no such queue');
      },
      /^its check\(\) throws(?: at \S+)?: no such queue$/,
    ],
    ['returns nothing', lie(undefined), /^its check\(\) has to return a list of \{ where, what \}/],
    ['returns numbers', lie([5]), /^its check\(\) has to return a list/],
    ['returns no texts', lie([{ where: {}, what: 5 }]), /^its check\(\) has to return a list/],
    ['is async', () => Promise.reject(new Error('late')) as never, /^its check\(\) is async/],
  ])('in which an oracle of its own %s has failed under its name', (_, check, what) => {
    const oracles = [{ name: 'own', holds: 'all is well', check }];
    const outcome = runWorld({ target: { system, oracles }, plan: NO_FAULTS, seed: 1, amount: 5 });
    expect(outcome.violations).toMatchObject([
      { oracle: 'own', where: 'own', what: expect.stringMatching(what) as string },
    ]);
  });

  it('in which an oracle of its own finds more than a file can hold is cut short, and says so', () => {
    const check = () =>
      Array.from({ length: 150 }, () => ({ where: 'a'.repeat(9000), what: 'x'.repeat(9000) }));
    const oracles = [{ name: 'own', holds: 'all is well', check }];
    const outcome = runWorld({ target: { system, oracles }, plan: NO_FAULTS, seed: 1, amount: 5 });
    expect(outcome.violations).toHaveLength(101);
    expect(outcome.violations[0]?.where.length).toBeLessThan(3000);
    expect(outcome.violations[0]?.what.length).toBeLessThan(3000);
    expect(outcome.violations[100]).toMatchObject({ where: 'own', what: 'has found 50 more' });
  });

  it('in which a planned fault never strikes is void', () => {
    const outcome = world(plan({ when: { nth: [100_000] } }));
    expect(outcome.verdict).toBe('void');
    expect(outcome.neverStruck).toEqual(['net.wire.in lose']);
  });
});
