/** What a worker process is asked to do: plain data, so that it can be sent to another process or machine. */

import { type CampaignSpec, explorationNamed } from '../../sim/campaign/campaign.ts';
import type { SystemReference } from '../../sim/failure/failure-file.ts';
import type { WorldSystem } from '../../sim/world.ts';
import { checkPlan } from './plan-file.ts';
import { UserMistake } from '../../host/problem.ts';

export interface CampaignRequest {
  readonly system: SystemReference;
  /** Text of the plan, with all that it includes; standard chaos without one. */
  readonly plan: string | undefined;
  readonly amount: number | undefined;
  readonly forNs: number | undefined;
  /** `random`, `pct:3` or `none`. */
  readonly explore: string;
  readonly twiceEvery: number;
}

/** @throws UserMistake when the plan does not fit the system, or the strategy is none */
export function specOf(request: CampaignRequest, target: WorldSystem): CampaignSpec {
  const { plan: text, amount, forNs, twiceEvery } = request;
  const explore = explorationNamed(request.explore, target, amount);
  if (explore === 'unknown') {
    throw new UserMistake(`--explore: '${request.explore}' is not random, pct:3 or none`);
  }
  const others = { amount, forNs, explore, twiceEvery };
  if (text === undefined) return { plan: undefined, ...others };
  const plan = checkPlan({ name: 'the plan', text }, target.system);
  if (!plan.ok) throw new UserMistake(plan.problems.join('\n'));
  return { plan: plan.plan, ...others };
}
