/**
 * A token bucket for each client: bytes per second, and a burst after a pause. A client with tokens
 * goes, in round robin with the others; a request larger than what is left puts the bucket into
 * debt, which time pays off.
 */

import type { BlkShare } from '../../../queues/blk/config.ts';

const NS_PER_SECOND = 1e9;

export class TokenBuckets {
  readonly countsBytes = true;
  wakeAtNs = Infinity;
  readonly #rates: Float64Array;
  readonly #bursts: Float64Array;
  readonly #tokens: Float64Array;
  #filledAtNs = 0;
  #last: number;

  constructor(shares: readonly BlkShare[]) {
    this.#rates = Float64Array.from(shares, (share) => share.bytesPerSecond ?? Infinity);
    this.#bursts = Float64Array.from(
      shares,
      (share) => share.burstBytes ?? share.bytesPerSecond ?? Infinity,
    );
    this.#tokens = Float64Array.from(this.#bursts);
    this.#last = shares.length - 1;
  }

  next(costs: Uint32Array, nowNs: number): number {
    this.#fill(nowNs);
    const clients = costs.length;
    this.wakeAtNs = Infinity;
    for (let step = 1; step <= clients; step += 1) {
      const client = (this.#last + step) % clients;
      const cost = costs[client] as number;
      if (cost === 0) continue;
      const tokens = this.#tokens[client] as number;
      if (tokens > 0) {
        this.#tokens[client] = tokens - cost;
        this.#last = client;
        return client;
      }
      const waitNs = Math.ceil(((1 - tokens) * NS_PER_SECOND) / (this.#rates[client] as number));
      this.wakeAtNs = Math.min(this.wakeAtNs, nowNs + waitNs);
    }
    return -1;
  }

  #fill(nowNs: number): void {
    const elapsedNs = nowNs - this.#filledAtNs;
    if (elapsedNs <= 0) return;
    this.#filledAtNs = nowNs;
    for (let client = 0; client < this.#rates.length; client += 1) {
      const rate = this.#rates[client] as number;
      if (rate === Infinity) continue;
      const filled = (this.#tokens[client] as number) + (rate * elapsedNs) / NS_PER_SECOND;
      this.#tokens[client] = Math.min(this.#bursts[client] as number, filled);
    }
  }
}
