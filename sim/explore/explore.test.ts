/**
 * Goal: under exploration other things happen, a schedule brings the same world again, and without
 * it nothing is different. Method: whole echo systems; a program whose window between two looks
 * only exploration opens.
 */

import { describe, expect, it } from 'vitest';
import { Random } from '../../board/random.ts';
import { echo } from '../../systems/echo.ts';
import { completeChoices } from '../../systems/system.ts';
import { NO_FAULTS } from '../plan/plan.ts';
import { type Exploration, runWorld } from '../world.ts';
import { pctStrategy, replayStrategy } from './strategies.ts';

const built = echo.build(completeChoices(echo, {}));
if (!built.ok) throw new Error('the echo system is built');
const { system } = built;

function world(explore?: Exploration, seed = 3) {
  const options = { target: { system }, plan: NO_FAULTS, seed, amount: 60 };
  return runWorld(explore === undefined ? options : { ...options, explore });
}

describe('exploration', () => {
  it('lets time pass at points, and every question is answered all the same', () => {
    const outcome = world({ kind: 'random' });
    expect(outcome.points).toBeGreaterThan(200);
    expect(outcome.decisions.length).toBeGreaterThan(3);
    expect(outcome.verdict).toBe('passed');
    expect(outcome.timeNs).not.toBe(world().timeNs);
  });

  it('brings the same world again from what was decided', () => {
    const first = world({ kind: 'random' });
    const again = world({ kind: 'replay', decisions: first.decisions });
    expect(JSON.stringify(again)).toBe(JSON.stringify(first));
  });

  it('with nothing decided is as no exploration', () => {
    const { points, ...explored } = world({ kind: 'replay', decisions: [] });
    const { points: none, ...plain } = world();
    expect(explored).toEqual(plain);
    expect(points).toBeGreaterThan(none);
  });

  it('by PCT decides at as many points as its depth, at most', () => {
    const { decisions } = world({ kind: 'pct', depth: 3, points: 500 });
    expect(decisions.length).toBeGreaterThan(0);
    expect(decisions.length).toBeLessThanOrEqual(3);
  });
});

describe('a strategy', () => {
  const point = { kind: 'look', domain: 'd', timeNs: 0, untilNextEventNs: 500 } as const;

  it('by PCT goes up to the next event at the points that it has drawn', () => {
    const strategy = pctStrategy(new Random(1), 2, 10);
    const passed = Array.from({ length: 10 }, (_, number) => strategy.decide({ ...point, number }));
    const chosen = passed.filter((ns) => ns > 0);
    expect(chosen.length).toBeGreaterThan(0);
    expect(chosen.length).toBeLessThanOrEqual(2);
    for (const ns of chosen) expect(ns).toBeGreaterThanOrEqual(500);
  });

  it('by replay does what was decided', () => {
    const strategy = replayStrategy([{ at: 4, ns: 70 }]);
    expect([3, 4, 5].map((number) => strategy.decide({ ...point, number }))).toEqual([0, 70, 0]);
  });
});
