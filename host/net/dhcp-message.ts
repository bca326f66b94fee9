/**
 * DHCP messages (RFC 2131 §2, options by RFC 2132): what a server needs of a client's, and what it
 * answers.
 *
 * Not read: option overload (52), client identifiers (61); a client is its hardware address.
 * Messages of plain BOOTP, which have no message type, are refused.
 */

import { netStruct } from '../../memory/struct.ts';

/**
 * The fixed part, up to the client's hardware address; 10 bytes of padding, names and the options
 * follow.
 */
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
const MAC_BYTES = 6;
const FLAG_BROADCAST = 0x8000;
/** RFC 951: the least that old clients take. */
export const DHCP_REPLY_BYTES = 300;

export const DHCP_SERVER_PORT = 67;
export const DHCP_CLIENT_PORT = 68;

export const DHCP = {
  discover: 1,
  offer: 2,
  request: 3,
  decline: 4,
  ack: 5,
  nak: 6,
  release: 7,
  inform: 8,
} as const;

const OPTION = {
  pad: 0,
  netmask: 1,
  router: 3,
  dns: 6,
  requestedIp: 50,
  leaseTime: 51,
  messageType: 53,
  serverId: 54,
  end: 255,
} as const;

export interface DhcpRequest {
  /** One of {@link DHCP}, or a number that no client should send. */
  readonly type: number;
  readonly transaction: number;
  readonly flags: number;
  /** The address that the client has; 0 when it has none. */
  readonly clientIp: number;
  readonly relayIp: number;
  readonly macHigh: number;
  readonly macLow: number;
  /** Options 50 and 54; undefined when they are absent. */
  readonly requestedIp: number | undefined;
  readonly serverId: number | undefined;
}

/**
 * Reads a client's message.
 *
 * @param view the payload of the datagram
 * @returns undefined when it is none: cut short, no request, not for Ethernet, without cookie,
 *   options that are damaged or name no message type
 */
export function readDhcpRequest(view: DataView): DhcpRequest | undefined {
  if (view.byteLength < OPTIONS_AT) return undefined;
  const isRequest =
    Bootp.operation.get(view, 0) === REQUEST &&
    Bootp.hardwareType.get(view, 0) === ETHERNET &&
    Bootp.hardwareLength.get(view, 0) === MAC_BYTES &&
    view.getUint32(COOKIE_AT) === COOKIE;
  const options = isRequest ? readOptions(view) : undefined;
  const type = options?.get(OPTION.messageType);
  if (options === undefined || type?.byteLength !== 1) return undefined;
  const requested = options.get(OPTION.requestedIp);
  const server = options.get(OPTION.serverId);
  if (!isAddress(requested) || !isAddress(server)) return undefined;
  return {
    type: type.getUint8(0),
    transaction: Bootp.transaction.get(view, 0),
    flags: Bootp.flags.get(view, 0),
    clientIp: Bootp.clientIp.get(view, 0),
    relayIp: Bootp.relayIp.get(view, 0),
    macHigh: Bootp.macHigh.get(view, 0),
    macLow: Bootp.macLow.get(view, 0),
    requestedIp: requested?.getUint32(0),
    serverId: server?.getUint32(0),
  };
}

export function wantsBroadcast(request: DhcpRequest): boolean {
  return (request.flags & FLAG_BROADCAST) !== 0;
}

/** An option that may be absent, and else is an address. */
function isAddress(option: DataView | undefined): boolean {
  return option === undefined || option.byteLength === 4;
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
  return options; // RFC 2132 wants an end option; what has none can be read all the same
}

export interface DhcpReply {
  readonly type: number;
  /** 0 for an answer that gives no address. */
  readonly yourIp: number;
  readonly server: number;
  /** What comes along unless the answer is no. */
  readonly network?: { readonly netmask: number; readonly router: number; readonly dns: number };
  readonly leaseSeconds?: number;
}

/** Writes the answer to a request: {@link DHCP_REPLY_BYTES} from the position on. */
export function writeDhcpReply(
  view: DataView,
  at: number,
  request: DhcpRequest,
  reply: DhcpReply,
): void {
  new Uint8Array(view.buffer, view.byteOffset + at, DHCP_REPLY_BYTES).fill(0);
  Bootp.operation.set(view, at, REPLY);
  Bootp.hardwareType.set(view, at, ETHERNET);
  Bootp.hardwareLength.set(view, at, MAC_BYTES);
  Bootp.transaction.set(view, at, request.transaction);
  Bootp.flags.set(view, at, request.flags);
  Bootp.clientIp.set(view, at, reply.type === DHCP.nak ? 0 : request.clientIp);
  Bootp.yourIp.set(view, at, reply.yourIp);
  Bootp.serverIp.set(view, at, reply.type === DHCP.nak ? 0 : reply.server);
  Bootp.macHigh.set(view, at, request.macHigh);
  Bootp.macLow.set(view, at, request.macLow);
  view.setUint32(at + COOKIE_AT, COOKIE);
  view.setUint8(at + OPTIONS_AT, OPTION.messageType);
  view.setUint8(at + OPTIONS_AT + 1, 1);
  view.setUint8(at + OPTIONS_AT + 2, reply.type);
  let next = at + OPTIONS_AT + 3;
  const put = (code: number, value: number | undefined): void => {
    if (value === undefined) return;
    view.setUint8(next, code);
    view.setUint8(next + 1, 4);
    view.setUint32(next + 2, value);
    next += 6;
  };
  put(OPTION.serverId, reply.server);
  put(OPTION.leaseTime, reply.leaseSeconds);
  put(OPTION.netmask, reply.network?.netmask);
  put(OPTION.router, reply.network?.router);
  put(OPTION.dns, reply.network?.dns);
  view.setUint8(next, OPTION.end);
}
