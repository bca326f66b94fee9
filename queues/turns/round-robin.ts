/** One request of each client in turn, whatever its size: fair in requests, not in bytes. */
export class RoundRobin {
  readonly wakeAtNs = Infinity;
  readonly countsBytes = false;
  #last: number;

  constructor(clients: number) {
    this.#last = clients - 1;
  }

  /**
   * @param costs of each client's next request, in bytes; 0 for a client that has none
   * @returns the client that is served now; -1 when nobody has a request
   */
  next(costs: Uint32Array): number {
    const clients = costs.length;
    for (let step = 1; step <= clients; step += 1) {
      const behind = this.#last + step;
      const client = behind < clients ? behind : behind - clients;
      if (costs[client] === 0) continue;
      this.#last = client;
      return client;
    }
    return -1;
  }
}
