/**
 * Standard chaos: a plan for each seed, drawn from all faults of a system. Each world has another
 * few of them, some rare and some often, because a fault that is always there hides what only shows
 * without it ("swarm testing", Groce and others, ISSTA 2012).
 */

import type { Random } from '../../board/random.ts';
import { demand } from '../../memory/misuse.ts';
import type { FaultKind, PointKind } from '../points/point.ts';
import type { Plan, Rule } from './plan.ts';

/** One fault in so many is in a world. */
const ONE_IN = 5;
/**
 * Clients that misbehave are in one world in so many. They have many points, and what they do
 * excuses much: in every world they would hide what the others' faults show.
 */
const CLIENTS_ONE_IN = 3;
const CLIENT_GROUPS: ReadonlySet<string> = new Set(['queue', 'pd']);
/** Chances of an opportunity, from one in a thousand to one in twenty, each magnitude as likely. */
const CHANCE_MAX = 0.05;
const CHANCE_MIN = 0.001;
/**
 * Of an opportunity of which there are few. Not of each of them: where the way out of a fault is
 * another opportunity (a configuration that changes is read again), there would be no end.
 */
const OFTEN = [0.2, 1] as const;
const OFTEN_AT_MOST = 0.9;
/** Moments come while traffic runs. */
const MOMENT_NS_MAX = 10_000_000;
const LASTING_NS_MAX = 2_000_000;
/** So many times longer where there is a serial line: that is slow. */
const SERIAL_SLOWNESS = 12;

export function standardChaos(points: readonly PointKind[], random: Random): Plan {
  const slowness = slownessOf(points);
  const hasBadClients = random.fork('clients').below(CLIENTS_ONE_IN) === 0;
  const drawn = points.filter(({ group }) => hasBadClients || !CLIENT_GROUPS.has(group));
  const rules = drawn.flatMap((point) =>
    point.faults.flatMap((fault) => {
      // A generator for each: a fault that is added later does not change the others' worlds.
      const own = random.fork(`${point.name} ${fault.name}`);
      const isDrawn = own.below(ONE_IN) === 0 && fault.chaos !== 'never';
      return isDrawn ? [drawRule(point, fault, own, slowness)] : [];
    }),
  );
  return { name: 'standard chaos', rules };
}

/** A rule for any fault of the system, all as likely. */
export function drawnRule(points: readonly PointKind[], random: Random): Rule {
  const possible = points.flatMap((point) =>
    point.faults.filter(({ chaos }) => chaos !== 'never').map((fault) => ({ point, fault })),
  );
  const drawn = possible[random.below(possible.length)];
  demand(drawn !== undefined, 'a system has faults');
  return drawRule(drawn.point, drawn.fault, random, slownessOf(points));
}

function slownessOf(points: readonly PointKind[]): number {
  return points.some(({ group }) => group === 'serial') ? SERIAL_SLOWNESS : 1;
}

function drawRule(point: PointKind, fault: FaultKind, random: Random, slowness: number): Rule {
  const common = { at: point.name, fault: fault.name, parameters: {}, optional: 'yes' } as const;
  if (fault.trigger === 'moment') {
    return {
      ...common,
      when: { timeNs: random.below(MOMENT_NS_MAX * slowness) },
      for: { durationNs: 1 + random.below(LASTING_NS_MAX * slowness) },
    };
  }
  const [min, max] = fault.chaos === 'often' ? OFTEN : [CHANCE_MIN, CHANCE_MAX];
  const probability = Math.min(min * (max / min) ** random.float(), OFTEN_AT_MOST);
  // Two digits are enough, and a person can read them.
  return { ...common, when: { probability: Number(probability.toPrecision(2)) }, for: {} };
}
