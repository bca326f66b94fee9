/** The form of a question to an echo client, and who asks it. */

import { PAYLOAD_AT, type Station } from '../../board/links/udp-frame.ts';

export const ASKER: Station = {
  mac: Uint8Array.of(0x52, 0x54, 0, 0, 0, 0x63),
  ip: 0x0a00_0263,
  port: 40_000,
};

/** Headers, then the question's number and its client's, four bytes each, little-endian. */
export const QUESTION_BYTES_MIN = PAYLOAD_AT + 8;
