/**
 * ICMP errors (RFC 792): who gets one (RFC 1122 §3.2.2, RFC 1812 §4.3.2.7), how many there may be
 * (RFC 1812 §4.3.2.8), and what is in it. For what is rare: works on copies of frames.
 */

import { checksum } from './checksum.ts';
import * as wire from './wire.ts';

const IP_AT = wire.Ethernet.SIZE;
/** Where an answer's payload begins: its IPv4 header has no options. */
export const ANSWER_PAYLOAD_AT = IP_AT + wire.Ipv4.SIZE;
/** RFC 792: of the datagram that is complained of, its header and this much. */
const QUOTED_BYTES = 8;
const TIME_TO_LIVE = 64;
const FRAGMENT_OFFSET = 0x1fff;
/** Messages that are no errors: echo and its reply, router discovery, timestamps. */
const QUERIES: readonly number[] = [0, 8, 9, 10, 13, 14];

/** Errors that may go out at once, and how fast there may be more: as Linux has it. */
const BURST = 50;
const NS_PER_ERROR = 1_000_000;

/** Bytes that an error takes at most: headers, and an IPv4 header with options and 8 bytes. */
export const ICMP_ERROR_BYTES_MAX = ANSWER_PAYLOAD_AT + 8 + 60 + QUOTED_BYTES;

/** What is wrong with a datagram, as ICMP says it (RFC 792). */
export interface IcmpError {
  readonly type: number;
  readonly code: number;
  /** The address that complains: four bytes; the one that the frame was for unless told. */
  readonly source?: Uint8Array;
  /** The checksum is the device's to make: the field holds 0. */
  readonly leavesChecksum?: boolean;
}

/** Limits how many errors there are. */
export class ErrorRate {
  #tokens = BURST;
  #tokensAtNs = 0;

  /** @param nowNs nanoseconds from any start @returns whether there may be one more */
  take(nowNs: number): boolean {
    const fresh = Math.floor((nowNs - this.#tokensAtNs) / NS_PER_ERROR);
    if (fresh > 0) {
      this.#tokens = Math.min(BURST, this.#tokens + fresh);
      this.#tokensAtNs = nowNs;
    }
    if (this.#tokens === 0) return false;
    this.#tokens -= 1;
    return true;
  }
}

/** RFC 1122 §3.2.2: nobody is told who is no single host. @param frame with an IPv4 header */
export function isFromOneHost(frame: Uint8Array): boolean {
  const first = frame[IP_AT + wire.Ipv4.source0.offset] as number;
  const mac = frame[wire.Ethernet.source0.offset] as number;
  return first !== 0 && first !== 127 && first < 224 && (mac & 1) === 0;
}

/**
 * Whether an error may answer the frame: not to an error, to a fragment but the first, or to what
 * came for all or from nobody.
 *
 * @param frame with a good IPv4 header
 */
export function mayComplainOf(frame: Uint8Array): boolean {
  const view = viewOf(frame);
  const fragment = wire.Ipv4.flagsAndFragmentOffset.get(view, IP_AT) & FRAGMENT_OFFSET;
  if (!isFromOneHost(frame) || fragment !== 0 || ((frame[0] as number) & 1) !== 0) return false;
  if (wire.Ipv4.protocol.get(view, IP_AT) !== wire.IP_PROTOCOL_ICMP) return true;
  return QUERIES.includes(frame[payloadAt(view)] as number);
}

/**
 * Writes an error about a frame, back to where it came from.
 *
 * @param frame with a good IPv4 header
 * @param answer {@link ICMP_ERROR_BYTES_MAX} bytes or more
 * @returns bytes of the answer
 */
export function writeIcmpError(answer: Uint8Array, frame: Uint8Array, error: IcmpError): number {
  const view = viewOf(answer);
  const quoted = payloadAt(viewOf(frame)) - IP_AT + QUOTED_BYTES;
  const icmpBytes = 2 * wire.Icmp.SIZE + quoted;
  answer.fill(0, 0, ANSWER_PAYLOAD_AT + icmpBytes);
  wire.Icmp.type.set(view, ANSWER_PAYLOAD_AT, error.type);
  wire.Icmp.code.set(view, ANSWER_PAYLOAD_AT, error.code);
  const quotedAt = ANSWER_PAYLOAD_AT + 2 * wire.Icmp.SIZE;
  answer.set(frame.subarray(IP_AT, IP_AT + quoted), quotedAt);
  if (error.leavesChecksum !== true) {
    const sum = checksum(view, ANSWER_PAYLOAD_AT, icmpBytes);
    wire.Icmp.checksum.set(view, ANSWER_PAYLOAD_AT, ~sum & 0xffff);
  }
  const sourceAt = IP_AT + wire.Ipv4.destination0.offset;
  const source = error.source ?? frame.subarray(sourceAt, sourceAt + 4);
  writeAnswerHeaders(answer, frame, { protocol: wire.IP_PROTOCOL_ICMP, bytes: icmpBytes, source });
  return ANSWER_PAYLOAD_AT + icmpBytes;
}

/**
 * Ethernet and IPv4, back to where the frame came from.
 *
 * @param payload its protocol, its bytes, and the four bytes of the address that sends it
 */
export function writeAnswerHeaders(
  answer: Uint8Array,
  frame: Uint8Array,
  payload: { readonly protocol: number; readonly bytes: number; readonly source: Uint8Array },
): void {
  const view = viewOf(answer);
  answer.set(frame.subarray(6, 12), 0);
  answer.set(frame.subarray(0, 6), 6);
  wire.Ethernet.type.set(view, 0, wire.ETHERTYPE_IPV4);
  wire.Ipv4.versionAndIhl.set(view, IP_AT, 0x45);
  wire.Ipv4.totalLength.set(view, IP_AT, wire.Ipv4.SIZE + payload.bytes);
  wire.Ipv4.timeToLive.set(view, IP_AT, TIME_TO_LIVE);
  wire.Ipv4.protocol.set(view, IP_AT, payload.protocol);
  const sourceAt = IP_AT + wire.Ipv4.source0.offset;
  const targetAt = IP_AT + wire.Ipv4.destination0.offset;
  answer.set(payload.source, sourceAt);
  answer.set(frame.subarray(sourceAt, sourceAt + 4), targetAt);
  wire.Ipv4.headerChecksum.set(view, IP_AT, ~checksum(view, IP_AT, wire.Ipv4.SIZE) & 0xffff);
}

/** Where the payload of the frame's IPv4 header is. */
function payloadAt(view: DataView): number {
  return IP_AT + (wire.Ipv4.versionAndIhl.get(view, IP_AT) & 0x0f) * 4;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
