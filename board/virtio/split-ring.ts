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

/** What was negotiated that is a matter of queues. */
export interface NegotiatedForQueues {
  readonly indirect: 'negotiated' | 'refused';
  readonly eventIdx: 'negotiated' | 'refused';
}

/**
 * Where the rings lie, as offsets in RAM, and what was negotiated. All checked by the transport.
 */
export interface QueueLayout extends NegotiatedForQueues {
  readonly size: number;
  readonly descAt: number;
  readonly availAt: number;
  readonly usedAt: number;
}

/**
 * What is wrong with a chain that does not break the queue: the device decides what to do with it.
 */
export type ChainState =
  | 'good'
  /** Row 5: a buffer is outside the DMA window, or overlaps a ring. Its `segmentAt` is -1. */
  | 'unreachable'
  /** Row 6: a readable descriptor follows a writable one; there may be unreachable buffers too. */
  | 'misordered';
