/**
 * The headers that the traffic generator, the user-mode network, benchmarks and tests write and
 * read: Ethernet, ARP, IPv4, ICMP echo, UDP, TCP. Addresses are unsigned 32-bit numbers, MACs pairs
 * of 16 high and 32 low bits.
 */

import { netStruct } from '../memory/struct.ts';

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

/** RFC 9293, without options. */
export const Tcp = netStruct(20, {
  sourcePort: 'u16',
  targetPort: 'u16',
  sequence: 'u32',
  acknowledgment: 'u32',
  /** The header's length in words, in the upper four bits. */
  dataOffset: 'u8',
  flags: 'u8',
  window: 'u16',
  checksum: 'u16',
  urgent: 'u16',
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
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;
export const TCP_SYN = 0x02;
export const TCP_ACK = 0x10;
export const ICMP_ECHO_REPLY = 0;
export const ICMP_ECHO_REQUEST = 8;
/** More-fragments flag and fragment offset: both zero in a whole packet. */
export const FRAGMENT_MASK = 0x3fff;
/** Version 4, a header of five words. */
export const VERSION_4_NO_OPTIONS = 0x45;
export const BROADCAST_HIGH = 0xffff;
export const BROADCAST_LOW = 0xffff_ffff;

export const IPV4_AT = Ethernet.SIZE;
export const TCP_AT = IPV4_AT + Ipv4.SIZE;
export const UDP_AT = IPV4_AT + Ipv4.SIZE;
export const UDP_DATA_AT = UDP_AT + Udp.SIZE;
/** The most that one unfragmented datagram carries over Ethernet. */
export const DATAGRAM_BYTES_MAX = 1514 - UDP_DATA_AT;

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
