/**
 * Driver of the virtio block device for the sDDF block class: many requests in flight, answered in
 * the order in which the device finishes them, each exactly once and with its own status.
 *
 * A device that lies (an impossible used ring, NEEDS_RESET, a request that never completes) is
 * reset; what was in flight is answered ERR_IO with the blocks that were done. A device that does
 * not come back is withdrawn: `ready` is cleared and every request answered ERR_NO_DEVICE.
 *
 * FLUSH and BARRIER are the device's FLUSH; where that does not exist the device writes through and
 * both are done already. A BARRIER waits until everything before it is answered, and holds back
 * what follows.
 *
 * Not modelled: GEOMETRY, CONFIG_WCE (write-back as the device begins with it), MQ, secure erase,
 * zones.
 */

import type { DeviceRegion, Region } from '../../../memory/region.ts';
import { Counters, counterNames } from '../../../queues/counters.ts';
import type { BlkDriverConfig } from '../../../queues/blk/config.ts';
import { FLIGHT } from '../../../queues/blk/flights.ts';
import {
  BLK_BARRIER,
  BLK_DISCARD,
  BLK_ERR_INVALID_PARAM,
  BLK_ERR_IO,
  BLK_ERR_NO_DEVICE,
  BLK_FLUSH,
  BLK_OK,
  BLK_READ,
  BLK_TRANSFER_BYTES,
  BLK_WRITE,
  BLK_WRITE_ZEROES,
} from '../../../queues/blk/layout.ts';
import { type BlkEnd, closeBlkEnd, openBlkEnd } from '../../../queues/blk/blk-end.ts';
import { BlkRequestConsumer, emptyRequest } from '../../../queues/blk/request-queue.ts';
import { BlkResponseProducer } from '../../../queues/blk/response-queue.ts';
import { publishStorageInfo, withdrawStorageInfo } from '../../../queues/blk/storage-info.ts';
import { type Connections, joinRestarts, supervised } from '../../../queues/restart/member.ts';
import { TIMER_SET_TIMEOUT } from '../../../queues/timer/config.ts';
import { NONE } from '../../../queues/virtio/virtqueue.ts';
import {
  type Channel,
  type EntryPoints,
  messageInfo,
  type ProtectionDomain,
} from '../../../microkit/pd.ts';
import { initialise, type LiveDevice, readCapacity, reset, serialNumber } from './device.ts';
import * as R from './regs.ts';
import {
  growOlder,
  pieceOf,
  post,
  postGetId,
  SECTORS_PER_BLOCK,
  watchdogTickNs,
} from './requests.ts';

export const BLK_DRIVER_COUNTERS = counterNames(
  'requests',
  'errors',
  'retries',
  'resets',
  'interrupts',
  'kicks',
  /** Work that only the watchdog has found: no interrupt had told of it. */
  'interruptsLost',
);

/** How long an interrupt may be on its way before the watchdog takes it for lost. */
const SUSPECTED_NS = 100_000;
/** Resets without a single answer in between, after which the device is given up. */
const RESETS_MAX = 8;

type State =
  /** The device's serial number is being read; the storage information is not published yet. */
  | { readonly kind: 'identifying'; readonly device: LiveDevice; readonly chain: number }
  | { readonly kind: 'live'; readonly device: LiveDevice }
  | { readonly kind: 'gone' };

/** Names of the counters in `stats`, for whoever runs this program from a description. */
export { BLK_DRIVER_COUNTERS as counters };

export function main(pd: ProtectionDomain<BlkDriverConfig>): EntryPoints {
  const driver = new Driver(pd);
  return supervised(driver.member, driver, {
    notified: (channel) => driver.notified(channel),
    counters: driver.counters,
  });
}

class Driver implements Connections {
  readonly member: ReturnType<typeof joinRestarts>;
  readonly #pd: ProtectionDomain<BlkDriverConfig>;
  readonly #config: BlkDriverConfig;
  readonly #registers: DeviceRegion;
  readonly #requests: BlkRequestConsumer;
  readonly #responses: BlkResponseProducer;
  readonly #end: BlkEnd;
  readonly #storageInfo: Region;
  readonly #request = emptyRequest();
  readonly counters: Counters<keyof typeof BLK_DRIVER_COUNTERS>;
  #state: State = { kind: 'gone' };
  /**
   * A BARRIER: 'waiting' for what is before it, then 'flushing'; nothing else is taken meanwhile.
   */
  #barrier: 'none' | 'waiting' | 'flushing' = 'none';
  #barrierId = 0;
  #barrierChain = NONE;
  #watchdog: 'idle' | 'armed' = 'idle';
  /**
   * Interrupts served, and how many it were when the watchdog last saw something that none had told
   * of.
   */
  #served = 0;
  #suspectedAfter = NONE;
  #answered = 0;
  #resetsInARow = 0;
  #serialNumber = '';

  constructor(pd: ProtectionDomain<BlkDriverConfig>) {
    const { config } = pd;
    const { virt } = config;
    this.#pd = pd;
    this.#config = config;
    this.#registers = pd.deviceRegion(config.registers);
    this.#requests = new BlkRequestConsumer(pd.region(virt.requestQueue), virt.capacity);
    this.#responses = new BlkResponseProducer(pd.region(virt.responseQueue), virt.capacity);
    this.#end = { connection: virt, requests: this.#requests, responses: this.#responses };
    this.member = joinRestarts(pd, config.restart);
    if (this.member !== undefined && this.member.abandoned.length > 0) closeBlkEnd(pd, this.#end);
    this.#storageInfo = pd.region(virt.storageInfo);
    this.counters = new Counters(
      BLK_DRIVER_COUNTERS,
      config.stats === undefined ? undefined : pd.region(config.stats),
    );
    withdrawStorageInfo(this.#storageInfo);
    this.#bringUp();
    pd.irqAck(config.irq);
  }

  notified(channel: Channel): void {
    if (channel === this.#config.irq) this.#handleIrq();
    else if (channel === this.#config.timer?.channel) this.#handleTimeout();
    else this.#provide();
    this.#notifyVirt();
    if (channel === this.#config.irq) this.#pd.deferredIrqAck(channel);
  }

  /** What the device has begun it finishes, and nobody is told of it. */
  close(): void {
    closeBlkEnd(this.#pd, this.#end);
    if (this.#barrier === 'waiting') this.#barrier = 'none';
    this.#answered = 0;
  }

  isClear(): boolean {
    return this.#state.kind !== 'live' || this.#state.device.queue.outstanding === 0;
  }

  open(): void {
    openBlkEnd(this.#end);
    this.#provide();
    this.#notifyVirt();
  }

  #bringUp(): void {
    const config = this.#config;
    const result = initialise({
      registers: this.#registers,
      rings: this.#pd.region(config.rings),
      ringsPaddr: this.#pd.vars[config.ringsPaddrSymbol] as number,
      ringEntries: config.ringEntries,
      requests: this.#requests,
      responses: this.#responses,
      retries: config.retries,
    });
    if (result.kind === 'failed') {
      this.#pd.log(`BLK DRIVER|ERROR: ${result.reason}`);
      this.#state = { kind: 'gone' };
      withdrawStorageInfo(this.#storageInfo);
      return;
    }
    const { device } = result;
    const { queue } = device;
    const chain = postGetId(device);
    this.#state = { kind: 'identifying', device, chain };
    this.#kick(device);
    queue.requestInterrupt();
  }

  /**
   * §4.2.2: InterruptStatus says why; acknowledged before the rings are looked at, so that nothing
   * is missed.
   */
  #handleIrq(): void {
    this.#served += 1;
    this.counters.add(BLK_DRIVER_COUNTERS.interrupts, 1);
    const cause = this.#registers.read32(R.REG_INTERRUPT_STATUS);
    this.#registers.write32(R.REG_INTERRUPT_ACK, cause);
    if ((cause & R.INTERRUPT_CONFIG_CHANGE) !== 0) this.#handleConfigChange();
    this.#return();
    this.#provide();
  }

  #handleConfigChange(): void {
    if ((this.#registers.read32(R.REG_STATUS) & R.STATUS_NEEDS_RESET) !== 0) {
      this.#resetDevice('the device asks for a reset');
    } else if (this.#state.kind === 'live') {
      this.#publish(this.#state.device, this.#serialNumber);
      this.#answered += 1;
    }
  }

  /** Takes requests from the virtualiser's queue while the device has room for them. */
  #provide(): void {
    const state = this.#state;
    if (state.kind === 'identifying') return;
    const requests = this.#requests;
    if (state.kind === 'live') this.#startMany(state.device);
    let waiting = requests.available();
    while (waiting > 0 && this.#canTake()) {
      requests.dequeue(this.#request);
      waiting -= 1;
      this.counters.add(BLK_DRIVER_COUNTERS.requests, 1);
      if (state.kind === 'gone') this.#answer(BLK_ERR_NO_DEVICE, 0, this.#request.id);
      else this.#start(state.device);
    }
    requests.release();
    if (state.kind === 'live') this.#kick(state.device);
  }

  /** Good reads and writes, as many as there are one behind the other. */
  #startMany({ queue, toDevice }: LiveDevice): void {
    if (this.#barrier !== 'none') return;
    const started = toDevice.run(this.#responses.free() - queue.outstanding);
    if (started > 0) this.counters.add(BLK_DRIVER_COUNTERS.requests, started);
  }

  #canTake(): boolean {
    const state = this.#state;
    if (state.kind !== 'live') return this.#responses.free() > 0;
    const { queue } = state.device;
    if (this.#barrier !== 'none' || queue.room === 0) return false;
    return this.#responses.free() > queue.outstanding;
  }

  /** Starts the request that was just taken. */
  #start(device: LiveDevice): void {
    const { code, count, id } = this.#request;
    switch (code) {
      case BLK_READ:
      case BLK_WRITE:
        if (count === 0) return this.#answer(BLK_ERR_INVALID_PARAM, 0, id);
        return this.#begin(device, code, id);
      case BLK_DISCARD:
        if (count === 0 || (device.features & R.F_DISCARD) === 0) break;
        return this.#begin(device, code, id);
      case BLK_WRITE_ZEROES:
        if (count === 0 || (device.features & R.F_WRITE_ZEROES) === 0) break;
        return this.#begin(device, code, id);
      case BLK_FLUSH:
        if ((device.features & R.F_FLUSH) === 0) return this.#answer(BLK_OK, 0, id);
        return this.#begin(device, code, id);
      case BLK_BARRIER:
        this.#barrier = 'waiting';
        this.#barrierId = id;
        return this.#advanceBarrier(device);
      default:
        break;
    }
    this.#answer(BLK_ERR_INVALID_PARAM, 0, id);
  }

  /** Gives the device the request that was just taken, or a flush. */
  #begin(device: LiveDevice, code: number, id: number): void {
    const { offsetLow, offsetHigh, block, count } = this.#request;
    const { flights } = device;
    const piece = pieceOf(device, code, count, 0);
    const chain = post(device, code, offsetLow, offsetHigh, block, piece);
    flights.begin(chain, this.#request, code, code === BLK_FLUSH ? 0 : count, id);
    flights.set(chain, FLIGHT.retriesLeft, this.#config.retries);
    if (this.#barrier === 'flushing') this.#barrierChain = chain;
  }

  /** Takes what the device has finished. */
  #return(): void {
    if (this.#state.kind === 'gone') return;
    const { queue } = this.#state.device;
    do {
      this.#finishMany();
      for (let chain = queue.take(); chain !== NONE; chain = queue.take()) {
        if (chain < 0) return this.#resetDevice('the device lies about its used ring');
        this.#finished(chain);
      }
      queue.requestInterrupt();
      // Asked first, then looked again: what was finished in between would otherwise wait for the
      // next interrupt.
    } while (queue.hasUsed());
  }

  /** Those that have not failed, as many as there are one behind the other. */
  #finishMany(): void {
    const state = this.#state;
    // A barrier looks for the last of what was before it.
    if (state.kind !== 'live' || this.#barrier !== 'none') return;
    this.#answered += state.device.fromDevice.run();
  }

  #finished(chain: number): void {
    const state = this.#state;
    if (state.kind === 'gone') return;
    const status = state.device.queue.status(chain);
    this.#resetsInARow = 0;
    if (state.kind === 'identifying') {
      const rings = this.#pd.region(this.#config.rings);
      if (status === R.S_OK) this.#serialNumber = serialNumber(rings, state.device);
      this.#publish(state.device, this.#serialNumber);
      this.#state = { kind: 'live', device: state.device };
      this.#answered += 1;
      return;
    }
    const { device } = state;
    const { flights } = device;
    const code = flights.get(chain, FLIGHT.code);
    if (status === R.S_OK) {
      const done = flights.get(chain, FLIGHT.done) + flights.get(chain, FLIGHT.piece);
      flights.set(chain, FLIGHT.done, done);
      if (code !== BLK_FLUSH && done < flights.get(chain, FLIGHT.count)) {
        return this.#continue(device, chain);
      }
      this.#complete(device, chain, BLK_OK);
    } else if (status === R.S_UNSUPP) {
      this.#complete(device, chain, BLK_ERR_INVALID_PARAM);
    } else {
      this.#failed(device, chain, code);
    }
    if (this.#barrier === 'waiting') this.#advanceBarrier(device);
  }

  /**
   * IOERR, or a status byte that makes no sense: looks for the block at fault, or tries again, or
   * answers.
   */
  #failed(device: LiveDevice, chain: number, code: number): void {
    const { flights } = device;
    const isTransfer = code === BLK_READ || code === BLK_WRITE;
    if (isTransfer && flights.get(chain, FLIGHT.piece) !== 1) {
      flights.set(chain, FLIGHT.single, 1);
      return this.#continue(device, chain);
    }
    const left = flights.get(chain, FLIGHT.retriesLeft);
    if (!isTransfer || left === 0) return this.#complete(device, chain, BLK_ERR_IO);
    flights.set(chain, FLIGHT.retriesLeft, left - 1);
    this.counters.add(BLK_DRIVER_COUNTERS.retries, 1);
    this.#continue(device, chain);
  }

  /** Posts the next piece of a request that goes on. */
  #continue(device: LiveDevice, chain: number): void {
    const { flights } = device;
    const code = flights.get(chain, FLIGHT.code);
    const done = flights.get(chain, FLIGHT.done);
    const left = flights.get(chain, FLIGHT.count) - done;
    const piece = pieceOf(device, code, left, flights.get(chain, FLIGHT.single));
    const at = (flights.get(chain, FLIGHT.low) >>> 0) + done * BLK_TRANSFER_BYTES;
    const high = flights.get(chain, FLIGHT.high) + (at >= 0x1_0000_0000 ? 1 : 0);
    const block = flights.block(chain) + done;
    flights.move(chain, post(device, code, at | 0, high, block, piece));
  }

  #complete({ flights }: LiveDevice, chain: number, status: number): void {
    if (chain === this.#barrierChain) {
      this.#barrier = 'none';
      this.#barrierChain = NONE;
    }
    this.#answer(status, flights.get(chain, FLIGHT.done), flights.get(chain, FLIGHT.id));
  }

  #advanceBarrier(device: LiveDevice): void {
    if (device.queue.outstanding > 0) return;
    if ((device.features & R.F_FLUSH) === 0) {
      this.#barrier = 'none';
      return this.#answer(BLK_OK, 0, this.#barrierId);
    }
    this.#barrier = 'flushing';
    this.#begin(device, BLK_FLUSH, this.#barrierId);
  }

  #answer(status: number, successCount: number, id: number): void {
    if (this.#responses.isClosed) return;
    if (status !== BLK_OK) this.counters.add(BLK_DRIVER_COUNTERS.errors, 1);
    this.#responses.enqueue(status, successCount, id);
    this.#answered += 1;
  }

  #notifyVirt(): void {
    if (this.#answered === 0) return;
    this.#answered = 0;
    this.#responses.publish();
    this.#pd.notify(this.#config.virt.channel);
  }

  #kick(device: LiveDevice): void {
    if (device.queue.publish()) {
      this.counters.add(BLK_DRIVER_COUNTERS.kicks, 1);
      this.#registers.write32(R.REG_QUEUE_NOTIFY, 0);
    }
    this.#armWatchdog(device);
  }

  /** Resets the device, answers what was in flight, each once, and starts it again. */
  #resetDevice(reason: string): void {
    const state = this.#state;
    if (state.kind === 'gone') return;
    this.counters.add(BLK_DRIVER_COUNTERS.resets, 1);
    this.#pd.log(`BLK DRIVER|WARN: reset: ${reason}`);
    reset(this.#registers);
    const { queue, flights } = state.device;
    for (let chain = queue.reclaim(); chain !== NONE; chain = queue.reclaim()) {
      if (state.kind === 'identifying') continue;
      this.#answer(BLK_ERR_IO, flights.get(chain, FLIGHT.done), flights.get(chain, FLIGHT.id));
    }
    if (this.#barrier === 'waiting') this.#answer(BLK_ERR_IO, 0, this.#barrierId);
    this.#barrier = 'none';
    this.#barrierChain = NONE;
    this.#resetsInARow += 1;
    if (this.#resetsInARow <= RESETS_MAX) return this.#bringUp();
    this.#pd.log('BLK DRIVER|ERROR: the device is given up');
    this.#state = { kind: 'gone' };
    withdrawStorageInfo(this.#storageInfo);
    this.#answered += 1;
  }

  #armWatchdog(device: LiveDevice): void {
    const { timer, watchdogNs } = this.#config;
    if (timer === undefined || watchdogNs === undefined) return;
    if (this.#watchdog === 'armed' || device.queue.outstanding === 0) return;
    this.#watchdog = 'armed';
    const tickNs = watchdogTickNs(watchdogNs);
    const isSuspected = this.#suspectedAfter === this.#served;
    this.#pd.setMr(0, isSuspected ? Math.min(SUSPECTED_NS, tickNs) : tickNs);
    this.#pd.ppcall(timer.channel, messageInfo(TIMER_SET_TIMEOUT, 1));
  }

  /** A tick of the watchdog: whatever has been with the device for too many is stuck. */
  #handleTimeout(): void {
    this.#watchdog = 'idle';
    const state = this.#state;
    if (state.kind === 'gone') return;
    // An interrupt may have been lost: look before judging. One that is on its way gets another
    // moment.
    if (state.device.queue.hasUsed()) {
      const isLost = this.#suspectedAfter === this.#served;
      this.#suspectedAfter = isLost ? NONE : this.#served;
      if (!isLost) return this.#armWatchdog(state.device);
      this.counters.add(BLK_DRIVER_COUNTERS.interruptsLost, 1);
      this.#return();
    }
    this.#growOlder();
  }

  #growOlder(): void {
    const state = this.#state;
    if (state.kind === 'gone') return;
    const stuck = growOlder(state.device.flights, state.device.queue);
    if (stuck > 0) this.#resetDevice(`${stuck} requests are not answered`);
    this.#provide();
    if (this.#state.kind !== 'gone') this.#armWatchdog(this.#state.device);
  }

  #publish(device: LiveDevice, serial: string): void {
    publishStorageInfo(this.#storageInfo, {
      serialNumber: serial,
      readOnly: device.readOnly,
      sectorBytes: device.sectorBytes,
      blockSize: 1,
      queueDepth: device.queue.chains,
      capacity: Math.floor(readCapacity(this.#registers) / SECTORS_PER_BLOCK),
    });
  }
}
