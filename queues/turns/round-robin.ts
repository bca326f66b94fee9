/** One request of each client in turn, whatever its size: fair in requests, not in bytes. */
export class RoundRobin {
  readonly wakeAtNs = Infinity;
  #last: number;

  constructor(clients: number) {
    this.#last = clients - 1;
  }

  next(costs: Uint32Array): number {
    const clients = costs.length;
    for (let step = 1; step <= clients; step += 1) {
      const client = (this.#last + step) % clients;
      if (costs[client] === 0) continue;
      this.#last = client;
      return client;
    }
    return -1;
  }
}
