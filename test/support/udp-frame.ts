/**
 * A UDP datagram in an Ethernet frame, written field by field from the RFCs: not with the code
 * under test.
 */

export interface UdpFrameOptions {
  readonly mac: string;
  readonly ip: string;
  readonly payload: Uint8Array;
  readonly port?: number;
  readonly sourcePort?: number;
}

export const SOURCE_MAC = [0x02, 0, 0, 0, 0, 0x01];
export const SOURCE_IP = [10, 0, 2, 2];

/** @returns the frame, with right checksums, from 02:00:00:00:00:01, 10.0.2.2 */
export function udpFrame(options: UdpFrameOptions): Uint8Array {
  const { mac, ip, payload, port = 1235, sourcePort = 40_000 } = options;
  const frame = new Uint8Array(42 + payload.length);
  const view = new DataView(frame.buffer);
  frame.set(mac.split(':').map((byte) => Number.parseInt(byte, 16)));
  frame.set(SOURCE_MAC, 6);
  view.setUint16(12, 0x0800);
  view.setUint8(14, 0x45);
  view.setUint16(16, 28 + payload.length);
  view.setUint16(18, 0x1234);
  view.setUint16(20, 0x4000);
  view.setUint8(22, 64);
  view.setUint8(23, 17);
  frame.set(SOURCE_IP, 26);
  frame.set(ip.split('.').map(Number), 30);
  view.setUint16(24, checksum(frame.subarray(14, 34)));
  view.setUint16(34, sourcePort);
  view.setUint16(36, port);
  view.setUint16(38, 8 + payload.length);
  frame.set(payload, 42);
  const pseudo = new Uint8Array(12 + 8 + payload.length);
  pseudo.set(frame.subarray(26, 34));
  pseudo[9] = 17;
  new DataView(pseudo.buffer).setUint16(10, 8 + payload.length);
  pseudo.set(frame.subarray(34), 12);
  view.setUint16(40, checksum(pseudo) || 0xffff);
  return frame;
}

/** RFC 1071. */
export function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) {
    sum += ((bytes[at] as number) << 8) | (bytes[at + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
