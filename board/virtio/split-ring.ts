/** The layout of a split virtqueue (virtio 1.2 §2.7), as the device has it. */

/** Descriptor flags, §2.7.5. */
export const VIRTQ_DESC_F_NEXT = 1;
export const VIRTQ_DESC_F_WRITE = 2;
export const VIRTQ_DESC_F_INDIRECT = 4;
/** Flag of the available ring, §2.7.6. */
export const VIRTQ_AVAIL_F_NO_INTERRUPT = 1;
/** Flag of the used ring, §2.7.8. */
export const VIRTQ_USED_F_NO_NOTIFY = 1;

/** A descriptor: address (two words), length, flags and next (half a word each). */
export const DESC_BYTES = 16;
export const DESC_WORDS = 4;

/** Flags, index, one head for each entry, used_event. */
export function availRingBytes(size: number): number {
  return 6 + 2 * size;
}

/** Flags, index, one element of 8 bytes for each entry, avail_event. */
export function usedRingBytes(size: number): number {
  return 6 + 8 * size;
}
