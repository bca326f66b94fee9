/**
 * Driver of a virtio network device: moves buffers between sDDF's queues and the device's virtqueues, and never looks
 * into them. It does not map the packets' memory.
 *
 * Ownership: a receive buffer goes free queue → receive virtqueue → active queue; a transmit buffer goes active queue →
 * transmit virtqueue → free queue. When the device breaks the rules it is reset: receive buffers go into the new
 * virtqueue, transmit buffers back to their senders, each exactly once.
 *
 * Source: virtio 1.2 section 5.1.6 (device operation); sDDF 0.7 network driver protocol.
 */

import type { Channel, EntryPoints, ProtectionDomain } from '../../../microkit/pd.ts';
import { counterNames, Counters } from '../../../queues/counters.ts';
import type { NetDriverConfig } from '../../../queues/net/config.ts';
import { NET_BUFFER_BYTES, NetConsumer, NetProducer } from '../../../queues/net/queue.ts';
import { type Flow, runFlow } from '../../../queues/signal.ts';
import { LIE_USED_INDEX, LIE_USED_LENGTH, NONE } from '../../../queues/virtio/virtqueue.ts';
import { VirtioNetDevice } from './device.ts';
import {
  INTERRUPT_CONFIG_CHANGE,
  VIRTIO_NET_HDR_BYTES,
  VIRTIO_NET_HDR_NUM_BUFFERS_HALFWORD,
} from './regs.ts';

export const NET_DRIVER_COUNTERS = counterNames(
  'rxPackets',
  'rxBytes',
  'txPackets',
  'txBytes',
  'interrupts',
  'interruptsSpurious',
  'linkChanges',
  /** Received frames shorter than an Ethernet header; longer than a frame may be. */
  'rxRunt',
  'rxOversize',
  /** No room in the active queue: cannot be, unless the virtualiser breaks the rules. */
  'rxQueueFull',
  /** Frames to send that are shorter than an Ethernet header or longer than a frame may be. */
  'txBadLength',
  /** Frames to send while there is no working device; frames that the device had when it was reset. */
  'txNoDevice',
  'txLostInReset',
  /** No room in the free queue: cannot be, unless the virtualiser breaks the rules. */
  'txQueueFull',
  'resets',
  // Why: what the device did.
  'usedIndexLies',
  'usedIdLies',
  'usedLengthLies',
  'numBuffersLies',
  'needsReset',
);
const COUNT = NET_DRIVER_COUNTERS;

const FRAME_BYTES_MIN = 14;
const FRAME_BYTES_MAX = 1514;
/** Beside the virtqueue's own `LIE_…` values: a frame that claims to lie in several buffers, or in none. */
const LIE_HEADER = -100;

/** Names of the counters in `stats`, for whoever runs this program from a description. */
export { NET_DRIVER_COUNTERS as counters };

/** Microkit's `init`. */
export function main(pd: ProtectionDomain<NetDriverConfig>): EntryPoints {
  const driver = new VirtioNetDriver(pd);
  return {
    notified: (channel) => driver.notified(channel),
    progress: () => driver.moved,
  };
}

class VirtioNetDriver {
  /** Buffers moved so far, in either direction. */
  moved = 0;
  readonly device: VirtioNetDevice;
  readonly counters: Counters<keyof typeof NET_DRIVER_COUNTERS>;
  readonly #pd: ProtectionDomain<NetDriverConfig>;
  readonly #irq: Channel;
  readonly #rxChannel: Channel;
  readonly #txChannel: Channel;
  readonly #rxFree: NetConsumer;
  readonly #rxActive: NetProducer;
  readonly #txFree: NetProducer;
  readonly #txActive: NetConsumer;
  readonly #rxProvide: Flow;
  readonly #rxReturn: Flow;
  readonly #txProvide: Flow;
  readonly #txReturn: Flow;
  #state: 'running' | 'failed' = 'failed';
  #link: 'up' | 'down' = 'down';

  constructor(pd: ProtectionDomain<NetDriverConfig>) {
    const { config } = pd;
    this.#pd = pd;
    this.#irq = config.irq;
    this.#rxChannel = config.rx.channel;
    this.#txChannel = config.tx.channel;
    const { rx, tx } = config;
    this.#rxFree = new NetConsumer(pd.region(rx.freeQueue), rx.capacity);
    this.#rxActive = new NetProducer(pd.region(rx.activeQueue), rx.capacity);
    this.#txFree = new NetProducer(pd.region(tx.freeQueue), tx.capacity);
    this.#txActive = new NetConsumer(pd.region(tx.activeQueue), tx.capacity);
    const stats = config.stats === undefined ? undefined : pd.region(config.stats);
    this.counters = new Counters(NET_DRIVER_COUNTERS, stats);
    this.device = new VirtioNetDevice({
      registers: pd.deviceRegion(config.registers),
      rings: pd.region(config.rings),
      ringsPaddr: pd.vars[config.ringsPaddrSymbol] ?? 0,
      ringEntries: config.ringEntries,
    });
    this.#rxProvide = {
      drain: () => this.rxProvide(),
      requestSignal: () => this.#requestFree(),
      cancelSignal: () => this.#rxFree.cancelSignal(),
      canMove: () => this.#rxFree.hasItems() && this.#canReceive(),
    };
    this.#rxReturn = {
      drain: () => this.rxReturn(),
      requestSignal: () => {
        this.device.rx.requestInterrupt();
        return 'requested';
      },
      cancelSignal: () => undefined,
      canMove: () => this.#state === 'running' && this.device.rx.hasUsed(),
    };
    this.#txProvide = {
      drain: () => this.txProvide(),
      requestSignal: () => {
        this.#txActive.requestSignal();
        return 'requested';
      },
      cancelSignal: () => this.#txActive.cancelSignal(),
      canMove: () => this.#txActive.hasItems() && this.#canSend(),
    };
    this.#txReturn = {
      drain: () => this.txReturn(),
      requestSignal: () => {
        this.device.tx.requestInterrupt();
        return 'requested';
      },
      cancelSignal: () => undefined,
      canMove: () => this.#state === 'running' && this.device.tx.hasUsed(),
    };
    this.#start();
    pd.irqAck(this.#irq);
  }

  notified(channel: Channel): void {
    if (channel === this.#irq) {
      this.handleIrq();
      this.#pd.deferredIrqAck(this.#irq);
    } else if (channel === this.#txChannel) {
      runFlow(this.#txProvide);
    } else {
      // In the two-domain path one channel serves both directions.
      runFlow(this.#rxProvide);
      if (this.#rxChannel === this.#txChannel) runFlow(this.#txProvide);
    }
  }

  /** Serves the interrupt; the rings are looked at whatever its reasons say, so that a lost one costs time only. */
  handleIrq(): void {
    const reasons = this.device.takeInterrupt();
    this.counters.add(reasons === 0 ? COUNT.interruptsSpurious : COUNT.interrupts, 1);
    if ((reasons & INTERRUPT_CONFIG_CHANGE) !== 0) this.#onConfigChange();
    if (this.#state === 'failed') {
      // Without a device, what waits to be sent goes back to its senders.
      runFlow(this.#txProvide);
      return;
    }
    runFlow(this.#txReturn);
    runFlow(this.#rxReturn);
    runFlow(this.#txProvide);
    runFlow(this.#rxProvide);
  }

  /** Gives empty receive buffers to the device. */
  rxProvide(): void {
    const { rx } = this.device;
    const free = this.#rxFree;
    if (this.#state !== 'running') return;
    const provided = Math.min(rx.room, free.available());
    for (let index = 0; index < provided; index += 1) {
      rx.postAt(index, free.lowAt(index), free.highAt(index), NET_BUFFER_BYTES);
    }
    if (provided === 0) return;
    rx.advance(provided);
    free.advance(provided);
    this.moved += provided;
    free.publish();
    if (rx.publish()) this.device.notifyRx();
  }

  /** Takes filled receive buffers from the device. */
  rxReturn(): void {
    if (this.#state === 'failed') return;
    const { rx } = this.device;
    let bytes = 0;
    let packets = 0;
    let chain = rx.take();
    let kept = 0;
    while (chain >= 0) {
      const len = rx.takenBytes - VIRTIO_NET_HDR_BYTES;
      if (len < FRAME_BYTES_MIN || len > FRAME_BYTES_MAX) {
        this.#keepForDevice(len < FRAME_BYTES_MIN ? COUNT.rxRunt : COUNT.rxOversize);
        kept += 1;
      } else if (rx.header16(chain, VIRTIO_NET_HDR_NUM_BUFFERS_HALFWORD) !== 1) {
        this.#keepForDevice(COUNT.numBuffersLies);
        chain = LIE_HEADER;
        break;
      } else if (!this.#rxActive.enqueue(rx.takenLow, rx.takenHigh, len, 0)) {
        this.#keepForDevice(COUNT.rxQueueFull);
        kept += 1;
      } else {
        packets += 1;
        bytes += len;
      }
      chain = rx.take();
    }
    this.moved += packets;
    this.counters.add(COUNT.rxPackets, packets);
    this.counters.add(COUNT.rxBytes, bytes);
    if (this.#rxActive.publish()) this.#pd.notify(this.#rxChannel);
    if (kept > 0 && rx.publish()) this.device.notifyRx();
    if (chain === NONE) return;
    if (chain === LIE_USED_LENGTH) this.#keepForDevice(COUNT.usedLengthLies);
    else if (chain !== LIE_HEADER)
      this.counters.add(chain === LIE_USED_INDEX ? COUNT.usedIndexLies : COUNT.usedIdLies, 1);
    this.#recover();
  }

  /** Gives filled transmit buffers to the device. */
  txProvide(): void {
    const { tx, frameBytesMax } = this.device;
    const active = this.#txActive;
    let bytes = 0;
    let packets = 0;
    let refused = 0;
    while (this.#canSend() && active.dequeue()) {
      const { len } = active;
      if (this.#state === 'failed') {
        refused += 1;
        this.#giveBack(active.low, active.high, COUNT.txNoDevice);
      } else if (len < FRAME_BYTES_MIN || len > frameBytesMax) {
        refused += 1;
        this.#giveBack(active.low, active.high, COUNT.txBadLength);
      } else {
        tx.post(active.low, active.high, len);
        packets += 1;
        bytes += len;
      }
    }
    if (packets + refused === 0) return;
    this.moved += packets + refused;
    active.publish();
    this.counters.add(COUNT.txPackets, packets);
    this.counters.add(COUNT.txBytes, bytes);
    if (tx.publish()) this.device.notifyTx();
    if (refused > 0 && this.#txFree.publish()) this.#pd.notify(this.#txChannel);
  }

  /** Takes sent transmit buffers from the device. */
  txReturn(): void {
    if (this.#state === 'failed') return;
    const { tx } = this.device;
    let returned = 0;
    let chain = tx.take();
    while (chain >= 0) {
      returned += 1;
      if (!this.#txFree.enqueue(tx.takenLow, tx.takenHigh, 0, 0)) {
        this.counters.add(COUNT.txQueueFull, 1);
      }
      chain = tx.take();
    }
    this.moved += returned;
    if (chain === LIE_USED_LENGTH) this.#giveBack(tx.takenLow, tx.takenHigh, COUNT.usedLengthLies);
    if (this.#txFree.publish()) this.#pd.notify(this.#txChannel);
    if (chain === NONE) return;
    if (chain === LIE_USED_INDEX) this.counters.add(COUNT.usedIndexLies, 1);
    else if (chain !== LIE_USED_LENGTH) this.counters.add(COUNT.usedIdLies, 1);
    this.#recover();
  }

  #canReceive(): boolean {
    return this.#state === 'running' && this.device.rx.room > 0;
  }

  /** Without a device, frames are not kept waiting but given back. */
  #canSend(): boolean {
    return this.#state === 'failed' || (this.#link === 'up' && this.device.tx.room > 0);
  }

  /** While the device has plenty of buffers, a new one can wait until the next interrupt comes anyway. */
  #requestFree(): 'requested' | 'content' {
    const { rx } = this.device;
    if (rx.outstanding * 2 >= rx.chains) return 'content';
    this.#rxFree.requestSignal();
    return 'requested';
  }

  #onConfigChange(): void {
    if (this.device.needsReset()) {
      this.counters.add(COUNT.needsReset, 1);
      this.#recover();
      return;
    }
    const link = this.device.isLinkUp() ? 'up' : 'down';
    if (link === this.#link) return;
    this.#link = link;
    this.counters.add(COUNT.linkChanges, 1);
  }

  /** Puts the receive buffer that was taken last back into the virtqueue. */
  #keepForDevice(reason: number): void {
    const { rx } = this.device;
    this.counters.add(reason, 1);
    rx.post(rx.takenLow, rx.takenHigh, NET_BUFFER_BYTES);
  }

  /** Puts a transmit buffer into the free queue; to be published. */
  #giveBack(low: number, high: number, reason: number): void {
    this.counters.add(reason, 1);
    if (!this.#txFree.enqueue(low, high, 0, 0)) this.counters.add(COUNT.txQueueFull, 1);
  }

  #start(): void {
    const problem = this.device.start();
    if (problem !== undefined) {
      this.#state = 'failed';
      this.#link = 'down';
      this.#pd.log(`network device cannot be used: ${problem}`);
    } else {
      this.#state = 'running';
      this.#link = this.device.isLinkUp() ? 'up' : 'down';
      const mac = this.device.readMac() ?? 'without an address';
      this.#pd.log(`network device ${mac}: link ${this.#link}, ${this.device.rx.chains} requests`);
    }
    runFlow(this.#rxProvide);
    runFlow(this.#txProvide);
  }

  /** Resets the device and goes on, with every buffer that it had in a known place. */
  #recover(): void {
    const oldRx = this.device.rx;
    const oldTx = this.device.tx;
    this.counters.add(COUNT.resets, 1);
    const problem = this.device.start();
    const { rx } = this.device;
    while (oldRx.reclaim()) {
      if (problem === undefined && rx.room > 0) {
        rx.post(oldRx.takenLow, oldRx.takenHigh, NET_BUFFER_BYTES);
      } else {
        // An empty frame: the virtualiser drops it and has the buffer.
        const isBack = this.#rxActive.enqueue(oldRx.takenLow, oldRx.takenHigh, 0, 0);
        if (!isBack) this.counters.add(COUNT.rxQueueFull, 1);
      }
    }
    while (oldTx.reclaim()) this.#giveBack(oldTx.takenLow, oldTx.takenHigh, COUNT.txLostInReset);
    if (problem === undefined) {
      this.#state = 'running';
      this.#link = this.device.isLinkUp() ? 'up' : 'down';
      if (rx.publish()) this.device.notifyRx();
    } else {
      this.#state = 'failed';
      this.#pd.log(`network device given up after a reset: ${problem}`);
    }
    if (this.#rxActive.publish()) this.#pd.notify(this.#rxChannel);
    if (this.#txFree.publish()) this.#pd.notify(this.#txChannel);
  }
}
