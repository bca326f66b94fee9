/** Frames that a person sends from the page: as 10.0.2.2, the host of QEMU's user network. */

import { ipv4Number } from '../../host/net/socket-address.ts';

export interface Peer {
  readonly ip: string;
  readonly mac: string;
}

const OWN_IP = '10.0.2.2';
const OWN_MAC = [0x52, 0x55, 0x0a, 0x00, 0x02, 0x02] as const;
const OWN_PORT = 4000;
const IPV4 = [0x08, 0x00] as const;
const ARP = [0x08, 0x06] as const;
const PROTOCOL_ICMP = 1;
const PROTOCOL_UDP = 17;
const TTL = 64;
const ECHO_REQUEST = 8;
const PAYLOAD_MAX = 1400;

/** An ICMP echo request (RFC 792). */
export function pingFrame(to: Peer, sequence: number): number[] {
  const payload = [...new TextEncoder().encode('sddf testbed ping')];
  const message = [ECHO_REQUEST, 0, 0, 0, 0x5d, 0xdf, ...word(sequence), ...payload];
  const sum = checksum(message);
  message.splice(2, 2, ...word(sum));
  return ethernet(to, IPV4, ipv4(to, PROTOCOL_ICMP, message));
}

/** A UDP datagram without a checksum (RFC 768: zero means that there is none). */
export function udpFrame(to: Peer, port: number, text: string): number[] {
  const payload = [...new TextEncoder().encode(text)].slice(0, PAYLOAD_MAX);
  const header = [...word(OWN_PORT), ...word(port), ...word(8 + payload.length), 0, 0];
  return ethernet(to, IPV4, ipv4(to, PROTOCOL_UDP, [...header, ...payload]));
}

/**
 * The answer to who asks for the address that these frames come from (RFC 826).
 *
 * @returns undefined when the frame is no such question
 */
export function arpAnswer(frame: Uint8Array): number[] | undefined {
  const isArp = frame[12] === ARP[0] && frame[13] === ARP[1] && frame[21] === 1;
  const asked = [...frame.subarray(38, 42)];
  if (!isArp || String(asked) !== String(address(OWN_IP))) return undefined;
  const [mac, ip] = [frame.subarray(22, 28), frame.subarray(28, 32)];
  const body = [0, 1, ...IPV4, 6, 4, 0, 2, ...OWN_MAC, ...address(OWN_IP), ...mac, ...ip];
  return padded([...mac, ...OWN_MAC, ...ARP, ...body]);
}

/** What a frame is, in a few words; for lists. */
export function frameText(frame: Uint8Array): string {
  const type = ((frame[12] ?? 0) << 8) | (frame[13] ?? 0);
  if (type === 0x0806) return frame[21] === 1 ? 'ARP question' : 'ARP answer';
  if (type !== 0x0800) return `type 0x${type.toString(16).padStart(4, '0')}`;
  const at = 14 + ((frame[14] ?? 0) & 15) * 4;
  const from = frame.subarray(26, 30).join('.');
  if (frame[23] === PROTOCOL_ICMP) {
    return `${from}: ping ${frame[at] === 0 ? 'answer' : `type ${frame[at] ?? 0}`}`;
  }
  if (frame[23] !== PROTOCOL_UDP) return `${from}: protocol ${frame[23] ?? 0}`;
  const length = ((frame[at + 4] ?? 0) << 8) | (frame[at + 5] ?? 0);
  const text = new TextDecoder().decode(frame.subarray(at + 8, at + length));
  return `${from}: UDP “${text}”`;
}

function ethernet(to: Peer, type: readonly number[], payload: readonly number[]): number[] {
  return padded([...macOf(to), ...OWN_MAC, ...type, ...payload]);
}

/** The smallest frame has 60 bytes. */
function padded(frame: readonly number[]): number[] {
  return [...frame, ...Array.from({ length: Math.max(0, 60 - frame.length) }, () => 0)];
}

function ipv4(to: Peer, protocol: number, payload: readonly number[]): number[] {
  const length = word(20 + payload.length);
  const header = [0x45, 0, ...length, 0, 0, 0, 0, TTL, protocol, 0, 0];
  header.push(...address(OWN_IP), ...address(to.ip));
  header.splice(10, 2, ...word(checksum(header)));
  return [...header, ...payload];
}

/** The Internet checksum (RFC 1071). */
function checksum(bytes: readonly number[]): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) {
    sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function word(value: number): number[] {
  return [(value >>> 8) & 255, value & 255];
}

function address(ip: string): number[] {
  const value = ipv4Number(ip);
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

function macOf({ mac }: Peer): number[] {
  return mac.split(':').map((byte) => Number.parseInt(byte, 16));
}
