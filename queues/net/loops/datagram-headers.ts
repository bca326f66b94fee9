/**
 * The headers of a datagram in vectors of 16 bytes, as a loop compares and exchanges them:
 * Ethernet, IPv4 without options, and the ports of UDP.
 */

import * as wire from '../wire.ts';

export const IP_AT = wire.Ethernet.SIZE;
export const UDP_AT = IP_AT + wire.Ipv4.SIZE;
export const SOURCE_IP_AT = IP_AT + wire.Ipv4.source0.offset;
const VECTOR_BYTES = 16;
/** Headers are compared in two vectors: their first bytes, and those up to IPv4's last one. */
export const BACK_AT = UDP_AT - VECTOR_BYTES;
/** Byte of the second vector that is in no mask: of the identification. */
const UNMASKED = IP_AT + wire.Ipv4.identification.offset - BACK_AT;
const VERSION_AND_IHL = 0x45;
/** More-fragments flag and fragment offset. */
const FRAGMENT = 0x3fff;
const MAC_BYTES = 6;
const IP_BYTES = 4;
const PORT_BYTES = 2;

/** Each a vector; what they hold, see {@link headerVectors}. */
export const VECTORS = ['frontMask', 'front', 'backMask', 'back', 'macOrder', 'ipOrder'] as const;
export type VectorName = (typeof VECTORS)[number];
export type Vectors = Readonly<Record<VectorName, Uint8Array>>;

/**
 * Of datagrams for one address that are no fragments: what their headers hold at the beginning and
 * from {@link BACK_AT} on, under masks; and orders of bytes in which source and destination are
 * exchanged, of the frame's beginning, and from {@link SOURCE_IP_AT} on.
 *
 * @param mac three halfwords as memory holds them
 * @param ip two such; what is no halfword is no frame's
 */
export function headerVectors(
  mac: readonly [number, number, number],
  ip: readonly [number, number],
): Vectors {
  const mask = headers({
    ...{ mac: [0xffff, 0xffff, 0xffff], ip: [0xffff, 0xffff], type: 0xffff },
    ...{ versionAndIhl: 0xff, fragment: FRAGMENT, protocol: 0xff },
  });
  const wanted = headers({
    ...{ mac, ip, type: wire.ETHERTYPE_IPV4, versionAndIhl: VERSION_AND_IHL },
    ...{ fragment: 0, protocol: wire.IP_PROTOCOL_UDP },
  });
  const back = wanted.slice(BACK_AT);
  if (ip.some((half) => half !== (half & 0xffff))) back[UNMASKED] = 1;
  return {
    frontMask: mask.slice(0, VECTOR_BYTES),
    front: wanted.slice(0, VECTOR_BYTES),
    backMask: mask.slice(BACK_AT),
    back,
    macOrder: exchanged([
      [wire.Ethernet.destination0.offset, wire.Ethernet.source0.offset, MAC_BYTES],
    ]),
    ipOrder: exchanged([
      [0, wire.Ipv4.destination0.offset - wire.Ipv4.source0.offset, IP_BYTES],
      [UDP_AT - SOURCE_IP_AT, UDP_AT - SOURCE_IP_AT + PORT_BYTES, PORT_BYTES],
    ]),
  };
}

interface Fields {
  readonly mac: readonly number[];
  readonly ip: readonly number[];
  readonly type: number;
  readonly versionAndIhl: number;
  readonly fragment: number;
  readonly protocol: number;
}

/** A frame up to UDP's header in which these fields are set and all others 0. */
function headers(fields: Fields): Uint8Array {
  const bytes = new Uint8Array(UDP_AT);
  const view = new DataView(bytes.buffer);
  const setHalves = (at: number, halves: readonly number[]): void => {
    for (const [index, half] of halves.entries()) view.setUint16(at + 2 * index, half, true);
  };
  setHalves(wire.Ethernet.destination0.offset, fields.mac);
  wire.Ethernet.type.set(view, 0, fields.type);
  wire.Ipv4.versionAndIhl.set(view, IP_AT, fields.versionAndIhl);
  wire.Ipv4.flagsAndFragmentOffset.set(view, IP_AT, fields.fragment);
  wire.Ipv4.protocol.set(view, IP_AT, fields.protocol);
  setHalves(IP_AT + wire.Ipv4.destination0.offset, fields.ip);
  return bytes;
}

/** Numbers of the bytes of a vector, with ranges of so many bytes exchanged. */
function exchanged(
  ranges: readonly (readonly [one: number, other: number, lengthBytes: number])[],
): Uint8Array {
  const order = Uint8Array.from({ length: VECTOR_BYTES }, (_, index) => index);
  for (const [one, other, lengthBytes] of ranges) {
    for (let index = 0; index < lengthBytes; index += 1) {
      order[one + index] = other + index;
      order[other + index] = one + index;
    }
  }
  return order;
}
