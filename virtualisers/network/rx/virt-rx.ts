/**
 * Receive virtualiser: shares the driver's received buffers among clients, by destination address.
 *
 * A broadcast goes to every client, and its buffer back to the driver when the last of them has
 * returned it: each DMA buffer has a reference count. What nobody wants goes back at once.
 *
 * A client behind a copier never sees this; a client without one returns buffers itself, and may
 * return anything. So it is remembered who holds what: only a buffer that the client holds is taken
 * back from it. Every refusal is counted.
 */

import { demand } from '../../../memory/misuse.ts';
import {
  type Channel,
  type EntryPoints,
  type ProtectionDomain,
  ProgramState,
} from '../../../microkit/pd.ts';
import { counterNames, Counters } from '../../../queues/counters.ts';
import type { NetVirtRxConfig } from '../../../queues/net/config.ts';
import { closeNetEnd, type NetEnd, openNetEnd } from '../../../queues/net/net-end.ts';
import { BufferReader } from '../../../queues/net/buffer-view.ts';
import { BufferBook } from '../../../queues/net/loops/buffer-book.ts';
import { ToClients } from '../../../queues/net/loops/to-clients.ts';
import { ToDriver } from '../../../queues/net/loops/to-driver.ts';
import { NetConsumer, NetProducer } from '../../../queues/net/queue.ts';
import { type Connections, joinRestarts, supervised } from '../../../queues/restart/member.ts';
import * as signal from '../../../queues/signal.ts';
import type { Flow } from '../../../queues/signal.ts';
import { NO_BUFFER, translatedData } from '../data.ts';
import { MacTable, NOBODY } from '../mac-table.ts';

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
// Folded constants, of functions, too: docs/hot-code.md.
const { runFlow } = signal;
const NONE = NO_BUFFER;
const UNKNOWN = NOBODY;
const NO_CHANNEL = -1;

interface Client {
  readonly channel: number;
  readonly active: NetProducer;
  readonly free: NetConsumer;
  readonly end: NetEnd;
  /** 1 for each buffer that the client holds. */
  readonly holds: BufferBook;
  readonly toDriver: ToDriver;
  readonly provide: Flow;
}

/** Names of the counters in `stats`, for whoever runs this program from a description. */
export { NET_VIRT_RX_COUNTERS as counters };

/** Microkit's `init`. */
export function main(pd: ProtectionDomain<NetVirtRxConfig>): EntryPoints {
  const virt = new NetVirtRx(pd);
  return supervised(virt.member, virt, {
    notified: () => virt.notified(),
    progress: () => virt.moved,
    counters: virt.counters,
  });
}

class NetVirtRx extends ProgramState<NetVirtRxConfig> implements Connections {
  /** Buffers moved so far, in either direction. */
  moved = 0;
  readonly #config = this.pd.config;
  readonly member = joinRestarts(this.pd, this.#config.restart);
  readonly counters = new Counters(NET_VIRT_RX_COUNTERS, this.optionalRegion(this.#config.stats));
  readonly #driverChannel: number = this.#config.driver.channel;
  readonly #driverActive = new NetConsumer(
    this.pd.region(this.#config.driver.activeQueue),
    this.#config.driver.capacity,
  );
  readonly #driverFree = new NetProducer(
    this.pd.region(this.#config.driver.freeQueue),
    this.#config.driver.capacity,
  );
  readonly #driverEnd: NetEnd = {
    connection: this.#config.driver,
    out: this.#driverFree,
    in: this.#driverActive,
  };
  readonly #data = translatedData(this.pd, this.#config.data);
  readonly #frame = new BufferReader(
    this.pd.readonlyRegion(this.#config.data.region),
    this.#config.data.buffers,
  );
  /** Reference counts, a byte for each buffer; 0: the driver has it. */
  readonly #refs = this.pd.region(this.#config.bufferMetadata);
  readonly #clients = this.#config.clients.map(({ connection }) => this.#makeClient(connection));
  readonly #macs = new MacTable(this.#config.clients.map(({ macs }) => macs));
  readonly #toClients = new ToClients({
    received: this.#driverActive,
    frames: this.pd.readonlyRegion(this.#config.data.region),
    ...this.#data.place,
    refs: this.#refs,
    clients: this.#clients,
    addresses: this.#macs.addresses,
  });
  readonly #return: Flow = {
    drain: () => this.rxReturn(),
    requestSignal: () => {
      this.#driverActive.requestSignal();
      return 'requested';
    },
    cancelSignal: () => this.#driverActive.cancelSignal(),
    canMove: () => this.#driverActive.hasItems(),
  };
  #atDriver = 0;
  #liesSeen = 0;

  constructor(pd: ProtectionDomain<NetVirtRxConfig>) {
    super(pd);
    const { buffers } = pd.config.data;
    demand(
      this.#refs.sizeBytes >= buffers,
      `no room for the reference counts of ${buffers} buffers`,
    );
    for (const channel of this.member?.abandoned ?? []) closeNetEnd(pd, this.#endOf(channel));
    // A driver that is down finds its buffers when it starts.
    openNetEnd(this.#driverEnd);
    this.#refs.fill(0, 0, buffers);
    for (let index = 0; index < buffers; index += 1) this.#toDriver(index);
    if (this.#driverFree.publish()) pd.deferredNotify(this.#driverChannel);
  }

  readonly notified = (): void => {
    runFlow(this.#return);
    // One signal can go out together with the next wait: the last of those that are due.
    let due = NO_CHANNEL;
    for (const client of this.#clients) {
      if (!client.active.publish()) continue;
      if (due !== NO_CHANNEL) this.pd.notify(due);
      due = client.channel;
    }
    for (const client of this.#clients) {
      if (client.free.hasItems() || this.#needsBuffers()) runFlow(client.provide);
    }
    if (this.#driverFree.publish()) {
      if (due !== NO_CHANNEL) this.pd.notify(due);
      due = this.#driverChannel;
    }
    if (due !== NO_CHANNEL) this.pd.deferredNotify(due);
    this.#countLies();
  };

  close(channel: Channel): void {
    const client = this.#clientOf(channel);
    if (client === undefined) this.#closeDriver();
    else this.#closeClient(client);
    this.notified();
  }

  open(channel: Channel): void {
    const client = this.#clientOf(channel);
    if (client !== undefined) openNetEnd(client.end);
    this.notified();
  }

  /**
   * What the driver and its device had is the next driver's: it resets the device before it takes
   * anything, so the device may write to these buffers until then. The end stays open, for clients
   * go on returning buffers.
   */
  #closeDriver(): void {
    this.rxReturn();
    const left = closeNetEnd(this.pd, this.#driverEnd);
    this.member?.tookBack(this.#atDriver - left);
    openNetEnd(this.#driverEnd);
    this.#atDriver = 0;
    for (let index = 0; index < this.#data.buffers; index += 1) {
      if (this.#refs.read8(index) === 0) this.#toDriver(index);
    }
  }

  /** All that the client held is back; frames for it are dropped until it runs again. */
  #closeClient(client: Client): void {
    closeNetEnd(this.pd, client.end);
    let held = 0;
    for (let index = 0; index < client.holds.length; index += 1) {
      if (client.holds.get(index) === 0) continue;
      held += 1;
      this.#release(client, index);
    }
    this.member?.tookBack(held);
  }

  #clientOf(channel: Channel): Client | undefined {
    return this.#clients.find((client) => client.channel === channel);
  }

  #endOf(channel: Channel): NetEnd {
    return this.#clientOf(channel)?.end ?? this.#driverEnd;
  }

  /** Hands received buffers to clients. */
  readonly rxReturn = (): void => {
    const active = this.#driverActive;
    this.#rxReturnBatch();
    while (this.#rxReturnNext()) if (active.knownLeft > 0) this.#rxReturnBatch();
    active.publish();
  };

  /** Frames for one client each that has room for them. */
  #rxReturnBatch(): void {
    const given = this.#toClients.run();
    if (given === 0) return;
    this.#atDriver -= given;
    this.moved += given;
    this.counters.add(COUNT.packets, given);
  }

  /** The next one, whatever it is. @returns false when there is none */
  #rxReturnNext(): boolean {
    const active = this.#driverActive;
    if (!active.dequeue()) return false;
    const index = this.#data.indexOfAddress(active.low, active.high);
    if (index === NONE || this.#refs.read8(index) !== 0) {
      this.counters.add(COUNT.driverBadBuffer, 1);
      return true;
    }
    this.#atDriver -= 1;
    this.moved += 1;
    this.counters.add(COUNT.packets, 1);
    this.#deliver(index, active.len, active.checkedOid);
    return true;
  }

  #deliver(index: number, len: number, checked: number): void {
    if (len < FRAME_BYTES_MIN) {
      this.#drop(index, COUNT.dropRunt);
      return;
    }
    this.#frame.moveTo(index);
    const low = this.#frame.word(0);
    const high = this.#frame.half(2);
    if (low === -1 && high === 0xffff) {
      this.#deliverToAll(index, len, checked);
      return;
    }
    const owner = this.#macs.find(low, high);
    if (owner === UNKNOWN) this.#drop(index, COUNT.dropNoClient);
    else if (!this.#give(this.#clients[owner] as Client, index, len, checked))
      this.#drop(index, COUNT.dropClientFull);
    else this.#refs.write8(index, 1);
  }

  #deliverToAll(index: number, len: number, checked: number): void {
    let holders = 0;
    for (const client of this.#clients) {
      if (this.#give(client, index, len, checked)) holders += 1;
      else this.counters.add(COUNT.dropClientFull, 1);
    }
    this.counters.add(COUNT.broadcasts, 1);
    this.#refs.write8(index, holders);
    if (holders === 0) this.#toDriver(index);
  }

  /** @param checked what the driver says of the checksums, see {@link CHECKED_OID} */
  #give(client: Client, index: number, len: number, checked: number): boolean {
    if (!client.active.enqueue(this.#data.offsetOf(index), 0, len, checked)) return false;
    client.holds.set(index, 1);
    return true;
  }

  #drop(index: number, reason: number): void {
    this.counters.add(reason, 1);
    this.#toDriver(index);
  }

  /** Takes empty buffers back from a client. */
  readonly rxProvide = (client: Client): void => {
    const { free } = client;
    this.#rxProvideBatch(client);
    while (this.#rxProvideNext(client)) if (free.knownLeft > 0) this.#rxProvideBatch(client);
    free.publish();
  };

  /** Buffers that the client alone held. */
  #rxProvideBatch({ toDriver }: Client): void {
    const taken = toDriver.run();
    if (taken === 0) return;
    this.#atDriver += taken;
    this.moved += taken;
    this.counters.add(COUNT.returned, taken);
  }

  /** The next one, whatever it is. @returns false when there is none */
  #rxProvideNext(client: Client): boolean {
    const { free, holds } = client;
    if (!free.dequeue()) return false;
    const index = this.#data.indexOfOffset(free.low, free.high);
    if (index === NONE) {
      this.counters.add(COUNT.refusedNoBuffer, 1);
      return true;
    }
    if (holds.get(index) === 0) {
      this.counters.add(COUNT.refusedNotHeld, 1);
      return true;
    }
    this.#release(client, index);
    this.moved += 1;
    this.counters.add(COUNT.returned, 1);
    return true;
  }

  /** A client holds this buffer no longer; behind the last one the driver has it again. */
  #release({ holds }: Client, index: number): void {
    holds.set(index, 0);
    const refs = this.#refs.read8(index) - 1;
    this.#refs.write8(index, refs);
    if (refs === 0) this.#toDriver(index);
  }

  #toDriver(index: number): void {
    const { addressHigh } = this.#data;
    const added = this.#driverFree.enqueue(this.#data.addressLow(index), addressHigh, 0, 0);
    // The queue has a slot for each buffer, and each buffer is in it once at most.
    if (added) this.#atDriver += 1;
    else this.counters.add(COUNT.driverBadBuffer, 1);
  }

  #makeClient(connection: NetVirtRxConfig['driver']): Client {
    const free = new NetConsumer(this.pd.region(connection.freeQueue), connection.capacity);
    const active = new NetProducer(this.pd.region(connection.activeQueue), connection.capacity);
    const holds = new BufferBook(free, this.#data.buffers);
    const client: Client = {
      channel: connection.channel,
      active,
      free,
      end: { connection, out: active, in: free },
      holds,
      toDriver: new ToDriver({
        client: free,
        driver: this.#driverFree,
        ...this.#data.place,
        changes: [
          { book: holds, is: 1, becomes: 0 },
          { book: this.#refs, is: 1, becomes: 0 },
        ],
      }),
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
    if (!this.#needsBuffers()) return 'content';
    free.requestSignal();
    return 'requested';
  }

  /** Whether the driver has fewer than half of the buffers. */
  #needsBuffers(): boolean {
    return this.#atDriver * 2 < this.#data.buffers;
  }

  #countLies(): void {
    let lies = this.#driverActive.lies + this.#driverFree.lies;
    for (const client of this.#clients) lies += client.active.lies + client.free.lies;
    if (lies === this.#liesSeen) return;
    this.counters.add(COUNT.queueLies, lies - this.#liesSeen);
    this.#liesSeen = lies;
  }
}
