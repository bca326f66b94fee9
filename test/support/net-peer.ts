/**
 * A network client of which a test decides every move: it sees its four queues, and remembers what
 * came out of them.
 */

import type { EchoConfig } from '../../clients/echo/echo.ts';
import type { Region } from '../../memory/region.ts';
import type { EntryPoints, ProtectionDomain } from '../../microkit/pd.ts';
import { NetConsumer, NetProducer } from '../../queues/net/queue.ts';

export interface Received {
  readonly low: number;
  readonly len: number;
}

export class NetPeer implements EntryPoints {
  readonly rxFree: NetProducer;
  readonly rxActive: NetConsumer;
  readonly txFree: NetConsumer;
  readonly txActive: NetProducer;
  /** Not yet given back by the test. */
  readonly received: Received[] = [];
  /** Transmit buffers that came back. */
  readonly sentBack: Received[] = [];
  readonly pd: ProtectionDomain<EchoConfig>;
  wakeUps = 0;

  constructor(pd: ProtectionDomain<EchoConfig>) {
    const { rx, tx } = pd.config.net;
    this.pd = pd;
    this.rxFree = new NetProducer(pd.region(rx.freeQueue), rx.capacity);
    this.rxActive = new NetConsumer(pd.region(rx.activeQueue), rx.capacity);
    this.txFree = new NetConsumer(pd.region(tx.freeQueue), tx.capacity);
    this.txActive = new NetProducer(pd.region(tx.activeQueue), tx.capacity);
  }

  notified(): void {
    this.wakeUps += 1;
    this.collect();
  }

  collect(): void {
    while (this.rxActive.dequeue()) {
      this.received.push({ low: this.rxActive.low, len: this.rxActive.len });
    }
    this.rxActive.publish();
    this.rxActive.requestSignal();
    while (this.txFree.dequeue()) {
      this.sentBack.push({ low: this.txFree.low, len: this.txFree.len });
    }
    this.txFree.publish();
    this.txFree.requestSignal();
  }

  /** Returns a receive buffer. */
  give(low: number, high = 0): void {
    this.rxFree.enqueue(low, high, 0, 0);
    this.rxFree.publish();
    this.pd.notify(this.pd.config.net.rx.channel);
  }

  send(
    low: number,
    len: number,
    more: { readonly high?: number; readonly oid?: number } = {},
  ): void {
    this.txActive.enqueue(low, more.high ?? 0, len, more.oid ?? 0);
    this.txActive.publish();
    this.pd.notify(this.pd.config.net.tx.channel);
  }

  get rxData(): Region {
    return this.pd.region(this.pd.config.net.rxData.region);
  }

  get txData(): Region {
    return this.pd.region(this.pd.config.net.txData.region);
  }

  /** One of the four queues as bytes. */
  queueRegion(direction: 'rx' | 'tx', kind: 'freeQueue' | 'activeQueue'): Region {
    return this.pd.region(this.pd.config.net[direction][kind]);
  }
}
