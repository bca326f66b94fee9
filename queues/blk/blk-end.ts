/**
 * One end of a connection of the block class, for when the other end is down: both of its queues
 * are then ours to write. See `docs/restart.md`.
 */

import type { Region } from '../../memory/region.ts';
import type { BlkConnection } from './config.ts';
import { REQUEST_ENTRIES, RESPONSE_ENTRIES } from './layout.ts';
import type { BlkRequestConsumer, BlkRequestProducer } from './request-queue.ts';
import type { BlkResponseConsumer, BlkResponseProducer } from './response-queue.ts';

/** Our handles, of whichever side we are. */
export interface BlkEnd {
  readonly connection: BlkConnection;
  readonly requests: BlkRequestProducer | BlkRequestConsumer;
  readonly responses: BlkResponseConsumer | BlkResponseProducer;
}

/**
 * Makes both queues what they are at boot, and closes our handles: nothing can be put in or taken
 * out until {@link openBlkEnd}. Storage information stays: it is not the queue's.
 */
export function closeBlkEnd(
  pd: { region(name: string): Region },
  { connection, requests, responses }: BlkEnd,
): void {
  requests.close();
  responses.close();
  pd.region(connection.requestQueue).fill(0, 0, REQUEST_ENTRIES);
  pd.region(connection.responseQueue).fill(0, 0, RESPONSE_ENTRIES);
}

/** The other end runs again: our handles begin where the memory of the queues says. */
export function openBlkEnd({ requests, responses }: BlkEnd): void {
  requests.open();
  responses.open();
}
