/** What `--net` says: where the board's NIC is plugged in. */

import { MTU_MAX, MTU_MIN } from '../../board/ethernet.ts';
import { DHCP_ADDRESSES } from '../../host/net/dhcp-server.ts';
import { ipv4Number } from '../../host/net/socket-address.ts';
import {
  isIpv4,
  parsePort,
  parseStreamAddress,
  parseUdpAddress,
} from '../../host/net/socket-address.ts';
import type { StreamAddress, UdpAddress } from '../../host/net/socket-address.ts';
import type { PasstRequest } from '../../host/net/passt.ts';
import type { SlirpForward } from '../../host/net/slirp-bridge.ts';
import type { SlirpConfig } from '../../host/net/slirp-library.ts';
import type { HostAddress, TapRequest } from '../../host/net/tap-device.ts';
import type { VdeRequest } from '../../host/net/vde-switch.ts';
import type { HostForward } from '../../host/net/user-bridge.ts';
import { DHCP_START, DNS_IP, GATEWAY_IP, NETWORK_IP } from '../../host/net/user-network.ts';
import { UserMistake } from '../../host/problem.ts';
import { type OptionKeys, OptionString } from '../option-string.ts';
import { parseCount } from '../quantities.ts';

/** A link, and how long a packet in a frame may be there: 1500 bytes unless told. */
export type NetOptions = LinkOptions & { readonly mtu?: number };

export type LinkOptions =
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
  | SlirpOptions
  | { readonly kind: 'mcast'; readonly group: UdpAddress; readonly local?: string }
  | ({ readonly kind: 'tap' } & TapRequest)
  | ({ readonly kind: 'passt' } & PasstRequest)
  | ({ readonly kind: 'vde' } & VdeRequest)
  | { readonly kind: 'pcap'; readonly path: string }
  | { readonly kind: 'loop' }
  | { readonly kind: 'none' };

export interface SlirpOptions {
  readonly kind: 'slirp';
  readonly config: SlirpConfig;
  readonly forwards: readonly SlirpForward[];
}

/**
 * Behind gateway and name server, and so that the last address is below the network's broadcast
 * address.
 */
const DHCP_START_MIN = 4;
const DHCP_START_MAX = 255 - DHCP_ADDRESSES;
/** QEMU's defaults. */
const GUEST_DEFAULT = '10.0.2.15';
/** What Linux takes, less what would steer a terminal or a script. */
const INTERFACE_NAME = /^[\w.-]{1,15}$/;
/** Of addresses' first bytes (RFC 6890, RFC 5771). */
const LOOPBACK_NETWORK = 127;
const MULTICAST_FIRST = 224;
const MULTICAST_LAST = 239;
/** A network with a host and a guest in it. */
const PREFIX_MAX = 30;
const PASST_PORTS = /^(?:\d{1,3}(?:\.\d{1,3}){3}\/)?\d{1,5}(?::\d{1,5})?$/;
const FORWARD_EXAMPLE = 'hostfwd=udp:127.0.0.1:5001-10.0.2.15:1235';

export const NET_HELP = `Where a NIC is plugged in (--net; of several NICs by name, as in nic1=tap,name=tap1):
  user[,hostfwd=udp:HOST:PORT-GUEST:PORT]…   user-mode network: gateway 10.0.2.2, ports of the host forwarded to guests
      [,dhcpstart=IP]                        guests that ask get addresses from 10.0.2.15 on, or from IP
  slirp[,hostfwd=tcp|udp:HOST:PORT-GUEST:PORT]…   QEMU's user network, by libslirp: DHCP, DNS, TCP and UDP out, forwards in
      [,dhcpstart=IP][,restrict]             restrict: guests do not reach the host's network
  stream,server=ADDRESS | connect=ADDRESS    QEMU's -netdev stream; ADDRESS is unix:PATH or tcp:HOST:PORT
  dgram,local=HOST:PORT,remote=HOST:PORT     QEMU's -netdev dgram, a frame in each UDP datagram
  tap,name=NAME[,host=IP/PREFIX]             a TAP device of the host, made or joined; host= is the host's address on it
  passt[,udp=PORTS][,tcp=PORTS]…             Debian's passt, started here; PORTS as it has them: 5001:1235
  vde,sock=DIR[,port=N]                      a port of a vde_switch
  socket,mcast=GROUP:PORT[,localaddr=IP]     QEMU's -netdev socket,mcast=: one cable for all in the group
  pcap,in=FILE                               replays a pcap or pcapng file at its own times
  loop                                       the built-in generator (--rate, --frame, --burst)
  none                                       no cable
With stream, dgram, tap, vde and socket, mtu=N says how long packets are, 68 to 2026 bytes (1500): the NIC tells
its driver, and a TAP device is set to it.
A comma inside a value is written twice.`;

/** What may stand first in the text. */
export const NET_WORDS: readonly string[] = [
  'user',
  'user,hostfwd=udp:',
  'slirp',
  'slirp,hostfwd=tcp:',
  'stream,server=',
  'stream,connect=',
  'dgram,local=',
  'tap,name=',
  'passt',
  'vde,sock=@files',
  'socket,mcast=',
  'pcap,in=@files',
  'loop',
  'none',
];

/** `mtu` where frames may have any length; the other links have 1500 bytes of their own. */
const KINDS: Readonly<Record<string, OptionKeys>> = {
  user: { once: ['dhcpstart'], repeated: ['hostfwd'] },
  slirp: { once: ['dhcpstart'], repeated: ['hostfwd'], flags: ['restrict'] },
  stream: { once: ['server', 'connect', 'mtu'] },
  dgram: { once: ['local', 'remote', 'mtu'] },
  tap: { once: ['name', 'host', 'mtu'] },
  passt: { repeated: ['udp', 'tcp'] },
  vde: { once: ['sock', 'port', 'mtu'] },
  socket: { once: ['mcast', 'localaddr', 'mtu'] },
  pcap: { once: ['in'] },
  loop: {},
  none: {},
};

/** @throws UserMistake */
export function parseNetOptions(text: string): NetOptions {
  const given = OptionString.parse('--net', text, KINDS);
  const link = linkOptions(given);
  const mtu = given.value('mtu');
  if (mtu === undefined) return link;
  return { ...link, mtu: parseCount(mtu, `${given.where},mtu`, { min: MTU_MIN, max: MTU_MAX }) };
}

function linkOptions(given: OptionString): LinkOptions {
  switch (given.kind) {
    case 'user':
      return {
        kind: 'user',
        forwards: given.values('hostfwd').map((value) => parseForward(value, given.where, ['udp'])),
        dhcpStart: parseDhcpStart(given),
      };
    case 'slirp':
      return slirpOptions(given);
    case 'stream':
      return streamOptions(given);
    case 'dgram':
      return dgramOptions(given);
    case 'tap':
      return { kind: 'tap', ...tapRequest(given) };
    case 'passt':
      return { kind: 'passt', ...passtRequest(given) };
    case 'vde':
      return { kind: 'vde', ...vdeRequest(given) };
    case 'socket':
      return mcastOptions(given);
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

function dgramOptions(given: OptionString): LinkOptions {
  const local = udpAddress(given, 'local', '127.0.0.1:5558');
  const remote = udpAddress(given, 'remote', '127.0.0.1:5557');
  if (remote.port === 0) {
    throw new UserMistake(`${given.where}: remote port 0: nobody listens there; name the peer's`);
  }
  if (local.port === remote.port && local.host === remote.host) {
    throw new UserMistake(
      `${given.where}: local and remote are the same, so the board would receive what it sends`,
    );
  }
  return { kind: 'dgram', local, remote };
}

function streamOptions(given: OptionString): LinkOptions {
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
  if (address.kind === 'tcp' && address.port === 0) {
    throw new UserMistake(
      `${given.where}: connect port 0: nobody listens there; name the server's`,
    );
  }
  return { kind: 'stream', role: 'client', address };
}

function tapRequest(given: OptionString): TapRequest {
  const name = given.required('name', 'tap0');
  if (!INTERFACE_NAME.test(name) || name === '.' || name === '..') {
    throw new UserMistake(
      `${given.where}: '${name}' is no name for an interface: 1 to 15 letters, digits, - _ . as in tap0`,
    );
  }
  const host = given.value('host');
  return host === undefined ? { name } : { name, host: hostAddress(host, given.where) };
}

function hostAddress(text: string, where: string): HostAddress {
  const [ip = '', prefix = ''] = text.split('/', 2);
  const bits = /^\d{1,2}$/.test(prefix) ? Number(prefix) : 0;
  if (!isIpv4(ip) || text.split('/').length !== 2 || bits < 1 || bits > PREFIX_MAX) {
    throw new UserMistake(
      `${where}: host=${text} is not IP/PREFIX with a prefix of 1 to ${PREFIX_MAX}, as in host=10.0.2.2/24`,
    );
  }
  const address = { ip: ipv4Number(ip), prefix: bits };
  if (!isHost(address)) {
    throw new UserMistake(
      `${where}: ${ip} is no address for a host in a network of ${bits} bits; see host=10.0.2.2/24`,
    );
  }
  return address;
}

/** Neither the network's own address nor its broadcast address, and of none of the special nets. */
function isHost({ ip, prefix }: HostAddress): boolean {
  const [first, hostBits] = [ip >>> 24, 2 ** (32 - prefix)];
  const host = ip % hostBits;
  const isUnicast = first > 0 && first < MULTICAST_FIRST && first !== LOOPBACK_NETWORK;
  return isUnicast && host !== 0 && host !== hostBits - 1;
}

function passtRequest(given: OptionString): PasstRequest {
  const ports = (key: 'udp' | 'tcp'): readonly string[] =>
    given.values(key).map((value) => {
      const numbers = value.slice(value.indexOf('/') + 1).split(':');
      if (PASST_PORTS.test(value) && numbers.every((each) => isPort(Number(each)))) return value;
      throw new UserMistake(
        `${given.where}: ${key}=${value} is not PORT, PORT:GUESTPORT or IP/PORT:GUESTPORT, as in ${key}=5001:1235`,
      );
    });
  const guestIp = ipv4Number(GUEST_DEFAULT);
  return { guestIp, gatewayIp: ipv4Number(GATEWAY_IP), udp: ports('udp'), tcp: ports('tcp') };
}

function isPort(number: number): boolean {
  return number >= 1 && number <= 0xffff;
}

function vdeRequest(given: OptionString): VdeRequest {
  const port = given.value('port') ?? '0';
  if (!/^\d{1,5}$/.test(port)) {
    throw new UserMistake(`${given.where}: port=${port} is no number of a switch's port`);
  }
  return { sock: given.required('sock', '/tmp/vde.ctl'), port: Number(port) };
}

function mcastOptions(given: OptionString): LinkOptions {
  const group = udpAddress(given, 'mcast', '230.0.0.1:1234');
  const first = Number(group.host.split('.')[0]);
  if (first < MULTICAST_FIRST || first > MULTICAST_LAST) {
    throw new UserMistake(
      `${given.where}: ${group.host} is no multicast address; they are 224.0.0.0 to 239.255.255.255`,
    );
  }
  if (group.port === 0) throw new UserMistake(`${given.where}: a group has a port from 1 to 65535`);
  const local = given.value('localaddr');
  if (local === undefined) return { kind: 'mcast', group };
  if (!isIpv4(local)) {
    throw new UserMistake(`${given.where}: localaddr=${local} is not an IPv4 address`);
  }
  return { kind: 'mcast', group, local };
}

function slirpOptions(given: OptionString): SlirpOptions {
  return {
    kind: 'slirp',
    config: {
      network: ipv4Number(NETWORK_IP),
      netmask: 0xffff_ff00,
      gateway: ipv4Number(GATEWAY_IP),
      nameserver: ipv4Number(DNS_IP),
      dhcpStart: parseDhcpStart(given),
      restricted: given.has('restrict'),
    },
    forwards: given.values('hostfwd').map((value) => slirpForward(value, given.where)),
  };
}

function slirpForward(text: string, where: string): SlirpForward {
  const { protocol, host, guestIp, guestPort } = parseForward(text, where, ['tcp', 'udp']);
  if (host.port === 0) {
    throw new UserMistake(`${where}: host port 0: nobody would know which it is; name one`);
  }
  const isTcp = protocol === 'tcp';
  return {
    protocol: isTcp ? 'tcp' : 'udp',
    hostIp: ipv4Number(host.host),
    hostPort: host.port,
    guestIp,
    guestPort,
  };
}

function parseDhcpStart(given: OptionString): number {
  const text = given.value('dhcpstart') ?? DHCP_START;
  const network = GATEWAY_IP.slice(0, GATEWAY_IP.lastIndexOf('.'));
  const last = Number(text.slice(text.lastIndexOf('.') + 1));
  const isInside = isIpv4(text) && text.slice(0, text.lastIndexOf('.')) === network;
  if (isInside && last >= DHCP_START_MIN && last <= DHCP_START_MAX) return ipv4Number(text);
  throw new UserMistake(
    `${given.where}: dhcpstart=${text} has no room for ${String(DHCP_ADDRESSES)} addresses; ` +
      `give one from ${network}.${String(DHCP_START_MIN)} to ${network}.${String(DHCP_START_MAX)}`,
  );
}

/** `udp:HOST:PORT-GUEST:PORT`; a missing host is 127.0.0.1, a missing guest 10.0.2.15. */
function parseForward(
  text: string,
  where: string,
  protocols: readonly string[],
): HostForward & { readonly protocol: string } {
  const match = /^([a-z]+):([^-]*)-([^-]*)$/.exec(text);
  const [, protocol = '', host = '', guest = ''] = match ?? [];
  if (match === null) {
    throw new UserMistake(`${where}: '${text}' is not a forward, as in ${FORWARD_EXAMPLE}`);
  }
  if (!protocols.includes(protocol)) {
    const other =
      protocol === 'tcp' ? `--net slirp,hostfwd=${text} does` : `see ${FORWARD_EXAMPLE}`;
    throw new UserMistake(
      `${where}: cannot forward '${protocol}', only ${protocols.join(' and ')}; ${other}`,
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
  return { protocol, host: hostAddress, guestIp: ipv4Number(guestAddress), guestPort };
}
