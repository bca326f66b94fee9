/**
 * Scheduling policies: whose request goes to the device next. Upstream always serves client 0
 * first.
 */

import type { BlkPolicyConfig, BlkShare } from '../../../queues/blk/config.ts';
import { DeficitRoundRobin } from '../../../queues/turns/deficit-round-robin.ts';
import { RoundRobin } from '../../../queues/turns/round-robin.ts';
import { StrictOrder } from '../../../queues/turns/strict-order.ts';
import { TokenBuckets } from './token-bucket.ts';

export const NO_CLIENT = -1;

export interface SchedulingPolicy {
  /**
   * Chooses, and charges, the client whose request goes next.
   *
   * @param costs bytes of each client's next request; 0: it has none that may go
   * @param nowNs the time, for policies that need it
   * @returns the client, or {@link NO_CLIENT}
   */
  next(costs: Uint32Array, nowNs: number): number;
  /**
   * After `next` has answered {@link NO_CLIENT}: when somebody may go; `Infinity` when nobody waits
   * for time.
   */
  readonly wakeAtNs: number;
  /**
   * Whether it matters how much somebody has been given before. If not, whoever is chosen while
   * nobody else waits would be chosen again, for as long as he has requests.
   */
  readonly countsBytes: boolean;
}

export function makePolicy(config: BlkPolicyConfig, shares: readonly BlkShare[]): SchedulingPolicy {
  switch (config.kind) {
    case 'strict':
      return new StrictOrder();
    case 'round-robin':
      return new RoundRobin(shares.length);
    case 'drr':
      return new DeficitRoundRobin(
        config.quantumBytes,
        shares.map((share) => share.weight ?? 1),
      );
    case 'token-bucket':
      return new TokenBuckets(shares);
  }
}
