/**
 * What to vary next: a campaign that is guided looks at what its worlds have come to (blocks of
 * programs, what had the processor when a fault struck), and makes others like those few that came
 * to what hardly any other came to.
 *
 *     first worlds ──▶ standard chaos ──▶ what was reached, and how often?
 *     later ones   ──▶ one that reached what is rare, its plan changed a little ──▶ …
 *
 * What a world has come to is told as _features_: numbers that mean the same in all worlds of a
 * campaign. Source: Böhme and others, "Coverage-based Greybox Fuzzing as Markov Chain" (2016), on
 * plans of faults instead of inputs.
 */

import { Random } from '../../board/random.ts';
import { drawnRule, standardChaos } from '../plan/chaos.ts';
import type { Plan, Rule } from '../plan/plan.ts';
import type { PointKind } from '../points/point.ts';

/** What a world is made of, besides what all of a campaign have in common. */
export interface Recipe {
  /** Of the world: its traffic, its orders and the chances of its plan. */
  readonly seed: number;
  readonly plan: Plan;
}

/** What has been reached in so many worlds, the latest of which are kept. */
interface Reached {
  worlds: number;
  readonly latest: Recipe[];
}

/**
 * Worlds that are chosen together, before any of them has run: so it makes no difference how many
 * run at a time.
 */
export const GENERATION = 16;
/** One world in so many is standard chaos, so that nothing is left out for good. */
const CHAOS_ONE_IN = 3;
/** Half of the worlds have one change, a quarter two, and so on. */
const CHANGES_MAX = 6;
/** Opportunities that a rule is put to, one by one. */
const OPPORTUNITY_MAX = 60;
/** Of so many features, drawn at random, the rarest is taken. */
const DRAWN = 32;
const LATEST_MAX = 4;
const CHANCES = [0.25, 0.5, 2, 4] as const;
const CHANCE_MIN = 0.0005;
/** No moment is later, and none lasts longer: nobody asks anything any more. */
const LATEST_NS = 1_000_000_000;

export class Guide {
  readonly #points: readonly PointKind[];
  readonly #reached = new Map<number, Reached>();
  /** The same in the order in which they were first reached, to draw from. */
  readonly #inOrder: Reached[] = [];

  /** @param points those of the system */
  constructor(points: readonly PointKind[]) {
    this.#points = points;
  }

  /** How many features have been seen. */
  get features(): number {
    return this.#inOrder.length;
  }

  /** @param seed of the campaign: each number is a world of its own */
  recipeOf(seed: number): Recipe {
    const random = new Random(seed).fork('guide');
    const parent = random.below(CHAOS_ONE_IN) === 0 ? undefined : this.#rare(random);
    if (parent === undefined) {
      return { seed, plan: standardChaos(this.#points, new Random(seed).fork('plan')) };
    }
    return { seed, plan: this.#vary(parent, random) };
  }

  /** A world has run; to be told in the order of seeds. @param features each once */
  learn(recipe: Recipe, features: Iterable<number>): void {
    for (const feature of features) {
      let reached = this.#reached.get(feature);
      if (reached === undefined) {
        reached = { worlds: 0, latest: [] };
        this.#reached.set(feature, reached);
        this.#inOrder.push(reached);
      }
      reached.worlds += 1;
      reached.latest.push(recipe);
      if (reached.latest.length > LATEST_MAX) reached.latest.shift();
    }
  }

  /** @returns a world that came to something rare; undefined before the first */
  #rare(random: Random): Recipe | undefined {
    let rarest: Reached | undefined;
    for (let drawn = 0; drawn < DRAWN && this.#inOrder.length > 0; drawn += 1) {
      const reached = this.#inOrder[random.below(this.#inOrder.length)] as Reached;
      if (rarest === undefined || reached.worlds < rarest.worlds) rarest = reached;
    }
    return rarest?.latest[random.below(rarest.latest.length)];
  }

  #vary({ plan }: Recipe, random: Random): Plan {
    let { rules } = plan;
    for (let change = 0; change < CHANGES_MAX; change += 1) {
      rules = this.#changed(rules, random);
      if (random.below(2) === 0) break;
    }
    return { name: 'varied chaos', rules };
  }

  #changed(rules: readonly Rule[], random: Random): readonly Rule[] {
    const index = random.below(Math.max(1, rules.length));
    const rule = rules[index];
    if (rule === undefined) return [...rules, drawnRule(this.#points, random)];
    switch (random.below(6)) {
      case 0:
        return rules.toSpliced(index, 1);
      case 1:
        return [...rules, this.#borrowed(random) ?? drawnRule(this.#points, random)];
      case 2:
      case 3:
        return rules.with(index, changedRule(rule, random));
      default:
        return [...rules, drawnRule(this.#points, random)];
    }
  }

  /** A rule of another world that was kept. */
  #borrowed(random: Random): Rule | undefined {
    const rules = this.#rare(random)?.plan.rules ?? [];
    return rules[random.below(Math.max(1, rules.length))];
  }
}

function changedRule(rule: Rule, random: Random): Rule {
  const { timeNs, probability = 1 } = rule.when;
  if (timeNs !== undefined) {
    const { durationNs = 1 } = rule.for;
    const longer = Math.min(LATEST_NS, Math.ceil(durationNs * (random.below(2) === 0 ? 0.25 : 4)));
    const isMoved = random.below(2) === 0;
    return isMoved
      ? {
          ...rule,
          when: { ...rule.when, timeNs: random.below(Math.min(2 * timeNs, LATEST_NS) + 1) },
        }
      : { ...rule, for: { ...rule.for, durationNs: longer } };
  }
  if (random.below(3) === 0) {
    return { ...rule, when: { nth: [1 + random.below(OPPORTUNITY_MAX)] } };
  }
  const chance = probability * (CHANCES[random.below(CHANCES.length)] as number);
  const bounded = Math.min(1, Math.max(CHANCE_MIN, chance));
  return { ...rule, when: { probability: Number(bounded.toPrecision(2)) } };
}
