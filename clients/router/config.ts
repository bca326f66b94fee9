/** What the router's configuration says, and what it counts. */

import { counterNames } from '../../queues/counters.ts';
import type { NetClientConfig } from '../../queues/net/config.ts';
import type { MemberConfig } from '../../queues/restart/config.ts';
import type { TimerClientConfig } from '../../queues/timer/config.ts';

/** A network that the router is connected to. */
export interface RouterNetwork extends NetClientConfig {
  /** The router's address there, such as "10.0.2.1". */
  readonly ip: string;
}

export interface RouterConfig {
  readonly net0: RouterNetwork;
  readonly net1: RouterNetwork;
  /** Bits of both networks' addresses that name the network. */
  readonly prefix: number;
  /** What may pass; without a rule, nothing does. */
  readonly rules: readonly AccessRule[];
  readonly timer: TimerClientConfig;
  /** Where there is a supervisor. */
  readonly restart?: MemberConfig;
  /** Region for the counters; without it they are private. */
  readonly stats?: string;
}

/**
 * Who may reach whom, in the form of the switch's access list. With a protocol, what goes from `b`
 * to `a` is answers: ICMP but no request, datagrams from the port, segments from the port that
 * begin no connection.
 */
export interface AccessRule {
  readonly a: 'net0' | 'net1';
  readonly b: 'net0' | 'net1';
  readonly aToB: boolean;
  readonly bToA: boolean;
  /** All unless told. */
  readonly protocol?: 'icmp' | 'udp' | 'tcp';
  /** At `b`, of UDP and TCP; all unless told. */
  readonly port?: number;
}

export const ROUTER_COUNTERS = counterNames(
  'forwarded',
  /** Waits until somebody has said whose address it is for; is forwarded, or unresolved, then. */
  'held',
  'bytesForwarded',
  'copies',
  'bytesCopied',
  // For the router itself.
  'arpAnswered',
  'arpLearnt',
  'icmpEchoed',
  // What it has asked and told others.
  'arpAsked',
  'timeExceeded',
  'unreachable',
  'errorsLimited',
  // Received and not forwarded, by reason.
  'dropShort',
  'dropNotForUs',
  'dropEthertype',
  'dropArp',
  'dropIpHeader',
  'dropIpChecksum',
  /** The sender's address is not one of the network that the frame came from. */
  'dropSpoofed',
  /** The access list says no. */
  'refused',
  'dropTimeToLive',
  /** For neither network, for all of one, or for the network that it came from. */
  'dropNoRoute',
  'dropLocal',
  /** Nobody has answered for the address; also those that one that came later has pushed out. */
  'dropUnresolved',
  /** The network that it is for does not take any more. */
  'dropNoBuffer',
  /** Entries in our own queues that name no buffer of ours. */
  'badRxBuffer',
  'badTxBuffer',
  'queueFull',
);
