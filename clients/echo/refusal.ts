/**
 * What a closed port is answered with: a TCP segment with a reset (RFC 9293 §3.10.7.1), a datagram
 * with an ICMP "port unreachable" (RFC 792), at a limited rate (RFC 1812 §4.3.2.8).
 *
 * A frame is judged by the responder first: it is for us, whole, and its IPv4 header is good.
 */

import type { ReadonlyRegion, Region } from '../../memory/region.ts';
import { NET_BUFFER_BYTES } from '../../queues/net/queue.ts';
import { checksum, fold } from './checksum.ts';
import * as wire from './wire.ts';

const IP_AT = wire.Ethernet.SIZE;
/** Where the answer's payload begins: its IPv4 header has no options. */
const PAYLOAD_AT = IP_AT + wire.Ipv4.SIZE;
const TIME_TO_LIVE = 64;
/** RFC 792: of the datagram that is complained of, its header and this much. */
const QUOTED_BYTES = 8;
const TCP_FIN = 0x01;
const TCP_SYN = 0x02;
const TCP_RST = 0x04;
const TCP_ACK = 0x10;

/** Errors that may go out at once, and how fast there may be more: as Linux has it. */
const BURST = 50;
const NS_PER_ERROR = 1_000_000;

export interface RefusalOptions {
  readonly received: ReadonlyRegion;
  readonly sent: Region;
  /** Nanoseconds from any start. */
  readonly now: () => number;
}

export class Refusals {
  readonly #options: RefusalOptions;
  readonly #frame = new Uint8Array(NET_BUFFER_BYTES);
  readonly #view = new DataView(this.#frame.buffer);
  readonly #answer = new Uint8Array(PAYLOAD_AT + 80);
  readonly #answerView = new DataView(this.#answer.buffer);
  #tokens = BURST;
  #tokensAtNs = 0;

  constructor(options: RefusalOptions) {
    this.#options = options;
  }

  /**
   * @param from buffer of the segment @param to buffer for the answer
   * @returns bytes of the answer; 0 for a segment that gets none: damaged, or a reset itself
   */
  reset(from: number, to: number): number {
    const { at, bytes } = this.#read(from);
    const view = this.#view;
    if (bytes < wire.Tcp.SIZE || !this.#isWhole(at, bytes, wire.IP_PROTOCOL_TCP)) return 0;
    const headerBytes = (wire.Tcp.dataOffset.get(view, at) >>> 4) * 4;
    const flags = wire.Tcp.flags.get(view, at);
    if (headerBytes < wire.Tcp.SIZE || headerBytes > bytes) return 0;
    if ((flags & TCP_RST) !== 0 || !this.#isFromOneHost()) return 0;
    const answer = this.#answerView;
    this.#answer.fill(0);
    wire.Tcp.sourcePort.set(answer, PAYLOAD_AT, wire.Tcp.destinationPort.get(view, at));
    wire.Tcp.destinationPort.set(answer, PAYLOAD_AT, wire.Tcp.sourcePort.get(view, at));
    wire.Tcp.dataOffset.set(answer, PAYLOAD_AT, (wire.Tcp.SIZE / 4) << 4);
    if ((flags & TCP_ACK) !== 0) {
      wire.Tcp.sequence.set(answer, PAYLOAD_AT, wire.Tcp.acknowledgement.get(view, at));
      wire.Tcp.flags.set(answer, PAYLOAD_AT, TCP_RST);
    } else {
      const control = ((flags & TCP_SYN) === 0 ? 0 : 1) + ((flags & TCP_FIN) === 0 ? 0 : 1);
      const next = wire.Tcp.sequence.get(view, at) + bytes - headerBytes + control;
      wire.Tcp.acknowledgement.set(answer, PAYLOAD_AT, next >>> 0);
      wire.Tcp.flags.set(answer, PAYLOAD_AT, TCP_RST | TCP_ACK);
    }
    this.#writeHeaders(wire.IP_PROTOCOL_TCP, wire.Tcp.SIZE);
    const sum = checksum(answer, PAYLOAD_AT, wire.Tcp.SIZE, this.#pseudo(wire.Tcp.SIZE));
    wire.Tcp.checksum.set(answer, PAYLOAD_AT, ~sum & 0xffff);
    return this.#write(to, PAYLOAD_AT + wire.Tcp.SIZE);
  }

  /**
   * @param from buffer of the datagram @param to buffer for the answer
   * @returns bytes of the answer; 0 for a datagram that gets none, -1 when there were too many
   */
  portUnreachable(from: number, to: number): number {
    const { at, bytes } = this.#read(from);
    const hasSum = bytes >= wire.Udp.SIZE && wire.Udp.checksum.get(this.#view, at) !== 0;
    const udpBytes = bytes < wire.Udp.SIZE ? 0 : wire.Udp.length.get(this.#view, at);
    if (udpBytes < wire.Udp.SIZE || udpBytes > bytes || !this.#isFromOneHost()) return 0;
    if (hasSum && !this.#isWhole(at, udpBytes, wire.IP_PROTOCOL_UDP)) return 0;
    if (!this.#takeToken()) return -1;
    const quoted = at - IP_AT + QUOTED_BYTES;
    const answer = this.#answerView;
    this.#answer.fill(0);
    const icmpBytes = 2 * wire.Icmp.SIZE + quoted;
    wire.Icmp.type.set(answer, PAYLOAD_AT, wire.ICMP_UNREACHABLE);
    wire.Icmp.code.set(answer, PAYLOAD_AT, wire.ICMP_PORT_UNREACHABLE);
    const quotedAt = PAYLOAD_AT + 2 * wire.Icmp.SIZE;
    this.#answer.set(this.#frame.subarray(IP_AT, IP_AT + quoted), quotedAt);
    wire.Icmp.checksum.set(answer, PAYLOAD_AT, ~checksum(answer, PAYLOAD_AT, icmpBytes) & 0xffff);
    this.#writeHeaders(wire.IP_PROTOCOL_ICMP, icmpBytes);
    return this.#write(to, PAYLOAD_AT + icmpBytes);
  }

  /** Reads a frame once. @returns where its payload is, by its own IPv4 header */
  #read(from: number): { readonly at: number; readonly bytes: number } {
    this.#options.received.read(from * NET_BUFFER_BYTES, this.#frame);
    const headerBytes = (wire.Ipv4.versionAndIhl.get(this.#view, IP_AT) & 0x0f) * 4;
    // Another domain may have changed it since the responder looked.
    const most = this.#frame.length - IP_AT;
    const total = Math.min(wire.Ipv4.totalLength.get(this.#view, IP_AT), most);
    return { at: IP_AT + headerBytes, bytes: total - headerBytes };
  }

  #isWhole(at: number, bytes: number, protocol: number): boolean {
    const view = this.#view;
    const addresses = checksum(view, IP_AT + wire.Ipv4.source0.offset, 8);
    return fold(checksum(view, at, bytes, addresses) + protocol + bytes) === 0xffff;
  }

  /** RFC 1122 §3.2.2: nobody is told who is no single host. */
  #isFromOneHost(): boolean {
    const first = this.#frame[IP_AT + wire.Ipv4.source0.offset] as number;
    const mac = this.#frame[wire.Ethernet.source0.offset] as number;
    return first !== 0 && first !== 127 && first < 224 && (mac & 1) === 0;
  }

  #takeToken(): boolean {
    const nowNs = this.#options.now();
    const fresh = Math.floor((nowNs - this.#tokensAtNs) / NS_PER_ERROR);
    if (fresh > 0) {
      this.#tokens = Math.min(BURST, this.#tokens + fresh);
      this.#tokensAtNs = nowNs;
    }
    if (this.#tokens === 0) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Ethernet and IPv4, back to where the frame came from. */
  #writeHeaders(protocol: number, payloadBytes: number): void {
    const answer = this.#answer;
    const view = this.#answerView;
    const frame = this.#frame;
    answer.set(frame.subarray(6, 12), 0);
    answer.set(frame.subarray(0, 6), 6);
    wire.Ethernet.type.set(view, 0, wire.ETHERTYPE_IPV4);
    wire.Ipv4.versionAndIhl.set(view, IP_AT, 0x45);
    wire.Ipv4.totalLength.set(view, IP_AT, wire.Ipv4.SIZE + payloadBytes);
    wire.Ipv4.timeToLive.set(view, IP_AT, TIME_TO_LIVE);
    wire.Ipv4.protocol.set(view, IP_AT, protocol);
    const sourceAt = IP_AT + wire.Ipv4.source0.offset;
    const targetAt = IP_AT + wire.Ipv4.destination0.offset;
    answer.set(frame.subarray(targetAt, targetAt + 4), sourceAt);
    answer.set(frame.subarray(sourceAt, sourceAt + 4), targetAt);
    wire.Ipv4.headerChecksum.set(view, IP_AT, ~checksum(view, IP_AT, wire.Ipv4.SIZE) & 0xffff);
  }

  #pseudo(bytes: number): number {
    const sourceAt = IP_AT + wire.Ipv4.source0.offset;
    return checksum(this.#answerView, sourceAt, 8) + wire.IP_PROTOCOL_TCP + bytes;
  }

  #write(to: number, bytes: number): number {
    this.#options.sent.write(to * NET_BUFFER_BYTES, this.#answer.subarray(0, bytes));
    return bytes;
  }
}
