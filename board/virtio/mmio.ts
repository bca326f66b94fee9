/**
 * The virtio-mmio transport, version 2 (virtio 1.2 §4.2), common to all virtio devices.
 *
 * It owns the control registers, the device status and the queues' addresses; what is special to a
 * device type is a {@link VirtioModel}. What a driver must not do is reported with its clause. By
 * strict rules it is ignored; by lenient ones it has the effect that it has on QEMU, where a driver
 * can get on with that.
 *
 *     reset ──ACKNOWLEDGE──▶ ──DRIVER──▶ ──FEATURES_OK──▶ queues set up ──DRIVER_OK──▶ live
 *       ▲                                   (or refused)                               │
 *       └───────────── Status = 0 ◀──────────── NEEDS_RESET ◀── a broken queue ────────┘
 */

import { assert } from '../../memory/assert.ts';
import type { Ram } from '../../memory/ram.ts';
import type { Device, DeviceRules, DmaWindow, IrqLine, Lint } from '../device.ts';
import type { DeviceQueueOptions, QueueName, QueueOwner } from './device-queue-options.ts';
import { DeviceQueue } from './device-queue.ts';
import {
  type Features,
  hasFeature,
  INTERRUPT_CONFIG_CHANGE,
  INTERRUPT_USED_BUFFER,
  MAGIC,
  MMIO,
  STATUS,
  VERSION,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_INDIRECT_DESC,
} from './mmio-registers.ts';
import { type FeatureRules, Negotiation } from './negotiation.ts';
import { QueueSetup } from './queue-setup.ts';
import { RingRanges } from './ring-ranges.ts';
import type { NegotiatedForQueues } from './split-ring.ts';

const VENDOR_ID = 0x554d_4551; // as QEMU has it
const REGISTER_BYTES = 4;
const ALL_ONES = 0xffff_ffff;
/** Control registers that may be read (§4.2.2). */
const READABLE: ReadonlySet<number> = new Set([
  MMIO.MagicValue,
  MMIO.Version,
  MMIO.DeviceID,
  MMIO.VendorID,
  MMIO.DeviceFeatures,
  MMIO.QueueSizeMax,
  MMIO.QueueReady,
  MMIO.InterruptStatus,
  MMIO.Status,
  MMIO.SHMLenLow,
  MMIO.SHMLenHigh,
  MMIO.SHMBaseLow,
  MMIO.SHMBaseHigh,
  MMIO.QueueReset,
  MMIO.ConfigGeneration,
]);

/** What is special to a device type. */
export interface VirtioModel extends FeatureRules {
  /** 1 network, 2 block, 3 console … (§5). */
  readonly deviceId: number;
  /** QueueSizeMax of each queue. */
  readonly queueSizes: readonly number[];
  /** Configuration space; `offset` from its start, aligned to `width`. */
  readConfig(offset: number, width: number): number;
  /**
   * @returns 'refused' when there is no writable field there, 'taken' when it was written all the
   * same
   */
  writeConfig(offset: number, value: number, width: number): 'ok' | 'taken' | 'refused';
  /** The driver has set DRIVER_OK: the queues that run may be used. */
  driverOk(accepted: Features): void;
  /**
   * The driver has made chains available on a running queue: mark the device due, do not work now.
   */
  notified(queue: number): void;
  /** The driver has stopped one queue. What was popped from it must not be pushed any more. */
  queueStopped(queue: number): void;
  /** Back to the state after power-on; the queues are stopped already. */
  reset(): void;
}

export interface VirtioMmioOptions {
  /** Name for lint and dumps. */
  readonly name: string;
  readonly model: VirtioModel;
  readonly ram: Ram;
  readonly dma: DmaWindow;
  readonly irqLine: IrqLine;
  readonly lint: Lint;
  /** Lenient unless told. */
  readonly rules?: DeviceRules;
  /** Index at which all rings start, see `DeviceQueueOptions`. */
  readonly startIndex?: number;
  readonly makeQueue?: MakeQueue;
}

/** Makes a device's side of a virtqueue: a plain one, unless somebody wants another. */
export type MakeQueue = (options: DeviceQueueOptions) => DeviceQueue;

export class VirtioMmio implements Device, QueueOwner {
  readonly name: string;
  readonly queues: readonly DeviceQueue[];
  /** Interrupts raised: used-buffer and configuration-change notifications. */
  interrupts = 0;
  readonly #model: VirtioModel;
  readonly #irqLine: IrqLine;
  readonly #lint: Lint;
  readonly #setups: readonly QueueSetup[];
  readonly #negotiation: Negotiation;
  readonly #isLenient: boolean;
  #interruptStatus = 0;
  #queueSel = 0;
  #configGeneration = 0;

  constructor(options: VirtioMmioOptions) {
    const { model, ram, dma } = options;
    this.name = options.name;
    this.#model = model;
    this.#irqLine = options.irqLine;
    this.#lint = options.lint;
    const rules = options.rules ?? 'lenient';
    this.#isLenient = rules === 'lenient';
    this.#negotiation = new Negotiation(model, rules, (section, what) =>
      this.#report(section, what),
    );
    const startIndex = options.startIndex ?? 0;
    const rings = new RingRanges(model.queueSizes.length);
    const { makeQueue = (queue) => new DeviceQueue(queue) } = options;
    this.queues = model.queueSizes.map((sizeMax, index) =>
      makeQueue({ index, sizeMax, ram, dma, rings, owner: this, startIndex }),
    );
    this.#setups = this.queues.map((queue) => new QueueSetup(queue, dma));
  }

  /** DRIVER_OK is set and the device does not need a reset: it may use its queues. */
  get live(): boolean {
    const bits = STATUS.DRIVER_OK | STATUS.DEVICE_NEEDS_RESET;
    return (this.#negotiation.status & bits) === STATUS.DRIVER_OK;
  }

  /** What the driver accepted; complete once FEATURES_OK is set. */
  get accepted(): Features {
    return this.#negotiation.accepted;
  }

  queue(index: number): DeviceQueue {
    const queue = this.queues[index];
    assert(queue !== undefined, 'the model has this queue');
    return queue;
  }

  /** Raises the used-buffer interrupt. */
  interruptUsed(): void {
    this.interrupts += 1;
    this.#interruptStatus |= INTERRUPT_USED_BUFFER;
    this.#updateIrq();
  }

  /** Configuration space has changed: new generation, and an interrupt once the driver is there. */
  configChanged(): void {
    this.#configGeneration = (this.#configGeneration + 1) >>> 0;
    if ((this.#negotiation.status & STATUS.DRIVER_OK) === 0) return;
    this.interrupts += 1;
    this.#interruptStatus |= INTERRUPT_CONFIG_CHANGE;
    this.#updateIrq();
  }

  /** Gives up until the driver resets the device (§2.1.2). */
  needsReset(): void {
    this.#negotiation.needReset();
    this.configChanged();
  }

  queueBroken(queue: QueueName, rule: number, clause: string, what: string): void {
    this.#lint.report(this.name, clause, `queue ${queue.index}, rule ${rule}: ${what}`, 'later');
    this.needsReset();
  }

  queueLint(queue: QueueName, clause: string, what: string): void {
    this.#lint.report(this.name, clause, `queue ${queue.index}: ${what}`, 'later');
  }

  read(offset: number, width: number): number {
    if (offset >= MMIO.Config) return this.#readConfig(offset - MMIO.Config, width);
    if (width !== REGISTER_BYTES || (offset & 3) !== 0) {
      this.#report('§4.2.2.2', 'a control register is read with a width other than 32 bits');
      return 0;
    }
    return this.#readRegister(offset) >>> 0;
  }

  /** No read of this transport does anything besides, except that a wrong one is reported. */
  peek(offset: number, width: number): number | undefined {
    if (offset % width !== 0) return undefined;
    if (offset >= MMIO.Config) return this.#model.readConfig(offset - MMIO.Config, width) >>> 0;
    const isRead = width === REGISTER_BYTES && READABLE.has(offset);
    return isRead ? this.#readRegister(offset) >>> 0 : undefined;
  }

  write(offset: number, value: number, width: number): void {
    if (offset >= MMIO.Config) {
      this.#writeConfig(offset - MMIO.Config, value, width);
    } else if (width !== REGISTER_BYTES || (offset & 3) !== 0) {
      this.#report('§4.2.2.2', 'a control register is written with a width other than 32 bits');
    } else {
      this.#writeRegister(offset, value >>> 0);
    }
  }

  reset(): void {
    for (const queue of this.queues) queue.stop();
    for (const setup of this.#setups) setup.clear();
    this.#negotiation.reset();
    this.#interruptStatus = 0;
    this.#queueSel = 0;
    this.#model.reset();
    this.#updateIrq();
  }

  snapshot(): Record<string, unknown> {
    return {
      status: this.#negotiation.status,
      interruptStatus: this.#interruptStatus,
      accepted: this.accepted,
      configGeneration: this.#configGeneration,
      interrupts: this.interrupts,
      queues: this.queues.map((queue) => ({
        running: queue.running,
        size: queue.size,
        brokenRule: queue.brokenRule,
      })),
    };
  }

  #readRegister(offset: number): number {
    switch (offset) {
      case MMIO.InterruptStatus:
        return this.#interruptStatus;
      case MMIO.MagicValue:
        return MAGIC;
      case MMIO.Version:
        return VERSION;
      case MMIO.DeviceID:
        return this.#model.deviceId;
      case MMIO.VendorID:
        return VENDOR_ID;
      case MMIO.DeviceFeatures:
        return this.#negotiation.offeredWord();
      case MMIO.QueueSizeMax:
        return this.queues[this.#queueSel]?.sizeMax ?? 0;
      case MMIO.QueueReady:
        return this.queues[this.#queueSel]?.running === true ? 1 : 0;
      case MMIO.Status:
        return this.#negotiation.status;
      case MMIO.SHMLenLow:
      case MMIO.SHMLenHigh:
      case MMIO.SHMBaseLow:
      case MMIO.SHMBaseHigh:
        return ALL_ONES; // no shared memory region has any id
      case MMIO.QueueReset:
        return 0;
      case MMIO.ConfigGeneration:
        return this.#configGeneration;
      default:
        this.#report('§4.2.2', 'a register that is not readable is read');
        return 0;
    }
  }

  #writeRegister(offset: number, value: number): void {
    switch (offset) {
      case MMIO.QueueNotify:
        return this.#notify(value);
      case MMIO.InterruptACK:
        return this.#acknowledge(value);
      case MMIO.DeviceFeaturesSel:
        this.#negotiation.deviceFeaturesSel = value;
        return;
      case MMIO.DriverFeatures:
        return this.#negotiation.accept(value);
      case MMIO.DriverFeaturesSel:
        this.#negotiation.driverFeaturesSel = value;
        return;
      case MMIO.QueueSel:
        this.#queueSel = value;
        return;
      case MMIO.QueueReady:
        return this.#setQueueReady(value);
      case MMIO.Status:
        return this.#setStatus(value);
      case MMIO.SHMSel:
        return; // there are no shared memory regions
      default:
        return this.#writeQueueRegister(offset, value);
    }
  }

  #notify(value: number): void {
    if ((this.#negotiation.status & STATUS.DRIVER_OK) === 0) {
      this.#report('§3.1.1', 'a queue is notified before DRIVER_OK');
    } else if (!this.live) {
      // A reset is due (§2.1.2). The driver may not have heard of it yet, so no rule is broken.
      return;
    } else if (this.queues[value]?.running !== true) {
      this.#report('§4.2.2', 'a queue is notified that is absent or not ready');
    } else {
      this.#model.notified(value);
    }
  }

  #acknowledge(value: number): void {
    if ((value & ~(INTERRUPT_USED_BUFFER | INTERRUPT_CONFIG_CHANGE)) !== 0) {
      this.#report('§4.2.2.2', 'an interrupt bit is acknowledged that does not exist');
    }
    this.#interruptStatus &= ~value;
    this.#updateIrq();
  }

  #setStatus(value: number): void {
    if (value === 0) this.reset();
    else if (this.#negotiation.setStatus(value) === 'live') this.#goLive();
  }

  #goLive(): void {
    // A queue may have been made ready before features were agreed upon.
    for (const queue of this.queues) queue.negotiated(this.#negotiatedForQueues());
    this.#model.driverOk(this.accepted);
  }

  #negotiatedForQueues(): NegotiatedForQueues {
    const { accepted } = this;
    return {
      indirect: hasFeature(accepted, VIRTIO_F_INDIRECT_DESC) ? 'negotiated' : 'refused',
      eventIdx: hasFeature(accepted, VIRTIO_F_EVENT_IDX) ? 'negotiated' : 'refused',
    };
  }

  #setQueueReady(value: number): void {
    const queue = this.queues[this.#queueSel];
    const setup = this.#setups[this.#queueSel];
    if (queue === undefined || setup === undefined || value > 1) {
      this.#report('§4.2.2', 'QueueReady of an absent queue, or neither 0 nor 1');
    } else if (value === 0) {
      if (!queue.running) return;
      queue.stop();
      this.#model.queueStopped(queue.index);
    } else if (queue.running) {
      this.#report('§4.2.3.2', 'a ready queue is made ready');
    } else {
      this.#startQueue(setup);
    }
  }

  #startQueue(setup: QueueSetup): void {
    if (!this.#negotiation.isOver) {
      this.#report('§3.1.1', 'a queue is made ready before FEATURES_OK');
      if (!this.#isLenient) return;
    }
    const wrong = setup.start(this.#negotiatedForQueues());
    if (wrong !== undefined) this.#report('§2.7', wrong);
  }

  #writeQueueRegister(offset: number, value: number): void {
    const setup = this.#setups[this.#queueSel];
    if (!QueueSetup.has(offset)) {
      this.#report('§4.2.2', 'a register that is not writable is written');
    } else if (setup === undefined) {
      this.#report('§4.2.2', 'an absent queue is set up');
    } else if (this.queues[this.#queueSel]?.running === true) {
      this.#report('§4.2.2.2', 'a queue is moved or resized while it is ready');
    } else {
      setup.write(offset, value);
    }
  }

  #readConfig(offset: number, width: number): number {
    if ((offset & (width - 1)) !== 0) {
      this.#report('§4.2.2.2', 'configuration space is read without alignment');
      return 0;
    }
    return this.#model.readConfig(offset, width) >>> 0;
  }

  #writeConfig(offset: number, value: number, width: number): void {
    if ((offset & (width - 1)) !== 0) {
      this.#report('§4.2.2.2', 'configuration space is written without alignment');
    } else if (this.#model.writeConfig(offset, value >>> 0, width) !== 'ok') {
      this.#report('§2.5', 'a configuration field that is not writable is written');
    }
  }

  #updateIrq(): void {
    if (this.#interruptStatus !== 0) this.#irqLine.raise();
    else this.#irqLine.lower();
  }

  #report(section: string, what: string): void {
    this.#lint.report(this.name, `virtio 1.2 ${section}`, what);
  }
}
