/** The router's access list: stateless, so answers are known by what they look like. */

import * as wire from '../../queues/net/wire.ts';
import type { AccessRule } from './config.ts';

/** What of a packet the list looks at. */
export interface Judged {
  readonly protocol: number;
  /** Ports, where there are any: UDP and TCP, but for fragments behind the first. */
  readonly hasPorts: boolean;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** TCP's SYN without ACK, or an ICMP message that asks for an answer. */
  readonly isRequest: boolean;
}

/** By number: `net0` is 0. */
export type Side = 0 | 1;

const PROTOCOLS = {
  icmp: wire.IP_PROTOCOL_ICMP,
  udp: wire.IP_PROTOCOL_UDP,
  tcp: wire.IP_PROTOCOL_TCP,
} as const;

export class AccessList {
  readonly #rules: readonly AccessRule[];

  constructor(rules: readonly AccessRule[]) {
    this.#rules = rules;
  }

  /** @returns whether the packet may go from one network to the other */
  allows(packet: Judged, from: Side): boolean {
    for (const rule of this.#rules) {
      const isFromA = rule.a === nameOf(from);
      if (rule.a === rule.b || !(isFromA ? rule.aToB : rule.bToA)) continue;
      if (matches(rule, packet, isFromA)) return true;
    }
    return false;
  }
}

function matches({ protocol, port }: AccessRule, packet: Judged, isFromA: boolean): boolean {
  if (protocol === undefined) return true;
  if (packet.protocol !== PROTOCOLS[protocol]) return false;
  // A connection's first segment, or an echo request, is no answer.
  if (!isFromA && packet.isRequest) return false;
  if (port === undefined || protocol === 'icmp') return true;
  return packet.hasPorts && port === (isFromA ? packet.destinationPort : packet.sourcePort);
}

function nameOf(side: Side): 'net0' | 'net1' {
  return side === 0 ? 'net0' : 'net1';
}
