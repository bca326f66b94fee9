/**
 * Deficit round robin (Shreedhar and Varghese 1995): each client in turn may move a quantum of
 * bytes, times its weight; what it could not use because its next request is larger it may use in
 * its next turn. Fair in bytes to within one request, at constant cost per request.
 */
export class DeficitRoundRobin {
  readonly wakeAtNs = Infinity;
  readonly countsBytes = true;
  readonly #quanta: Float64Array;
  readonly #deficits: Float64Array;
  /** Whose turn it is. */
  #turn = 0;
  /** Whether the turn's quantum has been added. */
  #added = false;

  constructor(quantumBytes: number, weights: readonly number[]) {
    this.#quanta = Float64Array.from(weights, (weight) => quantumBytes * weight);
    this.#deficits = new Float64Array(weights.length);
  }

  /**
   * @param costs of each client's next request, in bytes; 0 for a client that has none
   * @returns the client that is served now; -1 when nobody has a request
   */
  next(costs: Uint32Array): number {
    // Two rounds at most: the second one after the deficits have grown to what the first to be
    // served needs.
    for (let round = 0; round < 2; round += 1) {
      for (let visits = 0; visits <= costs.length; visits += 1) {
        if (this.#visit(costs)) return this.#turn;
        this.#pass();
      }
      if (!this.#skipRounds(costs)) return -1;
    }
    return -1;
  }

  /** Looks at the client whose turn it is. @returns whether it is served */
  #visit(costs: Uint32Array): boolean {
    const turn = this.#turn;
    const cost = costs[turn] as number;
    if (cost === 0) {
      // A client that has nothing to send saves nothing up.
      this.#deficits[turn] = 0;
      return false;
    }
    if (!this.#added) {
      this.#deficits[turn] = (this.#deficits[turn] as number) + (this.#quanta[turn] as number);
      this.#added = true;
    }
    if (cost > (this.#deficits[turn] as number)) return false;
    this.#deficits[turn] = (this.#deficits[turn] as number) - cost;
    return true;
  }

  #pass(): void {
    this.#turn = (this.#turn + 1) % this.#quanta.length;
    this.#added = false;
  }

  /**
   * Nobody could afford a request: lets as many rounds pass as the first of them needs.
   * @returns whether anyone waits
   */
  #skipRounds(costs: Uint32Array): boolean {
    let rounds = Infinity;
    for (let client = 0; client < costs.length; client += 1) {
      if (costs[client] === 0) continue;
      const missing = (costs[client] as number) - (this.#deficits[client] as number);
      rounds = Math.min(rounds, Math.ceil(missing / (this.#quanta[client] as number)));
    }
    if (rounds === Infinity) return false;
    for (let client = 0; client < costs.length; client += 1) {
      if (costs[client] === 0) continue;
      const grown =
        (this.#deficits[client] as number) + (rounds - 1) * (this.#quanta[client] as number);
      this.#deficits[client] = grown;
    }
    return true;
  }
}
