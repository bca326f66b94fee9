/**
 * Copier of a client behind the switch: copies frames into the client's own buffers from wherever
 * their sender keeps them, another client's transmit buffers or those of the device. The switch
 * says where by the entry's `oid`, a port number.
 *
 * What it copies from is read-only here, and only what the access list lets in is mapped at all. A
 * client that has no free buffer loses the frame; nobody waits for it. What the client writes into
 * its queues is checked; it can harm itself only.
 */

import type { ReadonlyRegion, Region } from '../../../memory/region.ts';
import type { EntryPoints, ProtectionDomain } from '../../../microkit/pd.ts';
import { Counters } from '../../../queues/counters.ts';
import type { NetData, NetPortCopyConfig } from '../../../queues/net/config.ts';
import { closeNetEnd, type NetEnd, openNetEnd } from '../../../queues/net/net-end.ts';
import {
  fillFreeQueue,
  NET_BUFFER_BYTES,
  NetConsumer,
  NetProducer,
} from '../../../queues/net/queue.ts';
import { type Connections, joinRestarts, supervised } from '../../../queues/restart/member.ts';
import { type Flow, runFlow } from '../../../queues/signal.ts';
import { isBufferOffset } from '../data.ts';
import { NET_COPY_COUNTERS } from '../copy/copy.ts';

const COUNT = NET_COPY_COUNTERS;

/** The counters are those of the other copier. */
export { NET_COPY_COUNTERS as counters };

interface Source {
  readonly region: ReadonlyRegion;
  readonly bytes: number;
}

/** Microkit's `init`. */
export function main(pd: ProtectionDomain<NetPortCopyConfig>): EntryPoints {
  const copier = new PortCopy(pd);
  return supervised(copier.member, copier, {
    notified: () => copier.notified(),
    progress: () => copier.moved,
    counters: copier.counters,
  });
}

class PortCopy implements Connections {
  /** Frames moved so far. */
  moved = 0;
  readonly member: ReturnType<typeof joinRestarts>;
  readonly #pd: ProtectionDomain<NetPortCopyConfig>;
  readonly counters: Counters<keyof typeof NET_COPY_COUNTERS>;
  readonly #active: NetConsumer;
  readonly #free: NetProducer;
  readonly #clientActive: NetProducer;
  readonly #clientFree: NetConsumer;
  readonly #switchEnd: NetEnd;
  readonly #clientEnd: NetEnd;
  readonly #sources: readonly (Source | undefined)[];
  readonly #target: Region;
  readonly #targetBytes: number;
  readonly #receive: Flow;
  #liesSeen = 0;

  constructor(pd: ProtectionDomain<NetPortCopyConfig>) {
    const { rx, client, sources, clientData, stats } = pd.config;
    this.#pd = pd;
    this.member = joinRestarts(pd, pd.config.restart);
    this.counters = new Counters(
      NET_COPY_COUNTERS,
      stats === undefined ? undefined : pd.region(stats),
    );
    this.#active = new NetConsumer(pd.region(rx.activeQueue), rx.capacity);
    this.#free = new NetProducer(pd.region(rx.freeQueue), rx.capacity);
    this.#clientActive = new NetProducer(pd.region(client.activeQueue), client.capacity);
    this.#clientFree = new NetConsumer(pd.region(client.freeQueue), client.capacity);
    this.#switchEnd = { connection: rx, out: this.#free, in: this.#active };
    this.#clientEnd = { connection: client, out: this.#clientActive, in: this.#clientFree };
    this.#sources = sources.map((data) => (data === null ? undefined : openSource(pd, data)));
    this.#target = pd.region(clientData.region);
    this.#targetBytes = clientData.buffers * NET_BUFFER_BYTES;
    this.#receive = {
      drain: () => this.#rxReturn(),
      requestSignal: () => {
        this.#active.requestSignal();
        return 'requested';
      },
      cancelSignal: () => this.#active.cancelSignal(),
      canMove: () => this.#active.hasItems(),
    };
    for (const channel of this.member?.abandoned ?? []) closeNetEnd(pd, this.#endOf(channel));
    this.#fillClient();
    this.notified();
  }

  close(channel: number): void {
    const left = closeNetEnd(this.#pd, this.#endOf(channel));
    if (channel !== this.#pd.config.client.channel) return;
    this.member?.tookBack(this.#pd.config.clientData.buffers - left);
    this.#fillClient();
  }

  open(channel: number): void {
    openNetEnd(this.#endOf(channel));
    this.notified();
  }

  #endOf(channel: number): NetEnd {
    return channel === this.#pd.config.client.channel ? this.#clientEnd : this.#switchEnd;
  }

  /**
   * Nothing waits for the client's empty buffers: they are looked for when a frame needs one.
   */
  #fillClient(): void {
    const { client, clientData } = this.#pd.config;
    const free = new NetProducer(this.#pd.region(client.freeQueue), client.capacity);
    fillFreeQueue(free, clientData.buffers, 0);
    free.publish();
    this.#clientFree.cancelSignal();
  }

  notified(): void {
    runFlow(this.#receive);
    if (this.#clientActive.publish()) this.#pd.notify(this.#pd.config.client.channel);
    if (this.#free.publish()) this.#pd.deferredNotify(this.#pd.config.rx.channel);
    this.#countLies();
  }

  #rxReturn(): void {
    const active = this.#active;
    let taken = 0;
    let copied = 0;
    let bytes = 0;
    while (active.dequeue()) {
      const { low, high, len, oid } = active;
      taken += 1;
      if (this.#copy()) {
        copied += 1;
        bytes += len;
      }
      if (!this.#free.enqueue(low, high, len, oid)) this.counters.add(COUNT.virtFull, 1);
    }
    if (taken === 0) return;
    active.publish();
    this.#clientFree.publish();
    this.moved += taken;
    this.counters.add(COUNT.packets, copied);
    this.counters.add(COUNT.copies, copied);
    this.counters.add(COUNT.bytesCopied, bytes);
  }

  /**
   * Copies the frame that was taken out last.
   * @returns whether it did; else the reason has been counted
   */
  #copy(): boolean {
    const { low, high, len, oid } = this.#active;
    const source = this.#sources[oid];
    if (
      source === undefined ||
      !isBufferOffset(low, high, source.bytes) ||
      len > NET_BUFFER_BYTES
    ) {
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
      this.#target.copyFrom(source.region, low, free.low, len);
      this.#clientActive.enqueue(free.low, 0, len, 0);
      return true;
    }
    this.counters.add(COUNT.dropNoBuffer, 1);
    return false;
  }

  #countLies(): void {
    const lies =
      this.#active.lies + this.#free.lies + this.#clientActive.lies + this.#clientFree.lies;
    if (lies === this.#liesSeen) return;
    this.counters.add(COUNT.queueLies, lies - this.#liesSeen);
    this.#liesSeen = lies;
  }
}

function openSource(pd: ProtectionDomain<NetPortCopyConfig>, { region, buffers }: NetData): Source {
  return { region: pd.readonlyRegion(region), bytes: buffers * NET_BUFFER_BYTES };
}
