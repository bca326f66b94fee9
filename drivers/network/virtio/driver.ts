/**
 * Driver of a virtio network device: moves buffers between sDDF's queues and the device's
 * virtqueues, and never looks into them. It does not map the packets' memory.
 *
 * Ownership: a receive buffer goes free queue → receive virtqueue → active queue; a transmit buffer
 * goes active queue → transmit virtqueue → free queue. When the device breaks the rules it is
 * reset: receive buffers go into the new virtqueue, transmit buffers back to their senders, each
 * exactly once.
 *
 * With a timer, a watchdog finds what no interrupt has told: one that was lost, a device that has
 * reset itself, that holds on to a frame, or could not be started.
 *
 * Source: virtio 1.2 section 5.1.6 (device operation); sDDF 0.7 network driver protocol.
 */

import {
  type Channel,
  type EntryPoints,
  messageInfo,
  type ProtectionDomain,
  ProgramState,
} from '../../../microkit/pd.ts';
import { Counters } from '../../../queues/counters.ts';
import type { NetDriverConfig } from '../../../queues/net/config.ts';
import { closeNetEnd, type NetEnd, openNetEnd } from '../../../queues/net/net-end.ts';
import { FromDevice } from '../../../queues/net/loops/from-device.ts';
import { ToDevice } from '../../../queues/net/loops/to-device.ts';
import {
  CHECKED_OID,
  NET_BUFFER_BYTES,
  NetConsumer,
  NetProducer,
} from '../../../queues/net/queue.ts';
import { TIMER_SET_TIMEOUT } from '../../../queues/timer/config.ts';
import { type Connections, joinRestarts, supervised } from '../../../queues/restart/member.ts';
import * as signal from '../../../queues/signal.ts';
import type { Flow } from '../../../queues/signal.ts';
import { LIE_USED_INDEX, LIE_USED_LENGTH, NONE } from '../../../queues/virtio/virtqueue.ts';
import { NET_DRIVER_COUNTERS } from './counters.ts';
import { VirtioNetDevice } from './device.ts';
import * as regs from './regs.ts';

const COUNT = NET_DRIVER_COUNTERS;

// Folded constants, of functions, too: docs/hot-code.md.
const { runFlow } = signal;
const HEADER_BYTES = regs.VIRTIO_NET_HDR_BYTES;
const NUM_BUFFERS_HALFWORD = regs.VIRTIO_NET_HDR_NUM_BUFFERS_HALFWORD;
const FLAGS_HALFWORD = regs.VIRTIO_NET_HDR_FLAGS_HALFWORD;
const NEEDS_CSUM = regs.VIRTIO_NET_HDR_F_NEEDS_CSUM;
/** DATA_VALID, shifted so, is `CHECKED_OID` of a queue's entry. */
const CHECKED_OID_SHIFT = Math.log2(CHECKED_OID / regs.VIRTIO_NET_HDR_F_DATA_VALID) | 0;
const CONFIG_CHANGE = regs.INTERRUPT_CONFIG_CHANGE;
const BUFFER_BYTES = NET_BUFFER_BYTES;
const FRAME_BYTES_MIN = 14;
/** How long the device may finish no transmission while it has some: as long as Linux lets it. */
const TX_STUCK_NS = 5e9;
/**
 * How often a device that cannot be started is tried. One that is not there at all may be plugged
 * in at any time.
 */
const FAILURES_MAX = 8;
/** How long an interrupt may be on its way. */
const SUSPECTED_NS = 100_000;
/**
 * The watchdog looks this many times less often while no interrupt comes and nothing is being sent:
 * there is little to miss, and each look wakes the host.
 */
const QUIET_FACTOR = 4;
/**
 * Beside the virtqueue's own `LIE_…` values: a frame that claims to lie in several buffers, or in
 * none.
 */
const LIE_HEADER = -100;

export { NET_DRIVER_COUNTERS as counters };

/** Batches by WebAssembly, where there is any. */
interface Loops {
  readonly rxProvide: ToDevice;
  readonly rxReturn: FromDevice;
  readonly txProvide: ToDevice;
  readonly txReturn: FromDevice;
}

/** Microkit's `init`. */
export function main(pd: ProtectionDomain<NetDriverConfig>): EntryPoints {
  const driver = new VirtioNetDriver(pd);
  return supervised(driver.member, driver, {
    notified: (channel) => driver.notified(channel),
    progress: () => driver.moved,
    awaitsTime: () => driver.awaitsTime(),
    counters: driver.counters,
  });
}

class VirtioNetDriver extends ProgramState<NetDriverConfig> implements Connections {
  // There once the device runs: its virtqueues are new after each start. Declared, as those are.
  declare loops: Loops;
  /** Buffers moved so far, in either direction. */
  moved = 0;
  readonly #config = this.pd.config;
  readonly member = joinRestarts(this.pd, this.#config.restart);
  readonly #rx = this.pd.config.rx;
  readonly #tx = this.pd.config.tx;
  readonly #irq: number = this.#config.irq;
  readonly #rxChannel: number = this.#rx.channel;
  readonly #txChannel: number = this.#tx.channel;
  readonly counters = new Counters(NET_DRIVER_COUNTERS, this.optionalRegion(this.#config.stats));
  readonly device = new VirtioNetDevice({
    registers: this.pd.deviceRegion(this.#config.registers),
    rings: this.pd.region(this.#config.rings),
    ringsPaddr: this.pd.vars[this.#config.ringsPaddrSymbol] ?? 0,
    ringEntries: this.#config.ringEntries,
  });
  readonly #rxFree = new NetConsumer(this.pd.region(this.#rx.freeQueue), this.#rx.capacity);
  readonly #rxActive = new NetProducer(this.pd.region(this.#rx.activeQueue), this.#rx.capacity);
  readonly #txFree = new NetProducer(this.pd.region(this.#tx.freeQueue), this.#tx.capacity);
  readonly #txActive = new NetConsumer(this.pd.region(this.#tx.activeQueue), this.#tx.capacity);
  readonly #rxEnd: NetEnd = { connection: this.#rx, out: this.#rxActive, in: this.#rxFree };
  readonly #txEnd: NetEnd = { connection: this.#tx, out: this.#txFree, in: this.#txActive };
  readonly #rxProvide: Flow = {
    drain: () => this.rxProvide(),
    requestSignal: () => this.#requestFree(),
    cancelSignal: () => this.#rxFree.cancelSignal(),
    canMove: () => this.#rxFree.hasItems() && this.#state === 'running' && this.device.rx.room > 0,
  };
  readonly #rxReturn: Flow = {
    drain: () => this.rxReturn(),
    requestSignal: () => {
      this.device.rx.requestInterrupt();
      return 'requested';
    },
    cancelSignal: () => undefined,
    canMove: () => this.#state === 'running' && this.device.rx.hasUsed(),
  };
  readonly #txProvide: Flow = {
    drain: () => this.txProvide(),
    requestSignal: () => {
      this.#txActive.requestSignal();
      return 'requested';
    },
    cancelSignal: () => this.#txActive.cancelSignal(),
    canMove: () => this.#txActive.hasItems() && this.#canSend(),
  };
  readonly #txReturn: Flow = {
    drain: () => this.txReturn(),
    requestSignal: () => {
      this.device.tx.requestInterrupt();
      return 'requested';
    },
    cancelSignal: () => undefined,
    canMove: () => this.#state === 'running' && this.device.tx.hasUsed(),
  };
  #state: 'running' | 'failed' = 'failed';
  #link: 'up' | 'down' = 'down';
  /** How often in a row a device that is there could not be started. */
  #failures = 0;
  /**
   * Interrupts served, and how many it were when a tick last saw something that none had told of.
   */
  #served = 0;
  #suspectedAfter = NONE;
  /**
   * Ticks of the watchdog since the device has last finished a transmission, and how many it had
   * finished by then.
   */
  #txStillTicks = 0;
  #txTaken = 0;
  /** Interrupts served when the watchdog was armed last. */
  #servedBefore = NONE;
  /** Of a frame whose checksum is left to the device. */
  readonly #header = new Uint16Array(HEADER_BYTES / 2);

  constructor(pd: ProtectionDomain<NetDriverConfig>) {
    super(pd);
    for (const channel of this.member?.abandoned ?? []) closeNetEnd(pd, this.#endOf(channel));
    this.#start();
    pd.irqAck(this.#irq);
    this.#armWatchdog();
  }

  notified(channel: Channel): void {
    if (channel === this.#irq) {
      this.handleIrq();
      this.pd.deferredIrqAck(this.#irq);
    } else if (channel === this.#txChannel) {
      runFlow(this.#txProvide);
    } else if (channel === this.#rxChannel) {
      runFlow(this.#rxProvide);
    } else {
      this.#tick();
    }
  }

  /**
   * What the device has of this connection is to be let go, and a device has no way to do that but
   * a reset. It takes frames with it that were on their way.
   */
  close(channel: Channel): void {
    const side = channel === this.#txChannel ? 'tx' : 'rx';
    // What has been received and sent already need not be lost.
    this.rxReturn();
    this.txReturn();
    const had = this.#state === 'running' ? this.device[side].outstanding : 0;
    if (had > 0) this.#recover(side);
    const left = closeNetEnd(this.pd, this.#endOf(channel));
    this.member?.tookBack(had + left);
  }

  open(channel: Channel): void {
    openNetEnd(this.#endOf(channel));
    runFlow(channel === this.#txChannel ? this.#txProvide : this.#rxProvide);
  }

  #endOf(channel: Channel): NetEnd {
    return channel === this.#txChannel ? this.#txEnd : this.#rxEnd;
  }

  /**
   * Serves the interrupt; the rings are looked at whatever its reasons say, so that a lost one
   * costs time only.
   */
  handleIrq(): void {
    this.#served += 1;
    const reasons = this.device.takeInterrupt();
    this.counters.add(reasons === 0 ? COUNT.interruptsSpurious : COUNT.interrupts, 1);
    if ((reasons & CONFIG_CHANGE) !== 0) this.#onConfigChange();
    if (this.#state === 'running') {
      runFlow(this.#txReturn);
      runFlow(this.#rxReturn);
    }
    // Without a device, what waits to be sent goes back to its senders.
    if (!this.#txActive.isAtRest()) runFlow(this.#txProvide);
    if (this.#rxFree.hasItems() || this.#needsBuffers()) runFlow(this.#rxProvide);
  }

  /**
   * A lost interrupt is the last one: the device sends the next when its used index passes what the
   * driver has asked for, which the driver moves on when it has been interrupted. So somebody has
   * to look, now and then.
   */
  #tick(): void {
    if (this.#state === 'running') this.#lookForMissed();
    else if (this.device.isPresent()) this.#start();
    this.#armWatchdog();
  }

  #lookForMissed(): void {
    const { device } = this;
    if (!device.isStarted()) {
      this.counters.add(COUNT.selfResets, 1);
      this.#recoverUnasked();
    } else if (device.hasInterrupt() || device.rx.hasUsed() || device.tx.hasUsed()) {
      this.#onUnserved();
    } else if (this.#isTxStuck()) {
      this.counters.add(COUNT.txStuck, 1);
      this.#recoverUnasked();
    }
  }

  /** What has waited for room in the old rings was signalled long ago, so nobody says so again. */
  #recoverUnasked(): void {
    this.#recover();
    this.#provide();
  }

  /** An interrupt that is on its way is not lost: it gets another moment. */
  #onUnserved(): void {
    const isLost = this.#suspectedAfter === this.#served;
    this.#suspectedAfter = isLost ? NONE : this.#served;
    if (!isLost) return;
    this.counters.add(COUNT.interruptsLost, 1);
    this.handleIrq();
  }

  /**
   * Counts ticks. A buffer that the device keeps to itself while it finishes others is missed only
   * when those are done.
   */
  #isTxStuck(): boolean {
    const { tx } = this.device;
    const isMoving = tx.outstanding === 0 || tx.takenCount !== this.#txTaken;
    this.#txTaken = tx.takenCount;
    this.#txStillTicks = isMoving ? 0 : this.#txStillTicks + 1;
    return this.#txStillTicks * (this.#config.watchdogNs ?? Infinity) > TX_STUCK_NS;
  }

  /**
   * Whether the next tick would find something, as far as one can see, or is one of several that
   * the device is given.
   */
  awaitsTime(): boolean {
    const { timer, watchdogNs } = this.#config;
    if (timer === undefined || watchdogNs === undefined || this.#state === 'failed') return false;
    return this.device.rx.hasUsed() || this.device.tx.outstanding > 0;
  }

  #armWatchdog(): void {
    const { timer, watchdogNs } = this.#config;
    if (timer === undefined || watchdogNs === undefined) return;
    if (this.#failures === FAILURES_MAX) return;
    this.pd.setMr(0, this.#nextLookNs(watchdogNs));
    this.pd.ppcall(timer.channel, messageInfo(TIMER_SET_TIMEOUT, 1));
    this.#servedBefore = this.#served;
  }

  #nextLookNs(watchdogNs: number): number {
    if (this.#suspectedAfter === this.#served) return Math.min(SUSPECTED_NS, watchdogNs);
    const isSending = this.#state === 'running' && this.device.tx.outstanding > 0;
    const isQuiet = this.#served === this.#servedBefore && !isSending;
    return isQuiet ? QUIET_FACTOR * watchdogNs : watchdogNs;
  }

  /** Gives empty receive buffers to the device. */
  rxProvide(): void {
    if (this.#state !== 'running') return;
    const { rx } = this.device;
    const free = this.#rxFree;
    let provided = this.loops.rxProvide.run();
    for (let left = Math.min(rx.room, free.available()); left > 0; left -= 1) {
      free.dequeue();
      rx.post(free.low, free.high, BUFFER_BYTES);
      provided += 1;
    }
    if (provided === 0) return;
    this.moved += provided;
    free.publish();
    if (rx.publish()) this.device.notifyRx();
  }

  /** Takes filled receive buffers from the device. */
  rxReturn(): void {
    if (this.#state === 'failed') return;
    const { rx } = this.device;
    let chain: number;
    do {
      this.#rxReturnBatch();
      chain = this.#rxReturnNext();
    } while (chain >= 0);
    if (this.#rxActive.publish()) this.pd.notify(this.#rxChannel);
    if (rx.publish()) this.device.notifyRx();
    if (chain === NONE) return;
    if (chain === LIE_USED_LENGTH) this.#keepForDevice(COUNT.usedLengthLies);
    else if (chain !== LIE_HEADER)
      this.counters.add(chain === LIE_USED_INDEX ? COUNT.usedIndexLies : COUNT.usedIdLies, 1);
    this.#recover();
  }

  /** Good frames with room for them. */
  #rxReturnBatch(): void {
    const { rxReturn } = this.loops;
    const packets = rxReturn.run();
    if (packets > 0) this.#countReceived(packets, rxReturn.bytes);
  }

  #countReceived(packets: number, bytes: number): void {
    this.moved += packets;
    this.counters.add(COUNT.rxPackets, packets);
    this.counters.add(COUNT.rxBytes, bytes);
  }

  /**
   * The next one, whatever it is.
   * @returns its chain, `NONE`, or the lie that ends the device's life
   */
  #rxReturnNext(): number {
    const { rx } = this.device;
    const chain = rx.take();
    if (chain < 0) return chain;
    const len = rx.takenBytes - HEADER_BYTES;
    if (len < FRAME_BYTES_MIN || len > this.device.frameBytesMax) {
      this.#keepForDevice(len < FRAME_BYTES_MIN ? COUNT.rxRunt : COUNT.rxOversize);
      return chain;
    }
    if (rx.header16(chain, NUM_BUFFERS_HALFWORD) !== 1) {
      this.#keepForDevice(COUNT.numBuffersLies);
      return LIE_HEADER;
    }
    const flags = rx.header16(chain, FLAGS_HALFWORD) & this.device.rxFlags;
    const oid = flags << CHECKED_OID_SHIFT;
    if ((flags & NEEDS_CSUM) !== 0) {
      this.#keepForDevice(COUNT.rxPartialChecksum);
    } else if (!this.#rxActive.enqueue(rx.takenLow, rx.takenHigh, len, oid)) {
      this.#keepForDevice(COUNT.rxQueueFull);
    } else {
      this.#countReceived(1, len);
    }
    return chain;
  }

  /** Gives filled transmit buffers to the device. */
  txProvide(): void {
    const before = this.moved;
    do this.#txProvideBatch();
    while (this.#txProvideNext());
    if (this.moved === before) return;
    this.#txActive.publish();
    if (this.#state === 'running' && this.device.tx.publish()) this.device.notifyTx();
    if (this.#txFree.publish()) this.pd.notify(this.#txChannel);
  }

  /** Frames of a good length with room for them. */
  #txProvideBatch(): void {
    if (this.#state === 'failed' || this.#link === 'down') return;
    const { txProvide } = this.loops;
    const packets = txProvide.run();
    if (packets > 0) this.#countSent(packets, txProvide.bytes);
  }

  #countSent(packets: number, bytes: number): void {
    this.moved += packets;
    this.counters.add(COUNT.txPackets, packets);
    this.counters.add(COUNT.txBytes, bytes);
  }

  /** The next one, whatever it is. @returns false when there is none, or no room for it */
  #txProvideNext(): boolean {
    const { tx, frameBytesMax } = this.device;
    const active = this.#txActive;
    if (!this.#canSend() || !active.dequeue()) return false;
    const { low, high, len } = active;
    if (this.#state === 'failed') {
      this.#giveBack(low, high, COUNT.txNoDevice);
    } else if (len < FRAME_BYTES_MIN || len > frameBytesMax) {
      this.#giveBack(low, high, COUNT.txBadLength);
    } else if (active.isPartial && !this.#mayComplete(active)) {
      this.#giveBack(low, high, COUNT.txChecksumRefused);
    } else {
      if (active.isPartial) this.#postPartial(active);
      else tx.post(low, high, len);
      this.#countSent(1, len);
    }
    return true;
  }

  /** Whether the device completes checksums, and the frame's field lies in it (5.1.6.2.1). */
  #mayComplete({ checksum, len }: NetConsumer): boolean {
    const fieldAt = (checksum & 0xffff) + (checksum >>> 16);
    return this.device.makesChecksums && fieldAt + 2 <= len;
  }

  #postPartial({ low, high, len, checksum }: NetConsumer): void {
    const header = this.#header;
    header[FLAGS_HALFWORD] = NEEDS_CSUM;
    header[regs.VIRTIO_NET_HDR_CSUM_START_HALFWORD] = checksum & 0xffff;
    header[regs.VIRTIO_NET_HDR_CSUM_OFFSET_HALFWORD] = checksum >>> 16;
    this.device.tx.postHeaded(low, high, len, header);
    this.counters.add(COUNT.txChecksums, 1);
  }

  /** Takes sent transmit buffers from the device. */
  txReturn(): void {
    if (this.#state === 'failed') return;
    const { tx } = this.device;
    let chain: number;
    do {
      this.moved += this.loops.txReturn.run();
      chain = tx.take();
      if (chain >= 0) this.#toFree(tx.takenLow, tx.takenHigh);
    } while (chain >= 0);
    if (chain === LIE_USED_LENGTH) this.#giveBack(tx.takenLow, tx.takenHigh, COUNT.usedLengthLies);
    if (this.#txFree.publish()) this.pd.notify(this.#txChannel);
    if (chain === NONE) return;
    if (chain === LIE_USED_INDEX) this.counters.add(COUNT.usedIndexLies, 1);
    else if (chain !== LIE_USED_LENGTH) this.counters.add(COUNT.usedIdLies, 1);
    this.#recover();
  }

  /** Without a device, frames are not kept waiting but given back. */
  #canSend(): boolean {
    return this.#state === 'failed' || (this.#link === 'up' && this.device.tx.room > 0);
  }

  /**
   * While the device has plenty of buffers, a new one can wait until the next interrupt comes
   * anyway.
   */
  #requestFree(): 'requested' | 'content' {
    if (!this.#needsBuffers()) return 'content';
    this.#rxFree.requestSignal();
    return 'requested';
  }

  /** Whether the device has fewer buffers than half of what its queue holds. */
  #needsBuffers(): boolean {
    const { rx } = this.device;
    return this.#state === 'running' && rx.outstanding * 2 < rx.chains;
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
    this.counters.add(reason, 1);
    this.device.rx.post(this.device.rx.takenLow, this.device.rx.takenHigh, BUFFER_BYTES);
  }

  #giveBack(low: number, high: number, reason: number): void {
    this.counters.add(reason, 1);
    this.#toFree(low, high);
  }

  /** Puts a transmit buffer into the free queue; to be published. */
  #toFree(low: number, high: number): void {
    this.moved += 1;
    if (!this.#txFree.enqueue(low, high, 0, 0)) this.counters.add(COUNT.txQueueFull, 1);
  }

  #start(): void {
    const problem = this.device.start();
    if (problem !== undefined) {
      this.#fail(`cannot be used: ${problem}`);
    } else {
      this.#run();
      const mac = this.device.readMac() ?? 'without an address';
      this.pd.log(`network device ${mac}: link ${this.#link}, ${this.device.rx.chains} requests`);
    }
    this.#provide();
  }

  /** Takes what waits in both queues, as far as there is room. */
  #provide(): void {
    runFlow(this.#rxProvide);
    runFlow(this.#txProvide);
  }

  #run(): void {
    this.#state = 'running';
    this.loops = this.#makeLoops();
    this.#failures = 0;
    this.#txStillTicks = 0;
    this.#link = this.device.isLinkUp() ? 'up' : 'down';
  }

  #makeLoops(): Loops {
    const { rx, tx, frameBytesMax, rxFlags } = this.device;
    const frameBytes = { least: FRAME_BYTES_MIN, most: frameBytesMax };
    return {
      rxProvide: new ToDevice({ queue: this.#rxFree, ring: rx }),
      rxReturn: new FromDevice({
        ring: rx,
        queue: this.#rxActive,
        received: { ...frameBytes, flags: rxFlags },
      }),
      txProvide: new ToDevice({ queue: this.#txActive, ring: tx, frameBytes }),
      txReturn: new FromDevice({ ring: tx, queue: this.#txFree }),
    };
  }

  #fail(what: string): void {
    this.#state = 'failed';
    this.#link = 'down';
    if (this.device.isPresent()) this.#failures += 1;
    this.pd.log(`network device ${what}`);
  }

  /**
   * Resets the device and goes on, with every buffer that it had in a known place.
   *
   * @param letGo the buffers of this side are no longer ours
   */
  #recover(letGo?: 'rx' | 'tx'): void {
    const { device } = this;
    const old = device.queues;
    this.counters.add(COUNT.resets, 1);
    const problem = device.start();
    while (old?.rx.reclaim() === true) {
      if (letGo === 'rx') continue;
      if (problem === undefined && device.rx.room > 0) {
        device.rx.post(old.rx.takenLow, old.rx.takenHigh, BUFFER_BYTES);
      } else {
        // An empty frame: the virtualiser drops it and has the buffer.
        const isBack = this.#rxActive.enqueue(old.rx.takenLow, old.rx.takenHigh, 0, 0);
        if (!isBack) this.counters.add(COUNT.rxQueueFull, 1);
      }
    }
    while (old?.tx.reclaim() === true) {
      if (letGo === 'tx') continue;
      this.#giveBack(old.tx.takenLow, old.tx.takenHigh, COUNT.txLostInReset);
    }
    if (problem === undefined) {
      this.#run();
      if (device.rx.publish()) device.notifyRx();
    } else {
      this.#fail(`given up after a reset: ${problem}`);
    }
    if (this.#rxActive.publish()) this.pd.notify(this.#rxChannel);
    if (this.#txFree.publish()) this.pd.notify(this.#txChannel);
  }
}
