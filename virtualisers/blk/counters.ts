/** Counters of the block virtualiser. */

import { counterNames } from '../../queues/counters.ts';

/** Clients that have byte counters of their own: the first eight. */
export const COUNTED_CLIENTS = 8;

export const BLK_VIRT_COUNTERS = counterNames(
  'requests',
  'responses',
  'errors',
  'flushes',
  'barriers',
  // Requests refused, by reason.
  'refusedCode',
  'refusedCount',
  'refusedBlock',
  'refusedOffset',
  'refusedReadOnly',
  'refusedNoDevice',
  /** Flushes refused because an earlier one failed while this client had written. */
  'refusedLost',
  /** Queue counters of clients that cannot be. */
  'queueLies',
  /** Responses of the driver that belong to no request. */
  'strayResponses',
  'client0Bytes',
  'client1Bytes',
  'client2Bytes',
  'client3Bytes',
  'client4Bytes',
  'client5Bytes',
  'client6Bytes',
  'client7Bytes',
);

export type BlkVirtCounter = keyof typeof BLK_VIRT_COUNTERS;
