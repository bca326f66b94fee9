/** DHCP messages as a client writes and reads them (RFC 2131 §2, options by RFC 2132). */

import { netStruct } from '../../memory/struct.ts';

const Bootp = netStruct(34, {
  operation: 'u8',
  hardwareType: 'u8',
  hardwareLength: 'u8',
  hops: 'u8',
  transaction: 'u32',
  seconds: 'u16',
  flags: 'u16',
  clientIp: 'u32',
  yourIp: 'u32',
  serverIp: 'u32',
  relayIp: 'u32',
  macHigh: 'u16',
  macLow: 'u32',
});

const COOKIE_AT = 236;
const OPTIONS_AT = 240;
const COOKIE = 0x6382_5363;
const REQUEST = 1;
const REPLY = 2;
const ETHERNET = 1;
/** RFC 951: the least that old servers take. */
export const DHCP_BYTES = 300;
export const DHCP_SERVER_PORT = 67;
export const DHCP_CLIENT_PORT = 68;

export const DHCP = { discover: 1, offer: 2, request: 3, ack: 5, nak: 6 } as const;

const OPTION = {
  pad: 0,
  netmask: 1,
  router: 3,
  requestedIp: 50,
  leaseTime: 51,
  messageType: 53,
  serverId: 54,
  wanted: 55,
  renewal: 58,
  rebinding: 59,
  end: 255,
} as const;
const WANTED = [OPTION.netmask, OPTION.router, OPTION.leaseTime, OPTION.renewal, OPTION.rebinding];

export interface DhcpRequest {
  readonly type: number;
  readonly transaction: number;
  /** Since the client began to ask for an address. */
  readonly seconds: number;
  /** The address that it has; 0 when it has none. */
  readonly clientIp: number;
  readonly requestedIp?: number;
  readonly serverId?: number;
}

export interface DhcpReply {
  readonly type: number;
  readonly transaction: number;
  readonly yourIp: number;
  readonly serverId: number;
  /** Undefined when the server names none; 0xffff_ffff is for ever. */
  readonly leaseSeconds: number | undefined;
  readonly renewalSeconds: number | undefined;
  readonly rebindingSeconds: number | undefined;
}

/**
 * Writes {@link DHCP_BYTES} from the position on.
 * @param mac six bytes
 */
export function writeRequest(
  view: DataView,
  at: number,
  mac: Uint8Array,
  request: DhcpRequest,
): void {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at, DHCP_BYTES);
  bytes.fill(0);
  Bootp.operation.set(view, at, REQUEST);
  Bootp.hardwareType.set(view, at, ETHERNET);
  Bootp.hardwareLength.set(view, at, mac.length);
  Bootp.transaction.set(view, at, request.transaction);
  Bootp.seconds.set(view, at, Math.min(request.seconds, 0xffff));
  Bootp.clientIp.set(view, at, request.clientIp);
  bytes.set(mac, Bootp.macHigh.offset);
  view.setUint32(at + COOKIE_AT, COOKIE);
  let next = OPTIONS_AT;
  const put = (code: number, ...value: readonly number[]): void => {
    bytes.set([code, value.length, ...value], next);
    next += 2 + value.length;
  };
  put(OPTION.messageType, request.type);
  if (request.requestedIp !== undefined) put(OPTION.requestedIp, ...octets(request.requestedIp));
  if (request.serverId !== undefined) put(OPTION.serverId, ...octets(request.serverId));
  put(OPTION.wanted, ...WANTED);
  bytes[next] = OPTION.end;
}

/** @returns undefined for what is no server's answer to this hardware address */
export function readReply(view: DataView, mac: Uint8Array): DhcpReply | undefined {
  if (view.byteLength < OPTIONS_AT || view.getUint32(COOKIE_AT) !== COOKIE) return undefined;
  if (Bootp.operation.get(view, 0) !== REPLY) return undefined;
  for (const [index, byte] of mac.entries()) {
    if (view.getUint8(Bootp.macHigh.offset + index) !== byte) return undefined;
  }
  const options = readOptions(view);
  const type = options?.get(OPTION.messageType);
  if (options === undefined || type?.byteLength !== 1) return undefined;
  const number = (code: number): number | undefined => {
    const option = options.get(code);
    return option?.byteLength === 4 ? option.getUint32(0) : undefined;
  };
  const serverId = number(OPTION.serverId);
  if (serverId === undefined) return undefined; // RFC 2131 table 3: a server always says who it is
  return {
    type: type.getUint8(0),
    transaction: Bootp.transaction.get(view, 0),
    yourIp: Bootp.yourIp.get(view, 0),
    serverId,
    leaseSeconds: number(OPTION.leaseTime),
    renewalSeconds: number(OPTION.renewal),
    rebindingSeconds: number(OPTION.rebinding),
  };
}

/** @returns the first of each option, or undefined when one reaches beyond the message */
function readOptions(view: DataView): ReadonlyMap<number, DataView> | undefined {
  const options = new Map<number, DataView>();
  let at = OPTIONS_AT;
  while (at < view.byteLength) {
    const code = view.getUint8(at);
    if (code === OPTION.end) return options;
    at += 1;
    if (code === OPTION.pad) continue;
    const length = at < view.byteLength ? view.getUint8(at) : view.byteLength;
    at += 1;
    if (at + length > view.byteLength) return undefined;
    if (!options.has(code)) {
      options.set(code, new DataView(view.buffer, view.byteOffset + at, length));
    }
    at += length;
  }
  return options;
}

function octets(address: number): readonly number[] {
  return [address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255];
}
