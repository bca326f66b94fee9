/** Sizes of kernel objects, as log2 of bytes, and the rights of frames. */

export const TCB_BITS = 10;
export const ENDPOINT_BITS = 4;
export const NOTIFICATION_BITS = 6;
export const REPLY_BITS = 5;
export const SLOT_BITS = 5;
export const PAGE_TABLE_BITS = 12;
export const ASID_POOL_BITS = 12;
export const SCHED_CONTEXT_BITS_MIN = 7;
export const UNTYPED_BITS_MIN = 4;
export const UNTYPED_BITS_MAX = 38;
export const PAGE_BITS = 12;
export const MEGA_PAGE_BITS = 21;
export const GIGA_PAGE_BITS = 30;

/** Rights of a frame capability, weakest first. */
export const VM_KERNEL_ONLY = 1;
export const VM_READ_ONLY = 2;
export const VM_READ_WRITE = 3;

const BYTES = Float64Array.from({ length: 64 }, (_, bits) => 2 ** bits);

/**
 * @returns 2^sizeBits, from a table: a power whose exponent is a variable takes as long as a
 * lookup in a CSpace
 */
export function bytesOf(sizeBits: number): number {
  return BYTES[sizeBits] as number;
}
