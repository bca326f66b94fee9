/**
 * Receive virtualiser: shares the driver's received buffers among clients, by destination address.
 *
 * A broadcast goes to every client, and its buffer back to the driver when the last of them has returned it: each DMA
 * buffer has a reference count. What nobody wants goes back at once.
 *
 * A client behind a copier never sees this; a client without one returns buffers itself, and may return anything. So
 * it is remembered who holds what: only a buffer that the client holds is taken back from it. Every refusal is counted.
 */

import { assert } from '../../../memory/assert.ts';
import { NO_WORDS } from '../../../memory/empty-arrays.ts';
import type { Region } from '../../../memory/region.ts';
import type { EntryPoints, ProtectionDomain } from '../../../microkit/pd.ts';
import { counterNames, Counters } from '../../../queues/counters.ts';
import type { NetVirtRxConfig } from '../../../queues/net/config.ts';
import { BufferReader } from '../../../queues/net/buffer-view.ts';
import { NetConsumer, NetProducer } from '../../../queues/net/queue.ts';
import { type Flow, runFlow } from '../../../queues/signal.ts';
import { NO_BUFFER, TranslatedData } from '../data.ts';

export const NET_VIRT_RX_COUNTERS = counterNames(
  'packets',
  'broadcasts',
  /** Buffers that came back from clients. */
  'returned',
  /** Frames for no client of ours, multicast among them. */
  'dropNoClient',
  'dropRunt',
  /** A client's active queue is full: only a client that breaks the rules gets there. */
  'dropClientFull',
  /** Entries of the driver that name no buffer, or one that is not the driver's. */
  'driverBadBuffer',
  // Entries that clients returned: no such buffer; one that the client does not hold.
  'refusedNoBuffer',
  'refusedNotHeld',
  /** Peers' indices that cannot be. */
  'queueLies',
);
const COUNT = NET_VIRT_RX_COUNTERS;

const FRAME_BYTES_MIN = 14;

interface Client {
  readonly channel: number;
  readonly active: NetProducer;
  readonly free: NetConsumer;
  /** 1 for each buffer that the client holds. */
  readonly holds: Uint8Array;
  readonly provide: Flow;
}

/** Names of the counters in `stats`, for whoever runs this program from a description. */
export { NET_VIRT_RX_COUNTERS as counters };

/** Microkit's `init`. */
export function main(pd: ProtectionDomain<NetVirtRxConfig>): EntryPoints {
  const virt = new NetVirtRx(pd);
  return {
    notified: () => virt.notified(),
    progress: () => virt.moved,
  };
}

class NetVirtRx {
  /** Buffers moved so far, in either direction. */
  moved = 0;
  readonly #pd: ProtectionDomain<NetVirtRxConfig>;
  readonly #counters: Counters<keyof typeof NET_VIRT_RX_COUNTERS>;
  readonly #driverChannel: number = 0;
  readonly #driverActive: NetConsumer;
  readonly #driverFree: NetProducer;
  readonly #data: TranslatedData;
  readonly #frame: BufferReader;
  /** Reference counts, a byte for each buffer; 0: the driver has it. */
  readonly #refs: Region;
  readonly #clients: readonly Client[];
  /** Destination addresses: a signed word and a halfword each, as a frame in memory holds them, and whose they are. */
  readonly #macs: Int32Array = NO_WORDS;
  readonly #macClient: readonly number[];
  readonly #return: Flow;
  #atDriver = 0;
  #liesSeen = 0;

  constructor(pd: ProtectionDomain<NetVirtRxConfig>) {
    const { driver, data, clients, bufferMetadata, stats } = pd.config;
    this.#pd = pd;
    this.#counters = new Counters(
      NET_VIRT_RX_COUNTERS,
      stats === undefined ? undefined : pd.region(stats),
    );
    this.#driverChannel = driver.channel;
    this.#driverActive = new NetConsumer(pd.region(driver.activeQueue), driver.capacity);
    this.#driverFree = new NetProducer(pd.region(driver.freeQueue), driver.capacity);
    this.#data = new TranslatedData(data, pd.vars[data.paddrSymbol ?? ''] ?? 0);
    this.#frame = new BufferReader(pd.readonlyRegion(data.region), data.buffers);
    this.#refs = pd.region(bufferMetadata);
    assert(this.#refs.sizeBytes >= data.buffers, 'there is a reference count for each buffer');
    this.#refs.fill(0, 0, data.buffers);
    this.#atDriver = data.buffers;
    this.#clients = clients.map(({ connection }) => this.#makeClient(connection));
    const macs = clients.flatMap((client) => client.macs.map(parseMac));
    this.#macs = Int32Array.from(macs.flat());
    this.#macClient = clients.flatMap((client, index) => client.macs.map(() => index));
    this.#return = {
      drain: () => this.rxReturn(),
      requestSignal: () => {
        this.#driverActive.requestSignal();
        return 'requested';
      },
      cancelSignal: () => this.#driverActive.cancelSignal(),
      canMove: () => this.#driverActive.hasItems(),
    };
    for (let index = 0; index < data.buffers; index += 1) this.#toDriver(index);
    if (this.#driverFree.publish()) pd.deferredNotify(this.#driverChannel);
  }

  notified(): void {
    runFlow(this.#return);
    for (const client of this.#clients) {
      if (client.active.publish()) this.#pd.notify(client.channel);
    }
    for (const client of this.#clients) runFlow(client.provide);
    if (this.#driverFree.publish()) this.#pd.deferredNotify(this.#driverChannel);
    this.#countLies();
  }

  /** Hands received buffers to clients. */
  rxReturn(): void {
    const active = this.#driverActive;
    let packets = 0;
    let taken = 0;
    while (active.dequeue()) {
      taken += 1;
      const index = this.#data.indexOfAddress(active.low, active.high);
      if (index === NO_BUFFER || this.#refs.read8(index) !== 0) {
        this.#counters.add(COUNT.driverBadBuffer, 1);
        continue;
      }
      this.#atDriver -= 1;
      packets += 1;
      this.#deliver(index, active.len);
    }
    if (taken === 0) return;
    this.moved += packets;
    active.publish();
    this.#counters.add(COUNT.packets, packets);
  }

  #deliver(index: number, len: number): void {
    if (len < FRAME_BYTES_MIN) {
      this.#drop(index, COUNT.dropRunt);
      return;
    }
    this.#frame.moveTo(index);
    const low = this.#frame.word(0);
    const high = this.#frame.half(2);
    if (low === -1 && high === 0xffff) {
      this.#deliverToAll(index, len);
      return;
    }
    const macs = this.#macs;
    for (let mac = 0; mac < macs.length; mac += 2) {
      if (macs[mac] === low && macs[mac + 1] === high) {
        const client = this.#clients[this.#macClient[mac >>> 1] as number] as Client;
        if (this.#give(client, index, len)) this.#refs.write8(index, 1);
        else this.#drop(index, COUNT.dropClientFull);
        return;
      }
    }
    this.#drop(index, COUNT.dropNoClient);
  }

  #deliverToAll(index: number, len: number): void {
    let holders = 0;
    for (const client of this.#clients) {
      if (this.#give(client, index, len)) holders += 1;
      else this.#counters.add(COUNT.dropClientFull, 1);
    }
    this.#counters.add(COUNT.broadcasts, 1);
    this.#refs.write8(index, holders);
    if (holders === 0) this.#toDriver(index);
  }

  #give(client: Client, index: number, len: number): boolean {
    if (!client.active.enqueue(this.#data.offsetOf(index), 0, len, 0)) return false;
    client.holds[index] = 1;
    return true;
  }

  #drop(index: number, reason: number): void {
    this.#counters.add(reason, 1);
    this.#toDriver(index);
  }

  /** Takes empty buffers back from a client. */
  rxProvide(client: Client): void {
    const { free, holds } = client;
    let returned = 0;
    let taken = 0;
    while (free.dequeue()) {
      taken += 1;
      const index = this.#data.indexOfOffset(free.low, free.high);
      if (index === NO_BUFFER) {
        this.#counters.add(COUNT.refusedNoBuffer, 1);
      } else if (holds[index] === 0) {
        this.#counters.add(COUNT.refusedNotHeld, 1);
      } else {
        holds[index] = 0;
        const refs = this.#refs.read8(index) - 1;
        this.#refs.write8(index, refs);
        if (refs === 0) this.#toDriver(index);
        returned += 1;
      }
    }
    if (taken === 0) return;
    this.moved += returned;
    free.publish();
    this.#counters.add(COUNT.returned, returned);
  }

  #toDriver(index: number): void {
    const { addressHigh } = this.#data;
    const added = this.#driverFree.enqueue(this.#data.addressLow(index), addressHigh, 0, 0);
    // The queue has a slot for each buffer, and each buffer is in it once at most.
    if (added) this.#atDriver += 1;
    else this.#counters.add(COUNT.driverBadBuffer, 1);
  }

  #makeClient(connection: NetVirtRxConfig['driver']): Client {
    const free = new NetConsumer(this.#pd.region(connection.freeQueue), connection.capacity);
    const client: Client = {
      channel: connection.channel,
      active: new NetProducer(this.#pd.region(connection.activeQueue), connection.capacity),
      free,
      holds: new Uint8Array(this.#data.buffers),
      provide: {
        drain: () => this.rxProvide(client),
        requestSignal: () => this.#requestFree(free),
        cancelSignal: () => free.cancelSignal(),
        canMove: () => free.hasItems(),
      },
    };
    return client;
  }

  /** While the driver has plenty of buffers, one can wait until the next packet wakes us anyway. */
  #requestFree(free: NetConsumer): 'requested' | 'content' {
    if (this.#atDriver * 2 >= this.#data.buffers) return 'content';
    free.requestSignal();
    return 'requested';
  }

  #countLies(): void {
    let lies = this.#driverActive.lies + this.#driverFree.lies;
    for (const client of this.#clients) lies += client.active.lies + client.free.lies;
    if (lies === this.#liesSeen) return;
    this.#counters.add(COUNT.queueLies, lies - this.#liesSeen);
    this.#liesSeen = lies;
  }
}

/** @returns a signed word and a halfword: "52:54:01:00:00:0a" as it lies in memory */
function parseMac(text: string): readonly number[] {
  const bytes = text.split(':').map((byte) => Number.parseInt(byte, 16));
  assert(bytes.length === 6 && bytes.every((byte) => byte <= 0xff), 'a MAC has six bytes');
  const [b0, b1, b2, b3, b4, b5] = bytes as [number, number, number, number, number, number];
  return [b0 | (b1 << 8) | (b2 << 16) | (b3 << 24), b4 | (b5 << 8)];
}
