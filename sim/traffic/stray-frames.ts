/**
 * Frames that nobody has to answer, as every network has them: for others, for everybody, of other
 * protocols, damaged. What a system must not do with them is to keep their buffers.
 */

import { type FrameMemory, type Station, writeUdpFrame } from '../../board/links/udp-frame.ts';
import type { Random } from '../../board/random.ts';

/** Who sends them; what he is answered is nobody's business. */
export const STRANGER: Station = {
  mac: Uint8Array.of(0x52, 0x54, 0, 0, 0, 0x64),
  ip: 0x0a00_0264,
  port: 40_001,
};

const NOBODY = Uint8Array.of(0x52, 0x54, 0, 0, 0, 0x65);
const MULTICAST = Uint8Array.of(0x01, 0x00, 0x5e, 0, 0, 0x01);
const EVERYBODY = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
const DISCARD_PORT = 9;
const FRAME_BYTES_MIN = 60;
const FRAME_BYTES_SPAN = 400;
/** Of the UDP header, whose checksum is wrong then. */
const CHECKSUM_AT = 40;

/** Writes one, of a kind that chance chooses. @returns its length in bytes */
export function writeStrayFrame(
  memory: FrameMemory,
  at: number,
  random: Random,
  client: Station,
): number {
  const bytes = FRAME_BYTES_MIN + random.below(FRAME_BYTES_SPAN);
  const kind = random.below(5);
  const mac = [NOBODY, MULTICAST, EVERYBODY][kind] ?? client.mac;
  const to = { ...client, mac, port: DISCARD_PORT };
  memory.u8.fill(random.below(256), at, at + bytes);
  writeUdpFrame(memory, at, { from: STRANGER, to, identification: 0 }, bytes);
  // A protocol that nobody speaks; a datagram for a client that was damaged on its way.
  if (kind === 3) memory.view.setUint16(at + 12, 0x88b5);
  if (kind === 4) memory.u8[at + CHECKSUM_AT] = (memory.u8[at + CHECKSUM_AT] as number) ^ 0xff;
  return bytes;
}

/** @returns whether a frame in memory is one of these */
export function isStrayFrame({ u8 }: FrameMemory, at: number): boolean {
  return STRANGER.mac.every((byte, index) => u8[at + 6 + index] === byte);
}
