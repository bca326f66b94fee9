/**
 * `bounded:K`: every run in which at most K points of choice are taken, at each of which time
 * passes up to the next event (Musuvathi and Qadeer, PLDI 2007, bound preemptions in the same way).
 * The points are those of the domains that are named, at kernel entries, register accesses and
 * shared memory, numbered in the order in which a run comes to them.
 *
 * Which points there are behind a point that was taken depends on what happened there; a number
 * beyond the run's last point is of no effect. So the runs are counted by the points of the run in
 * which none is taken.
 */

import { upToNextEvent } from './strategies.ts';
import type { Strategy } from './explorer.ts';

/** A little more than up to the next event, so that what it wakes gets to run. */
const BEYOND_NS = 1_000;

/**
 * @returns how many ways there are to take at most `most` of `points` points; `Infinity` above 2^53
 */
export function boundedRuns(points: number, most: number): number {
  let sum = 0;
  for (let taken = 0; taken <= Math.min(most, points); taken += 1) sum += choose(points, taken);
  return sum <= Number.MAX_SAFE_INTEGER ? sum : Infinity;
}

/**
 * @param number of the run, from 0: first the one in which none is taken, then those with one.
 * @returns the points taken
 */
export function boundedRun(points: number, most: number, number: number): readonly number[] {
  let left = number;
  for (let taken = 0; taken <= Math.min(most, points); taken += 1) {
    const runs = choose(points, taken);
    if (left < runs) return combination(points, taken, left);
    left -= runs;
  }
  throw new RangeError(`there is no run ${number}`);
}

/** Time passes at these points of the named domains, and nowhere else. */
export function boundedStrategy(taken: readonly number[], domains: readonly string[]): Strategy {
  const chosen = new Set(taken);
  let reached = 0;
  return {
    decide: (point) => {
      if (domains.length > 0 && !domains.includes(point.domain)) return 0;
      const isChosen = chosen.has(reached);
      reached += 1;
      return isChosen ? upToNextEvent(point, BEYOND_NS) : 0;
    },
  };
}

/** The `rank`-th way, in lexical order, to take `taken` of `points`. */
function combination(points: number, taken: number, rank: number): readonly number[] {
  const chosen: number[] = [];
  let left = rank;
  for (let point = 0; chosen.length < taken; point += 1) {
    const withIt = choose(points - point - 1, taken - chosen.length - 1);
    if (left < withIt) chosen.push(point);
    else left -= withIt;
  }
  return chosen;
}

function choose(from: number, taken: number): number {
  let ways = 1;
  for (let i = 0; i < taken; i += 1) ways = (ways * (from - i)) / (i + 1);
  return Math.round(ways);
}
