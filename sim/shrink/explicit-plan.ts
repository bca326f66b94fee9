/**
 * A plan that says by number what a plan with chances came to: a rule for each strike. It makes the
 * same world, and any of its rules can be taken away without touching the others.
 */

import type { Plan, Rule } from '../plan/plan.ts';
import type { Strike } from '../points/point.ts';

export function explicitPlan(plan: Plan, strikes: readonly Strike[]): Plan {
  return {
    name: `${plan.name}, strike by strike`,
    rules: strikes.map((each) => ruleOf(each, plan)),
  };
}

function ruleOf(strike: Strike, plan: Plan): Rule {
  const { at, fault, opportunity, timeNs, parameters } = strike;
  const isMoment = opportunity === 0;
  const durationNs = plan.rules[strike.rule]?.for.durationNs;
  return {
    at,
    fault,
    when: isMoment ? { timeNs } : { nth: [opportunity] },
    // The duration of a rule with opportunities has become strikes of their own.
    for: isMoment && durationNs !== undefined ? { durationNs } : {},
    parameters,
    optional: 'yes',
  };
}
