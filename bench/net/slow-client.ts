/**
 * A client that takes one packet each time it wakes up, however many have come, and answers none:
 * its queue fills up.
 */

import type { EchoConfig } from '../../clients/echo/echo.ts';
import type { EntryPoints, ProtectionDomain } from '../../microkit/pd.ts';
import { NetConsumer, NetProducer } from '../../queues/net/queue.ts';

export function slowClient(pd: ProtectionDomain<EchoConfig>): EntryPoints {
  const { rx } = pd.config.net;
  const active = new NetConsumer(pd.region(rx.activeQueue), rx.capacity);
  const free = new NetProducer(pd.region(rx.freeQueue), rx.capacity);
  const takeOne = (): void => {
    if (active.dequeue()) {
      active.publish();
      free.enqueue(active.low, active.high, 0, 0);
    }
    active.requestSignal();
    if (free.publish()) pd.notify(rx.channel);
  };
  takeOne();
  return { notified: takeOne };
}
