/** Which queues a protection domain has: found in its configuration record, at any depth. */

export type QueueKind = 'net free' | 'net active' | 'blk request' | 'blk response' | 'serial';

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

/** @returns the queues in the order of the record; a queue that the record names twice is there once */
export function queueRecords(config: unknown): readonly QueueRecord[] {
  const found = new Map<string, QueueRecord>();
  collect(config, '', found);
  return [...found.values()];
}

function collect(config: unknown, place: string, found: Map<string, QueueRecord>): void {
  if (typeof config !== 'object' || config === null) return;
  const record = config as Readonly<Record<string, unknown>>;
  const { capacity } = record;
  if (typeof capacity === 'number') {
    for (const [field, kind] of Object.entries(FIELDS)) {
      const region = record[field];
      if (typeof region !== 'string' || found.has(region)) continue;
      found.set(region, { kind, region, capacity, place });
    }
  }
  for (const [field, value] of Object.entries(record)) {
    collect(value, place === '' ? field : `${place}.${field}`, found);
  }
}

/** Field of a connection (`queues/…/config.ts`), and what lies in the region that it names. */
const FIELDS: Readonly<Record<string, QueueKind>> = {
  freeQueue: 'net free',
  activeQueue: 'net active',
  requestQueue: 'blk request',
  responseQueue: 'blk response',
  queue: 'serial',
};
