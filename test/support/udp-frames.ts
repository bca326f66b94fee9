/**
 * Test support: Ethernet frames with UDP datagrams in them, made and read with the layouts of
 * `board/packets.ts`.
 */

import { checksumAdd, checksumFinish } from '../../board/internet-checksum.ts';
import {
  Ethernet,
  Ipv4,
  IPV4_AT,
  PROTOCOL_UDP,
  pseudoHeaderSum,
  TYPE_IPV4,
  Udp,
  UDP_AT,
  UDP_DATA_AT,
} from '../../board/packets.ts';

export interface UdpFrame {
  /** Low 32 bits of the target's MAC; the upper 16 are 0x5254. */
  readonly targetMacLow: number;
  readonly targetIp: number;
  readonly targetPort: number;
  readonly payload: Uint8Array;
  readonly sourceIp?: number;
  readonly sourcePort?: number;
}

/** What an answer looks like to whoever sent the question. */
export interface UdpAnswer {
  readonly sourceMacLow: number;
  readonly sourceIp: number;
  readonly targetPort: number;
  readonly payload: Uint8Array;
  readonly checksums: 'good' | 'bad';
}

const MAC_HIGH = 0x5254;
const SENDER_MAC_LOW = 0x0100_00ff;
const SENDER_IP = 0x0a00_0202;
const SENDER_PORT = 40_000;

export const CLIENT0 = { targetMacLow: 0x0100_000a, targetIp: 0x0a00_020f };
export const CLIENT1 = { targetMacLow: 0x0100_000b, targetIp: 0x0a00_0210 };

export function udpFrame(frame: UdpFrame): Uint8Array {
  const { payload, sourceIp = SENDER_IP } = frame;
  const bytes = new Uint8Array(UDP_DATA_AT + payload.length);
  const view = new DataView(bytes.buffer);
  Ethernet.targetHigh.set(view, 0, MAC_HIGH);
  Ethernet.targetLow.set(view, 0, frame.targetMacLow);
  Ethernet.sourceHigh.set(view, 0, MAC_HIGH);
  Ethernet.sourceLow.set(view, 0, SENDER_MAC_LOW);
  Ethernet.type.set(view, 0, TYPE_IPV4);
  Ipv4.versionLength.set(view, IPV4_AT, 0x45);
  Ipv4.totalLength.set(view, IPV4_AT, Ipv4.SIZE + Udp.SIZE + payload.length);
  Ipv4.timeToLive.set(view, IPV4_AT, 64);
  Ipv4.protocol.set(view, IPV4_AT, PROTOCOL_UDP);
  Ipv4.source.set(view, IPV4_AT, sourceIp);
  Ipv4.target.set(view, IPV4_AT, frame.targetIp);
  Ipv4.checksum.set(view, IPV4_AT, checksumFinish(checksumAdd(bytes, IPV4_AT, Ipv4.SIZE, 0)));
  const udpLength = Udp.SIZE + payload.length;
  Udp.sourcePort.set(view, UDP_AT, frame.sourcePort ?? SENDER_PORT);
  Udp.targetPort.set(view, UDP_AT, frame.targetPort);
  Udp.length.set(view, UDP_AT, udpLength);
  bytes.set(payload, UDP_DATA_AT);
  const pseudo = pseudoHeaderSum(sourceIp, frame.targetIp, udpLength);
  Udp.checksum.set(view, UDP_AT, checksumFinish(checksumAdd(bytes, UDP_AT, udpLength, pseudo)));
  return bytes;
}

/** @returns undefined when the frame is no UDP datagram */
export function readUdp(frame: Uint8Array): UdpAnswer | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  if (frame.length < UDP_DATA_AT || Ethernet.type.get(view, 0) !== TYPE_IPV4) return undefined;
  if (Ipv4.protocol.get(view, IPV4_AT) !== PROTOCOL_UDP) return undefined;
  const udpLength = Udp.length.get(view, UDP_AT);
  const source = Ipv4.source.get(view, IPV4_AT);
  const pseudo = pseudoHeaderSum(source, Ipv4.target.get(view, IPV4_AT), udpLength);
  const headerSum = checksumFinish(checksumAdd(frame, IPV4_AT, Ipv4.SIZE, 0));
  const udpSum = checksumFinish(checksumAdd(frame, UDP_AT, udpLength, pseudo));
  return {
    sourceMacLow: Ethernet.sourceLow.get(view, 0),
    sourceIp: source,
    targetPort: Udp.targetPort.get(view, UDP_AT),
    payload: frame.slice(UDP_DATA_AT, UDP_AT + udpLength),
    checksums: headerSum === 0 && udpSum === 0 ? 'good' : 'bad',
  };
}

/** Bytes that differ from packet to packet. */
export function payload(lengthBytes: number, seed: number): Uint8Array {
  return Uint8Array.from({ length: lengthBytes }, (_, i) => (seed * 31 + i * 7) & 0xff);
}
