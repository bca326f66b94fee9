/**
 * An IPv4 packet in a receive buffer: what a router has to know of it, each field read once (RFC
 * 1812 §5.2.2).
 */

import type { BufferReader } from '../../queues/net/buffer-view.ts';
import * as wire from '../../queues/net/wire.ts';
import type { Judged } from './access-list.ts';

const { swap16 } = wire;
const IP_AT = wire.Ethernet.SIZE;
const IP = IP_AT >>> 1;
const TOTAL_LENGTH = IP + (wire.Ipv4.totalLength.offset >>> 1);
const FRAGMENT = IP + (wire.Ipv4.flagsAndFragmentOffset.offset >>> 1);
/** Time to live in the low byte, protocol in the high one. */
export const TTL_AND_PROTOCOL = IP + (wire.Ipv4.timeToLive.offset >>> 1);
export const HEADER_CHECKSUM = IP + (wire.Ipv4.headerChecksum.offset >>> 1);
const SOURCE = IP + (wire.Ipv4.source0.offset >>> 1);
const DESTINATION = IP + (wire.Ipv4.destination0.offset >>> 1);
const FRAGMENT_OFFSET = 0x1fff;
const MORE_FRAGMENTS = 0x2000;
const TCP_SYN = 0x02;
const TCP_ACK = 0x10;
const TCP_FLAGS = wire.Tcp.flags.offset >>> 1;
/** ICMP messages that ask for an answer. */
const ICMP_REQUESTS: readonly number[] = [8, 10, 13, 15, 17];

export class Packet implements Judged {
  /** Signed words in the order of the host. */
  source = 0;
  destination = 0;
  protocol = 0;
  timeToLive = 0;
  totalBytes = 0;
  headerBytes = 0;
  /** Neither the first part of a datagram that is in several, nor another one. */
  isWhole = true;
  hasPorts = false;
  sourcePort = 0;
  destinationPort = 0;
  isRequest = false;

  /**
   * @param lenBytes of the frame, a whole Ethernet header or more
   * @returns what is wrong with its header
   */
  read(rx: BufferReader, lenBytes: number): 'good' | 'bad header' | 'bad checksum' {
    if (lenBytes < IP_AT + wire.Ipv4.SIZE) return 'bad header';
    const versionAndIhl = rx.half(IP) & 0xff;
    const halves = (versionAndIhl & 0x0f) << 1;
    this.headerBytes = halves << 1;
    this.totalBytes = swap16(rx.half(TOTAL_LENGTH));
    if (versionAndIhl < 0x45 || versionAndIhl > 0x4f) return 'bad header';
    if (this.totalBytes < this.headerBytes || this.totalBytes > lenBytes - IP_AT) {
      return 'bad header';
    }
    let sum = 0;
    for (let i = 0; i < halves; i += 1) sum += rx.half(IP + i);
    sum = (sum & 0xffff) + (sum >>> 16);
    if ((sum & 0xffff) + (sum >>> 16) !== 0xffff) return 'bad checksum';
    this.source = addressAt(rx, SOURCE);
    this.destination = addressAt(rx, DESTINATION);
    const ttlAndProtocol = rx.half(TTL_AND_PROTOCOL);
    this.timeToLive = ttlAndProtocol & 0xff;
    this.protocol = ttlAndProtocol >>> 8;
    this.#readPayload(rx, IP + halves);
    return 'good';
  }

  #readPayload(rx: BufferReader, at: number): void {
    const fragment = swap16(rx.half(FRAGMENT));
    const bytes = this.totalBytes - this.headerBytes;
    const isFirst = (fragment & FRAGMENT_OFFSET) === 0;
    const { protocol } = this;
    const isTcp = protocol === wire.IP_PROTOCOL_TCP && isFirst && bytes >= wire.Tcp.SIZE;
    const isUdp = protocol === wire.IP_PROTOCOL_UDP && isFirst && bytes >= wire.Udp.SIZE;
    const isIcmp = protocol === wire.IP_PROTOCOL_ICMP && isFirst && bytes >= wire.Icmp.SIZE;
    this.isWhole = (fragment & (FRAGMENT_OFFSET | MORE_FRAGMENTS)) === 0;
    this.hasPorts = isTcp || isUdp;
    this.sourcePort = this.hasPorts ? swap16(rx.half(at)) : 0;
    this.destinationPort = this.hasPorts ? swap16(rx.half(at + 1)) : 0;
    const flags = isTcp ? rx.half(at + TCP_FLAGS) >>> 8 : 0;
    this.isRequest = isIcmp
      ? ICMP_REQUESTS.includes(rx.half(at) & 0xff)
      : (flags & (TCP_SYN | TCP_ACK)) === TCP_SYN;
  }
}

/** @returns the address at this halfword, a signed word in the order of the host */
export function addressAt(rx: BufferReader, at: number): number {
  return (swap16(rx.half(at)) << 16) | swap16(rx.half(at + 1));
}
