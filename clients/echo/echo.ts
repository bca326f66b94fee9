/**
 * Echo client: answers ARP, ICMP echo, and UDP on ports 1235 and 7 (RFC 862). Everything else is
 * counted and dropped.
 *
 * An answer needs a free transmit buffer; while there is none, received packets wait in their
 * queue. Works behind a copier and without one (queue entries then are offsets in the DMA region),
 * and alone with a driver: then its configuration names physical addresses, queue entries hold
 * those, and it fills the driver's free queue as a receive virtualiser would.
 */

import { demand } from '../../memory/misuse.ts';
import {
  type Channel,
  type EntryPoints,
  type ProtectionDomain,
  ProgramState,
} from '../../microkit/pd.ts';
import { Counters } from '../../queues/counters.ts';
import type { NetClientConfig, NetData } from '../../queues/net/config.ts';
import { closeNetEnd, type NetEnd, openNetEnd } from '../../queues/net/net-end.ts';
import {
  fillFreeQueue,
  highHalf,
  lowHalf,
  NET_BUFFER_BYTES,
  NetConsumer,
  NetProducer,
} from '../../queues/net/queue.ts';
import type { MemberConfig } from '../../queues/restart/config.ts';
import { type Connections, joinRestarts, supervised } from '../../queues/restart/member.ts';
import { type Flow, runFlow } from '../../queues/signal.ts';
import { ECHO_COUNTERS, isAnswer, Responder } from './responder.ts';
import { parseIpv4, parseMac } from './wire.ts';

export interface EchoConfig {
  readonly net: NetClientConfig;
  /** Such as "10.0.2.15". */
  readonly ip: string;
  /** Region for the counters; without it they are private. */
  readonly stats?: string;
  /** Where there is a supervisor. */
  readonly restart?: MemberConfig;
}

const COUNT = ECHO_COUNTERS;
/** A transmit buffer that has been taken from the free queue and is not used yet. */
const NO_BUFFER = -1;
const BUFFER_SHIFT = 11;
// Declared here, V8 folds it into the code.
const BUFFER_BYTES = NET_BUFFER_BYTES;

/** Names of the counters in `stats`, for whoever runs this program from a description. */
export { ECHO_COUNTERS as counters };

/** Microkit's `init`. */
export function main(pd: ProtectionDomain<EchoConfig>): EntryPoints {
  const client = new EchoClient(pd);
  return supervised(client.member, client, {
    notified: () => client.notified(),
    progress: () => client.received,
  });
}

class EchoClient extends ProgramState<EchoConfig> implements Connections {
  /** Packets received so far. */
  received = 0;
  readonly #net = this.pd.config.net;
  readonly member = joinRestarts(this.pd, this.pd.config.restart);
  readonly #counters = new Counters(ECHO_COUNTERS, this.optionalRegion(this.pd.config.stats));
  readonly #rxActive = this.#consumer(this.#net.rx.activeQueue, this.#net.rx.capacity);
  readonly #rxFree = this.#producer(this.#net.rx.freeQueue, this.#net.rx.capacity);
  readonly #txActive = this.#producer(this.#net.tx.activeQueue, this.#net.tx.capacity);
  readonly #txFree = this.#consumer(this.#net.tx.freeQueue, this.#net.tx.capacity);
  readonly #rxEnd: NetEnd = { connection: this.#net.rx, out: this.#rxFree, in: this.#rxActive };
  readonly #txEnd: NetEnd = { connection: this.#net.tx, out: this.#txActive, in: this.#txFree };
  /**
   * Added to an offset, gives what a queue entry holds: 0, or the region's physical address; low
   * halves, signed.
   */
  readonly #rxBase: number = lowHalf(this.#baseOf(this.#net.rxData));
  readonly #txBase: number = lowHalf(this.#baseOf(this.#net.txData));
  readonly #txBaseHigh: number = highHalf(this.#baseOf(this.#net.txData));
  readonly #rxBytes: number = this.#net.rxData.buffers * NET_BUFFER_BYTES;
  readonly #txBytes: number = this.#net.txData.buffers * NET_BUFFER_BYTES;
  readonly #responder = makeResponder(this.pd);
  readonly #receive: Flow = {
    drain: () => this.#answerAll(),
    requestSignal: () => this.#requestSignals(),
    cancelSignal: () => this.#rxActive.cancelSignal(),
    canMove: () => this.#rxActive.hasItems() && this.#hasTxBuffer(),
  };
  /** Offset of a transmit buffer in hand, or {@link NO_BUFFER}. */
  #txBuffer = NO_BUFFER;

  constructor(pd: ProtectionDomain<EchoConfig>) {
    super(pd);
    for (const channel of this.member?.abandoned ?? []) closeNetEnd(pd, this.#endOf(channel));
    this.#fillTxFree();
    this.#fillRxFree();
    this.notified();
  }

  notified(): void {
    runFlow(this.#receive);
    if (this.#rxFree.publish()) this.pd.notify(this.#net.rx.channel);
    if (this.#txActive.publish()) this.pd.deferredNotify(this.#net.tx.channel);
  }

  close(channel: Channel): void {
    closeNetEnd(this.pd, this.#endOf(channel));
    if (channel !== this.#net.tx.channel) return;
    this.#txBuffer = NO_BUFFER;
    this.#fillTxFree();
  }

  open(channel: Channel): void {
    openNetEnd(this.#endOf(channel));
    if (channel === this.#net.rx.channel) this.#fillRxFree();
    this.notified();
  }

  #endOf(channel: Channel): NetEnd {
    return channel === this.#net.tx.channel ? this.#txEnd : this.#rxEnd;
  }

  #answerAll(): void {
    do this.#echoPlain();
    while (this.#answerNext());
    this.#rxActive.publish();
    this.#txFree.publish();
  }

  /**
   * Good datagrams for an echo port with a buffer for each answer, as many as come one behind the
   * other.
   */
  readonly #echoPlain = (): void => {
    if (this.#txBuffer !== NO_BUFFER) return;
    const active = this.#rxActive;
    const free = this.#rxFree;
    const txActive = this.#txActive;
    const txFree = this.#txFree;
    const packets = Math.min(active.available(), txFree.available());
    const most = Math.min(packets, txActive.room(), free.room());
    let done = 0;
    let bytes = 0;
    for (; done < most; done += 1) {
      const low = active.lowAt(done);
      const high = active.highAt(done);
      const len = active.lenAndOidAt(done) & 0xffff;
      const to = txFree.lowAt(done);
      const from = (low - this.#rxBase) | 0;
      const offset = (to - this.#txBase) | 0;
      if (!isBuffer(from, this.#rxBytes) || !isBuffer(offset, this.#txBytes)) break;
      if (!this.#responder.echo(from >> BUFFER_SHIFT, len, offset >> BUFFER_SHIFT)) break;
      txActive.putAt(done, to, this.#txBaseHigh, len);
      free.putAt(done, low, high, 0);
      bytes += len;
    }
    if (done === 0) return;
    active.advance(done);
    txFree.advance(done);
    txActive.advance(done);
    free.advance(done);
    this.received += done;
    this.#counters.add(COUNT.udpEchoed, done);
    this.#countAnswers(done, bytes);
  };

  /**
   * The next packet, whatever it is.
   * @returns false when there is none, or no buffer for an answer
   */
  #answerNext(): boolean {
    const active = this.#rxActive;
    const counters = this.#counters;
    if (!active.hasItems() || !this.#hasTxBuffer() || !active.dequeue()) return false;
    const { low, high, len } = active;
    this.received += 1;
    const offset = (low - this.#rxBase) | 0;
    if (!isBuffer(offset, this.#rxBytes) || len > BUFFER_BYTES) {
      counters.add(COUNT.badRxBuffer, 1);
      return true;
    }
    const done = this.#responder.respond(
      offset >> BUFFER_SHIFT,
      len,
      this.#txBuffer >> BUFFER_SHIFT,
    );
    counters.add(done, 1);
    if (isAnswer(done)) {
      this.#countAnswers(1, len);
      this.#send(len);
    }
    if (!this.#rxFree.enqueue(low, high, 0, 0)) counters.add(COUNT.queueFull, 1);
    return true;
  }

  #countAnswers(answers: number, bytes: number): void {
    this.#counters.add(COUNT.txPackets, answers);
    this.#counters.add(COUNT.copies, answers);
    this.#counters.add(COUNT.bytesCopied, bytes);
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

  /**
   * @returns whether there is a transmit buffer in hand; takes one from the free queue if there is
   * none
   */
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
    if (this.#txBuffer === NO_BUFFER && !this.#txFree.hasItems()) this.#txFree.requestSignal();
    this.#rxActive.requestSignal();
    return 'requested';
  }

  /**
   * Our own buffers begin in our transmit free queue, as the entries of a producer that has not
   * begun yet.
   */
  #fillTxFree(): void {
    const { tx, txData } = this.#net;
    const free = new NetProducer(this.pd.region(tx.freeQueue), tx.capacity);
    fillFreeQueue(free, txData.buffers, this.#baseOf(txData));
    free.publish();
    this.#txFree.cancelSignal();
  }

  /** Alone with a driver, the receive buffers are ours as well. */
  #fillRxFree(): void {
    const { rxData } = this.#net;
    if (rxData.paddrSymbol === undefined || this.#rxFree.isClosed) return;
    fillFreeQueue(this.#rxFree, rxData.buffers, this.#baseOf(rxData));
  }

  #consumer(queue: string, capacity: number): NetConsumer {
    return new NetConsumer(this.pd.region(queue), capacity);
  }

  #producer(queue: string, capacity: number): NetProducer {
    return new NetProducer(this.pd.region(queue), capacity);
  }

  #baseOf(data: NetData): number {
    return data.paddrSymbol === undefined ? 0 : (this.pd.vars[data.paddrSymbol] ?? 0);
  }
}

function makeResponder(pd: ProtectionDomain<EchoConfig>): Responder {
  const { net, ip } = pd.config;
  const mac = parseMac(net.mac);
  const address = parseIpv4(ip);
  demand(mac !== undefined, `'${net.mac}' is no MAC address`);
  demand(address !== undefined, `'${ip}' is no IPv4 address`);
  return new Responder({
    received: pd.readonlyRegion(net.rxData.region),
    receivedBuffers: net.rxData.buffers,
    sent: pd.region(net.txData.region),
    sentBuffers: net.txData.buffers,
    mac,
    ip: address,
  });
}

function isBuffer(offset: number, dataBytes: number): boolean {
  return offset >= 0 && offset < dataBytes && (offset & (BUFFER_BYTES - 1)) === 0;
}
