/**
 * A free and an active queue of the network class between two domains, and the channel that goes
 * with them.
 */

import type { NetConnection } from '../../queues/net/config.ts';
import { NET_CLASS, queueBytes, queueOf } from '../../queues/classes.ts';
import type { ChannelOptions, PdBuilder, RegionBuilder, SystemBuilder } from '../builder.ts';
import { roundUpToPages } from './device.ts';

/** The connection as either end sees it. To be called once identifiers are known. */
export interface QueuePair {
  ofFirst(): NetConnection;
  ofSecond(): NetConnection;
}

export interface QueuePairOptions {
  /** The end nearer to the driver. */
  readonly first: PdBuilder;
  readonly second: PdBuilder;
  readonly direction: 'rx' | 'tx';
  /** Slots of each queue; a power of two. */
  readonly capacity: number;
  /** What the ends may do beside notifying each other. */
  readonly channel?: ChannelOptions;
}

/** Makes both queues and the channel, and maps the queues into both domains. */
export function connectQueuePair(sys: SystemBuilder, options: QueuePairOptions): QueuePair {
  const { first, second, direction, capacity } = options;
  const prefix = `${first.name}_${second.name}_${direction}`;
  const [free, active] = ['free', 'active'].map((which) => {
    const bytes = queueBytes(queueOf(NET_CLASS, `${which}Queue`), capacity);
    return sys.region(`${prefix}_${which}`, { size: roundUpToPages(bytes) });
  }) as [RegionBuilder, RegionBuilder];
  for (const pd of [first, second]) {
    pd.map(free, { perms: 'rw' });
    pd.map(active, { perms: 'rw' });
  }
  const channel = sys.channel(first, second, options.channel);
  const queues = { freeQueue: free.name, activeQueue: active.name, capacity };
  return {
    ofFirst: () => ({ ...queues, channel: channel.a.value }),
    ofSecond: () => ({ ...queues, channel: channel.b.value }),
  };
}
