/**
 * Writes plans as JSON, so that {@link readPlan} reads the same again: for failure files and for
 * people.
 */

import { durationText } from './duration.ts';
import { type Amount, type Extent, type Plan, PLAN_SCHEMA, type Rule, type When } from './plan.ts';

type Json = Readonly<Record<string, unknown>>;

/** @returns a plain object for `JSON.stringify` */
export function planJson(plan: Plan): Json {
  return { schema: PLAN_SCHEMA, name: plan.name, rules: plan.rules.map(ruleJson) };
}

export function ruleJson(rule: Rule): Json {
  const when = whenJson(rule.when);
  const extent = extentJson(rule.for);
  return {
    at: rule.at,
    fault: rule.fault,
    ...(Object.keys(when).length === 0 ? {} : { when }),
    ...(extent === undefined ? {} : { for: extent }),
    ...(Object.keys(rule.parameters).length === 0
      ? {}
      : { parameters: rule.parameters satisfies Readonly<Record<string, Amount>> }),
    ...(rule.optional === 'yes' ? { optional: true } : {}),
  };
}

function whenJson(when: When): Json {
  const { timeNs, fromNs, untilNs, ...others } = when;
  return {
    ...(timeNs === undefined ? {} : { time: durationText(timeNs) }),
    ...others,
    ...(fromNs === undefined ? {} : { from: durationText(fromNs) }),
    ...(untilNs === undefined ? {} : { until: durationText(untilNs) }),
  };
}

function extentJson({ durationNs, times }: Extent): Json | string | undefined {
  if (times === undefined) return durationNs === undefined ? undefined : durationText(durationNs);
  return { times, ...(durationNs === undefined ? {} : { duration: durationText(durationNs) }) };
}
