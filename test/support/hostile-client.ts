/**
 * Test support: a client that breaks every rule that memory lets it break. It writes random bytes
 * over its own queues and buffers whenever it runs, and signals its peers at random.
 */

import type { EchoConfig } from '../../clients/echo/echo.ts';
import { Random } from '../../board/random.ts';
import type { Region } from '../../memory/region.ts';
import type { Channel, EntryPoints, Program, ProtectionDomain } from '../../microkit/pd.ts';
import {
  fillFreeQueue,
  NET_BUFFER_BYTES,
  NetConsumer,
  NetProducer,
} from '../../queues/net/queue.ts';

/** Layout of sDDF's network queue. */
const TAIL = 0;
const HEAD = 2;
/** By this flag the consumer asks for a signal: 0 is yes. */
const CONSUMER_SIGNALLED = 4;
const HEADER_BYTES = 8;
const ENTRY_BYTES = 16;
/** Bytes written at the start of each queue: indices, flag, and the first entries. */
const QUEUE_BYTES = HEADER_BYTES + ENTRY_BYTES * 8;
const ENTRIES_CLAIMED = 512;
const GOOD_BUFFERS = 4;
/** What a recovered client sends. */
const FRAME_BYTES = 60;
export const ATTACKS_PER_WAKE_UP = 4;

export interface Attacks {
  /** Writes made so far. */
  count: number;
}

export function hostileClient(seed: number, attacks: Attacks): Program<EchoConfig> {
  return (pd) => new HostileClient(pd, new Random(seed), attacks).entryPoints();
}

/** What a client that has come to its senses has moved since then. */
export interface Recovered {
  received: number;
  sent: number;
}

/** Attacks `wakeUps` times; then makes peace, and answers each packet that it receives. */
export function recoveringClient(
  seed: number,
  wakeUps: number,
  recovered: Recovered,
): Program<EchoConfig> {
  return (pd) => {
    const attacks: Attacks = { count: 0 };
    const hostile = new HostileClient(pd, new Random(seed), attacks).entryPoints();
    let well: WellClient | undefined;
    return {
      notified: (channel) => {
        if (well === undefined && attacks.count < ATTACKS_PER_WAKE_UP * wakeUps) {
          hostile.notified?.(channel);
          return;
        }
        well ??= new WellClient(pd, recovered);
        well.answerAll();
      },
    };
  };
}

/** Begins on what a hostile one has left in its memory; what was in the queues is lost. */
class WellClient {
  readonly #pd: ProtectionDomain<EchoConfig>;
  readonly #recovered: Recovered;
  readonly #rxFree: NetProducer;
  readonly #rxActive: NetConsumer;
  readonly #txActive: NetProducer;
  readonly #txFree: Region;

  constructor(pd: ProtectionDomain<EchoConfig>, recovered: Recovered) {
    const { rx, rxData, tx } = pd.config.net;
    this.#pd = pd;
    this.#recovered = recovered;
    this.#txFree = pd.region(tx.freeQueue);
    this.#empty(rx.freeQueue, rx.channel);
    this.#empty(tx.activeQueue, tx.channel);
    const rxActive = pd.region(rx.activeQueue);
    rxActive.write16(HEAD, rxActive.read16(TAIL));
    this.#rxFree = new NetProducer(pd.region(rx.freeQueue), rx.capacity);
    this.#rxActive = new NetConsumer(rxActive, rx.capacity);
    this.#txActive = new NetProducer(pd.region(tx.activeQueue), tx.capacity);
    fillFreeQueue(this.#rxFree, rxData.buffers, 0);
    this.#rxFree.publish();
  }

  /** The consumer finds an empty queue, or an index that cannot be, and begins again there. */
  #empty(queue: string, channel: Channel): void {
    const region = this.#pd.region(queue);
    region.write16(TAIL, region.read16(HEAD));
    this.#pd.notify(channel);
  }

  answerAll(): void {
    const { rx, tx, txData } = this.#pd.config.net;
    const txFree = this.#txFree;
    do {
      while (this.#rxActive.dequeue()) {
        this.#recovered.received += 1;
        if (!this.#rxFree.enqueue(this.#rxActive.low, 0, 0, 0))
          throw new Error('no room to return');
        // Its own books say which buffer is next: whatever has been returned was that one.
        const next = (this.#recovered.sent % txData.buffers) * NET_BUFFER_BYTES;
        if (this.#txActive.enqueue(next, 0, FRAME_BYTES, 0)) this.#recovered.sent += 1;
      }
      this.#rxActive.publish();
      this.#rxActive.requestSignal();
    } while (this.#rxActive.hasItems());
    txFree.write16(HEAD, txFree.read16(TAIL));
    if (this.#rxFree.publish()) this.#pd.notify(rx.channel);
    if (this.#txActive.publish()) this.#pd.notify(tx.channel);
  }
}

class HostileClient {
  readonly #pd: ProtectionDomain<EchoConfig>;
  readonly #random: Random;
  readonly #attacks: Attacks;
  readonly #queues: readonly Region[];
  readonly #data: readonly Region[];

  constructor(pd: ProtectionDomain<EchoConfig>, random: Random, attacks: Attacks) {
    const { net } = pd.config;
    this.#pd = pd;
    this.#random = random;
    this.#attacks = attacks;
    const names = [net.rx.freeQueue, net.rx.activeQueue, net.tx.freeQueue, net.tx.activeQueue];
    this.#queues = names.map((name) => pd.region(name));
    this.#data = [pd.region(net.rxData.region), pd.region(net.txData.region)];
  }

  entryPoints(): EntryPoints {
    this.#attack();
    return { notified: () => this.#attack() };
  }

  #attack(): void {
    const random = this.#random;
    const [rxFree, rxActive] = this.#queues as [Region, Region];
    // Where the copier is: it has just published both.
    const freeHead = rxFree.read16(HEAD);
    const activeTail = rxActive.read16(TAIL);
    for (let i = 0; i < ATTACKS_PER_WAKE_UP; i++) {
      this.#attacks.count++;
      const queue = this.#queues[random.below(this.#queues.length)] as Region;
      // Indices alone, so that the queue claims to hold entries; entries; or both.
      const from = random.below(2) === 0 ? 0 : HEADER_BYTES;
      const length = random.below(2) === 0 ? HEADER_BYTES : QUEUE_BYTES - from;
      for (let at = from; at < from + length; at++) queue.write8(at, random.below(256));
      // An index that cannot be empties the queue; of one that can, its entries are looked at.
      if (random.below(2) === 0) {
        queue.write16(TAIL, (queue.read16(HEAD) + 1 + random.below(ENTRIES_CLAIMED)) & 0xffff);
      }
      const data = this.#data[random.below(2)] as Region;
      data.write32(4 * random.below(data.sizeBytes / 4), random.u32());
      const { net } = this.#pd.config;
      if (random.below(2) === 0) this.#pd.notify(net.tx.channel);
      if (random.below(2) === 0) this.#pd.notify(net.rx.channel);
    }
    this.#stayAwake(freeHead, activeTail);
  }

  /**
   * Offers a few good buffers and asks for a signal, so that the next packet wakes it: there is
   * more to break. Each signal above may have made the copier begin again at an index that cannot
   * be, so it is brought back to where it was: by another one, or it is there still.
   */
  #stayAwake(head: number, activeTail: number): void {
    const [rxFree, rxActive] = this.#queues as [Region, Region];
    const { capacity, channel } = this.#pd.config.net.rx;
    rxFree.write16(TAIL, head);
    rxFree.write16(HEAD, head);
    // The copier goes before its client: it has looked when this returns.
    this.#pd.notify(channel);
    for (let i = 0; i < GOOD_BUFFERS; i++) {
      const at = HEADER_BYTES + ENTRY_BYTES * ((head + i) % capacity);
      rxFree.write32(at, 2048 * i);
      rxFree.write32(at + 4, 0);
    }
    rxFree.write16(TAIL, (head + GOOD_BUFFERS) & 0xffff);
    rxActive.write16(TAIL, activeTail);
    rxActive.write16(HEAD, activeTail);
    rxActive.write32(CONSUMER_SIGNALLED, 0);
  }
}
