/**
 * The address translation of the user-mode network: each peer on the host, per forward, is a port
 * of the gateway.
 *
 * The peer's own port number is used when it is free. When the table is full, the entry that has
 * been quiet for longest makes room.
 */

import { assert } from '../../memory/assert.ts';

const EPHEMERAL_PORT_FIRST = 49_152;

/** A peer on the host. */
export interface HostPeer {
  readonly address: string;
  readonly port: number;
}

export interface Translation {
  readonly forward: number;
  readonly peer: HostPeer;
  readonly key: string;
  readonly gatewayPort: number;
  usedAt: number;
}

export class AddressTranslation {
  readonly #byPeer = new Map<string, Translation>();
  readonly #byPort = new Map<number, Translation>();
  readonly #entriesMax: number;
  #nextPort = EPHEMERAL_PORT_FIRST;
  #uses = 0;
  evicted = 0;

  constructor(entriesMax: number) {
    // The search for a free port ends because there are more ports than entries.
    assert(entriesMax < 65_536 - EPHEMERAL_PORT_FIRST, 'more ports than translations');
    this.#entriesMax = entriesMax;
  }

  get size(): number {
    return this.#byPeer.size;
  }

  /** The entry of this peer, made when there is none. */
  ofPeer(forward: number, peer: HostPeer): Translation {
    const key = `${String(forward)} ${peer.address} ${String(peer.port)}`;
    const known = this.#byPeer.get(key);
    if (known !== undefined) {
      this.#touch(known);
      return known;
    }
    if (this.#byPeer.size >= this.#entriesMax) this.#evictQuietest();
    const gatewayPort = this.#byPort.has(peer.port) ? this.#freePort() : peer.port;
    const made: Translation = {
      forward,
      key,
      gatewayPort,
      peer: { address: peer.address, port: peer.port },
      usedAt: 0,
    };
    this.#touch(made);
    this.#byPeer.set(key, made);
    this.#byPort.set(gatewayPort, made);
    return made;
  }

  /** The entry that has this port of the gateway. */
  ofPort(gatewayPort: number): Translation | undefined {
    const entry = this.#byPort.get(gatewayPort);
    if (entry !== undefined) this.#touch(entry);
    return entry;
  }

  #touch(entry: Translation): void {
    this.#uses += 1;
    entry.usedAt = this.#uses;
  }

  #freePort(): number {
    while (this.#byPort.has(this.#nextPort)) {
      this.#nextPort = this.#nextPort === 65_535 ? EPHEMERAL_PORT_FIRST : this.#nextPort + 1;
    }
    return this.#nextPort;
  }

  #evictQuietest(): void {
    let quietest: Translation | undefined;
    for (const entry of this.#byPeer.values()) {
      if (quietest === undefined || entry.usedAt < quietest.usedAt) quietest = entry;
    }
    if (quietest === undefined) return;
    this.#byPeer.delete(quietest.key);
    this.#byPort.delete(quietest.gatewayPort);
    this.evicted += 1;
  }
}
