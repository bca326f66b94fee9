/** What a worker process is asked to do: plain data, so that it can be sent to another process or machine. */

import type { SystemDescription } from '../../microkit/model.ts';
import type { CampaignSpec } from '../../sim/campaign/campaign.ts';
import type { SystemReference } from '../../sim/failure/failure-file.ts';
import { checkPlan } from './plan-file.ts';
import { UserMistake } from '../../host/problem.ts';

export interface CampaignRequest {
  readonly system: SystemReference;
  /** Text of the plan, with all that it includes; standard chaos without one. */
  readonly plan: string | undefined;
  readonly amount: number | undefined;
  readonly forNs: number | undefined;
  readonly twiceEvery: number;
}

/** @throws UserMistake when the plan does not fit the system */
export function specOf(request: CampaignRequest, system: SystemDescription): CampaignSpec {
  const { plan: text, amount, forNs, twiceEvery } = request;
  if (text === undefined) return { plan: undefined, amount, forNs, twiceEvery };
  const plan = checkPlan({ name: 'the plan', text }, system);
  if (!plan.ok) throw new UserMistake(plan.problems.join('\n'));
  return { plan: plan.plan, amount, forNs, twiceEvery };
}
