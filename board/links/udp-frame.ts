/**
 * Ethernet, IPv4, UDP and ARP as the traffic generator writes and reads them (RFC 894, 791, 768,
 * 826).
 */

import { assert } from '../../memory/assert.ts';
import { checksumAdd, checksumFinish } from '../internet-checksum.ts';
import {
  Arp,
  ARP_REPLY,
  ARP_REQUEST,
  Ethernet,
  Ipv4,
  IPV4_AT,
  PROTOCOL_UDP,
  TYPE_ARP,
  TYPE_IPV4,
  Udp,
  UDP_AT,
  UDP_DATA_AT,
  VERSION_4_NO_OPTIONS,
} from '../packets.ts';

/** Frames on a real wire are padded to this, without the frame check sequence. */
export const PADDED_FRAME_BYTES = 60;
const DONT_FRAGMENT = 0x4000;
const ARP_AT = Ethernet.SIZE;
/** Where the payload of a datagram begins in its frame. */
export const PAYLOAD_AT = UDP_DATA_AT;

/** One end of a flow. */
export interface Station {
  /** Six bytes. */
  readonly mac: Uint8Array;
  /** As a 32-bit number: 10.0.2.15 is 0x0a00020f. */
  readonly ip: number;
  readonly port: number;
}

/** Memory as these functions see it. */
export interface FrameMemory {
  readonly u8: Uint8Array;
  readonly view: DataView;
}

/**
 * Writes Ethernet, IPv4 and UDP headers around the payload that is already there, with correct
 * checksums.
 */
export function writeUdpFrame(
  memory: FrameMemory,
  at: number,
  flow: { readonly from: Station; readonly to: Station; readonly identification: number },
  frameBytes: number,
): void {
  const { u8, view } = memory;
  assert(frameBytes >= PAYLOAD_AT, 'a frame holds its headers');
  u8.set(flow.to.mac, at);
  u8.set(flow.from.mac, at + 6);
  Ethernet.type.set(view, at, TYPE_IPV4);
  const ip = at + IPV4_AT;
  Ipv4.versionLength.set(view, ip, VERSION_4_NO_OPTIONS);
  Ipv4.service.set(view, ip, 0);
  Ipv4.totalLength.set(view, ip, frameBytes - IPV4_AT);
  Ipv4.identification.set(view, ip, flow.identification & 0xffff);
  Ipv4.fragment.set(view, ip, DONT_FRAGMENT);
  Ipv4.timeToLive.set(view, ip, 64);
  Ipv4.protocol.set(view, ip, PROTOCOL_UDP);
  Ipv4.checksum.set(view, ip, 0);
  Ipv4.source.set(view, ip, flow.from.ip);
  Ipv4.target.set(view, ip, flow.to.ip);
  Ipv4.checksum.set(view, ip, checksumFinish(checksumAdd(u8, ip, Ipv4.SIZE, 0)));
  const udp = at + UDP_AT;
  Udp.sourcePort.set(view, udp, flow.from.port);
  Udp.targetPort.set(view, udp, flow.to.port);
  Udp.length.set(view, udp, frameBytes - UDP_AT);
  Udp.checksum.set(view, udp, 0);
  Udp.checksum.set(view, udp, udpChecksum(memory, at, frameBytes) || 0xffff);
}

/**
 * @returns what the checksum field makes good: the field's value when it holds 0, else 0 when it is
 * right
 */
function udpChecksum(memory: FrameMemory, at: number, frameBytes: number): number {
  const udpBytes = frameBytes - UDP_AT;
  // Pseudo header: both addresses, the protocol, the length.
  const addresses = checksumAdd(memory.u8, at + IPV4_AT + Ipv4.source.offset, 8, 0);
  const pseudo = addresses + PROTOCOL_UDP + udpBytes;
  return checksumFinish(checksumAdd(memory.u8, at + UDP_AT, udpBytes, pseudo));
}

/** @returns whether a frame is a UDP datagram, without options, from one station to another */
export function isUdpBetween(
  view: DataView,
  at: number,
  lengthBytes: number,
  from: Station,
  to: Station,
): boolean {
  const ip = at + IPV4_AT;
  const udp = at + UDP_AT;
  return (
    lengthBytes >= PAYLOAD_AT &&
    Ethernet.type.get(view, at) === TYPE_IPV4 &&
    Ipv4.versionLength.get(view, ip) === VERSION_4_NO_OPTIONS &&
    Ipv4.protocol.get(view, ip) === PROTOCOL_UDP &&
    Ipv4.source.get(view, ip) === from.ip &&
    Ipv4.target.get(view, ip) === to.ip &&
    Udp.sourcePort.get(view, udp) === from.port &&
    Udp.targetPort.get(view, udp) === to.port
  );
}

/**
 * @returns whether both checksums of a UDP frame are right; a UDP checksum of 0 means that there is
 * none
 */
export function checksumsRight(memory: FrameMemory, at: number, lengthBytes: number): boolean {
  const { u8, view } = memory;
  if (checksumFinish(checksumAdd(u8, at + IPV4_AT, Ipv4.SIZE, 0)) !== 0) return false;
  if (Udp.checksum.get(view, at + UDP_AT) === 0) return true;
  return udpChecksum(memory, at, lengthBytes) === 0;
}

/** @returns whether a frame asks who has `ip` */
export function isArpRequestFor(
  view: DataView,
  at: number,
  lengthBytes: number,
  ip: number,
): boolean {
  const arp = at + ARP_AT;
  return (
    lengthBytes >= ARP_AT + Arp.SIZE &&
    Ethernet.type.get(view, at) === TYPE_ARP &&
    Arp.operation.get(view, arp) === ARP_REQUEST &&
    Arp.targetIp.get(view, arp) === ip
  );
}

/**
 * Writes the answer of `station` to the request at `requestAt`: {@link PADDED_FRAME_BYTES} bytes.
 */
export function writeArpReply(
  memory: FrameMemory,
  at: number,
  requestAt: number,
  station: Station,
): void {
  const { u8, view } = memory;
  const request = requestAt + ARP_AT;
  u8.fill(0, at, at + PADDED_FRAME_BYTES);
  u8.copyWithin(at, requestAt + 6, requestAt + 12);
  u8.set(station.mac, at + 6);
  Ethernet.type.set(view, at, TYPE_ARP);
  const arp = at + ARP_AT;
  Arp.hardwareType.set(view, arp, 1);
  Arp.protocolType.set(view, arp, TYPE_IPV4);
  Arp.hardwareLength.set(view, arp, 6);
  Arp.protocolLength.set(view, arp, 4);
  Arp.operation.set(view, arp, ARP_REPLY);
  u8.set(station.mac, arp + Arp.senderMacHigh.offset);
  Arp.senderIp.set(view, arp, station.ip);
  Arp.targetMacHigh.set(view, arp, Arp.senderMacHigh.get(view, request));
  Arp.targetMacLow.set(view, arp, Arp.senderMacLow.get(view, request));
  Arp.targetIp.set(view, arp, Arp.senderIp.get(view, request));
}
