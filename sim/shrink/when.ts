/**
 * From which moment on a failure becomes likely. Everything up to a moment is kept as it was; from
 * then on chance is drawn anew, some times. Where nearly all of these worlds still fail, the cause
 * lies before; where few do, it is still to come.
 */

import { type Failure, signatureOf, type WorldSpec } from '../failure/failure-file.ts';
import { worldOptions } from '../failure/replay.ts';
import type { Rule } from '../plan/plan.ts';
import { runWorld, type WorldOutcome, type WorldSystem } from '../world.ts';
import { explicitPlan } from './explicit-plan.ts';

export interface Likelihood {
  /** Chance is drawn anew from this moment on. */
  readonly fromNs: number;
  /** Of `worlds`, so many fail in the same way. */
  readonly failed: number;
  readonly worlds: number;
}

export interface WhenOptions {
  readonly failure: Failure;
  readonly target: WorldSystem;
  /** Moments that are tried, and worlds for each. */
  readonly moments: number;
  readonly worlds: number;
  readonly onMoment: (likelihood: Likelihood) => void;
  /** Told before each world. */
  readonly onWorld?: () => void;
}

/** @returns the earliest moment first; undefined when the failure does not come again */
export function whenLikely(options: WhenOptions): readonly Likelihood[] | undefined {
  const { failure, target, moments } = options;
  options.onWorld?.();
  const then = runWorld(worldOptions(failure.world, target));
  const signature = signatureOf(failure);
  if (signatureOf(then) !== signature) return undefined;
  const endNs = then.violations[0]?.timeNs ?? then.timeNs;
  const found: Likelihood[] = [];
  for (let index = 0; index < moments; index += 1) {
    // Evenly from the end to the beginning.
    const fromNs = Math.floor((endNs * (moments - index - 1)) / Math.max(1, moments - 1));
    const likelihood = likelihoodFrom(fromNs, then, options);
    options.onMoment(likelihood);
    found.unshift(likelihood);
  }
  return found;
}

function likelihoodFrom(fromNs: number, then: WorldOutcome, options: WhenOptions): Likelihood {
  const { failure, target, worlds } = options;
  const signature = signatureOf(failure);
  let failed = 0;
  for (let index = 0; index < worlds; index += 1) {
    const spec = redrawn(failure.world, then, fromNs);
    options.onWorld?.();
    const outcome = runWorld({
      ...worldOptions(spec, target),
      faultSeed: index + 1,
      ...(spec.decisions === undefined
        ? {}
        : { explore: { kind: 'continue', decisions: spec.decisions, seed: index + 1, fromNs } }),
    });
    if (signatureOf(outcome) === signature) failed += 1;
  }
  return { fromNs, failed, worlds };
}

/** The plan with what has struck so far as it was, and with its own rules from then on. */
function redrawn(world: WorldSpec, then: WorldOutcome, fromNs: number): WorldSpec {
  const before = then.strikes.filter(({ timeNs }) => timeNs < fromNs);
  const past = explicitPlan(world.plan, before).rules;
  const future = world.plan.rules
    .filter(({ when }) => when.timeNs === undefined || when.timeNs >= fromNs)
    .map((rule): Rule => ({
      ...rule,
      when: { ...rule.when, fromNs: Math.max(rule.when.fromNs ?? 0, fromNs) },
      optional: 'yes',
    }));
  return { ...world, plan: { ...world.plan, rules: [...past, ...future] } };
}
