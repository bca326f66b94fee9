/**
 * One end of a connection of the network class, for when the other end is down: both of its queues
 * are then ours to write. See `docs/restart.md`.
 */

import type { Region } from '../../memory/region.ts';
import { distance16 } from '../../memory/wrapping.ts';
import type { NetConnection } from './config.ts';
import { NetQueueHeader, type NetConsumer, type NetProducer } from './queue.ts';

/** One end of a connection: the record, and the two handles. */
export interface NetEnd {
  readonly connection: NetConnection;
  /** Our handles: of the queue that we fill, and of the one that we empty. */
  readonly out: NetProducer;
  readonly in: NetConsumer;
}

/**
 * Makes both queues what they are at boot, and closes our handles: nothing can be put in or taken
 * out until {@link openNetEnd}.
 *
 * @returns how many entries there were, in both queues
 */
export function closeNetEnd(
  pd: { region(name: string): Region },
  { connection, out, in: taken }: NetEnd,
): number {
  out.close();
  taken.close();
  const { freeQueue, activeQueue, capacity } = connection;
  return emptyQueue(pd.region(freeQueue), capacity) + emptyQueue(pd.region(activeQueue), capacity);
}

/** The other end runs again: our handles begin where the memory of the queues says. */
export function openNetEnd({ out, in: taken }: NetEnd): void {
  out.open();
  taken.open();
}

function emptyQueue(queue: Region, capacity: number): number {
  const tail = queue.read16(NetQueueHeader.tail.offset);
  const length = distance16(tail, queue.read16(NetQueueHeader.head.offset));
  queue.fill(0, 0, NetQueueHeader.SIZE);
  return Math.min(length, capacity);
}
