/**
 * Whose frame goes next, where the description asks for more than emptying one client's queue after
 * the other.
 */

import type { NetTxPolicyConfig } from '../../../queues/net/config.ts';
import { DeficitRoundRobin } from '../../../queues/turns/deficit-round-robin.ts';
import { RoundRobin } from '../../../queues/turns/round-robin.ts';
import { StrictOrder } from '../../../queues/turns/strict-order.ts';

export interface TxPolicy {
  /**
   * Chooses, and charges, the client whose frame goes next.
   *
   * @param lengths bytes of each client's next frame; 0: it has none
   * @returns the client, or -1 when nobody has one
   */
  next(lengths: Uint32Array): number;
}

export function makeTxPolicy(config: NetTxPolicyConfig, clients: number): TxPolicy {
  switch (config.kind) {
    case 'strict':
      return new StrictOrder();
    case 'round-robin':
      return new RoundRobin(clients);
    case 'drr':
      return new DeficitRoundRobin(
        config.quantumBytes,
        Array.from({ length: clients }, (_, index) => config.weights?.[index] ?? 1),
      );
  }
}
