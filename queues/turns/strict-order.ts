/**
 * The client that comes first in the description goes first, always: upstream's policy, and it can
 * starve others.
 */
export class StrictOrder {
  readonly wakeAtNs = Infinity;
  readonly countsBytes = false;

  /**
   * @param costs of each client's next request, in bytes; 0 for a client that has none
   * @returns the client that is served now; -1 when nobody has a request
   */
  next(costs: Uint32Array): number {
    for (let client = 0; client < costs.length; client += 1) if (costs[client] !== 0) return client;
    return -1;
  }
}
