/** Runs the world of a failure file again. */

import {
  runWorld,
  type WorldOptions,
  type WorldOutcome,
  type WorldSystem,
  type WorldWatch,
} from '../world.ts';
import { digestOf } from './digest.ts';
import type { Failure, WorldSpec } from './failure-file.ts';

export interface Replay {
  readonly outcome: WorldOutcome;
  /** Whether it came out byte for byte as it did then. */
  readonly isSame: boolean;
}

/** Runs the world of a failure file, watched or not: the outcome is the same. */
export function replay(failure: Failure, target: WorldSystem, watch?: WorldWatch): Replay {
  const options = worldOptions(failure.world, target);
  const outcome = runWorld(watch === undefined ? options : { ...options, watch });
  return { outcome, isSame: digestOf(JSON.stringify(outcome)) === failure.outcome };
}

export function worldOptions(spec: WorldSpec, target: WorldSystem): WorldOptions {
  const { seed, plan, amount, forNs, decisions, invariantsEvery, bulk } = spec;
  return {
    target,
    seed,
    plan,
    ...(amount === undefined ? {} : { amount }),
    ...(forNs === undefined ? {} : { forNs }),
    ...(decisions === undefined ? {} : { explore: { kind: 'replay', decisions } }),
    ...(invariantsEvery === undefined ? {} : { invariantsEvery }),
    ...(bulk === undefined ? {} : { bulk }),
  };
}
