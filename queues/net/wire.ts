/**
 * The formats that programs find in buffers: where each field lies in a frame, in bytes from its
 * beginning. Sources: IEEE 802.3 (Ethernet II), RFC 826 (ARP), RFC 791 (IPv4), RFC 792
 * (ICMP), RFC 768 (UDP), RFC 9293 (TCP).
 */

import { netStruct } from '../../memory/struct.ts';

/** IEEE 802.3, Ethernet II: 14 bytes. Addresses are three halfwords each. */
export const Ethernet = netStruct(14, {
  destination0: 'u16',
  destination1: 'u16',
  destination2: 'u16',
  source0: 'u16',
  source1: 'u16',
  source2: 'u16',
  type: 'u16',
});

/** RFC 826, for IPv4 over Ethernet: 28 bytes behind the Ethernet header. */
export const Arp = netStruct(28, {
  hardwareType: 'u16',
  protocolType: 'u16',
  hardwareBytes: 'u8',
  protocolBytes: 'u8',
  operation: 'u16',
  senderMac0: 'u16',
  senderMac1: 'u16',
  senderMac2: 'u16',
  senderIp0: 'u16',
  senderIp1: 'u16',
  targetMac0: 'u16',
  targetMac1: 'u16',
  targetMac2: 'u16',
  targetIp0: 'u16',
  targetIp1: 'u16',
});

/** RFC 791 §3.1, without options: 20 bytes. */
export const Ipv4 = netStruct(20, {
  versionAndIhl: 'u8',
  typeOfService: 'u8',
  totalLength: 'u16',
  identification: 'u16',
  flagsAndFragmentOffset: 'u16',
  timeToLive: 'u8',
  protocol: 'u8',
  headerChecksum: 'u16',
  source0: 'u16',
  source1: 'u16',
  destination0: 'u16',
  destination1: 'u16',
});

/** RFC 792: the first 4 bytes, which all messages have. */
export const Icmp = netStruct(4, { type: 'u8', code: 'u8', checksum: 'u16' });

/** RFC 768: 8 bytes; `length` includes them. */
export const Udp = netStruct(8, {
  sourcePort: 'u16',
  destinationPort: 'u16',
  length: 'u16',
  checksum: 'u16',
});

/** RFC 9293 §3.1, without options. */
export const Tcp = netStruct(20, {
  sourcePort: 'u16',
  destinationPort: 'u16',
  sequence: 'u32',
  acknowledgement: 'u32',
  dataOffset: 'u8',
  flags: 'u8',
  window: 'u16',
  checksum: 'u16',
  urgentPointer: 'u16',
});

/**
 * Values of the fields above, as IANA has them: types, protocols, operations, ICMP types and
 * codes.
 */
export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_ARP = 0x0806;
export const ARP_HARDWARE_ETHERNET = 1;
/** Hardware address of 6 bytes, protocol address of 4: one halfword in memory. */
export const ARP_ADDRESS_BYTES = 0x0406;
export const ARP_REQUEST = 1;
export const ARP_REPLY = 2;
export const IP_PROTOCOL_ICMP = 1;
export const IP_PROTOCOL_TCP = 6;
export const IP_PROTOCOL_UDP = 17;
export const ICMP_ECHO_REPLY = 0;
export const ICMP_UNREACHABLE = 3;
export const ICMP_PORT_UNREACHABLE = 3;
export const ICMP_HOST_UNREACHABLE = 1;
export const ICMP_NET_UNREACHABLE = 0;
export const ICMP_PROHIBITED = 13;
export const ICMP_TIME_EXCEEDED = 11;
export const ICMP_ECHO_REQUEST = 8;

/** @returns a 16-bit number of the network as memory holds it, or the other way round */
export function swap16(value: number): number {
  return ((value & 0xff) << 8) | (value >>> 8);
}

/**
 * @returns the halfwords of "52:54:01:00:00:0a" as they lie in memory, or undefined when it is no
 * address
 */
export function parseMac(text: string): readonly [number, number, number] | undefined {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) return undefined;
  const b = text.split(':').map((byte) => Number.parseInt(byte, 16));
  return [pair(b, 0), pair(b, 2), pair(b, 4)];
}

/**
 * @returns the halfwords of "10.0.2.15" as they lie in memory, or undefined when it is no address
 */
export function parseIpv4(text: string): readonly [number, number] | undefined {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return undefined;
  const bytes = text.split('.').map(Number);
  if (bytes.some((byte) => byte > 0xff)) return undefined;
  return [pair(bytes, 0), pair(bytes, 2)];
}

function pair(bytes: readonly number[], at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
}
