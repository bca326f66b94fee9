/**
 * The mark at the beginning of the generator's payloads: a magic number, then the number of the
 * frame's slot.
 */

/** "sDDF", big-endian. */
export const MAGIC = 0x7344_4446;
export const GENERATOR_MARK_BYTES = 8;
