/** The plan of faults that a scenario has as text, read. */

import { NO_FAULTS, type Plan } from '../../sim/plan/plan.ts';
import { type PlanResult, readPlan } from '../../sim/plan/read-plan.ts';
import type { PointKind } from '../../sim/points/point.ts';
import type { Scenario } from './scenario.ts';

/** @param points of the scenario's system */
export function readScenarioPlan(
  { plan: text }: Pick<Scenario, 'plan'>,
  points: readonly PointKind[],
): PlanResult {
  if (text === '') return { ok: true, plan: NO_FAULTS };
  const include = (): string => 'a link has no files beside it';
  return readPlan({ name: 'plan', text }, { points, include });
}

/** Its faults come one after the other; none where it cannot be read, which the engine tells. */
export function rulesOf(
  scenario: Pick<Scenario, 'plan'>,
  points: readonly PointKind[],
): Plan['rules'] {
  const read = readScenarioPlan(scenario, points);
  return read.ok ? read.plan.rules : [];
}
