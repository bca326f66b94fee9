/**
 * The block virtualiser: gives each client one partition of the disk, checks and translates its
 * requests, and decides whose goes next.
 *
 *     no device yet ──driver: ready──▶ reading the partition table ──▶ running ──driver: gone──▶ no device
 *
 * A client whose partition cannot be used is told so: its storage information stays not ready, it
 * is notified, and its requests are answered ERR_NO_DEVICE.
 *
 * FLUSH is answered when all that this client had changed before it is durable; BARRIER also holds
 * back what follows. Once a flush has failed, what clients had written before may be lost, and none
 * of their flushes is answered OK again before the device has been brought up anew: nobody is told
 * that something is durable which may not be.
 *
 * A client that neither takes its responses nor leaves room for them is not served further; it
 * notifies when it has.
 */

import { Counters } from '../../queues/counters.ts';
import type { BlkVirtConfig } from '../../queues/blk/config.ts';
import {
  BLK_BARRIER,
  BLK_ERR_INVALID_PARAM,
  BLK_ERR_IO,
  BLK_ERR_NO_DEVICE,
  BLK_FLUSH,
  BLK_OK,
  BLK_READ,
  BLK_TRANSFER_BYTES,
} from '../../queues/blk/layout.ts';
import { type BlkEnd, closeBlkEnd, openBlkEnd } from '../../queues/blk/blk-end.ts';
import { BlkRequestTable, TABLED } from '../../queues/blk/loops/request-table.ts';
import { BlkToClients } from '../../queues/blk/loops/to-clients.ts';
import { BlkToDriver } from '../../queues/blk/loops/to-driver.ts';
import { BlkRequestProducer } from '../../queues/blk/request-queue.ts';
import { BlkResponseConsumer, emptyResponse } from '../../queues/blk/response-queue.ts';
import { isStorageReady, readStorageInfo, storageCapacity } from '../../queues/blk/storage-info.ts';
import { type Connections, joinRestarts, supervised } from '../../queues/restart/member.ts';
import { TIMER_GET_TIME, TIMER_SET_TIMEOUT } from '../../queues/timer/config.ts';
import type { ReadonlyRegion, Region } from '../../memory/region.ts';
import {
  type Channel,
  type EntryPoints,
  messageInfo,
  type ProtectionDomain,
} from '../../microkit/pd.ts';
import { fault, NO_FAULT } from './checks.ts';
import { Client } from './client.ts';
import { BLK_VIRT_COUNTERS, type BlkVirtCounter, COUNTED_CLIENTS } from './counters.ts';
import { PartitionScan } from './partition/scan.ts';
import { makePolicy, NO_CLIENT, type SchedulingPolicy } from './policy/policy.ts';
import { assignShares, withdrawShares } from './shares.ts';

type State =
  | { readonly kind: 'no-device' }
  | { readonly kind: 'scanning'; readonly scan: PartitionScan }
  | { readonly kind: 'running' };

/** Identifier of the virtualiser's own reads of the partition table. */
const SCAN_ID = 0xffff_ffff;

/** Names of the counters in `stats`, for whoever runs this program from a description. */
export { BLK_VIRT_COUNTERS as counters };

export function main(pd: ProtectionDomain<BlkVirtConfig>): EntryPoints {
  const virt = new Virtualiser(pd);
  return supervised(virt.member, virt, {
    notified: (channel) => virt.notified(channel),
    counters: virt.counters,
  });
}

class Virtualiser implements Connections {
  readonly member: ReturnType<typeof joinRestarts>;
  readonly #pd: ProtectionDomain<BlkVirtConfig>;
  readonly #config: BlkVirtConfig;
  readonly #requests: BlkRequestProducer;
  readonly #responses: BlkResponseConsumer;
  readonly #driverEnd: BlkEnd;
  readonly #driverInfo: ReadonlyRegion;
  readonly #table: Region;
  readonly #tablePaddr: number;
  readonly #clients: readonly Client[];
  readonly #policy: SchedulingPolicy;
  readonly #costs: Uint32Array;
  readonly #inFlight: BlkRequestTable;
  readonly #toClients: BlkToClients;
  /** One for each client. */
  readonly #toDriver: readonly BlkToDriver[];
  readonly counters: Counters<BlkVirtCounter>;
  readonly #response = emptyResponse();
  #state: State = { kind: 'no-device' };
  /** Size of the device when it was last looked at, in blocks. */
  #deviceBlocks = 0;
  #flushesInFlight = 0;
  #sent = 0;
  #liesSeen = 0;

  constructor(pd: ProtectionDomain<BlkVirtConfig>) {
    const { config } = pd;
    const { driver } = config;
    this.#pd = pd;
    this.#config = config;
    this.#requests = new BlkRequestProducer(pd.region(driver.requestQueue), driver.capacity);
    this.#responses = new BlkResponseConsumer(pd.region(driver.responseQueue), driver.capacity);
    this.#driverEnd = {
      connection: driver,
      requests: this.#requests,
      responses: this.#responses,
    };
    this.#driverInfo = pd.readonlyRegion(driver.storageInfo);
    this.#table = pd.region(config.table.region);
    this.#tablePaddr = pd.vars[config.table.paddrSymbol] as number;
    this.#clients = config.clients.map((client) => new Client(pd, client));
    this.#policy = makePolicy(
      config.policy,
      config.clients.map((client) => client.share ?? {}),
    );
    this.#costs = new Uint32Array(this.#clients.length);
    const table = new BlkRequestTable(this.#requests, Math.min(config.window, driver.capacity - 1));
    this.#inFlight = table;
    this.#toClients = new BlkToClients({
      driver: this.#responses,
      table,
      clients: this.#clients.map(({ responses }) => responses),
    });
    this.#toDriver = this.#clients.map(
      ({ requests, dataBytes, dataPaddr }, number) =>
        new BlkToDriver({
          ...{ client: requests, driver: this.#requests, table, number, dataBytes, dataPaddr },
        }),
    );
    this.counters = new Counters(
      BLK_VIRT_COUNTERS,
      config.stats === undefined ? undefined : pd.region(config.stats),
    );
    this.member = joinRestarts(pd, config.restart);
    for (const channel of this.member?.abandoned ?? []) closeBlkEnd(pd, this.#endOf(channel));
    // What clients had written before we died nobody knows: the next flush that fails loses it.
    if (this.member?.isRestarted === true) for (const client of this.#clients) client.dirty = true;
    withdrawShares(this.#clients);
    if (!this.#requests.isClosed) this.#followDevice();
    this.#tell();
  }

  notified(channel: Channel): void {
    if (channel === this.#config.driver.channel) {
      this.#takeResponses();
      this.#followDevice();
    }
    if (this.#state.kind !== 'scanning') this.#serve();
    this.#tell();
    this.#countLies();
  }

  close(channel: Channel): void {
    closeBlkEnd(this.#pd, this.#endOf(channel));
    const client = this.#clientOf(channel);
    if (client !== undefined) client.hasHead = false;
  }

  /** A client may be started once no device writes to its memory any more. */
  isClear(channel: Channel): boolean {
    return (this.#clientOf(channel)?.inFlight ?? 0) === 0;
  }

  open(channel: Channel): void {
    openBlkEnd(this.#endOf(channel));
    if (channel === this.#config.driver.channel) this.#openDriver();
    if (this.#state.kind !== 'scanning') this.#serve();
    this.#tell();
  }

  /**
   * The driver has reset the device: what it had been given will never come back, and is answered
   * with an error, once. New requests have waited meanwhile.
   */
  #openDriver(): void {
    for (const id of this.#inFlight.held()) this.#giveBack(id, BLK_ERR_IO, 0);
    for (const client of this.#clients) client.lost = false;
    // A table that was half read is read again; who has not seen a device looks for it.
    if (this.#state.kind === 'scanning') this.#state = { kind: 'no-device' };
    if (isStorageReady(this.#driverInfo)) this.#followDevice();
  }

  #clientOf(channel: Channel): Client | undefined {
    return this.#clients.find(({ config }) => config.connection.channel === channel);
  }

  #endOf(channel: Channel): BlkEnd {
    return this.#clientOf(channel)?.end ?? this.#driverEnd;
  }

  /** Looks at what the driver says of the device. */
  #followDevice(): void {
    const ready = isStorageReady(this.#driverInfo);
    if (!ready) {
      if (this.#state.kind !== 'no-device') this.#lose('the device is gone');
      return;
    }
    if (this.#state.kind === 'no-device') return this.#startScan();
    const capacity = storageCapacity(this.#driverInfo);
    if (this.#state.kind === 'running' && capacity !== this.#deviceBlocks) {
      this.#pd.log(`BLK VIRT|WARN: the device has ${capacity} blocks now`);
      this.#startScan();
    }
  }

  #startScan(): void {
    const info = readStorageInfo(this.#driverInfo);
    this.#deviceBlocks = info.capacity;
    const scan = new PartitionScan({
      diskBlocks: info.capacity,
      sectorBytes: info.sectorBytes,
      bufferBytes: this.#table.sizeBytes,
    });
    if (this.#config.clients.every((client) => client.partition === 'whole')) {
      return this.#run({ kind: 'none', reason: 'every client has the whole disk' });
    }
    this.#state = { kind: 'scanning', scan };
    this.#readForScan(scan);
  }

  #readForScan(scan: PartitionScan): void {
    const { next } = scan;
    if (next === undefined) {
      return this.#run(scan.result ?? { kind: 'none', reason: 'the scan has no result' });
    }
    this.#requests.enqueue(BLK_READ, this.#tablePaddr, next.block, next.count, SCAN_ID);
    this.#sent += 1;
  }

  #scanned(status: number): void {
    const state = this.#state;
    if (state.kind !== 'scanning') {
      return this.counters.add(BLK_VIRT_COUNTERS.strayResponses, 1);
    }
    const { next } = state.scan;
    let bytes: Uint8Array | undefined;
    if (status === BLK_OK && next !== undefined) {
      bytes = new Uint8Array(next.count * BLK_TRANSFER_BYTES);
      this.#table.read(0, bytes);
    }
    state.scan.feed(bytes);
    this.#readForScan(state.scan);
  }

  /** The partitions are known, or it is known that there are none. */
  #run(result: Parameters<typeof assignShares>[1]): void {
    const info = readStorageInfo(this.#driverInfo);
    this.#state = { kind: 'running' };
    for (const line of assignShares(this.#clients, result, info)) this.#pd.log(line);
    for (const client of this.#clients) {
      client.lost = false;
      this.#reconsider(client);
    }
  }

  #lose(reason: string): void {
    this.#pd.log(`BLK VIRT|WARN: ${reason}`);
    this.#state = { kind: 'no-device' };
    withdrawShares(this.#clients);
    for (const client of this.#clients) this.#reconsider(client);
  }

  /** The client's share has changed: it is told, and its waiting request is checked again. */
  #reconsider(client: Client): void {
    client.answered = true;
    if (!client.hasHead) return;
    client.hasHead = false;
    this.#admit(client);
  }

  #takeResponses(): void {
    this.#giveManyBack();
    const response = this.#response;
    for (let left = this.#responses.available(); left > 0; left -= 1) {
      this.#responses.dequeue(response);
      const { id, status, successCount } = response;
      if (id === SCAN_ID) this.#scanned(status);
      else if (this.#inFlight.holds(id)) this.#giveBack(id, status, successCount);
      else this.counters.add(BLK_VIRT_COUNTERS.strayResponses, 1);
    }
    this.#responses.release();
  }

  /** Answers to reads and writes, as many as there are one behind the other. */
  #giveManyBack(): void {
    const batch = this.#toClients;
    const given = batch.run();
    if (given === 0) return;
    this.counters.add(BLK_VIRT_COUNTERS.responses, given);
    for (let i = 0; i < this.#clients.length; i += 1) {
      const ofClient = batch.givenTo(i);
      if (ofClient > 0) (this.#clients[i] as Client).finishedMany(ofClient, batch.writesOf(i));
    }
  }

  #giveBack(id: number, status: number, successCount: number): void {
    const table = this.#inFlight;
    const client = this.#clients[table.get(id, TABLED.client)] as Client;
    const code = table.get(id, TABLED.code);
    const clientId = table.get(id, TABLED.clientId);
    table.release(id);
    client.finished(code);
    let honest = status;
    if (code === BLK_FLUSH || code === BLK_BARRIER) {
      this.#flushed(status);
      if (client.lost) honest = BLK_ERR_IO;
    }
    this.counters.add(BLK_VIRT_COUNTERS.responses, 1);
    if (honest !== BLK_OK) this.counters.add(BLK_VIRT_COUNTERS.errors, 1);
    client.answer(honest, successCount, clientId);
  }

  /** A flush covers the writes of every client that were complete when it began. */
  #flushed(status: number): void {
    this.#flushesInFlight -= 1;
    for (const client of this.#clients) {
      if (status !== BLK_OK) client.lost ||= client.dirty;
      // With another flush under way the mark is kept, which errs on the safe side.
      else if (this.#flushesInFlight === 0) client.dirty = client.dirtySinceFlush;
    }
  }

  /** Moves requests from the clients to the driver, in the order that the policy says. */
  #serve(): void {
    const nowNs = this.#config.policy.kind === 'token-bucket' ? this.#now() : 0;
    for (let i = 0; i < this.#clients.length; i += 1) this.#fetch(i);
    while (this.#inFlight.room > 0 && this.#requests.free() > 0) {
      const chosen = this.#policy.next(this.#costs, nowNs);
      if (chosen === NO_CLIENT) {
        // Only now is it known when: with the driver's window full the policy was not asked, and a
        // response comes first.
        if (this.#policy.wakeAtNs !== Infinity) this.#wakeIn(this.#policy.wakeAtNs - nowNs);
        break;
      }
      this.#dispatch(chosen);
      this.#dispatchMany(chosen);
      this.#fetch(chosen);
    }
    for (let i = 0; i < this.#clients.length; i += 1) {
      (this.#clients[i] as Client).requests.release();
    }
  }

  /**
   * Makes sure that the client's next request in order is at hand; answers those that are not in
   * order.
   */
  #fetch(index: number): void {
    const client = this.#clients[index] as Client;
    if (!client.hasHead && !client.requests.isPlugged()) {
      let waiting = client.requests.available();
      while (waiting > 0 && !client.hasHead && client.canAnswer()) {
        client.requests.dequeue(client.head);
        waiting -= 1;
        this.counters.add(BLK_VIRT_COUNTERS.requests, 1);
        this.#admit(client);
      }
    }
    this.#costs[index] = client.cost();
  }

  /** Decides over the request that was just copied into `client.head`. */
  #admit(client: Client): void {
    const { head } = client;
    let refusal = NO_FAULT;
    let status = BLK_ERR_INVALID_PARAM;
    if (client.blocks === 0) {
      refusal = BLK_VIRT_COUNTERS.refusedNoDevice;
      status = BLK_ERR_NO_DEVICE;
    } else if (client.lost && (head.code === BLK_FLUSH || head.code === BLK_BARRIER)) {
      refusal = BLK_VIRT_COUNTERS.refusedLost;
      status = BLK_ERR_IO;
    } else {
      refusal = fault(head, client);
    }
    if (refusal === NO_FAULT) {
      client.hasHead = true;
      return;
    }
    this.counters.add(refusal, 1);
    client.answer(status, 0, head.id);
  }

  #dispatch(index: number): void {
    const client = this.#clients[index] as Client;
    const { code, offset, block, count, id } = client.head;
    const isFlush = code === BLK_FLUSH || code === BLK_BARRIER;
    const driverId = this.#inFlight.take(index, id, code, count);
    client.hasHead = false;
    client.started(code);
    this.#sent += 1;
    if (isFlush) {
      const name = code === BLK_FLUSH ? 'flushes' : 'barriers';
      this.counters.add(BLK_VIRT_COUNTERS[name], 1);
      this.#flushesInFlight += 1;
      for (const other of this.#clients) other.dirtySinceFlush = false;
      return this.#requests.enqueue(BLK_FLUSH, 0, 0, 0, driverId);
    }
    const paddr = client.dataPaddr + offset;
    this.#requests.enqueue(code, paddr, client.firstBlock + block, count, driverId);
    if (index < COUNTED_CLIENTS) {
      this.counters.add(BLK_VIRT_COUNTERS.client0Bytes + index, count * BLK_TRANSFER_BYTES);
    }
  }

  /** Good reads and writes behind the one that has just gone, while nobody else waits. */
  #dispatchMany(index: number): void {
    if (this.#policy.countsBytes || this.#doesAnotherWait(index)) return;
    const client = this.#clients[index] as Client;
    if (client.fenced || client.requests.isPlugged()) return;
    const batch = this.#toDriver[index] as BlkToDriver;
    const sent = batch.run(client.responses.free() - client.inFlight, client);
    if (sent === 0) return;
    client.startedMany(sent, batch.writes);
    this.#sent += sent;
    this.counters.add(BLK_VIRT_COUNTERS.requests, sent);
    if (index < COUNTED_CLIENTS) {
      const bytes = batch.blocks * BLK_TRANSFER_BYTES;
      this.counters.add(BLK_VIRT_COUNTERS.client0Bytes + index, bytes);
    }
  }

  #doesAnotherWait(index: number): boolean {
    const costs = this.#costs;
    for (let i = 0; i < costs.length; i += 1) if (i !== index && costs[i] !== 0) return true;
    return false;
  }

  /** Publishes what was done, and notifies those whom it concerns: once each. */
  #tell(): void {
    for (let i = 0; i < this.#clients.length; i += 1) {
      const client = this.#clients[i] as Client;
      if (!client.answered) continue;
      client.answered = false;
      client.responses.publish();
      this.#pd.notify(client.config.connection.channel);
    }
    if (this.#sent === 0) return;
    this.#sent = 0;
    this.#requests.publish();
    this.#pd.deferredNotify(this.#config.driver.channel);
  }

  #countLies(): void {
    let lies = this.#requests.lies + this.#responses.lies;
    for (const { requests, responses } of this.#clients) lies += requests.lies + responses.lies;
    if (lies === this.#liesSeen) return;
    this.counters.add(BLK_VIRT_COUNTERS.queueLies, lies - this.#liesSeen);
    this.#liesSeen = lies;
  }

  #now(): number {
    const { timer } = this.#config;
    if (timer === undefined) return 0;
    this.#pd.ppcall(timer.channel, messageInfo(TIMER_GET_TIME, 0));
    return this.#pd.mr(0);
  }

  #wakeIn(deltaNs: number): void {
    const { timer } = this.#config;
    if (timer === undefined) return;
    this.#pd.setMr(0, deltaNs);
    this.#pd.ppcall(timer.channel, messageInfo(TIMER_SET_TIMEOUT, 1));
  }
}
