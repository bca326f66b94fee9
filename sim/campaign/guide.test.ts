// Goal: a guide varies worlds that came to what is rare, its plans fit the system, and the same
// past leads to the same choice. Method: what worlds have come to is given by hand.

import { describe, expect, it } from 'vitest';
import { echo } from '../../systems/echo.ts';
import { completeChoices } from '../../systems/system.ts';
import { described } from '../../test/support/echo-testbed.ts';
import type { Rule } from '../plan/plan.ts';
import { readPlan } from '../plan/read-plan.ts';
import { planJson } from '../plan/write-plan.ts';
import { pointsOf } from '../points/system-points.ts';
import { Guide, type Recipe } from './guide.ts';

const points = pointsOf(described(echo.build(completeChoices(echo, {}))));
const RARE: Rule = {
  at: 'net.rx.ring',
  fault: 'forge',
  when: { nth: [3] },
  for: {},
  parameters: {},
  optional: 'yes',
};
const COMMON = 1;
const SELDOM = 2;

/** A guide that has seen forty worlds that came to the same, and one that came to more. */
function taught(): Guide {
  const guide = new Guide(points);
  for (let seed = 1; seed <= 40; seed += 1) guide.learn(guide.recipeOf(seed), [COMMON]);
  guide.learn({ seed: 41, plan: { name: 'rare', rules: [RARE] } }, [COMMON, SELDOM]);
  return guide;
}

function recipes(guide: Guide): readonly Recipe[] {
  return Array.from({ length: 200 }, (_, index) => guide.recipeOf(100 + index));
}

describe('a guide', () => {
  it('begins with standard chaos, and goes on with it in a third of the worlds', () => {
    const first = new Guide(points).recipeOf(7);
    const chaos = recipes(taught()).filter(({ plan }) => plan.name === 'standard chaos');

    expect(first).toMatchObject({ seed: 7, plan: { name: 'standard chaos' } });
    expect(chaos.length).toBeGreaterThan(40);
    expect(chaos.length).toBeLessThan(95);
  });

  it('varies the world that came to what hardly any other came to', () => {
    const varied = recipes(taught()).filter(({ plan }) => plan.name === 'varied chaos');
    const like = varied.filter(({ plan: { rules } }) =>
      rules.some(({ at, fault }) => at === RARE.at && fault === RARE.fault),
    );

    // Where its rule was taken away, another change came instead.
    expect(like.length / varied.length).toBeGreaterThan(0.7);
    expect(new Set(varied.map(({ plan }) => JSON.stringify(plan))).size).toBeGreaterThan(
      varied.length / 2,
    );
  });

  it('makes plans that fit the system', () => {
    const guide = taught();
    for (const recipe of recipes(guide)) {
      // What is varied is varied again.
      guide.learn(recipe, [recipe.seed]);
      const text = JSON.stringify(planJson(recipe.plan));
      const source = { name: 'a plan', text };
      expect(readPlan(source, { points, include: () => 'nothing is included' }).ok).toBe(true);
    }
  });

  it('varies moments and how long they last without end, and none is ever beyond the traffic', () => {
    const guide = new Guide(points);
    const late: Rule = {
      ...RARE,
      at: 'net.link',
      fault: 'down',
      when: { timeNs: 2_200_000_000 },
      for: { durationNs: 900_000_000 },
    };
    guide.learn({ seed: 1, plan: { name: 'late', rules: [late, late, late] } }, [SELDOM]);
    for (const { plan } of recipes(guide)) {
      for (const rule of plan.rules.filter((each) => each.at === late.at)) {
        expect(rule.when.timeNs).toBeLessThanOrEqual(2_200_000_000);
        expect(rule.for.durationNs).toBeLessThanOrEqual(1_000_000_000);
      }
    }
  });

  it('chooses the same for the same past', () => {
    expect(recipes(taught())).toEqual(recipes(taught()));
  });
});
