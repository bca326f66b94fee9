/**
 * What the echo client answers, and with which bytes. A frame is judged where it was received; if
 * there is an answer, it is the same frame, copied once, with addresses exchanged.
 *
 * Exchanging source and destination changes no one's-complement sum, so the checksums of IPv4 and
 * UDP stay right as they are. All are verified: that of a UDP datagram, where it has one, unless
 * the device has done so (RFC 1122 4.1.3.4); that of an ICMP echo is adapted (RFC 1624).
 *
 * Fields are compared and written as memory holds them, in halfwords and words; `swap16` is needed
 * only where a number is meant. A word of a frame spans fields: the comments at the reads say
 * which.
 */

import { Configured } from '../../memory/configured.ts';
import type { ReadonlyRegion, Region } from '../../memory/region.ts';
import { counterNames } from '../../queues/counters.ts';
import { BufferReader, BufferWriter } from '../../queues/net/buffer-view.ts';
import { NET_BUFFER_BYTES } from '../../queues/net/queue.ts';
import { ICMP_CHECKSUM, type Refusals, TCP_CHECKSUM } from './refusal.ts';
import * as wire from '../../queues/net/wire.ts';

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
  'dropUdpChecksum',
  /** Entries in our own queues that name no buffer of ours. */
  'badRxBuffer',
  'badTxBuffer',
  'queueFull',
  // Closed ports: what they were answered with, and what for want of errors at this time they were
  // not. (At the end, so that the client in C has the same numbers.)
  'tcpReset',
  'portUnreachable',
  'errorsLimited',
  /** Of a DHCP client. */
  'dhcpSent',
  'dhcpReceived',
  'dhcpBound',
  /** Messages sent whose checksum of TCP, UDP or ICMP was left to the device. */
  'checksumsLeft',
);
const COUNT = ECHO_COUNTERS;

/** Ports of the echo service: sDDF's example, and RFC 862. */
const ECHO_PORT_0 = wire.swap16(1235);
const ECHO_PORT_1 = wire.swap16(7);
/** In the order of the network. From the second one nothing is answered. */
export const ECHO_PORTS = [ECHO_PORT_0, ECHO_PORT_1] as const;

// Folded constants: docs/hot-code.md.
const BUFFER_BYTES = NET_BUFFER_BYTES;

const IP_AT = wire.Ethernet.SIZE;
const ARP_AT = wire.Ethernet.SIZE;
const TYPE_IPV4 = wire.swap16(wire.ETHERTYPE_IPV4);
const TYPE_ARP = wire.swap16(wire.ETHERTYPE_ARP);
/** More-fragments flag and fragment offset, in the order of the network. */
const FRAGMENT_MASK = wire.swap16(0x3fff);

// Halfwords of a frame.
const MAC_DESTINATION = half(wire.Ethernet.destination0.offset);
const MAC_SOURCE = half(wire.Ethernet.source0.offset);
const ETHERTYPE = half(wire.Ethernet.type.offset);
const IP = half(IP_AT);
const IP_TOTAL_LENGTH = IP + half(wire.Ipv4.totalLength.offset);
const IP_FRAGMENT = IP + half(wire.Ipv4.flagsAndFragmentOffset.offset);
/** Time to live in the low byte, protocol in the high one. */
const IP_TTL_AND_PROTOCOL = IP + half(wire.Ipv4.timeToLive.offset);
const IP_SOURCE = IP + half(wire.Ipv4.source0.offset);
const IP_DESTINATION = IP + half(wire.Ipv4.destination0.offset);
const ARP = half(ARP_AT);
const ARP_OPERATION = ARP + half(wire.Arp.operation.offset);
const ARP_SENDER_MAC = ARP + half(wire.Arp.senderMac0.offset);
const ARP_SENDER_IP = ARP + half(wire.Arp.senderIp0.offset);
const ARP_TARGET_MAC = ARP + half(wire.Arp.targetMac0.offset);
const ARP_TARGET_IP = ARP + half(wire.Arp.targetIp0.offset);

/** What is in a UDP header. */
const UDP_LENGTH = half(wire.Udp.length.offset);
const UDP_CHECKSUM = half(wire.Udp.checksum.offset);
const PROTOCOL_IN_SUM = wire.swap16(wire.IP_PROTOCOL_UDP);

function half(offset: number): number {
  return offset >>> 1;
}

export interface ResponderOptions {
  readonly received: ReadonlyRegion;
  /** Buffers in it. */
  readonly receivedBuffers: number;
  readonly sent: Region;
  readonly sentBuffers: number;
  /** Three halfwords as memory holds them. */
  readonly mac: readonly [number, number, number];
  readonly ip: readonly [number, number];
  /** What closed ports are answered with; without, they are not answered. */
  readonly refusals?: Refusals;
  /** Whether checksums of refusals are left to the device. */
  readonly leavesChecksums?: boolean;
}

/** An address that no frame has. */
export const NO_ADDRESS: readonly [number, number] = [-1, -1];

export class Responder extends Configured<ResponderOptions> {
  readonly #received: ReadonlyRegion = this.options.received;
  readonly #sent: Region = this.options.sent;
  readonly #rx = new BufferReader(this.options.received, this.options.receivedBuffers);
  readonly #tx = new BufferWriter(this.options.sent, this.options.sentBuffers);
  readonly #mac0: number = this.options.mac[0];
  readonly #mac1: number = this.options.mac[1];
  readonly #mac2: number = this.options.mac[2];
  #ip0: number = this.options.ip[0];
  #ip1: number = this.options.ip[1];
  /** Of the frame that is being answered. */
  #isChecked = false;
  /** Bytes of the answer that {@link respond} has written. */
  answerBytes = 0;
  /** Where its checksum is, when that is left to the device; else 0. */
  answerChecksum = 0;

  /** From now on it answers for this address. */
  setAddress(ip: readonly [number, number]): void {
    [this.#ip0, this.#ip1] = ip;
  }

  /**
   * Answers one frame, if it is to be answered.
   *
   * @param from index of the buffer with the received frame
   * @param lenBytes bytes of the frame, at most those of a buffer
   * @param to index of the buffer for the answer
   * @param isChecked the device has found a datagram's checksum right
   * @returns the counter of what was done; {@link answerBytes} says how long the answer is
   */
  respond(from: number, lenBytes: number, to: number, isChecked: boolean): number {
    this.#isChecked = isChecked;
    // Of all but refusals.
    this.answerBytes = lenBytes;
    this.answerChecksum = 0;
    const rx = this.#rx;
    if (!rx.moveTo(from)) return COUNT.badRxBuffer;
    if (!this.#tx.moveTo(to)) return COUNT.badTxBuffer;
    if (lenBytes < wire.Ethernet.SIZE) return COUNT.dropShort;
    const m0 = rx.half(MAC_DESTINATION);
    const m1 = rx.half(MAC_DESTINATION + 1);
    const m2 = rx.half(MAC_DESTINATION + 2);
    const type = rx.half(ETHERTYPE);
    if (m0 === this.#mac0 && m1 === this.#mac1 && m2 === this.#mac2) {
      if (type === TYPE_IPV4) return this.#respondIp(from, lenBytes, to);
    } else if ((m0 & m1 & m2) !== 0xffff || type === TYPE_IPV4) {
      return COUNT.dropNotForUs;
    }
    return type === TYPE_ARP ? this.#respondArp(from, lenBytes, to) : COUNT.dropEthertype;
  }

  #respondIp(from: number, lenBytes: number, to: number): number {
    if (lenBytes < IP_AT + wire.Ipv4.SIZE) return COUNT.dropIpHeader;
    const rx = this.#rx;
    const versionAndIhl = rx.half(IP) & 0xff;
    const headerHalves = (versionAndIhl & 0x0f) << 1;
    const totalBytes = wire.swap16(rx.half(IP_TOTAL_LENGTH));
    if (
      versionAndIhl < 0x45 ||
      versionAndIhl > 0x4f ||
      totalBytes < headerHalves << 1 ||
      totalBytes > lenBytes - IP_AT
    ) {
      return COUNT.dropIpHeader;
    }
    if (this.#headerSum(headerHalves) !== 0xffff) return COUNT.dropIpChecksum;
    if (rx.half(IP_DESTINATION) !== this.#ip0 || rx.half(IP_DESTINATION + 1) !== this.#ip1) {
      return COUNT.dropNotForUs;
    }
    if ((rx.half(IP_FRAGMENT) & FRAGMENT_MASK) !== 0) return COUNT.dropFragment;
    const payload = IP + headerHalves;
    const payloadBytes = totalBytes - (headerHalves << 1);
    const protocol = rx.half(IP_TTL_AND_PROTOCOL) >>> 8;
    if (protocol === wire.IP_PROTOCOL_ICMP)
      return this.#respondIcmp(from, payload, payloadBytes, to, lenBytes);
    if (protocol === wire.IP_PROTOCOL_TCP) return this.#resetTcp(from, to);
    if (protocol !== wire.IP_PROTOCOL_UDP) return COUNT.dropProtocol;
    if (payloadBytes < wire.Udp.SIZE) return COUNT.dropUdpLength;
    const udpBytes = wire.swap16(rx.half(payload + half(wire.Udp.length.offset)));
    if (udpBytes < wire.Udp.SIZE || udpBytes > payloadBytes) return COUNT.dropUdpLength;
    const sourcePort = rx.half(payload);
    const destinationPort = rx.half(payload + 1);
    if (destinationPort !== ECHO_PORT_0 && destinationPort !== ECHO_PORT_1) {
      return this.#refuseUdp(from, to, { payload, udpBytes });
    }
    if (sourcePort === ECHO_PORT_1) return COUNT.dropUdpLoop;
    if (!this.#isChecked && !this.#isUdpRight(payload, udpBytes)) return COUNT.dropUdpChecksum;
    this.#copyExchanged(from, to, lenBytes);
    this.#tx.setHalf(payload, destinationPort);
    this.#tx.setHalf(payload + 1, sourcePort);
    return COUNT.udpEchoed;
  }

  #resetTcp(from: number, to: number): number {
    const bytes = this.options.refusals?.reset(from, to) ?? 0;
    if (bytes === 0) return COUNT.dropProtocol;
    this.#setRefusal(bytes, TCP_CHECKSUM);
    return COUNT.tcpReset;
  }

  /** A damaged datagram may never have been for this port: that is dropped, and not refused. */
  #refuseUdp(
    from: number,
    to: number,
    { payload, udpBytes }: { readonly payload: number; readonly udpBytes: number },
  ): number {
    const { refusals } = this.options;
    if (refusals === undefined) return COUNT.dropUdpPort;
    if (!this.#isChecked && !this.#isUdpRight(payload, udpBytes)) return COUNT.dropUdpChecksum;
    const bytes = refusals.portUnreachable(from, to);
    if (bytes <= 0) return bytes === 0 ? COUNT.dropUdpPort : COUNT.errorsLimited;
    this.#setRefusal(bytes, ICMP_CHECKSUM);
    return COUNT.portUnreachable;
  }

  #setRefusal(bytes: number, checksum: number): void {
    this.answerBytes = bytes;
    if (this.options.leavesChecksums === true) this.answerChecksum = checksum;
  }

  #respondIcmp(from: number, at: number, icmpBytes: number, to: number, lenBytes: number): number {
    if (icmpBytes < wire.Icmp.SIZE) return COUNT.dropIcmp;
    const rx = this.#rx;
    const typeAndCode = rx.half(at);
    if (typeAndCode !== wire.ICMP_ECHO_REQUEST) return COUNT.dropIcmp;
    // An odd last byte counts as the low half of a halfword.
    let sum = this.#sum(at, icmpBytes >>> 1);
    if ((icmpBytes & 1) !== 0) sum = fold(sum + (rx.half(at + (icmpBytes >>> 1)) & 0xff));
    if (sum !== 0xffff) return COUNT.dropIcmp;
    const checksum = rx.half(at + half(wire.Icmp.checksum.offset));
    this.#copyExchanged(from, to, lenBytes);
    this.#tx.setHalf(at, wire.ICMP_ECHO_REPLY);
    // RFC 1624, equation 3: HC' = ~(~HC + ~m + m').
    const changed = (~checksum & 0xffff) + (~typeAndCode & 0xffff) + wire.ICMP_ECHO_REPLY;
    this.#tx.setHalf(at + half(wire.Icmp.checksum.offset), ~fold(changed) & 0xffff);
    return COUNT.icmpEchoed;
  }

  #respondArp(from: number, lenBytes: number, to: number): number {
    if (lenBytes < ARP_AT + wire.Arp.SIZE) return COUNT.dropArp;
    const rx = this.#rx;
    const isRequestForUs =
      rx.half(ARP + half(wire.Arp.hardwareType.offset)) ===
        wire.swap16(wire.ARP_HARDWARE_ETHERNET) &&
      rx.half(ARP + half(wire.Arp.protocolType.offset)) === TYPE_IPV4 &&
      rx.half(ARP + half(wire.Arp.hardwareBytes.offset)) === wire.ARP_ADDRESS_BYTES &&
      rx.half(ARP_OPERATION) === wire.swap16(wire.ARP_REQUEST) &&
      rx.half(ARP_TARGET_IP) === this.#ip0 &&
      rx.half(ARP_TARGET_IP + 1) === this.#ip1;
    if (!isRequestForUs) return COUNT.dropArp;
    this.#copy(from, to, lenBytes);
    this.#writeMacs();
    const tx = this.#tx;
    tx.setHalf(ARP_OPERATION, wire.swap16(wire.ARP_REPLY));
    // The asker becomes the target: MAC and IP lie in one run of five halfwords.
    for (let i = 0; i < 5; i += 1) tx.setHalf(ARP_TARGET_MAC + i, rx.half(ARP_SENDER_MAC + i));
    tx.setHalf(ARP_SENDER_MAC, this.#mac0);
    tx.setHalf(ARP_SENDER_MAC + 1, this.#mac1);
    tx.setHalf(ARP_SENDER_MAC + 2, this.#mac2);
    tx.setHalf(ARP_SENDER_IP, this.#ip0);
    tx.setHalf(ARP_SENDER_IP + 1, this.#ip1);
    return COUNT.arpAnswered;
  }

  /** The frame, with MAC and IP addresses exchanged. */
  #copyExchanged(from: number, to: number, lenBytes: number): void {
    this.#copy(from, to, lenBytes);
    this.#writeMacs();
    const rx = this.#rx;
    const tx = this.#tx;
    tx.setHalf(IP_DESTINATION, rx.half(IP_SOURCE));
    tx.setHalf(IP_DESTINATION + 1, rx.half(IP_SOURCE + 1));
    tx.setHalf(IP_SOURCE, this.#ip0);
    tx.setHalf(IP_SOURCE + 1, this.#ip1);
  }

  /** The one copy. */
  #copy(from: number, to: number, lenBytes: number): void {
    this.#sent.copyFrom(this.#received, from * BUFFER_BYTES, to * BUFFER_BYTES, lenBytes);
  }

  #writeMacs(): void {
    const rx = this.#rx;
    const tx = this.#tx;
    // Source bytes 0..1, then 2..5.
    const first = rx.half(MAC_SOURCE);
    const rest = rx.word((MAC_SOURCE + 1) >>> 1);
    // Destination 0..3; destination 4..5 and source 0..1; source 2..5.
    tx.setWord(0, first | (rest << 16));
    tx.setWord(1, (rest >>> 16) | (this.#mac0 << 16));
    tx.setWord(2, this.#mac1 | (this.#mac2 << 16));
  }

  /**
   * Over the pseudo-header, too: addresses, protocol and length (RFC 768).
   *
   * @param at halfword at which the UDP header begins
   * @returns whether the checksum is right, or the sender has made none
   */
  #isUdpRight(at: number, udpBytes: number): boolean {
    const rx = this.#rx;
    if (rx.half(at + UDP_CHECKSUM) === 0) return true;
    const halves = udpBytes >>> 1;
    let sum = rx.half(IP_SOURCE) + rx.half(IP_SOURCE + 1) + this.#ip0 + this.#ip1;
    sum += PROTOCOL_IN_SUM + rx.half(at + UDP_LENGTH);
    // An odd last byte counts as the low half of a halfword.
    if ((udpBytes & 1) !== 0) sum += rx.half(at + halves) & 0xff;
    return fold(sum + this.#rawSum(at, halves)) === 0xffff;
  }

  /**
   * The sum of the IPv4 header, which begins in the middle of a word: a halfword, words, a
   * halfword.
   */
  #headerSum(halves: number): number {
    const rx = this.#rx;
    const last = IP + halves - 1;
    let sum = rx.half(IP) + rx.half(last);
    for (let index = (IP + 1) >>> 1; index < last >>> 1; index += 1) {
      const word = rx.word(index);
      sum += (word & 0xffff) + (word >>> 16);
    }
    return fold(sum);
  }

  /**
   * @returns the one's-complement sum of a run of halfwords; 0xffff when it holds its own right
   * checksum
   */
  #sum(at: number, halves: number): number {
    return fold(this.#rawSum(at, halves));
  }

  /** The sum of at most 1024 halfwords, not folded; most of it by words. */
  #rawSum(at: number, halves: number): number {
    const rx = this.#rx;
    const end = at + halves;
    let sum = 0;
    let index = at;
    if ((index & 1) !== 0 && index < end) {
      sum = rx.half(index);
      index += 1;
    }
    for (; index + 1 < end; index += 2) {
      const word = rx.word(index >>> 1);
      sum = (sum + (word & 0xffff) + (word >>> 16)) | 0;
    }
    return index < end ? sum + rx.half(index) : sum;
  }
}

/** @returns whether this counter of {@link ECHO_COUNTERS} is one of an answer */
export function isAnswer(counter: number): boolean {
  return (
    counter <= COUNT.arpAnswered || counter === COUNT.tcpReset || counter === COUNT.portUnreachable
  );
}

function fold(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}
