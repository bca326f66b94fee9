/**
 * The virtio network device (virtio 1.2 §5.1): a NIC between an Ethernet wire and its driver's
 * virtqueues.
 *
 * A notification, or a frame on the wire, only marks the device due; in its turn it sends, then
 * receives, and publishes each batch with one index and at most one interrupt.
 *
 * Not modelled: several queue pairs, segmentation offload, steering, VLAN and MAC tables, interrupt
 * coalescing.
 */

import { assert } from '../../memory/assert.ts';
import { demand } from '../../memory/misuse.ts';
import type { Ram } from '../../memory/ram.ts';
import type { DeviceRules, DmaWindow, IrqLine, Lint, Turn, TurnQueue } from '../device.ts';
import {
  ETHERNET_HEADER_BYTES,
  type EthernetEnd,
  type EthernetWire,
  MTU_MAX,
  MTU_MIN,
  MTU_STANDARD,
} from '../ethernet.ts';
import { type DeviceQueue, NO_CHAIN } from './device-queue.ts';
import {
  type Features,
  features,
  hasFeature,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_VERSION_1,
} from './mmio-registers.ts';
import { type MakeQueue, VirtioMmio, type VirtioModel } from './mmio.ts';
import { NetCounters } from './net-counters.ts';
import { NetFilter } from './net-filter.ts';
import { NetReceiver } from './net-receiver.ts';
import * as r from './net-registers.ts';
import { NetTransmitter } from './net-transmitter.ts';

const QUEUE_SIZE_MAX = 1024;
const CTRL_QUEUE_SIZE = 64;
const FRAMES_PER_TURN = 256;
/** Class, command and one byte of data: all that VIRTIO_NET_CTRL_RX needs. */
const COMMAND_BYTES = 3;

const OFFERED = features(
  r.VIRTIO_NET_F_CSUM,
  r.VIRTIO_NET_F_GUEST_CSUM,
  r.VIRTIO_NET_F_MTU,
  r.VIRTIO_NET_F_MAC,
  r.VIRTIO_NET_F_MRG_RXBUF,
  r.VIRTIO_NET_F_STATUS,
  r.VIRTIO_NET_F_CTRL_VQ,
  r.VIRTIO_NET_F_CTRL_RX,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_VERSION_1,
);

export interface VirtioNetOptions {
  /** Name for lint and dumps. */
  readonly name: string;
  readonly wire: EthernetWire;
  /** RAM with a staging area: 10 KiB of it are taken. */
  readonly ram: Ram;
  readonly dma: DmaWindow;
  readonly irqLine: IrqLine;
  readonly lint: Lint;
  /** Lenient unless told. */
  readonly rules?: DeviceRules;
  readonly turns: TurnQueue;
  /** Six bytes. */
  readonly mac: Uint8Array;
  /** Entries of the receive and transmit queues; a power of two, 1024 unless told. */
  readonly queueSize?: number;
  /** Frames sent and frames received in one turn, at most; 256 unless told. */
  readonly framesPerTurn?: number;
  /**
   * A frame for which there is no chain: 'drop' (as on hardware; the default) or 'hold' (as in
   * QEMU).
   */
  readonly whenNoBuffer?: 'drop' | 'hold';
  /**
   * With GUEST_CSUM: 'unchecked' (the default) leaves checksums to the driver, 'asserted' sets
   * DATA_VALID unseen.
   */
  readonly rxChecksums?: 'unchecked' | 'asserted';
  /** Index at which the rings start, see `DeviceQueueOptions`. */
  readonly startIndex?: number;
  readonly makeQueue?: MakeQueue;
}

export class VirtioNet implements VirtioModel, Turn, EthernetEnd {
  readonly deviceId = r.NET_DEVICE_ID;
  readonly offered = OFFERED;
  readonly queueSizes: readonly number[];
  readonly transport: VirtioMmio;
  readonly counters = new NetCounters();
  readonly #wire: EthernetWire;
  readonly #ram: Ram;
  readonly #lint: Lint;
  readonly #turns: TurnQueue;
  readonly #filter: NetFilter;
  readonly #rxQueue: DeviceQueue;
  readonly #txQueue: DeviceQueue;
  readonly #ctrlQueue: DeviceQueue;
  readonly #receiver: NetReceiver;
  readonly #transmitter: NetTransmitter;
  readonly #isLenient: boolean;
  /** Its own address, and the one that it has now. */
  readonly #ownMac: Uint8Array;
  readonly #mac: Uint8Array;
  readonly #config = new DataView(new ArrayBuffer(r.NetConfig.SIZE));
  readonly #command = new Uint8Array(COMMAND_BYTES);
  readonly #rxChecksums: 'unchecked' | 'asserted';
  /** In the middle of a turn, with what is on the wire still to be received: a compared number. */
  #isSending: 0 | 1 = 0;

  constructor(options: VirtioNetOptions) {
    assert(options.mac.length === 6, 'a MAC address has six bytes');
    const { wire, ram, turns, lint } = options;
    const queueSize = options.queueSize ?? QUEUE_SIZE_MAX;
    const framesPerTurn = options.framesPerTurn ?? FRAMES_PER_TURN;
    this.#wire = wire;
    this.#ram = ram;
    this.#lint = lint;
    this.#turns = turns;
    this.#rxChecksums = options.rxChecksums ?? 'unchecked';
    this.queueSizes = [queueSize, queueSize, CTRL_QUEUE_SIZE];
    this.transport = new VirtioMmio({ ...options, model: this });
    this.#rxQueue = this.transport.queue(r.RX_QUEUE);
    this.#txQueue = this.transport.queue(r.TX_QUEUE);
    this.#ctrlQueue = this.transport.queue(r.CTRL_QUEUE);
    this.#isLenient = options.rules !== 'strict';
    this.#ownMac = Uint8Array.from(options.mac);
    this.#mac = Uint8Array.from(options.mac);
    this.#filter = new NetFilter(this.#mac);
    const mtu = wire.mtu ?? MTU_STANDARD;
    const isLength = Number.isInteger(mtu) && mtu >= MTU_MIN && mtu <= MTU_MAX;
    demand(isLength, `a wire with an MTU of ${mtu}, not ${MTU_MIN} to ${MTU_MAX}`);
    const frameBytesMax = mtu + ETHERNET_HEADER_BYTES;
    const shared = { ram, wire, counters: this.counters, framesPerTurn, frameBytesMax };
    this.#receiver = new NetReceiver({
      ...shared,
      queue: this.#rxQueue,
      filter: this.#filter,
      whenNoBuffer: options.whenNoBuffer ?? 'drop',
    });
    this.#transmitter = new NetTransmitter({ ...shared, queue: this.#txQueue });
    this.#setMac(options.mac, 0);
    r.NetConfig.mtu.set(this.#config, 0, mtu);
    this.#updateLinkStatus();
    wire.attach(this);
  }

  brokenDependency(accepted: Features): string | undefined {
    const ctrlRx = hasFeature(accepted, r.VIRTIO_NET_F_CTRL_RX);
    if (ctrlRx && !hasFeature(accepted, r.VIRTIO_NET_F_CTRL_VQ)) {
      return 'VIRTIO_NET_F_CTRL_RX without VIRTIO_NET_F_CTRL_VQ';
    }
    return undefined;
  }

  readConfig(offset: number, width: number): number {
    if (offset + width > r.NetConfig.SIZE) return 0;
    if (width === 1) return this.#config.getUint8(offset);
    if (width === 2) return this.#config.getUint16(offset, true);
    return this.#config.getUint32(offset, true);
  }

  /**
   * All of it is read-only (§5.1.4). The legacy interface lets a driver set the MAC address, and
   * QEMU takes it from whoever has not accepted VERSION_1.
   */
  writeConfig(offset: number, value: number, width: number): 'taken' | 'refused' {
    const isMac = offset + width <= this.#mac.length;
    const isLegacy = !hasFeature(this.transport.accepted, VIRTIO_F_VERSION_1);
    if (!this.#isLenient || !isMac || !isLegacy) return 'refused';
    const bytes = Uint8Array.from({ length: width }, (_, i) => value >>> (8 * i));
    this.#setMac(bytes, offset);
    return 'taken';
  }

  driverOk(accepted: Features): void {
    const isFull =
      hasFeature(accepted, VIRTIO_F_VERSION_1) || hasFeature(accepted, r.VIRTIO_NET_F_MRG_RXBUF);
    const headerBytes = isFull ? r.NetHeader.SIZE : r.SHORT_HEADER_BYTES;
    this.#transmitter.headerBytes = headerBytes;
    this.#receiver.headerBytes = headerBytes;
    this.#transmitter.completesChecksums = hasFeature(accepted, r.VIRTIO_NET_F_CSUM);
    this.#receiver.mergesBuffers = hasFeature(accepted, r.VIRTIO_NET_F_MRG_RXBUF);
    this.#receiver.declaresValid =
      this.#rxChecksums === 'asserted' && hasFeature(accepted, r.VIRTIO_NET_F_GUEST_CSUM);
    // Frames may have waited since before there was a driver.
    this.#turns.markDue(this);
  }

  notified(): void {
    this.#turns.markDue(this);
  }

  queueStopped(): void {
    // Nothing is in flight between turns.
  }

  reset(): void {
    this.#setMac(this.#ownMac, 0);
    this.#filter.reset();
  }

  /** An answer to what is being sent is received in the same turn. */
  frameArrived(): void {
    if (this.#isSending === 0 && this.transport.live) this.#turns.markDue(this);
  }

  linkChanged(): void {
    this.#updateLinkStatus();
    this.transport.configChanged();
  }

  /** Before DRIVER_OK, and while a reset is due, the receiver is off: frames wait on the wire. */
  work(): void {
    if (!this.transport.live) return;
    this.#obeyCommands();
    this.#isSending = 1;
    const sent = this.#transmitter.work();
    this.#isSending = 0;
    this.#publish(this.#txQueue);
    if (!this.transport.live) return;
    const received = this.#rxQueue.running ? this.#receiver.work() : 'done';
    this.#publish(this.#rxQueue);
    if (sent === 'more' || received === 'more') this.#turns.markDue(this);
  }

  /** The visible state by name; the registers' is `transport.snapshot()`. */
  snapshot(): Record<string, unknown> {
    return {
      ...this.counters.snapshot(),
      link: this.#wire.linkUp() ? 'up' : 'down',
      filter: this.#filter.snapshot(),
      transport: this.transport.snapshot(),
    };
  }

  #setMac(bytes: Uint8Array, offset: number): void {
    this.#mac.set(bytes, offset);
    bytes.forEach((byte, i) => this.#config.setUint8(offset + i, byte));
  }

  #publish(queue: DeviceQueue): void {
    if (queue.publish()) this.transport.interruptUsed();
  }

  #updateLinkStatus(): void {
    const status = this.#wire.linkUp() ? r.VIRTIO_NET_S_LINK_UP : 0;
    r.NetConfig.status.set(this.#config, 0, status);
  }

  #obeyCommands(): void {
    const queue = this.#ctrlQueue;
    if (!queue.running) return;
    for (let head = queue.pop(); head !== NO_CHAIN; head = queue.pop()) {
      queue.push(head, this.#obey());
    }
    queue.enableNotify();
    this.#publish(queue);
  }

  /** @returns bytes written: the acknowledgement */
  #obey(): number {
    const queue = this.#ctrlQueue;
    if (queue.chainState !== 'good' || queue.writableBytes === 0) {
      this.#lint.report(
        this.transport.name,
        'virtio 1.2 §5.1.6.5',
        'a command without answer',
        'later',
      );
      return 0;
    }
    const read = this.#readCommand();
    const [commandClass, command, value] = this.#command as unknown as [number, number, number];
    const understood = read === COMMAND_BYTES && commandClass === r.VIRTIO_NET_CTRL_RX;
    const negotiated = hasFeature(this.transport.accepted, r.VIRTIO_NET_F_CTRL_RX);
    const answer =
      understood && negotiated ? this.#filter.command(command, value) : r.VIRTIO_NET_ERR;
    // The first byte of the writable part that is there: a buffer may be empty.
    for (let i = queue.readable; i < queue.segments; i++) {
      if (queue.segmentLength(i) === 0) continue;
      this.#ram.u8[queue.segmentAt(i)] = answer;
      break;
    }
    return 1;
  }

  /** Reads the command out of however many buffers it is spread over. @returns bytes read */
  #readCommand(): number {
    const queue = this.#ctrlQueue;
    let read = 0;
    for (let i = 0; i < queue.readable; i++) {
      const end = queue.segmentAt(i) + queue.segmentLength(i);
      for (let at = queue.segmentAt(i); at < end && read < COMMAND_BYTES; at++) {
        this.#command[read] = this.#ram.u8[at] as number;
        read += 1;
      }
    }
    return read;
  }
}
