/**
 * The few packet layouts that the user-mode network speaks: Ethernet, ARP, IPv4, ICMP echo, UDP.
 * Addresses are unsigned 32-bit numbers, MACs pairs of 16 high and 32 low bits.
 */

import { netStruct } from '../../memory/struct.ts';

export const Ethernet = netStruct(14, {
  targetHigh: 'u16',
  targetLow: 'u32',
  sourceHigh: 'u16',
  sourceLow: 'u32',
  type: 'u16',
});

/** RFC 826, for Ethernet and IPv4. */
export const Arp = netStruct(28, {
  hardwareType: 'u16',
  protocolType: 'u16',
  hardwareLength: 'u8',
  protocolLength: 'u8',
  operation: 'u16',
  senderMacHigh: 'u16',
  senderMacLow: 'u32',
  senderIp: 'u32',
  targetMacHigh: 'u16',
  targetMacLow: 'u32',
  targetIp: 'u32',
});

/** RFC 791, without options. */
export const Ipv4 = netStruct(20, {
  versionLength: 'u8',
  service: 'u8',
  totalLength: 'u16',
  identification: 'u16',
  fragment: 'u16',
  timeToLive: 'u8',
  protocol: 'u8',
  checksum: 'u16',
  source: 'u32',
  target: 'u32',
});

/** RFC 768. */
export const Udp = netStruct(8, {
  sourcePort: 'u16',
  targetPort: 'u16',
  length: 'u16',
  checksum: 'u16',
});

/** RFC 792, the part before the data. */
export const IcmpEcho = netStruct(8, {
  type: 'u8',
  code: 'u8',
  checksum: 'u16',
  identifier: 'u16',
  sequence: 'u16',
});

export const TYPE_IPV4 = 0x0800;
export const TYPE_ARP = 0x0806;
export const ARP_REQUEST = 1;
export const ARP_REPLY = 2;
export const PROTOCOL_ICMP = 1;
export const PROTOCOL_UDP = 17;
export const ICMP_ECHO_REPLY = 0;
export const ICMP_ECHO_REQUEST = 8;
/** More-fragments flag and fragment offset: both zero in a whole packet. */
export const FRAGMENT_MASK = 0x3fff;
export const BROADCAST_HIGH = 0xffff;
export const BROADCAST_LOW = 0xffff_ffff;

export const IPV4_AT = Ethernet.SIZE;
export const UDP_AT = IPV4_AT + Ipv4.SIZE;
export const UDP_DATA_AT = UDP_AT + Udp.SIZE;
/** The most that one unfragmented datagram carries over Ethernet. */
export const DATAGRAM_BYTES_MAX = 1514 - UDP_DATA_AT;

/**
 * Adds a run of bytes to an Internet checksum (RFC 1071).
 *
 * @param sum what other runs, each of even length, have given so far
 */
export function checksumAdd(
  view: DataView,
  from: number,
  lengthBytes: number,
  sum: number,
): number {
  let total = sum;
  const even = from + (lengthBytes & ~1);
  for (let at = from; at < even; at += 2) total += view.getUint16(at, false);
  if ((lengthBytes & 1) === 1) total += view.getUint8(even) << 8;
  return total;
}

/** @returns the complement of the folded sum: what goes into a header */
export function checksumFinish(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x1_0000);
  return ~folded & 0xffff;
}

/** The sum over UDP's pseudo-header. */
export function pseudoHeaderSum(source: number, target: number, udpLength: number): number {
  return (
    (source >>> 16) +
    (source & 0xffff) +
    (target >>> 16) +
    (target & 0xffff) +
    PROTOCOL_UDP +
    udpLength
  );
}

/** @param text a dotted address that {@link isIpv4} accepts */
export function ipv4Number(text: string): number {
  return text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

export function ipv4Text(address: number): string {
  return [address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255].join('.');
}
