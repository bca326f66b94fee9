/**
 * Receive copier: copies one client's packets from the DMA buffers into the client's own.
 *
 * The client then never sees another's packets, and cannot keep the device's buffers: when it has
 * no free buffer of its own, the packet is dropped here. What the client writes into its queues is
 * checked; it can harm itself only.
 */

import type { Region } from '../../../memory/region.ts';
import {
  type Channel,
  type EntryPoints,
  type ProtectionDomain,
  ProgramState,
} from '../../../microkit/pd.ts';
import { counterNames, Counters } from '../../../queues/counters.ts';
import type { NetCopyConfig } from '../../../queues/net/config.ts';
import { closeNetEnd, type NetEnd, openNetEnd } from '../../../queues/net/net-end.ts';
import { FrameCopy } from '../../../queues/net/loops/frame-copy.ts';
import { NET_BUFFER_BYTES, NetConsumer, NetProducer } from '../../../queues/net/queue.ts';
import { type Connections, joinRestarts, supervised } from '../../../queues/restart/member.ts';
import * as signal from '../../../queues/signal.ts';
import type { Flow } from '../../../queues/signal.ts';
import { isBufferOffset } from '../data.ts';

export const NET_COPY_COUNTERS = counterNames(
  'packets',
  'copies',
  'bytesCopied',
  /** The client had no free buffer. */
  'dropNoBuffer',
  /** The client's active queue is full: only a client that breaks the rules gets there. */
  'dropClientFull',
  /** Entries in the client's free queue that name no buffer of its region. */
  'refusedClientBuffer',
  /** Entries of the virtualiser that name no buffer. */
  'virtBadBuffer',
  'virtFull',
  /** Peers' indices that cannot be. */
  'queueLies',
);
const COUNT = NET_COPY_COUNTERS;
// A folded constant, though a function: docs/hot-code.md.
const { runFlow } = signal;
/** More than a system has, with a copier for each: Microkit has 63 domains at most. */
const CLIENTS_MAX = 64;

/** Names of the counters in `stats`, for whoever runs this program from a description. */
export { NET_COPY_COUNTERS as counters };

/** Microkit's `init`. */
export function main(pd: ProtectionDomain<NetCopyConfig>): EntryPoints {
  const copier = new NetCopy(pd);
  return supervised(copier.member, copier, {
    notified: () => copier.notified(),
    progress: () => copier.moved,
    counters: copier.counters,
  });
}

class NetCopy extends ProgramState<NetCopyConfig> implements Connections {
  /** Packets moved so far. */
  moved = 0;
  readonly #config = this.pd.config;
  readonly member = joinRestarts(this.pd, this.#config.restart);
  readonly counters = new Counters(NET_COPY_COUNTERS, this.optionalRegion(this.#config.stats));
  readonly #virtActive = this.#consumer(this.#config.rx.activeQueue, this.#config.rx.capacity);
  readonly #virtFree = this.#producer(this.#config.rx.freeQueue, this.#config.rx.capacity);
  readonly #clientActive = this.#producer(
    this.#config.client.activeQueue,
    this.#config.client.capacity,
  );
  readonly #clientFree = this.#consumer(
    this.#config.client.freeQueue,
    this.#config.client.capacity,
  );
  readonly #virtEnd: NetEnd = {
    connection: this.#config.rx,
    out: this.#virtFree,
    in: this.#virtActive,
  };
  readonly #clientEnd: NetEnd = {
    connection: this.#config.client,
    out: this.#clientActive,
    in: this.#clientFree,
  };
  readonly #source = this.pd.readonlyRegion(this.#config.rxData.region);
  readonly #target =
    this.#config.mode === 'copy' ? this.pd.region(this.#config.clientData.region) : undefined;
  readonly #frames = this.#target === undefined ? undefined : this.#frameCopy(this.#target);
  readonly #sourceBytes: number = this.#config.rxData.buffers * NET_BUFFER_BYTES;
  readonly #targetBytes: number = this.#config.clientData.buffers * NET_BUFFER_BYTES;
  readonly #receive: Flow = {
    drain: () => this.rxReturn(),
    requestSignal: () => {
      this.#virtActive.requestSignal();
      return 'requested';
    },
    cancelSignal: () => this.#virtActive.cancelSignal(),
    canMove: () => this.#virtActive.hasItems(),
  };
  readonly #passBack: Flow = {
    drain: () => this.#moveAll(this.#clientFree, this.#virtFree, COUNT.virtFull),
    requestSignal: () => this.#requestReturn(),
    cancelSignal: () => this.#clientFree.cancelSignal(),
    canMove: () => this.#clientFree.hasItems(),
  };
  /** Dummy: buffers that went to the client and have not come back. */
  #withClient = 0;
  #liesSeen = 0;

  constructor(pd: ProtectionDomain<NetCopyConfig>) {
    super(pd);
    for (const channel of this.member?.abandoned ?? []) closeNetEnd(pd, this.#endOf(channel));
    // Nothing waits for the client's empty buffers: they are looked for when a packet needs one.
    if (this.#config.mode === 'copy') this.#fillClient();
    this.notified();
  }

  notified(): void {
    runFlow(this.#receive);
    if (this.#config.mode === 'dummy') runFlow(this.#passBack);
    // One signal can go out together with the next wait: the last of those that are due.
    const { client, rx } = this.#config;
    const isClientDue = this.#clientActive.publish();
    if (this.#virtFree.publish()) {
      if (isClientDue) this.pd.notify(client.channel);
      this.pd.deferredNotify(rx.channel);
    } else if (isClientDue) {
      this.pd.deferredNotify(client.channel);
    }
    this.#countLies();
  }

  close(channel: Channel): void {
    const left = closeNetEnd(this.pd, this.#endOf(channel));
    if (channel !== this.#config.client.channel) return;
    this.member?.tookBack(this.#config.clientData.buffers - left);
    this.#fillClient();
  }

  open(channel: Channel): void {
    openNetEnd(this.#endOf(channel));
    this.notified();
  }

  /** Passes received packets to the client. */
  rxReturn(): void {
    const target = this.#target;
    const frames = this.#frames;
    if (target === undefined || frames === undefined) {
      this.#moveAll(this.#virtActive, this.#clientActive, COUNT.dropClientFull);
      return;
    }
    const active = this.#virtActive;
    this.#copyBatch(frames);
    while (this.#copyNext(target)) if (active.knownLeft > 0) this.#copyBatch(frames);
    active.publish();
    this.#clientFree.publish();
  }

  /** Packets with a good buffer of the client for each. */
  #copyBatch(frames: FrameCopy): void {
    const copied = frames.run();
    if (copied === 0) return;
    this.#count(copied, frames.bytes);
    this.moved += copied;
  }

  /** The next packet, whatever it is. @returns false when there is none */
  #copyNext(target: Region): boolean {
    const active = this.#virtActive;
    if (!active.dequeue()) return false;
    const { low, high, len } = active;
    if (this.#copy(target, low, high, len)) this.#count(1, len);
    if (!this.#virtFree.enqueue(low, high, len, 0)) this.counters.add(COUNT.virtFull, 1);
    this.moved += 1;
    return true;
  }

  #count(packets: number, bytes: number): void {
    this.counters.add(COUNT.packets, packets);
    this.counters.add(COUNT.copies, packets);
    this.counters.add(COUNT.bytesCopied, bytes);
  }

  /**
   * @returns whether the packet has been copied into a buffer of the client; else the reason has
   * been counted
   */
  #copy(target: Region, low: number, high: number, len: number): boolean {
    if (!isBufferOffset(low, high, this.#sourceBytes) || len > NET_BUFFER_BYTES) {
      this.counters.add(COUNT.virtBadBuffer, 1);
      return false;
    }
    if (!this.#clientActive.hasRoom()) {
      this.counters.add(COUNT.dropClientFull, 1);
      return false;
    }
    const free = this.#clientFree;
    while (free.dequeue()) {
      if (!isBufferOffset(free.low, free.high, this.#targetBytes)) {
        this.counters.add(COUNT.refusedClientBuffer, 1);
        continue;
      }
      target.copyFrom(this.#source, low, free.low, len);
      this.#clientActive.enqueue(free.low, 0, len, this.#virtActive.checkedOid);
      return true;
    }
    this.counters.add(COUNT.dropNoBuffer, 1);
    return false;
  }

  /** The published ablation: buffers go through untouched. */
  #moveAll(from: NetConsumer, to: NetProducer, full: number): void {
    let taken = 0;
    let refused = 0;
    while (from.dequeue()) {
      taken += 1;
      if (to.enqueue(from.low, from.high, from.len, from.oid | from.checkedOid)) continue;
      refused += 1;
      this.counters.add(full, 1);
      // The client takes nothing: the buffer goes straight back, or it would be missing for
      // everybody.
      if (to === this.#clientActive)
        this.#virtFree.enqueue(from.low, from.high, from.len, from.oid);
    }
    if (taken === 0) return;
    from.publish();
    this.moved += taken;
    const isReceived = from === this.#virtActive;
    const change = isReceived ? taken - refused : -taken;
    this.#withClient = Math.max(0, this.#withClient + change);
    this.counters.add(COUNT.packets, isReceived ? taken : 0);
  }

  /**
   * While the client has few of the buffers, they can wait until the next packet wakes us anyway:
   * so few that all clients of a system together leave the driver most of them, or there might be
   * no next packet.
   */
  #requestReturn(): 'requested' | 'content' {
    if (this.#withClient * CLIENTS_MAX < this.#config.rxData.buffers) return 'content';
    this.#clientFree.requestSignal();
    return 'requested';
  }

  /** Puts all of the client's buffers into its free queue, as its producer's first entries. */
  #fillClient(): void {
    const { client, clientData } = this.#config;
    const free = new NetProducer(this.pd.region(client.freeQueue), client.capacity);
    for (let index = 0; index < clientData.buffers; index += 1) {
      free.enqueue(index * NET_BUFFER_BYTES, 0, 0, 0);
    }
    free.publish();
    this.#clientFree.cancelSignal();
  }

  #frameCopy(target: Region): FrameCopy {
    const { rxData, clientData } = this.#config;
    return new FrameCopy({
      received: this.#virtActive,
      returned: this.#virtFree,
      source: this.#source,
      sourceBuffers: rxData.buffers,
      free: this.#clientFree,
      filled: this.#clientActive,
      target,
      targetBuffers: clientData.buffers,
    });
  }

  #endOf(channel: Channel): NetEnd {
    return channel === this.#config.client.channel ? this.#clientEnd : this.#virtEnd;
  }

  #consumer(queue: string, capacity: number): NetConsumer {
    return new NetConsumer(this.pd.region(queue), capacity);
  }

  #producer(queue: string, capacity: number): NetProducer {
    return new NetProducer(this.pd.region(queue), capacity);
  }

  #countLies(): void {
    const lies =
      this.#virtActive.lies + this.#virtFree.lies + this.#clientActive.lies + this.#clientFree.lies;
    if (lies === this.#liesSeen) return;
    this.counters.add(COUNT.queueLies, lies - this.#liesSeen);
    this.#liesSeen = lies;
  }
}
