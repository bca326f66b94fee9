/**
 * Goal: a rule strikes when it says and never else, whatever other rules do. Method: one point with
 * opportunities at chosen times, and the list of strikes.
 */

import { describe, expect, it } from 'vitest';
import { Random } from '../../board/random.ts';
import { VirtualClock } from '../../board/virtual-clock.ts';
import type { Rule } from '../plan/plan.ts';
import { Injector } from './injector.ts';
import { fault, type PointKind } from './point.ts';

const POINT: PointKind = {
  name: 'p',
  group: 'net',
  what: 'a place',
  opportunity: 'something passes',
  states: ['up'],
  faults: [
    fault({ name: 'lose', what: 'lost' }),
    fault({ name: 'other', what: 'other' }),
    fault({ name: 'down', what: 'down', trigger: 'moment' }),
    fault({
      name: 'late',
      what: 'late',
      parameters: {
        by: { what: 'how late', unit: 'ns', min: 1, max: 1000, standard: { min: 1, max: 1000 } },
      },
    }),
  ],
};

function rule(fields: Partial<Rule>): Rule {
  return { at: 'p', fault: 'lose', when: {}, for: {}, parameters: {}, optional: 'no', ...fields };
}

function world(rules: readonly Rule[], seed = 1) {
  const clock = new VirtualClock();
  const injector = new Injector({
    plan: { name: 'test', rules },
    points: [POINT],
    clock,
    random: new Random(seed),
  });
  return { clock, injector, point: injector.point('p') };
}

/** @returns the numbers of the opportunities, one each microsecond, at which something struck */
function struckAt(rules: readonly Rule[], opportunities = 20, state = ''): number[] {
  const { clock, point, injector } = world(rules);
  point.state = state;
  for (let i = 0; i < opportunities; i += 1) {
    point.next();
    clock.runUntil(clock.now() + 1000);
  }
  return injector.strikes.map(({ opportunity }) => opportunity);
}

describe('a rule', () => {
  it.each([
    ['nth', { when: { nth: [3, 5] } }, [3, 5]],
    ['every', { when: { every: 8 } }, [8, 16]],
    ['a time, once', { when: { timeNs: 4500 } }, [6]],
    ['a span of time', { when: { fromNs: 2000, untilNs: 5000 } }, [3, 4, 5]],
    ['at most so many times', { for: { times: 2 } }, [1, 2]],
    [
      'for a while from its first strike',
      { when: { nth: [4] }, for: { durationNs: 2500 } },
      [4, 5, 6],
    ],
  ] as const)('strikes at %s', (_, fields, expected) => {
    expect(struckAt([rule(fields as Partial<Rule>)])).toEqual(expected);
  });

  it('strikes only in the state that it names', () => {
    const named = rule({ when: { nth: [1], state: 'up' } });
    expect(struckAt([named], 3, '')).toEqual([]);
    expect(struckAt([named], 3, 'up')).toEqual([1]);
  });

  it('strikes with its chance, the same for the same seed, whatever stands beside it', () => {
    const often = rule({ when: { probability: 0.3 } });
    const alone = struckAt([often], 1000);
    expect(alone.length).toBeGreaterThan(200);
    expect(alone.length).toBeLessThan(400);
    const { point, injector } = world([often, rule({ fault: 'other' })]);
    for (let i = 0; i < 1000; i += 1) point.next();
    expect(
      injector.strikes.filter((each) => each.fault === 'lose').map((each) => each.opportunity),
    ).toEqual(alone);
  });

  it('draws its parameters from their range', () => {
    const { point, injector } = world([
      rule({ fault: 'late', parameters: { by: { min: 7, max: 9 } } }),
    ]);
    for (let i = 0; i < 200; i += 1) point.next();
    const drawn = new Set(injector.strikes.map((strike) => strike.parameters['by']));
    expect([...drawn].toSorted()).toEqual([7, 8, 9]);
  });

  it('that never struck is named, unless it is optional', () => {
    const { injector, point } = world([
      rule({ when: { nth: [5] } }),
      rule({ when: { nth: [6] }, optional: 'yes' }),
    ]);
    point.next();
    expect(injector.neverStruck().map((each) => each.when)).toEqual([{ nth: [5] }]);
  });
});

describe('a plan that nobody has checked', () => {
  it.each([
    [{ at: 'q' }, "rule 0: this system has no fault 'lose' at 'q'"],
    [{ fault: 'melt' }, "rule 0: this system has no fault 'melt' at 'p'"],
  ])('with %j is refused by name', (fields, message) => {
    expect(() => world([rule(fields)])).toThrow(new RangeError(message));
  });
});

describe('a moment', () => {
  it('begins at its time, and ends after its duration or when faults stop', () => {
    const { clock, injector, point } = world([
      rule({ fault: 'down', when: { timeNs: 1000 }, for: { durationNs: 500 } }),
      rule({ fault: 'down', when: { timeNs: 3000 } }),
    ]);
    const seen: string[] = [];
    point.perform({
      begin: () => seen.push(`begins ${clock.now()}`),
      end: () => seen.push(`ends ${clock.now()}`),
    });
    clock.runUntil(5000);
    injector.disarm();
    injector.disarm();

    expect(seen).toEqual(['begins 1000', 'ends 1500', 'begins 3000', 'ends 5000']);
    expect(injector.neverStruck()).toEqual([]);
  });

  it('does not begin once faults have stopped', () => {
    const { clock, injector, point } = world([rule({ fault: 'down', when: { timeNs: 1000 } })]);
    let begun = 0;
    point.perform({ begin: () => (begun += 1), end: () => undefined });
    injector.disarm();
    clock.runUntil(5000);
    expect(begun).toBe(0);
    expect(injector.strikes).toEqual([]);
  });
});
