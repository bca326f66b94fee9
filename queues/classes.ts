/** All queue classes, and what configuration records say of them. */

import { BLK_CLASS } from './blk/class.ts';
import { asConnection, type Connection, type QueueClass, type QueueKind } from './class.ts';
import { I2C_CLASS } from './i2c/class.ts';
import { NET_CLASS } from './net/class.ts';
import { SERIAL_CLASS } from './serial/class.ts';

export {
  asConnection,
  indexDistance,
  queueBytes,
  queueLevel,
  queueOf,
  readIndex,
  roleOf,
} from './class.ts';
export { BLK_CLASS, I2C_CLASS, NET_CLASS, SERIAL_CLASS };
export { BLK_SECTIONS } from './blk/sections.ts';
export { I2C_SECTIONS } from './i2c/sections.ts';
export { NET_BUFFER_BYTES } from './net/queue.ts';
export { STORAGE_INFO_BYTES } from './blk/layout.ts';
export { MAC_BYTES, NET_SECTIONS } from './net/sections.ts';
export { deviceRegion, region, SLOTS } from './sections.ts';
export { BEGIN_BYTES, NAME_BYTES, SERIAL_SECTIONS } from './serial/sections.ts';
export { TIMER_SECTIONS } from './timer/sections.ts';

/** The first that a record fits is its class: one of blk has all that one of i2c has, and more. */
export const QUEUE_CLASSES: readonly QueueClass[] = [NET_CLASS, BLK_CLASS, SERIAL_CLASS, I2C_CLASS];

/** @returns what a value says of a connection, of whichever class it is */
export function connectionOf(value: unknown): Connection | undefined {
  for (const each of QUEUE_CLASSES) {
    const found = asConnection(value, each);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** One queue as a configuration record names it. */
export interface QueueRecord {
  readonly kind: QueueKind;
  /** Region in which it lies: its name, and the same for both ends. */
  readonly region: string;
  /** Slots; bytes of a serial queue. */
  readonly capacity: number;
  /** The fields of the configuration that lead to it, such as `clients.0.connection`. */
  readonly place: string;
}

/**
 * @returns the queues in the order of the record; a queue that the record names twice is there once
 */
export function queueRecords(config: unknown): readonly QueueRecord[] {
  const found = new Map<string, QueueRecord>();
  collect(config, '', found);
  return [...found.values()];
}

function collect(config: unknown, place: string, found: Map<string, QueueRecord>): void {
  if (typeof config !== 'object' || config === null) return;
  const connection = connectionOf(config);
  if (connection !== undefined) {
    for (const kind of connection.class.queues) {
      const region = connection.region(kind.field);
      const { capacity } = connection;
      if (!found.has(region)) found.set(region, { kind, region, capacity, place });
    }
  }
  for (const [field, value] of Object.entries(config)) {
    collect(value, place === '' ? field : `${place}.${field}`, found);
  }
}
