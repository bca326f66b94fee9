/**
 * Echo client: answers ARP, ICMP echo, and UDP on ports 1235 and 7 (RFC 862). With a clock, other
 * ports are refused, TCP's too. Everything else is counted and dropped. Its address is in its
 * configuration, or given by DHCP.
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
  messageInfo,
  type ProtectionDomain,
  ProgramState,
} from '../../microkit/pd.ts';
import { Counters } from '../../queues/counters.ts';
import type { NetClientConfig, NetData } from '../../queues/net/config.ts';
import { DatagramEcho, type EchoBuffers } from '../../queues/net/loops/datagram-echo.ts';
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
import * as signal from '../../queues/signal.ts';
import type { Flow } from '../../queues/signal.ts';
import {
  TIMER_GET_TIME,
  TIMER_SET_TIMEOUT,
  type TimerClientConfig,
} from '../../queues/timer/config.ts';
import { LeaseKeeper, UDP_CHECKSUM } from './lease-keeper.ts';
import { Refusals } from './refusal.ts';
import { ECHO_COUNTERS, ECHO_PORTS, isAnswer, NO_ADDRESS, Responder } from './responder.ts';
import { parseIpv4, parseMac, swap16 } from '../../queues/net/wire.ts';

export interface EchoConfig {
  readonly net: NetClientConfig;
  /** Such as "10.0.2.15"; left out, it is asked for by DHCP, which takes a timer. */
  readonly ip?: string;
  /** Said of a client that is to ask: one in C has no configuration of this project's otherwise. */
  readonly address?: 'dhcp';
  /** With one, closed ports are refused, unless they are to be silent. */
  readonly timer?: TimerClientConfig;
  readonly closedPorts?: 'silent';
  /** The device completes checksums of what is sent: those of our own messages are left to it. */
  readonly checksums?: 'device';
  /** Region for the counters; without it they are private. */
  readonly stats?: string;
  /** Where there is a supervisor. */
  readonly restart?: MemberConfig;
}

const COUNT = ECHO_COUNTERS;
/** A transmit buffer that has been taken from the free queue and is not used yet. */
const NO_BUFFER = -1;
/** How soon to try again when there was none for a message of our own. */
const NO_BUFFER_NS = 10_000_000;
const BUFFER_SHIFT = 11;
// Folded constants, of functions, too: docs/hot-code.md.
const { runFlow } = signal;
const BUFFER_BYTES = NET_BUFFER_BYTES;

/** Names of the counters in `stats`, for whoever runs this program from a description. */
export { ECHO_COUNTERS as counters };

/** Microkit's `init`. */
export function main(pd: ProtectionDomain<EchoConfig>): EntryPoints {
  const client = new EchoClient(pd);
  return supervised(client.member, client, {
    notified: (channel) => client.notified(channel),
    progress: () => client.received,
    awaitsTime: () => client.isAsking,
    counters: client.counters,
  });
}

class EchoClient extends ProgramState<EchoConfig> implements Connections {
  /** Packets received so far. */
  received = 0;
  readonly #net = this.pd.config.net;
  readonly member = joinRestarts(this.pd, this.pd.config.restart);
  readonly counters = new Counters(ECHO_COUNTERS, this.optionalRegion(this.pd.config.stats));
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
  readonly #leavesChecksums = this.pd.config.checksums === 'device';
  readonly #responder = makeResponder(this.pd);
  readonly #datagrams = this.#datagramEcho();
  readonly #lease = makeLeaseKeeper(this.pd);
  readonly #receive: Flow = {
    drain: () => this.#answerAll(),
    requestSignal: () => this.#requestSignals(),
    cancelSignal: () => this.#rxActive.cancelSignal(),
    canMove: () => this.#rxActive.hasItems() && this.#hasTxBuffer(),
  };
  /** The address that DHCP has given. */
  #ip: number | undefined;
  /** Offset of a transmit buffer in hand, or {@link NO_BUFFER}. */
  #txBuffer = NO_BUFFER;

  constructor(pd: ProtectionDomain<EchoConfig>) {
    super(pd);
    for (const channel of this.member?.abandoned ?? []) closeNetEnd(pd, this.#endOf(channel));
    this.#fillTxFree();
    this.#fillRxFree();
    this.#tick();
    this.#work();
  }

  /** Whether it waits for a DHCP server. */
  get isAsking(): boolean {
    return this.#lease?.isAsking === true;
  }

  notified(channel: Channel): void {
    if (channel === this.pd.config.timer?.channel) this.#tick();
    this.#work();
  }

  #work(): void {
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
    this.#work();
  }

  #endOf(channel: Channel): NetEnd {
    return channel === this.#net.tx.channel ? this.#txEnd : this.#rxEnd;
  }

  #answerAll(): void {
    do this.#echoBatch();
    while (this.#answerNext());
    this.#rxActive.publish();
    this.#txFree.publish();
  }

  /** Good datagrams for an echo port with a buffer for each answer. */
  #echoBatch(): void {
    if (this.#txBuffer !== NO_BUFFER) return;
    const answered = this.#datagrams.run();
    if (answered === 0) return;
    this.received += answered;
    this.counters.add(COUNT.udpEchoed, answered);
    this.#countAnswers(answered, this.#datagrams.bytes);
  }

  /**
   * The next packet, whatever it is.
   * @returns false when there is none, or no buffer for an answer
   */
  #answerNext(): boolean {
    const active = this.#rxActive;
    const counters = this.counters;
    if (!active.hasItems() || !this.#hasTxBuffer() || !active.dequeue()) return false;
    const { low, high, len } = active;
    this.received += 1;
    const offset = (low - this.#rxBase) | 0;
    if (!isBuffer(offset, this.#rxBytes) || len > BUFFER_BYTES) {
      counters.add(COUNT.badRxBuffer, 1);
      return true;
    }
    this.#answer(
      offset >> BUFFER_SHIFT,
      len,
      this.#txBuffer >> BUFFER_SHIFT,
      active.checkedOid !== 0,
    );
    if (!this.#rxFree.enqueue(low, high, 0, 0)) counters.add(COUNT.queueFull, 1);
    return true;
  }

  #answer(from: number, len: number, to: number, isChecked: boolean): void {
    if (this.#lease !== undefined && this.#takeDhcp(this.#lease, from, len, to)) return;
    const done = this.#responder.respond(from, len, to, isChecked);
    this.counters.add(done, 1);
    if (!isAnswer(done)) return;
    const { answerBytes, answerChecksum } = this.#responder;
    this.#countAnswers(1, answerBytes);
    this.#send(answerBytes, answerChecksum);
  }

  /** @returns false for a frame that is no DHCP server's */
  #takeDhcp(lease: LeaseKeeper, from: number, len: number, to: number): boolean {
    const bytes = lease.take(from, len, to);
    if (bytes < 0) return false;
    this.counters.add(COUNT.dhcpReceived, 1);
    this.#afterDhcp(lease, bytes);
    return true;
  }

  /** Asks for an address, or to keep it, when it is time to. */
  #tick(): void {
    const lease = this.#lease;
    if (lease === undefined) return;
    if (this.#hasTxBuffer()) this.#afterDhcp(lease, lease.tick(this.#txBuffer >> BUFFER_SHIFT));
    else this.#requestTimeout(NO_BUFFER_NS);
  }

  #afterDhcp(lease: LeaseKeeper, bytes: number): void {
    if (bytes > 0) {
      this.counters.add(COUNT.dhcpSent, 1);
      this.#countAnswers(1, bytes);
      this.#send(bytes, this.#leavesChecksums ? UDP_CHECKSUM : 0);
    }
    const { ip } = lease;
    if (ip !== this.#ip) {
      this.#ip = ip;
      const address = ip === undefined ? NO_ADDRESS : halves(ip);
      this.#responder.setAddress(address);
      this.#datagrams.setAddress(address);
      if (ip !== undefined) this.counters.add(COUNT.dhcpBound, 1);
      this.pd.log(ip === undefined ? 'DHCP: no address any more' : `DHCP: ${ipText(ip)}`);
    }
    if (lease.nextAtNs < Infinity) this.#requestTimeout(lease.nextAtNs - timeOf(this.pd));
  }

  #requestTimeout(ns: number): void {
    const { timer } = this.pd.config;
    if (timer === undefined) return;
    this.pd.setMr(0, Math.max(1, Math.round(ns)));
    this.pd.ppcall(timer.channel, messageInfo(TIMER_SET_TIMEOUT, 1));
  }

  #countAnswers(answers: number, bytes: number): void {
    this.counters.add(COUNT.txPackets, answers);
    this.counters.add(COUNT.copies, answers);
    this.counters.add(COUNT.bytesCopied, bytes);
  }

  /** @param checksum where it is, when it is left to the device; else 0 */
  #send(len: number, checksum: number): void {
    const low = (this.#txBuffer + this.#txBase) | 0;
    const isSent =
      checksum === 0
        ? this.#txActive.enqueue(low, this.#txBaseHigh, len, 0)
        : this.#txActive.enqueuePartial(low, this.#txBaseHigh, len, checksum);
    if (!isSent) {
      // The buffer stays in hand, and the next answer goes into it.
      this.counters.add(COUNT.queueFull, 1);
      return;
    }
    if (checksum !== 0) this.counters.add(COUNT.checksumsLeft, 1);
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
      else this.counters.add(COUNT.badTxBuffer, 1);
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

  #datagramEcho(): DatagramEcho {
    const { rxData, txData } = this.#net;
    return new DatagramEcho({
      received: this.#rxActive,
      returned: this.#rxFree,
      source: this.pd.readonlyRegion(rxData.region),
      sourceBuffers: this.#echoBuffers(rxData),
      free: this.#txFree,
      filled: this.#txActive,
      target: this.pd.region(txData.region),
      targetBuffers: this.#echoBuffers(txData),
      mac: macOf(this.pd),
      ip: addressOf(this.pd),
      ports: ECHO_PORTS,
    });
  }

  #echoBuffers(data: NetData): EchoBuffers {
    const base = this.#baseOf(data);
    return { buffers: data.buffers, baseLow: lowHalf(base), baseHigh: highHalf(base) };
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

function addressOf({ config }: ProtectionDomain<EchoConfig>): readonly [number, number] {
  const { ip } = config;
  const address = ip === undefined ? NO_ADDRESS : parseIpv4(ip);
  demand(address !== undefined, `'${ip}' is no IPv4 address`);
  return address;
}

function makeResponder(pd: ProtectionDomain<EchoConfig>): Responder {
  const { net, timer, closedPorts, checksums } = pd.config;
  const regions = {
    received: pd.readonlyRegion(net.rxData.region),
    sent: pd.region(net.txData.region),
  };
  const now = (): number => timeOf(pd);
  const refuses = timer !== undefined && closedPorts !== 'silent';
  const leavesChecksums = checksums === 'device';
  return new Responder({
    ...regions,
    leavesChecksums,
    receivedBuffers: net.rxData.buffers,
    sentBuffers: net.txData.buffers,
    mac: macOf(pd),
    ip: addressOf(pd),
    ...(refuses ? { refusals: new Refusals({ ...regions, now, leavesChecksums }) } : {}),
  });
}

function makeLeaseKeeper(pd: ProtectionDomain<EchoConfig>): LeaseKeeper | undefined {
  const { net, ip, timer, checksums } = pd.config;
  if (ip !== undefined) return undefined;
  demand(timer !== undefined, 'without an address, a timer is needed to ask for one');
  return new LeaseKeeper({
    received: pd.readonlyRegion(net.rxData.region),
    sent: pd.region(net.txData.region),
    mac: Uint8Array.from(macOf(pd).flatMap((half) => [half & 0xff, half >>> 8])),
    now: () => timeOf(pd),
    leavesChecksums: checksums === 'device',
  });
}

function macOf({ config }: ProtectionDomain<EchoConfig>): readonly [number, number, number] {
  const mac = parseMac(config.net.mac);
  demand(mac !== undefined, `'${config.net.mac}' is no MAC address`);
  return mac;
}

/** @returns nanoseconds by the timer's clock */
function timeOf(pd: ProtectionDomain<EchoConfig>): number {
  const { timer } = pd.config;
  if (timer === undefined) return 0;
  pd.ppcall(timer.channel, messageInfo(TIMER_GET_TIME, 0));
  return pd.mr(0);
}

/** @returns the address as memory holds it */
function halves(ip: number): readonly [number, number] {
  return [swap16(ip >>> 16), swap16(ip & 0xffff)];
}

function ipText(ip: number): string {
  return [ip >>> 24, (ip >>> 16) & 255, (ip >>> 8) & 255, ip & 255].join('.');
}

function isBuffer(offset: number, dataBytes: number): boolean {
  return offset >= 0 && offset < dataBytes && (offset & (BUFFER_BYTES - 1)) === 0;
}
