/**
 * One end of a connection of the i2c class, for when the other end is down: both of its queues are
 * then ours to write. See `docs/restart.md`.
 */

import type { Region } from '../../memory/region.ts';
import type { I2cConnection } from './config.ts';
import { REQUEST_COMMANDS, RESPONSE_ENTRIES } from './layout.ts';
import type {
  I2cRequestConsumer,
  I2cRequestProducer,
  I2cResponseConsumer,
  I2cResponseProducer,
} from './queues.ts';

/** Our handles, of whichever side we are. */
export interface I2cEnd {
  readonly connection: I2cConnection;
  readonly requests: I2cRequestProducer | I2cRequestConsumer;
  readonly responses: I2cResponseConsumer | I2cResponseProducer;
}

/**
 * Makes both queues what they are at boot, and closes our handles: nothing can be put in or taken
 * out until {@link openI2cEnd}.
 */
export function closeI2cEnd(
  pd: { region(name: string): Region },
  { connection, requests, responses }: I2cEnd,
): void {
  requests.close();
  responses.close();
  pd.region(connection.requestQueue).fill(0, 0, REQUEST_COMMANDS);
  pd.region(connection.responseQueue).fill(0, 0, RESPONSE_ENTRIES);
}

/** The other end runs again: our handles begin where the memory of the queues says. */
export function openI2cEnd({ requests, responses }: I2cEnd): void {
  requests.open();
  responses.open();
}
