/**
 * Transmit virtualiser: takes filled buffers from clients, checks them, translates their offsets
 * into addresses for DMA, and gives them back to their owners when they have been sent.
 *
 * Clients are not trusted. A buffer is passed on only if it is one of the client's own and not with
 * the driver already, so the driver's queue, which has a slot for each buffer of all clients,
 * cannot overflow. A refused entry goes back to the client, and is counted by reason. A buffer that
 * finds its owner's free queue full waits here until there is room.
 */

import { demand } from '../../../memory/misuse.ts';
import {
  type Channel,
  type EntryPoints,
  type ProtectionDomain,
  ProgramState,
} from '../../../microkit/pd.ts';
import { counterNames, Counters } from '../../../queues/counters.ts';
import type { NetVirtTxConfig } from '../../../queues/net/config.ts';
import { closeNetEnd, type NetEnd, openNetEnd } from '../../../queues/net/net-end.ts';
import { BufferBook } from '../../../queues/net/loops/buffer-book.ts';
import { ToDriver } from '../../../queues/net/loops/to-driver.ts';
import { ToOwners } from '../../../queues/net/loops/to-owners.ts';
import { NET_BUFFER_BYTES, NetConsumer, NetProducer } from '../../../queues/net/queue.ts';
import { type Connections, joinRestarts, supervised } from '../../../queues/restart/member.ts';
import * as signal from '../../../queues/signal.ts';
import type { Flow } from '../../../queues/signal.ts';
import { NO_BUFFER, type TranslatedData, translatedData } from '../data.ts';
import { makeTxPolicy, type TxPolicy } from './policy.ts';

export const NET_VIRT_TX_COUNTERS = counterNames(
  'packets',
  /** Buffers that came back from the driver. */
  'returned',
  // Entries that clients handed over and that were refused, by reason.
  'refusedLength',
  'refusedRegion',
  'refusedAlignment',
  'refusedRange',
  /** The driver has this buffer already. */
  'refusedDuplicate',
  /** Refused entries that could not go back: the client's free queue is full. */
  'refusedLost',
  /** Buffers that had to wait for room in their owner's free queue. */
  'returnDelayed',
  /**
   * Entries of the driver that name no buffer, or one that it did not have. Not among `returned`.
   */
  'driverBadBuffer',
  'driverFull',
  /** Peers' indices that cannot be. */
  'queueLies',
);
const COUNT = NET_VIRT_TX_COUNTERS;

const FRAME_BYTES_MIN = 14;
/** What a wire carries is for the driver and its device to say. */
const FRAME_BYTES_MAX = NET_BUFFER_BYTES;
/** Of an entry's length and region. */
const LEN_MASK = 0xffff;

// Where a client's buffer is.
const WITH_CLIENT = 0;
const WITH_DRIVER = 1;
/** Sent, and waiting for room in the client's free queue. */
const WAITING = 2;
/**
 * With the driver, and its client has been started again before it came back: the client counts it
 * among its own already.
 */
const ORPHANED = 3;

const PASSED = -1;
// Folded constants, of functions, too: docs/hot-code.md.
const { runFlow } = signal;
const NONE = NO_BUFFER;

interface Data {
  readonly translated: TranslatedData;
  /** Where each buffer is. */
  readonly states: BufferBook;
}

interface Client {
  readonly channel: number;
  readonly active: NetConsumer;
  readonly free: NetProducer;
  readonly end: NetEnd;
  readonly data: readonly Data[];
  readonly buffers: number;
  /** Of the first data region. */
  readonly toDriver: ToDriver;
  readonly provide: Flow;
  withDriver: number;
  waiting: number;
}

function makePolicy({ policy, clients }: NetVirtTxConfig): TxPolicy | undefined {
  return policy === undefined ? undefined : makeTxPolicy(policy, clients.length);
}

/** Names of the counters in `stats`, for whoever runs this program from a description. */
export { NET_VIRT_TX_COUNTERS as counters };

/** Microkit's `init`. */
export function main(pd: ProtectionDomain<NetVirtTxConfig>): EntryPoints {
  const virt = new NetVirtTx(pd);
  return supervised(virt.member, virt, {
    notified: () => virt.notified(),
    progress: () => virt.moved,
    counters: virt.counters,
  });
}

class NetVirtTx extends ProgramState<NetVirtTxConfig> implements Connections {
  /** Buffers moved so far, in either direction. */
  moved = 0;
  readonly #config = this.pd.config;
  readonly member = joinRestarts(this.pd, this.#config.restart);
  readonly counters = new Counters(NET_VIRT_TX_COUNTERS, this.optionalRegion(this.#config.stats));
  readonly #driverChannel: number = this.#config.driver.channel;
  readonly #driverActive = new NetProducer(
    this.pd.region(this.#config.driver.activeQueue),
    this.#config.driver.capacity,
  );
  readonly #driverFree = new NetConsumer(
    this.pd.region(this.#config.driver.freeQueue),
    this.#config.driver.capacity,
  );
  readonly #driverEnd: NetEnd = {
    connection: this.#config.driver,
    out: this.#driverActive,
    in: this.#driverFree,
  };
  readonly #clients = this.#config.clients.map((client) => this.#makeClient(client));
  readonly #toOwners = new ToOwners({
    returned: this.#driverFree,
    is: WITH_DRIVER,
    becomes: WITH_CLIENT,
    owners: this.#clients.map(({ free }) => free),
    regions: this.#clients.flatMap(({ data }, owner) =>
      data.map(({ translated, states }, number) => ({
        ...{ owner, number, book: states },
        ...translated.place,
      })),
    ),
  });
  readonly #return: Flow = {
    drain: () => this.txReturn(),
    requestSignal: () => this.#requestReturn(),
    cancelSignal: () => this.#driverFree.cancelSignal(),
    canMove: () => this.#driverFree.hasItems(),
  };
  /** A switch waits for the buffers of those behind it when one of them has died. */
  readonly #isPrompt: boolean =
    this.#config.restart !== undefined && this.#clients.some(({ data }) => data.length > 1);
  readonly #policy = makePolicy(this.#config);
  /** With a policy: bytes of each client's next frame, or 0. */
  readonly #lengths = new Uint32Array(this.#clients.length);
  #liesSeen = 0;

  constructor(pd: ProtectionDomain<NetVirtTxConfig>) {
    super(pd);
    const buffers = this.#clients.reduce((sum, client) => sum + client.buffers, 0);
    const { capacity } = pd.config.driver;
    demand(
      buffers <= capacity,
      `the driver's queue of ${capacity} has no slot for ${buffers} buffers`,
    );
    for (const channel of this.member?.abandoned ?? []) closeNetEnd(pd, this.#endOf(channel));
    this.notified();
  }

  readonly notified = (): void => {
    // What has been sent comes first: it makes room in the clients' books.
    this.txReturn();
    if (this.#policy === undefined) {
      for (const client of this.#clients) if (!client.active.isAtRest()) runFlow(client.provide);
      if (this.#driverFree.hasItems() || this.#needsReturns()) runFlow(this.#return);
    } else {
      this.#takeTurns(this.#policy);
    }
    for (const client of this.#clients) {
      if (client.waiting > 0) this.#returnWaiting(client);
      if (client.free.publish()) this.pd.notify(client.channel);
    }
    if (this.#driverActive.publish()) this.pd.deferredNotify(this.#driverChannel);
    this.#countLies();
  };

  close(channel: Channel): void {
    const client = this.#clientOf(channel);
    if (client === undefined) this.#closeDriver();
    else this.#closeClient(client);
    this.notified();
  }

  /** A client may be started once no device reads its buffers any more. */
  isClear(channel: Channel): boolean {
    const client = this.#clientOf(channel);
    return client === undefined || client.withDriver === 0;
  }

  open(channel: Channel): void {
    const client = this.#clientOf(channel);
    if (client === undefined) this.#openDriver();
    else this.#openClient(client);
    this.notified();
  }

  /** Until the driver has reset its device, that may read what it was given; and nobody sends. */
  #closeDriver(): void {
    this.txReturn();
    closeNetEnd(this.pd, this.#driverEnd);
    for (const { active } of this.#clients) {
      active.publish();
      active.close();
    }
  }

  /** The driver begins with an empty device: what it had before it will not return. */
  #openDriver(): void {
    openNetEnd(this.#driverEnd);
    let lost = 0;
    for (const client of this.#clients) {
      if (!client.free.isClosed) client.active.open();
      for (const [oid, { states }] of client.data.entries()) {
        for (let index = 0; index < states.length; index += 1) {
          const state = states.get(index);
          if (state !== WITH_DRIVER && state !== ORPHANED) continue;
          lost += 1;
          this.#toOwner(client, oid, index);
        }
      }
    }
    this.member?.tookBack(lost);
  }

  #closeClient(client: Client): void {
    const left = closeNetEnd(this.pd, client.end);
    for (const { states } of client.data) {
      for (let index = 0; index < states.length; index += 1) {
        if (states.get(index) === WAITING) states.set(index, WITH_CLIENT);
      }
    }
    client.waiting = 0;
    this.member?.tookBack(client.buffers - client.withDriver - left);
  }

  #openClient(client: Client): void {
    openNetEnd(client.end);
    if (this.#driverActive.isClosed) client.active.close();
    if (client.withDriver === 0) return;
    for (const { states } of client.data) {
      for (let index = 0; index < states.length; index += 1) {
        if (states.get(index) === WITH_DRIVER) states.set(index, ORPHANED);
      }
    }
  }

  #clientOf(channel: Channel): Client | undefined {
    return this.#clients.find((client) => client.channel === channel);
  }

  #endOf(channel: Channel): NetEnd {
    return this.#clientOf(channel)?.end ?? this.#driverEnd;
  }

  /** Hands a client's filled buffers to the driver. */
  readonly txProvide = (client: Client): void => {
    const { active } = client;
    this.#txProvideBatch(client);
    while (this.#txProvideNext(client)) if (active.knownLeft > 0) this.#txProvideBatch(client);
    active.publish();
  };

  /** Good frames in the client's first data region. */
  #txProvideBatch(client: Client): void {
    const packets = client.toDriver.run();
    if (packets === 0) return;
    client.withDriver += packets;
    this.moved += packets;
    this.counters.add(COUNT.packets, packets);
  }

  /** The next one, whatever it is. @returns false when there is none */
  #txProvideNext(client: Client): boolean {
    const { active } = client;
    if (!active.dequeue()) return false;
    const refusal = this.#pass(client, active);
    if (refusal === PASSED) {
      this.moved += 1;
      this.counters.add(COUNT.packets, 1);
    } else {
      this.#refuse(client, refusal);
    }
    return true;
  }

  /**
   * With a policy: passes frames on as it chooses, as long as the driver has fewer than the window.
   */
  #takeTurns(policy: TxPolicy): void {
    do {
      while (this.#fillsWindow()) {
        const client = this.#clients[policy.next(this.#lengths)];
        if (client === undefined) break;
        this.#txProvideNext(client);
      }
      for (const { active } of this.#clients) {
        active.publish();
        active.requestSignal();
      }
      runFlow(this.#return);
    } while (this.#fillsWindow());
  }

  /** Looks at every client's next frame. @returns whether there is one, and room in the window */
  #fillsWindow(): boolean {
    let withDriver = 0;
    let isAny = false;
    for (const [index, { active, withDriver: own }] of this.#clients.entries()) {
      withDriver += own;
      const isThere = active.available() > 0;
      isAny ||= isThere;
      // What is no frame is refused when its turn comes, and counts as a byte.
      this.#lengths[index] = isThere ? Math.max(1, active.lenAndOidAt(0) & LEN_MASK) : 0;
    }
    return isAny && withDriver < (this.#config.policy?.window ?? 0);
  }

  /** Takes sent buffers from the driver and gives them to their owners. */
  readonly txReturn = (): void => {
    const free = this.#driverFree;
    const taken = free.available();
    if (taken === 0) return;
    let returned = 0;
    for (let left = taken; left > 0; left -= 1) {
      const given = this.#txReturnBatch();
      returned += given;
      left -= given;
      if (left === 0) break;
      if (this.#giveBack(free.lowAt(0), free.highAt(0))) returned += 1;
      free.advance(1);
    }
    free.publish();
    // An entry that gives nothing back is no progress: a wake-up for nothing else counts as wasted.
    this.moved += returned;
    this.counters.add(COUNT.returned, returned);
    if (returned < taken) this.counters.add(COUNT.driverBadBuffer, taken - returned);
  };

  /** Buffers whose owners have room for them. @returns how many */
  #txReturnBatch(): number {
    const given = this.#toOwners.run();
    if (given === 0) return 0;
    for (let index = 0; index < this.#clients.length; index += 1) {
      (this.#clients[index] as Client).withDriver -= this.#toOwners.givenTo(index);
    }
    return given;
  }

  /** @returns {@link PASSED}, or the counter of the reason why not */
  #pass(client: Client, active: NetConsumer): number {
    const { low, len } = active;
    if (len < FRAME_BYTES_MIN || len > FRAME_BYTES_MAX) return COUNT.refusedLength;
    const data = client.data[active.oid];
    if (data === undefined) return COUNT.refusedRegion;
    const index = data.translated.indexOfOffset(low, active.high);
    if (index === NONE) {
      return (low & 0x7ff) === 0 ? COUNT.refusedRange : COUNT.refusedAlignment;
    }
    const state = data.states.get(index);
    if (state !== WITH_CLIENT) {
      // An orphan that is sent goes back to its client like any other.
      if (state === ORPHANED) data.states.set(index, WITH_DRIVER);
      return COUNT.refusedDuplicate;
    }
    if (!this.#handOver(active, data.translated, index)) return COUNT.driverFull;
    data.states.set(index, WITH_DRIVER);
    client.withDriver += 1;
    return PASSED;
  }

  /** What the client leaves to the device stays so. @returns false without room */
  #handOver(active: NetConsumer, translated: TranslatedData, index: number): boolean {
    const low = translated.addressLow(index);
    const high = translated.addressHigh;
    const { len, checksum } = active;
    return active.isPartial
      ? this.#driverActive.enqueuePartial(low, high, len, checksum)
      : this.#driverActive.enqueue(low, high, len, 0);
  }

  /**
   * Gives the entry back as it came. A duplicate does not go back: its buffer will, when the driver
   * is done with it.
   */
  #refuse(client: Client, reason: number): void {
    this.counters.add(reason, 1);
    if (reason === COUNT.refusedDuplicate) return;
    const { low, high, oid } = client.active;
    if (!client.free.enqueue(low, high, 0, oid)) this.counters.add(COUNT.refusedLost, 1);
  }

  readonly #giveBack = (low: number, high: number): boolean => {
    for (const client of this.#clients) {
      for (let oid = 0; oid < client.data.length; oid += 1) {
        const { translated, states } = client.data[oid] as Data;
        const index = translated.indexOfAddress(low, high);
        if (index === NONE) continue;
        const state = states.get(index);
        if (state !== WITH_DRIVER && state !== ORPHANED) return false;
        this.#toOwner(client, oid, index);
        return true;
      }
    }
    return false;
  };

  /** A buffer that the driver had is its client's again. */
  #toOwner(client: Client, oid: number, index: number): void {
    const { translated, states } = client.data[oid] as Data;
    const isWanted = states.get(index) === WITH_DRIVER;
    client.withDriver -= 1;
    states.set(index, WITH_CLIENT);
    // One that is down begins with all of its buffers; of an orphan, it has begun with it.
    if (!isWanted || client.free.enqueue(translated.offsetOf(index), 0, 0, oid)) return;
    if (client.free.isClosed) return;
    states.set(index, WAITING);
    client.waiting += 1;
    this.counters.add(COUNT.returnDelayed, 1);
  }

  /** Tries again to give back what found the client's free queue full. */
  #returnWaiting(client: Client): void {
    for (const [oid, { translated, states }] of client.data.entries()) {
      for (let index = 0; index < states.length && client.waiting > 0; index += 1) {
        if (states.get(index) !== WAITING) continue;
        if (!client.free.enqueue(translated.offsetOf(index), 0, 0, oid)) return;
        states.set(index, WITH_CLIENT);
        client.waiting -= 1;
      }
    }
  }

  /**
   * While every client has most of its buffers, sent ones can wait in the queue until there is more
   * to send.
   */
  #requestReturn(): 'requested' | 'content' {
    if (this.#policy !== undefined && this.#clients.some(({ active }) => active.hasItems())) {
      this.#driverFree.requestSignal();
      return 'requested';
    }
    if (!this.#needsReturns()) return 'content';
    this.#driverFree.requestSignal();
    return 'requested';
  }

  /** Whether most of some client's buffers are with the driver, or any of one that is down. */
  #needsReturns(): boolean {
    if (this.#isPrompt) return true;
    for (const { withDriver, buffers, free } of this.#clients) {
      if (withDriver * 2 > buffers) return true;
      if (withDriver > 0 && free.isClosed) return true;
    }
    return false;
  }

  #makeClient({ connection, data }: NetVirtTxConfig['clients'][number]): Client {
    const active = new NetConsumer(this.pd.region(connection.activeQueue), connection.capacity);
    const free = new NetProducer(this.pd.region(connection.freeQueue), connection.capacity);
    const known = data.map((one) => ({
      translated: translatedData(this.pd, one),
      states: new BufferBook(free, one.buffers),
    }));
    const client: Client = {
      channel: connection.channel,
      active,
      free,
      end: { connection, out: free, in: active },
      data: known,
      toDriver: this.#toDriver(active, known[0] as Data),
      buffers: data.reduce((sum, one) => sum + one.buffers, 0),
      provide: {
        drain: () => this.txProvide(client),
        requestSignal: () => {
          client.active.requestSignal();
          return 'requested';
        },
        cancelSignal: () => client.active.cancelSignal(),
        canMove: () => client.active.hasItems(),
      },
      withDriver: 0,
      waiting: 0,
    };
    return client;
  }

  #toDriver(active: NetConsumer, { translated, states }: Data): ToDriver {
    return new ToDriver({
      client: active,
      driver: this.#driverActive,
      ...translated.place,
      frameBytes: { least: FRAME_BYTES_MIN, most: FRAME_BYTES_MAX },
      changes: [{ book: states, is: WITH_CLIENT, becomes: WITH_DRIVER }],
    });
  }

  #countLies(): void {
    let lies = this.#driverActive.lies + this.#driverFree.lies;
    for (const client of this.#clients) lies += client.active.lies + client.free.lies;
    if (lies === this.#liesSeen) return;
    this.counters.add(COUNT.queueLies, lies - this.#liesSeen);
    this.#liesSeen = lies;
  }
}
