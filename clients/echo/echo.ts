/**
 * Echo client: answers ARP, ICMP echo, and UDP on ports 1235 and 7 (RFC 862). Everything else is counted and dropped.
 *
 * An answer needs a free transmit buffer; while there is none, received packets wait in their queue. Works behind a
 * copier and without one (queue entries then are offsets in the DMA region), and alone with a driver: then its
 * configuration names physical addresses, queue entries hold those, and it fills the driver's free queue as a
 * receive virtualiser would.
 */

import { assert } from '../../memory/assert.ts';
import type { EntryPoints, ProtectionDomain } from '../../microkit/pd.ts';
import { Counters } from '../../queues/counters.ts';
import type { NetClientConfig, NetData } from '../../queues/net/config.ts';
import {
  fillFreeQueue,
  highHalf,
  lowHalf,
  NET_BUFFER_BYTES,
  NetConsumer,
  NetProducer,
} from '../../queues/net/queue.ts';
import { type Flow, runFlow } from '../../queues/signal.ts';
import { ECHO_COUNTERS, isAnswer, Responder } from './responder.ts';
import { parseIpv4, parseMac } from './wire.ts';

export interface EchoConfig {
  readonly net: NetClientConfig;
  /** Such as "10.0.2.15". */
  readonly ip: string;
  /** Region for the counters; without it they are private. */
  readonly stats?: string;
}

const COUNT = ECHO_COUNTERS;
/** A transmit buffer that has been taken from the free queue and is not used yet. */
const NO_BUFFER = -1;
const BUFFER_SHIFT = 11;

/** Names of the counters in `stats`, for whoever runs this program from a description. */
export { ECHO_COUNTERS as counters };

/** Microkit's `init`. */
export function main(pd: ProtectionDomain<EchoConfig>): EntryPoints {
  const client = new EchoClient(pd);
  return {
    notified: () => client.notified(),
    progress: () => client.received,
  };
}

class EchoClient {
  /** Packets received so far. */
  received = 0;
  readonly #pd: ProtectionDomain<EchoConfig>;
  readonly #net: NetClientConfig;
  readonly #counters: Counters<keyof typeof ECHO_COUNTERS>;
  readonly #rxActive: NetConsumer;
  readonly #rxFree: NetProducer;
  readonly #txActive: NetProducer;
  readonly #txFree: NetConsumer;
  /** Added to an offset, gives what a queue entry holds: 0, or the region's physical address; low halves, signed. */
  readonly #rxBase: number = 0;
  readonly #txBase: number = 0;
  readonly #txBaseHigh: number = 0;
  readonly #rxBytes: number = 0;
  readonly #txBytes: number = 0;
  readonly #responder: Responder;
  readonly #receive: Flow;
  /** Offset of a transmit buffer in hand, or {@link NO_BUFFER}. */
  #txBuffer = NO_BUFFER;

  constructor(pd: ProtectionDomain<EchoConfig>) {
    const { net, ip, stats } = pd.config;
    const mac = parseMac(net.mac);
    const address = parseIpv4(ip);
    assert(mac !== undefined, 'the configuration has a MAC');
    assert(address !== undefined, 'the configuration has an IPv4 address');
    this.#pd = pd;
    this.#net = net;
    this.#counters = new Counters(
      ECHO_COUNTERS,
      stats === undefined ? undefined : pd.region(stats),
    );
    this.#rxActive = new NetConsumer(pd.region(net.rx.activeQueue), net.rx.capacity);
    this.#rxFree = new NetProducer(pd.region(net.rx.freeQueue), net.rx.capacity);
    this.#txActive = new NetProducer(pd.region(net.tx.activeQueue), net.tx.capacity);
    this.#txFree = new NetConsumer(pd.region(net.tx.freeQueue), net.tx.capacity);
    this.#rxBase = lowHalf(this.#baseOf(net.rxData));
    this.#txBase = lowHalf(this.#baseOf(net.txData));
    this.#txBaseHigh = highHalf(this.#baseOf(net.txData));
    this.#rxBytes = net.rxData.buffers * NET_BUFFER_BYTES;
    this.#txBytes = net.txData.buffers * NET_BUFFER_BYTES;
    this.#responder = new Responder({
      received: pd.readonlyRegion(net.rxData.region),
      receivedBuffers: net.rxData.buffers,
      sent: pd.region(net.txData.region),
      sentBuffers: net.txData.buffers,
      mac,
      ip: address,
    });
    this.#receive = {
      drain: () => this.#answerAll(),
      requestSignal: () => this.#requestSignals(),
      cancelSignal: () => this.#rxActive.cancelSignal(),
      canMove: () => this.#rxActive.hasItems() && this.#hasTxBuffer(),
    };
    this.#fillTxFree();
    if (net.rxData.paddrSymbol !== undefined) {
      fillFreeQueue(this.#rxFree, net.rxData.buffers, this.#baseOf(net.rxData));
    }
    this.notified();
  }

  notified(): void {
    runFlow(this.#receive);
    if (this.#rxFree.publish()) this.#pd.notify(this.#net.rx.channel);
    if (this.#txActive.publish()) this.#pd.deferredNotify(this.#net.tx.channel);
  }

  #answerAll(): void {
    const active = this.#rxActive;
    const counters = this.#counters;
    let packets = 0;
    let answers = 0;
    let bytes = 0;
    while (this.#hasTxBuffer() && active.dequeue()) {
      const { low, high, len } = active;
      packets += 1;
      const offset = (low - this.#rxBase) | 0;
      if (!isBuffer(offset, this.#rxBytes) || len > NET_BUFFER_BYTES) {
        counters.add(COUNT.badRxBuffer, 1);
        continue;
      }
      const done = this.#responder.respond(
        offset >>> BUFFER_SHIFT,
        len,
        this.#txBuffer >>> BUFFER_SHIFT,
      );
      counters.add(done, 1);
      if (isAnswer(done)) {
        answers += 1;
        bytes += len;
        this.#send(len);
      }
      if (!this.#rxFree.enqueue(low, high, 0, 0)) counters.add(COUNT.queueFull, 1);
    }
    if (packets === 0) return;
    active.publish();
    this.#txFree.publish();
    this.received += packets;
    counters.add(COUNT.txPackets, answers);
    counters.add(COUNT.copies, answers);
    counters.add(COUNT.bytesCopied, bytes);
  }

  #send(len: number): void {
    const low = (this.#txBuffer + this.#txBase) | 0;
    if (!this.#txActive.enqueue(low, this.#txBaseHigh, len, 0)) {
      // The buffer stays in hand, and the next answer goes into it.
      this.#counters.add(COUNT.queueFull, 1);
      return;
    }
    this.#txBuffer = NO_BUFFER;
  }

  /** @returns whether there is a transmit buffer in hand; takes one from the free queue if there is none */
  #hasTxBuffer(): boolean {
    const free = this.#txFree;
    while (this.#txBuffer === NO_BUFFER) {
      if (!free.dequeue()) return false;
      const offset = (free.low - this.#txBase) | 0;
      if (isBuffer(offset, this.#txBytes)) this.#txBuffer = offset;
      else this.#counters.add(COUNT.badTxBuffer, 1);
    }
    return true;
  }

  /** Empty transmit buffers are of interest only while packets wait for one. */
  #requestSignals(): 'requested' {
    if (this.#txBuffer === NO_BUFFER) this.#txFree.requestSignal();
    this.#rxActive.requestSignal();
    return 'requested';
  }

  /** Our own buffers begin in our transmit free queue, as the entries of a producer that has not begun yet. */
  #fillTxFree(): void {
    const { tx, txData } = this.#net;
    const free = new NetProducer(this.#pd.region(tx.freeQueue), tx.capacity);
    fillFreeQueue(free, txData.buffers, this.#baseOf(txData));
    free.publish();
    this.#txFree.cancelSignal();
  }

  #baseOf(data: NetData): number {
    return data.paddrSymbol === undefined ? 0 : (this.#pd.vars[data.paddrSymbol] ?? 0);
  }
}

function isBuffer(offset: number, dataBytes: number): boolean {
  return offset >>> 0 < dataBytes && (offset & (NET_BUFFER_BYTES - 1)) === 0;
}
