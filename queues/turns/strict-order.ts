/**
 * The client that comes first in the description goes first, always: upstream's policy, and it can
 * starve others.
 */
export class StrictOrder {
  readonly wakeAtNs = Infinity;

  next(costs: Uint32Array): number {
    for (let client = 0; client < costs.length; client += 1) if (costs[client] !== 0) return client;
    return -1;
  }
}
