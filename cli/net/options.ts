/** What `--net` says: where the board's NIC is plugged in. */

import { DHCP_ADDRESSES } from '../../host/net/dhcp-server.ts';
import { ipv4Number } from '../../host/net/packets.ts';
import {
  isIpv4,
  parsePort,
  parseStreamAddress,
  parseUdpAddress,
} from '../../host/net/socket-address.ts';
import type { StreamAddress, UdpAddress } from '../../host/net/socket-address.ts';
import type { HostForward } from '../../host/net/user-bridge.ts';
import { DHCP_START, GATEWAY_IP } from '../../host/net/user-network.ts';
import { UserMistake } from '../../host/problem.ts';
import { OptionString } from '../option-string.ts';

export type NetOptions =
  | {
      readonly kind: 'user';
      readonly forwards: readonly HostForward[];
      /** The first address that DHCP gives. */
      readonly dhcpStart: number;
    }
  | {
      readonly kind: 'stream';
      readonly role: 'server' | 'client';
      readonly address: StreamAddress;
    }
  | { readonly kind: 'dgram'; readonly local: UdpAddress; readonly remote: UdpAddress }
  | { readonly kind: 'pcap'; readonly path: string }
  | { readonly kind: 'loop' }
  | { readonly kind: 'none' };

/**
 * Behind gateway and name server, and so that the last address is below the network's broadcast
 * address.
 */
const DHCP_START_MIN = 4;
const DHCP_START_MAX = 255 - DHCP_ADDRESSES;
/** QEMU's defaults. */
const GUEST_DEFAULT = '10.0.2.15';
const FORWARD_EXAMPLE = 'hostfwd=udp:127.0.0.1:5001-10.0.2.15:1235';

export const NET_HELP = `Where the NIC is plugged in (--net):
  user[,hostfwd=udp:HOST:PORT-GUEST:PORT]…   user-mode network: gateway 10.0.2.2, ports of the host forwarded to guests
      [,dhcpstart=IP]                        guests that ask get addresses from 10.0.2.15 on, or from IP
  stream,server=ADDRESS | connect=ADDRESS    QEMU's -netdev stream; ADDRESS is unix:PATH or tcp:HOST:PORT
  dgram,local=HOST:PORT,remote=HOST:PORT     QEMU's -netdev dgram, a frame in each UDP datagram
  pcap,in=FILE                               replays a pcap or pcapng file at its own times
  loop                                       the built-in generator (--rate, --frame, --burst)
  none                                       no cable
A comma inside a value is written twice.`;

/** What may stand first in the text. */
export const NET_WORDS: readonly string[] = [
  'user',
  'user,hostfwd=udp:',
  'stream,server=',
  'stream,connect=',
  'dgram,local=',
  'pcap,in=@files',
  'loop',
  'none',
];

/** @throws UserMistake */
export function parseNetOptions(text: string): NetOptions {
  const given = OptionString.parse('--net', text, {
    user: { once: ['dhcpstart'], repeated: ['hostfwd'] },
    stream: { once: ['server', 'connect'] },
    dgram: { once: ['local', 'remote'] },
    pcap: { once: ['in'] },
    loop: {},
    none: {},
  });
  switch (given.kind) {
    case 'user':
      return {
        kind: 'user',
        forwards: given.values('hostfwd').map((value) => parseForward(value, given.where)),
        dhcpStart: parseDhcpStart(given.value('dhcpstart') ?? DHCP_START),
      };
    case 'stream':
      return streamOptions(given);
    case 'dgram':
      return {
        kind: 'dgram',
        local: udpAddress(given, 'local', '127.0.0.1:5558'),
        remote: udpAddress(given, 'remote', '127.0.0.1:5557'),
      };
    case 'pcap':
      return { kind: 'pcap', path: given.required('in', 'in.pcap') };
    case 'loop':
      return { kind: 'loop' };
    default:
      return { kind: 'none' };
  }
}

function udpAddress(given: OptionString, key: string, example: string): UdpAddress {
  return parseUdpAddress(given.required(key, example), `${given.where},${key}`);
}

function streamOptions(given: OptionString): NetOptions {
  const server = given.value('server');
  const connect = given.value('connect');
  if ((server === undefined) === (connect === undefined)) {
    throw new UserMistake(
      `${given.where}: give either server= or connect=, as in server=unix:a.sock`,
    );
  }
  if (server !== undefined) {
    const address = parseStreamAddress(server, `${given.where},server`);
    return { kind: 'stream', role: 'server', address };
  }
  const address = parseStreamAddress(connect ?? '', `${given.where},connect`);
  return { kind: 'stream', role: 'client', address };
}

function parseDhcpStart(text: string): number {
  const network = GATEWAY_IP.slice(0, GATEWAY_IP.lastIndexOf('.'));
  const last = Number(text.slice(text.lastIndexOf('.') + 1));
  const isInside = isIpv4(text) && text.slice(0, text.lastIndexOf('.')) === network;
  if (isInside && last >= DHCP_START_MIN && last <= DHCP_START_MAX) return ipv4Number(text);
  throw new UserMistake(
    `--net user: dhcpstart=${text} has no room for ${String(DHCP_ADDRESSES)} addresses; ` +
      `give one from ${network}.${String(DHCP_START_MIN)} to ${network}.${String(DHCP_START_MAX)}`,
  );
}

/** `udp:HOST:PORT-GUEST:PORT`; a missing host is 127.0.0.1, a missing guest 10.0.2.15. */
function parseForward(text: string, where: string): HostForward {
  const match = /^([a-z]+):([^-]*)-([^-]*)$/.exec(text);
  const [, protocol = '', host = '', guest = ''] = match ?? [];
  if (match === null) {
    throw new UserMistake(`${where}: '${text}' is not a forward, as in ${FORWARD_EXAMPLE}`);
  }
  if (protocol !== 'udp') {
    throw new UserMistake(
      `${where}: cannot forward '${protocol}', only udp; see ${FORWARD_EXAMPLE}`,
    );
  }
  const hostAddress = parseUdpAddress(host, `${where},hostfwd`);
  const colon = guest.lastIndexOf(':');
  if (colon === -1) {
    throw new UserMistake(`${where}: '${guest}' is not GUEST:PORT, as in ${FORWARD_EXAMPLE}`);
  }
  const guestAddress = guest.slice(0, colon) === '' ? GUEST_DEFAULT : guest.slice(0, colon);
  if (!isIpv4(guestAddress)) {
    throw new UserMistake(`${where}: '${guestAddress}' is not an IPv4 address such as 10.0.2.15`);
  }
  const guestPort = parsePort(guest.slice(colon + 1), `${where},hostfwd`);
  if (guestPort === 0) {
    throw new UserMistake(
      `${where}: guest port 0 cannot be reached; the echo client has 1235 and 7`,
    );
  }
  return { host: hostAddress, guestIp: ipv4Number(guestAddress), guestPort };
}
