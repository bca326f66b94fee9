/**
 * The mark at the beginning of the generator's payloads: a magic number, then the number of the
 * frame's slot.
 */

import { PAYLOAD_AT } from './udp-frame.ts';

/** "sDDF", big-endian. */
export const MAGIC = 0x7344_4446;
export const GENERATOR_MARK_BYTES = 8;
/** The headers, the magic number and the slot's number. */
export const GENERATOR_FRAME_BYTES_MIN = PAYLOAD_AT + GENERATOR_MARK_BYTES;
