/**
 * Frames that are published while others still wait for room or for a link: each is judged by
 * itself, and sent once.
 */

import { describe, expect, it } from 'vitest';
import type { ProtectionDomain } from '../../../microkit/pd.ts';
import { readCounters } from '../../../queues/counters.ts';
import type { NetClientConfig } from '../../../queues/net/config.ts';
import { NetConsumer, NetProducer } from '../../../queues/net/queue.ts';
import { bareEcho, IRQ } from '../../../test/support/bare-echo.ts';
import { ScriptedNic } from '../../../test/support/scripted-nic.ts';
import { NET_DRIVER_COUNTERS } from './counters.ts';

const USED_BUFFERS = 1;
const CONFIG_CHANGE = 2;
const DRIVER_CHANNEL = 2;
const BUFFERS = 16;

/** A driver whose client sends what the test says. */
function sender(ringEntries?: number) {
  let nic: ScriptedNic | undefined;
  let active: NetProducer | undefined;
  let free: NetConsumer | undefined;
  let notify = (): void => undefined;
  const echo = bareEcho({
    path: '2pd',
    buffers: BUFFERS,
    ...(ringEntries === undefined ? {} : { ringEntries }),
    device: ({ ram }) => (nic = new ScriptedNic({ ram })),
    clientProgram: () => (pd: ProtectionDomain<{ net: NetClientConfig }>) => {
      const { tx } = pd.config.net;
      active = new NetProducer(pd.region(tx.activeQueue), tx.capacity);
      free = new NetConsumer(pd.region(tx.freeQueue), tx.capacity);
      notify = () => pd.notify(DRIVER_CHANNEL);
      return { notified: () => undefined };
    },
  });
  if (nic === undefined || active === undefined || free === undefined) throw new Error('not made');
  const base = echo.system.paddr('tx_data0') | 0;
  const device = nic;
  const queue = active;
  return {
    nic: device,
    back: free,
    send: (first: number, count: number) => {
      for (let i = first; i < first + count; i += 1) {
        queue.enqueue((base + 2048 * (i % BUFFERS)) | 0, 0, 60, 0);
      }
      if (queue.publish()) notify();
      echo.system.run();
    },
    interrupt: (reason: number) => {
      device.interruptStatus |= reason;
      echo.driver.raise(IRQ);
      echo.system.run();
    },
    counters: () => readCounters(NET_DRIVER_COUNTERS, echo.system.region('driver_stats')),
  };
}

describe('frames behind others that still wait', () => {
  it('are sent when the ring has room again', () => {
    const { nic, send, interrupt, counters } = sender(8);
    send(0, 12);
    const first = nic.tx.takeAll();
    send(12, 3);
    for (const { head } of first) nic.tx.complete(head, 0);
    interrupt(USED_BUFFERS);

    expect([first.length, nic.tx.takeAll().length]).toEqual([8, 7]);
    expect(counters()).toMatchObject({ txPackets: 15, txBadLength: 0 });
  });

  it('are sent when the link is up again', () => {
    const { nic, back, send, interrupt, counters } = sender();
    nic.link = 'down';
    interrupt(CONFIG_CHANGE);
    for (let i = 0; i < 3; i += 1) send(i, 1);
    nic.link = 'up';
    interrupt(CONFIG_CHANGE);

    expect(nic.tx.takeAll()).toHaveLength(3);
    expect(counters()).toMatchObject({ txPackets: 3, txBadLength: 0, linkChanges: 2 });
    expect(back.dequeue()).toBe(false);
  });
});
