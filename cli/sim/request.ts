/**
 * What a worker process is asked to do: plain data, so that it can be sent to another process or
 * machine.
 */

import { boundedOf, type CampaignSpec, explorationNamed } from '../../sim/campaign/campaign.ts';
import type { SystemDigests, SystemReference } from '../../sim/failure/failure-file.ts';
import { NO_FAULTS, type Plan } from '../../sim/plan/plan.ts';
import type { WorldSystem } from '../../sim/world.ts';
import { networkDevices } from '../../systems/devices.ts';
import type { CoverageExtent } from '../coverage/report.ts';
import { checkPlan } from './plan-file.ts';
import { UserMistake } from '../../host/problem.ts';

export interface CampaignRequest {
  readonly system: SystemReference;
  /** Of the parts that it has to have, where somebody else asks. */
  readonly digests?: SystemDigests;
  /** Text of the plan, with all that it includes; standard chaos without one. */
  readonly plan: string | undefined;
  readonly amount: number | undefined;
  readonly forNs: number | undefined;
  /** `random`, `pct:3`, `bounded:2` or `none`. */
  readonly explore: string;
  /** Domains whose points `bounded` takes; all when none is named. */
  readonly domains: readonly string[];
  readonly twiceEvery: number;
  /** Kernel entries between two looks at all of the kernel's invariants. */
  readonly invariantsEvery?: number | undefined;
  /** What the process that runs worlds tells of what they execute; nothing unless told. */
  readonly coverage?: CoverageExtent;
  /** Each world comes with a recipe, and what it has come to is told. */
  readonly isGuided?: boolean;
}

/** @throws UserMistake when the plan does not fit the system, or the strategy is none */
export function specOf(request: CampaignRequest, target: WorldSystem): CampaignSpec {
  const { amount, forNs, twiceEvery, invariantsEvery } = request;
  checkNics(target);
  const plan = planOf(request, target);
  const isNoted = request.isGuided === true || (request.coverage ?? 'none') !== 'none';
  const bulk = isNoted ? ('executed' as const) : undefined;
  const common = { plan, amount, forNs, twiceEvery, invariantsEvery, bulk };
  const bounded = boundedRequest(request, target);
  if (bounded !== undefined) return { ...common, explore: undefined, bounded: bounded.bounded };
  const explore = explorationNamed(request.explore, target, amount);
  if (explore === 'unknown') {
    throw new UserMistake(
      `--explore: '${request.explore}' is not random, pct:3, bounded:2 or none`,
    );
  }
  return { ...common, explore };
}

/** A world's traffic comes in at one NIC. */
function checkNics({ system }: WorldSystem): void {
  const further = networkDevices.slice(1).map(({ physAddr }) => BigInt(physAddr));
  if (
    !system.regions.some(({ physAddr }) => physAddr !== undefined && further.includes(physAddr))
  ) {
    return;
  }
  throw new UserMistake('the system has several NICs, and worlds have one; sddf run has them all');
}

/**
 * @returns undefined when the request is not for `bounded`
 * @throws UserMistake
 */
export function boundedRequest(
  request: CampaignRequest,
  target: WorldSystem,
): ReturnType<typeof boundedOf> | undefined {
  const most = Number(/^bounded:([1-9])$/.exec(request.explore)?.[1]);
  if (Number.isNaN(most)) return undefined;
  const { amount, forNs, domains } = request;
  return boundedOf(target, most, {
    domains,
    plan: planOf(request, target) ?? NO_FAULTS,
    ...(amount === undefined ? {} : { amount }),
    ...(forNs === undefined ? {} : { forNs }),
  });
}

function planOf({ plan: text }: CampaignRequest, target: WorldSystem): Plan | undefined {
  if (text === undefined) return undefined;
  const plan = checkPlan({ name: 'the plan', text }, target.system);
  if (!plan.ok) throw new UserMistake(plan.problems.join('\n'));
  return plan.plan;
}
