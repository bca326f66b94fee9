/** What a device's side of a virtqueue is given. */

import type { Ram } from '../../memory/ram.ts';
import type { DmaWindow } from '../device.ts';
import type { RingRanges } from './ring-ranges.ts';

/** Which queue of its device it is. */
export interface QueueName {
  readonly index: number;
}

/** Told about what the driver did wrong. */
export interface QueueOwner {
  /** The queue has just been latched broken. @param rule a rule of `rules.md` */
  queueBroken(queue: QueueName, rule: number, clause: string, what: string): void;
  /** A rule was broken that costs only the driver. */
  queueLint(queue: QueueName, clause: string, what: string): void;
}

export interface DeviceQueueOptions {
  readonly index: number;
  /** QueueSizeMax; a power of two. */
  readonly sizeMax: number;
  readonly ram: Ram;
  readonly dma: DmaWindow;
  readonly rings: RingRanges;
  readonly owner: QueueOwner;
  /**
   * Index at which both rings start; 0, except in tests of the index wrap, where the driver starts
   * there too.
   */
  readonly startIndex?: number;
}
