/**
 * What a closed port is answered with: a TCP segment with a reset (RFC 9293 §3.10.7.1), a datagram
 * with an ICMP "port unreachable" (RFC 792), at a limited rate (RFC 1812 §4.3.2.8).
 *
 * A frame is judged by the responder first: it is for us, whole, and its IPv4 header is good.
 */

import type { ReadonlyRegion, Region } from '../../memory/region.ts';
import { NET_BUFFER_BYTES } from '../../queues/net/queue.ts';
import { checksum, fold } from '../../queues/net/checksum.ts';
import {
  ANSWER_PAYLOAD_AT,
  ErrorRate,
  ICMP_ERROR_BYTES_MAX,
  isFromOneHost,
  writeAnswerHeaders,
  writeIcmpError,
} from '../../queues/net/icmp-error.ts';
import * as wire from '../../queues/net/wire.ts';

const IP_AT = wire.Ethernet.SIZE;
const PAYLOAD_AT = ANSWER_PAYLOAD_AT;
const TCP_FIN = 0x01;
const TCP_SYN = 0x02;
const TCP_RST = 0x04;
const TCP_ACK = 0x10;

/** Where their checksums are, for whoever completes them: see `NetProducer.enqueuePartial`. */
export const TCP_CHECKSUM = PAYLOAD_AT | (wire.Tcp.checksum.offset << 16);
export const ICMP_CHECKSUM = PAYLOAD_AT | (wire.Icmp.checksum.offset << 16);

export interface RefusalOptions {
  readonly received: ReadonlyRegion;
  readonly sent: Region;
  /** Nanoseconds from any start. */
  readonly now: () => number;
  /** Whether checksums of TCP and ICMP are left to the device. */
  readonly leavesChecksums?: boolean;
}

export class Refusals {
  readonly #options: RefusalOptions;
  readonly #frame = new Uint8Array(NET_BUFFER_BYTES);
  readonly #view = new DataView(this.#frame.buffer);
  readonly #answer = new Uint8Array(ICMP_ERROR_BYTES_MAX);
  readonly #answerView = new DataView(this.#answer.buffer);
  readonly #rate = new ErrorRate();

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
    if ((flags & TCP_RST) !== 0 || !isFromOneHost(this.#frame)) return 0;
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
    const targetAt = IP_AT + wire.Ipv4.destination0.offset;
    writeAnswerHeaders(this.#answer, this.#frame, {
      protocol: wire.IP_PROTOCOL_TCP,
      bytes: wire.Tcp.SIZE,
      source: this.#frame.subarray(targetAt, targetAt + 4),
    });
    const pseudo = this.#pseudo(wire.Tcp.SIZE);
    const sum = checksum(answer, PAYLOAD_AT, wire.Tcp.SIZE, pseudo);
    const field = this.#options.leavesChecksums === true ? fold(pseudo) : ~sum & 0xffff;
    wire.Tcp.checksum.set(answer, PAYLOAD_AT, field);
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
    if (udpBytes < wire.Udp.SIZE || udpBytes > bytes || !isFromOneHost(this.#frame)) return 0;
    if (hasSum && !this.#isWhole(at, udpBytes, wire.IP_PROTOCOL_UDP)) return 0;
    if (!this.#rate.take(this.#options.now())) return -1;
    const { leavesChecksums = false } = this.#options;
    const kind = { type: wire.ICMP_UNREACHABLE, code: wire.ICMP_PORT_UNREACHABLE };
    const error = { ...kind, leavesChecksum: leavesChecksums };
    return this.#write(to, writeIcmpError(this.#answer, this.#frame, error));
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

  #pseudo(bytes: number): number {
    const sourceAt = IP_AT + wire.Ipv4.source0.offset;
    return checksum(this.#answerView, sourceAt, 8) + wire.IP_PROTOCOL_TCP + bytes;
  }

  #write(to: number, bytes: number): number {
    this.#options.sent.write(to * NET_BUFFER_BYTES, this.#answer.subarray(0, bytes));
    return bytes;
  }
}
