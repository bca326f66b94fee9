/** How orders are chosen. */

import type { Random } from '../../board/random.ts';
import type { ChoicePoint, Decision, Strategy } from './explorer.ts';

/** At one point in so many, time passes. */
const RANDOM_ONE_IN = 40;
/** Time passes up to the next event and by up to this much more, ns. */
const BEYOND_NS_MAX = 3_000;
/**
 * No time passes where the next event is further off than this, ns: a program as slow as that is of
 * no interest.
 */
const AHEAD_NS_MAX = 100_000;

/** Everywhere with the same small chance. */
export function randomStrategy(random: Random): Strategy {
  return {
    decide: (point) => {
      const isChosen = random.below(RANDOM_ONE_IN) === 0;
      const beyondNs = random.below(BEYOND_NS_MAX);
      return isChosen ? upToNextEvent(point, beyondNs) : 0;
    },
  };
}

/**
 * Probabilistic concurrency testing (Burckhardt and others, ASPLOS 2010), for a system in which
 * priorities are fixed and only the moments of interrupts are free: `depth` points of the run,
 * drawn beforehand, are those at which time passes, and nowhere else. A bug that needs d such
 * moments is found with a chance of at least 1 / points^d.
 *
 * @param expectedPoints about how many points the run will have
 */
export function pctStrategy(random: Random, depth: number, expectedPoints: number): Strategy {
  const chosen = new Set<number>();
  for (let i = 0; i < depth; i += 1) chosen.add(random.below(Math.max(1, expectedPoints)));
  return {
    decide: (point) =>
      chosen.has(point.number) ? upToNextEvent(point, random.below(BEYOND_NS_MAX)) : 0,
  };
}

/** What was decided before, and nothing else. */
export function replayStrategy(decisions: readonly Decision[]): Strategy {
  const byPoint = new Map(decisions.map(({ at, ns }) => [at, ns]));
  return { decide: ({ number }) => byPoint.get(number) ?? 0 };
}

/** As {@link replayStrategy} up to a time, and as {@link randomStrategy} from then on. */
export function continueStrategy(
  past: { readonly decisions: readonly Decision[]; readonly fromNs: number },
  random: Random,
): Strategy {
  const before = replayStrategy(past.decisions);
  const after = randomStrategy(random);
  return { decide: (point) => (point.timeNs < past.fromNs ? before : after).decide(point) };
}

/** Time up to the next thing that happens by itself, and a little more. */
export function upToNextEvent({ untilNextEventNs }: ChoicePoint, beyondNs: number): number {
  return (untilNextEventNs <= AHEAD_NS_MAX ? Math.max(0, untilNextEventNs) : 0) + beyondNs;
}
