/**
 * What the echo client answers, and with which bytes. A frame is judged where it was received; if there is an answer,
 * it is the same frame, copied once, with addresses exchanged.
 *
 * Exchanging source and destination changes no one's-complement sum, so the checksums of IPv4 and UDP stay right as
 * they are: a datagram that was damaged on its way returns with the checksum that tells. The checksum of the IPv4
 * header is verified first, that of an ICMP echo verified and adapted (RFC 1624).
 *
 * Halfwords are compared and written as memory holds them; `swap16` is needed only where a number is meant.
 */

import type { ReadonlyRegion, Region } from '../../memory/region.ts';
import { counterNames } from '../../queues/counters.ts';
import * as wire from './wire.ts';

export const ECHO_COUNTERS = counterNames(
  'udpEchoed',
  'icmpEchoed',
  'arpAnswered',
  'txPackets',
  'copies',
  'bytesCopied',
  // Received and not answered, by reason.
  'dropShort',
  'dropNotForUs',
  'dropEthertype',
  'dropArp',
  'dropIpHeader',
  'dropIpChecksum',
  'dropFragment',
  'dropProtocol',
  'dropIcmp',
  'dropUdpLength',
  'dropUdpPort',
  /** From an echo port: two echo servers would answer each other for ever. */
  'dropUdpLoop',
  /** Entries in our own queues that name no buffer of ours. */
  'badRxBuffer',
  'badTxBuffer',
  'queueFull',
);
const COUNT = ECHO_COUNTERS;

/** Ports of the echo service: sDDF's example, and RFC 862. */
const ECHO_PORT_0 = wire.swap16(1235);
const ECHO_PORT_1 = wire.swap16(7);

// Fields in a frame. The variable part begins after an IPv4 header without options; with them, it is further on.
const ETHERNET_BYTES = wire.Ethernet.SIZE;
const TYPE = wire.Ethernet.type.offset;
const SOURCE_MAC = wire.Ethernet.source0.offset;
const IP = ETHERNET_BYTES;
const IP_TOTAL_LENGTH = IP + wire.Ipv4.totalLength.offset;
const IP_FRAGMENT = IP + wire.Ipv4.flagsAndFragmentOffset.offset;
const IP_PROTOCOL = IP + wire.Ipv4.protocol.offset;
const IP_SOURCE = IP + wire.Ipv4.source0.offset;
const IP_DESTINATION = IP + wire.Ipv4.destination0.offset;
const ARP = ETHERNET_BYTES;

const TYPE_IPV4 = wire.swap16(wire.ETHERTYPE_IPV4);
const TYPE_ARP = wire.swap16(wire.ETHERTYPE_ARP);
const BROADCAST_HALF = 0xffff;
const IPV4_IHL_5 = 0x45;
/** More-fragments flag and fragment offset, in the order of the network. */
const FRAGMENT_MASK = wire.swap16(0x3fff);

export class Responder {
  readonly #received: ReadonlyRegion;
  readonly #sent: Region;
  readonly #mac0: number;
  readonly #mac1: number;
  readonly #mac2: number;
  readonly #ip0: number;
  readonly #ip1: number;

  constructor(options: {
    readonly received: ReadonlyRegion;
    readonly sent: Region;
    readonly mac: readonly [number, number, number];
    readonly ip: readonly [number, number];
  }) {
    this.#received = options.received;
    this.#sent = options.sent;
    [this.#mac0, this.#mac1, this.#mac2] = options.mac;
    [this.#ip0, this.#ip1] = options.ip;
  }

  /**
   * Answers one frame, if it is to be answered.
   *
   * @param from offset of the received frame, a multiple of 2
   * @param to offset of the buffer for the answer, a multiple of 2; as large as the frame
   * @returns the counter of what was done; the answer is as long as the frame
   */
  respond(from: number, lenBytes: number, to: number): number {
    if (lenBytes < ETHERNET_BYTES) return COUNT.dropShort;
    const rx = this.#received;
    const cast = this.#cast(from);
    if (cast === 'other') return COUNT.dropNotForUs;
    const type = rx.read16(from + TYPE);
    if (type === TYPE_IPV4) {
      return cast === 'unicast' ? this.#respondIp(from, lenBytes, to) : COUNT.dropNotForUs;
    }
    if (type === TYPE_ARP) return this.#respondArp(from, lenBytes, to);
    return COUNT.dropEthertype;
  }

  #cast(from: number): 'unicast' | 'broadcast' | 'other' {
    const rx = this.#received;
    const m0 = rx.read16(from);
    const m1 = rx.read16(from + 2);
    const m2 = rx.read16(from + 4);
    if (m0 === this.#mac0 && m1 === this.#mac1 && m2 === this.#mac2) return 'unicast';
    const all = BROADCAST_HALF;
    return m0 === all && m1 === all && m2 === all ? 'broadcast' : 'other';
  }

  #respondIp(from: number, lenBytes: number, to: number): number {
    if (lenBytes < IP + wire.Ipv4.SIZE) return COUNT.dropIpHeader;
    const rx = this.#received;
    const versionAndIhl = rx.read8(from + IP);
    const headerBytes = (versionAndIhl & 0x0f) << 2;
    const totalBytes = wire.swap16(rx.read16(from + IP_TOTAL_LENGTH));
    if (
      (versionAndIhl & 0xf0) !== 0x40 ||
      versionAndIhl < IPV4_IHL_5 ||
      totalBytes < headerBytes ||
      totalBytes > lenBytes - IP
    ) {
      return COUNT.dropIpHeader;
    }
    if (sum16(rx, from + IP, headerBytes) !== 0xffff) return COUNT.dropIpChecksum;
    const destination0 = rx.read16(from + IP_DESTINATION);
    const destination1 = rx.read16(from + IP_DESTINATION + 2);
    if (destination0 !== this.#ip0 || destination1 !== this.#ip1) return COUNT.dropNotForUs;
    if ((rx.read16(from + IP_FRAGMENT) & FRAGMENT_MASK) !== 0) return COUNT.dropFragment;
    const payloadBytes = totalBytes - headerBytes;
    const protocol = rx.read8(from + IP_PROTOCOL);
    const at = IP + headerBytes;
    if (protocol === wire.IP_PROTOCOL_UDP)
      return this.#respondUdp(from, at, payloadBytes, to, lenBytes);
    if (protocol !== wire.IP_PROTOCOL_ICMP) return COUNT.dropProtocol;
    return this.#respondIcmp(from, at, payloadBytes, to, lenBytes);
  }

  #respondUdp(
    from: number,
    at: number,
    payloadBytes: number,
    to: number,
    lenBytes: number,
  ): number {
    if (payloadBytes < wire.Udp.SIZE) return COUNT.dropUdpLength;
    const rx = this.#received;
    const udp = from + at;
    const udpBytes = wire.swap16(rx.read16(udp + wire.Udp.length.offset));
    if (udpBytes < wire.Udp.SIZE || udpBytes > payloadBytes) return COUNT.dropUdpLength;
    const destinationPort = rx.read16(udp + wire.Udp.destinationPort.offset);
    if (destinationPort !== ECHO_PORT_0 && destinationPort !== ECHO_PORT_1)
      return COUNT.dropUdpPort;
    const sourcePort = rx.read16(udp);
    if (sourcePort === ECHO_PORT_1) return COUNT.dropUdpLoop;
    this.#copyExchanged(from, to, lenBytes);
    this.#sent.write16(to + at, destinationPort);
    this.#sent.write16(to + at + 2, sourcePort);
    return COUNT.udpEchoed;
  }

  #respondIcmp(
    from: number,
    at: number,
    payloadBytes: number,
    to: number,
    lenBytes: number,
  ): number {
    if (payloadBytes < wire.Icmp.SIZE) return COUNT.dropIcmp;
    const rx = this.#received;
    const typeAndCode = rx.read16(from + at);
    if (typeAndCode !== wire.ICMP_ECHO_REQUEST) return COUNT.dropIcmp;
    if (sum16(rx, from + at, payloadBytes) !== 0xffff) return COUNT.dropIcmp;
    const checksum = rx.read16(from + at + wire.Icmp.checksum.offset);
    this.#copyExchanged(from, to, lenBytes);
    this.#sent.write16(to + at, wire.ICMP_ECHO_REPLY);
    // RFC 1624, equation 3: HC' = ~(~HC + ~m + m').
    const changed = (~checksum & 0xffff) + (~typeAndCode & 0xffff) + wire.ICMP_ECHO_REPLY;
    this.#sent.write16(to + at + wire.Icmp.checksum.offset, ~fold(changed) & 0xffff);
    return COUNT.icmpEchoed;
  }

  #respondArp(from: number, lenBytes: number, to: number): number {
    if (lenBytes < ARP + wire.Arp.SIZE) return COUNT.dropArp;
    const rx = this.#received;
    const arp = from + ARP;
    const { hardwareType, protocolType, hardwareBytes, operation, targetIp0, targetIp1 } = wire.Arp;
    const isRequest =
      rx.read16(arp + hardwareType.offset) === wire.swap16(wire.ARP_HARDWARE_ETHERNET) &&
      rx.read16(arp + protocolType.offset) === TYPE_IPV4 &&
      rx.read16(arp + hardwareBytes.offset) === 0x0406 &&
      rx.read16(arp + operation.offset) === wire.swap16(wire.ARP_REQUEST);
    if (!isRequest) return COUNT.dropArp;
    const target0 = rx.read16(arp + targetIp0.offset);
    const target1 = rx.read16(arp + targetIp1.offset);
    if (target0 !== this.#ip0 || target1 !== this.#ip1) return COUNT.dropArp;
    const tx = this.#sent;
    tx.copyFrom(rx, from, to, lenBytes);
    this.#writeMacs(from, to);
    const reply = to + ARP;
    tx.write16(reply + operation.offset, wire.swap16(wire.ARP_REPLY));
    // The asker becomes the target: MAC and IP lie in one run of five halfwords.
    const { senderMac0, targetMac0, senderIp0 } = wire.Arp;
    tx.copyFrom(rx, arp + senderMac0.offset, reply + targetMac0.offset, 10);
    tx.write16(reply + senderMac0.offset, this.#mac0);
    tx.write16(reply + senderMac0.offset + 2, this.#mac1);
    tx.write16(reply + senderMac0.offset + 4, this.#mac2);
    tx.write16(reply + senderIp0.offset, this.#ip0);
    tx.write16(reply + senderIp0.offset + 2, this.#ip1);
    return COUNT.arpAnswered;
  }

  /** The one copy: the frame, with MAC and IP addresses exchanged. */
  #copyExchanged(from: number, to: number, lenBytes: number): void {
    const rx = this.#received;
    const tx = this.#sent;
    tx.copyFrom(rx, from, to, lenBytes);
    this.#writeMacs(from, to);
    tx.write16(to + IP_DESTINATION, rx.read16(from + IP_SOURCE));
    tx.write16(to + IP_DESTINATION + 2, rx.read16(from + IP_SOURCE + 2));
    tx.write16(to + IP_SOURCE, this.#ip0);
    tx.write16(to + IP_SOURCE + 2, this.#ip1);
  }

  #writeMacs(from: number, to: number): void {
    const rx = this.#received;
    const tx = this.#sent;
    tx.write16(to, rx.read16(from + SOURCE_MAC));
    tx.write16(to + 2, rx.read16(from + SOURCE_MAC + 2));
    tx.write16(to + 4, rx.read16(from + SOURCE_MAC + 4));
    tx.write16(to + SOURCE_MAC, this.#mac0);
    tx.write16(to + SOURCE_MAC + 2, this.#mac1);
    tx.write16(to + SOURCE_MAC + 4, this.#mac2);
  }
}

/** @returns whether this counter of {@link ECHO_COUNTERS} is one of an answer */
export function isAnswer(counter: number): boolean {
  return counter <= COUNT.arpAnswered;
}

/** @returns the one's-complement sum of a range; 0xffff when it holds its own right checksum */
function sum16(region: ReadonlyRegion, at: number, lenBytes: number): number {
  let sum = 0;
  const even = lenBytes & ~1;
  for (let offset = 0; offset < even; offset += 2) sum += region.read16(at + offset);
  if (even !== lenBytes) sum += region.read8(at + even);
  return fold(sum);
}

function fold(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}
