/**
 * The device as the driver handles it: initialisation in the order of the specification, its
 * virtqueues, its configuration space. Knows nothing of sDDF's queues.
 *
 * Source: virtio 1.2, sections 3.1.1 (driver initialisation), 4.2.3 (MMIO), 5.1.5 (network device).
 *
 * Checksums are the device's where it makes them: of what is sent, a queue's entry says that one is
 * still missing (CSUM); of what is received, the device may say that it has checked (GUEST_CSUM).
 *
 * Not negotiated: merged receive buffers, because a frame is in one buffer, as an entry of sDDF's
 * queue has it, and a driver does not see into buffers, to put several together; the control queue,
 * because who gets which frame is the virtualiser's decision, so the device is left as it starts:
 * receiving everything.
 */

import type { DeviceRegion, Region } from '../../../memory/region.ts';
import { highHalf, lowHalf, NET_BUFFER_BYTES } from '../../../queues/net/queue.ts';
import { virtqueueLayout } from '../../../queues/virtio/split-ring.ts';
import { Virtqueue } from '../../../queues/virtio/virtqueue.ts';
import * as regs from './regs.ts';

export interface VirtioNetDeviceOptions {
  readonly registers: DeviceRegion;
  /** Memory for both virtqueues, shared with the device. */
  readonly rings: Region;
  readonly ringsPaddr: number;
  /** Entries wished for in each virtqueue. */
  readonly ringEntries: number;
}

const ETHERNET_HEADER_BYTES = 14;
/** Two VLAN tags; whether a frame has them is for the device to see. */
const TAGS_BYTES_MAX = 8;
const MTU_STANDARD = 1500;
const OVERHEAD_BYTES = ETHERNET_HEADER_BYTES + TAGS_BYTES_MAX;
/** What a bus answers where there is nothing. */
const ALL_ONES = 0xffff_ffff;
/** How often a register is read again before the device is given up. */
const TRIES = 16;
const ENTRIES_MIN = 4;
const QUEUES = 2;

/** Features that are accepted when offered; VERSION_1 is demanded. */
const WANTED_LOW =
  regs.VIRTIO_NET_F_CSUM |
  regs.VIRTIO_NET_F_GUEST_CSUM |
  regs.VIRTIO_NET_F_MTU |
  regs.VIRTIO_NET_F_MAC |
  regs.VIRTIO_NET_F_STATUS |
  regs.VIRTIO_F_INDIRECT_DESC |
  regs.VIRTIO_F_EVENT_IDX;

export class VirtioNetDevice {
  // There once {@link start} has succeeded. Declared, so that the field is set once only
  // (docs/hot-code.md), until the first reset of a device that broke the rules.
  declare rx: Virtqueue;
  declare tx: Virtqueue;
  /** Accepted feature bits 0..31. */
  features = 0;
  /** Bits of a received frame's flags that mean something, by what was negotiated. */
  rxFlags = 0;
  /** Longest frame, Ethernet header and tags included. */
  frameBytesMax = MTU_STANDARD + OVERHEAD_BYTES;
  readonly #registers: DeviceRegion;
  readonly #options: VirtioNetDeviceOptions;

  constructor(options: VirtioNetDeviceOptions) {
    this.#options = options;
    this.#registers = options.registers;
  }

  /**
   * Resets and initialises the device, with new and empty virtqueues.
   *
   * @returns undefined when the device runs, else what is wrong with it
   */
  start(): string | undefined {
    const problem = this.#initialise();
    if (problem !== undefined) this.#setStatus(regs.STATUS_FAILED);
    return problem;
  }

  /** Those of the last {@link start} that succeeded, if any has. */
  get queues(): { readonly rx: Virtqueue; readonly tx: Virtqueue } | undefined {
    return 'rx' in this ? { rx: this.rx, tx: this.tx } : undefined;
  }

  /** Whether it completes checksums of what is sent. */
  get makesChecksums(): boolean {
    return (this.features & regs.VIRTIO_NET_F_CSUM) !== 0;
  }

  notifyRx(): void {
    this.#registers.write32(regs.QUEUE_NOTIFY, regs.RECEIVEQ1);
  }

  notifyTx(): void {
    this.#registers.write32(regs.QUEUE_NOTIFY, regs.TRANSMITQ1);
  }

  /**
   * Reads and acknowledges the interrupt's reasons.
   * @returns bits `INTERRUPT_…`, 0 when it was spurious
   */
  takeInterrupt(): number {
    const reasons = this.#registers.read32(regs.INTERRUPT_STATUS);
    if (reasons !== 0) this.#registers.write32(regs.INTERRUPT_ACK, reasons);
    return reasons;
  }

  /** Whether the device has something to say that nobody has acknowledged. */
  hasInterrupt(): boolean {
    return this.#registers.read32(regs.INTERRUPT_STATUS) !== 0;
  }

  /**
   * Whether it still knows that it has been started: a device that has reset itself does not, and
   * says nothing; one that is gone reads as all ones.
   */
  isStarted(): boolean {
    const status = this.#registers.read32(regs.STATUS);
    return status !== ALL_ONES && (status & regs.STATUS_DRIVER_OK) !== 0;
  }

  /** Whether there is a network device behind the registers. */
  isPresent(): boolean {
    const io = this.#registers;
    if (io.read32(regs.MAGIC_VALUE) !== regs.MAGIC_VIRT) return false;
    return io.read32(regs.DEVICE_ID) === regs.DEVICE_ID_NETWORK;
  }

  needsReset(): boolean {
    return (this.#registers.read32(regs.STATUS) & regs.STATUS_DEVICE_NEEDS_RESET) !== 0;
  }

  isLinkUp(): boolean {
    // 5.1.4.2: without the feature, the driver is to take the link as up.
    if ((this.features & regs.VIRTIO_NET_F_STATUS) === 0) return true;
    const status = this.#registers.read16(regs.CONFIG + regs.CONFIG_STATUS);
    return (status & regs.VIRTIO_NET_S_LINK_UP) !== 0;
  }

  /**
   * @returns the device's address such as "52:54:00:12:34:56", or undefined when it has none or
   * cannot be read
   */
  readMac(): string | undefined {
    if ((this.features & regs.VIRTIO_NET_F_MAC) === 0) return undefined;
    // 2.4.1: a field wider than 32 bits can change between two reads; the generation tells.
    for (let tries = 0; tries < TRIES; tries += 1) {
      const before = this.#registers.read32(regs.CONFIG_GENERATION);
      const bytes = Array.from({ length: 6 }, (_, index) =>
        this.#registers.read8(regs.CONFIG + regs.CONFIG_MAC + index),
      );
      if (this.#registers.read32(regs.CONFIG_GENERATION) === before) {
        return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
      }
    }
    return undefined;
  }

  #initialise(): string | undefined {
    const io = this.#registers;
    // 4.2.3.1.1: identify before touching anything else.
    if (io.read32(regs.MAGIC_VALUE) !== regs.MAGIC_VIRT) return 'no virtio device: wrong magic';
    const version = io.read32(regs.VERSION);
    if (version !== regs.VERSION_MMIO_V2) return `virtio-mmio version ${version}, not 2`;
    const id = io.read32(regs.DEVICE_ID);
    if (id === 0) return 'no device behind these registers';
    if (id !== regs.DEVICE_ID_NETWORK) return `device ${id} is not a network device`;
    // 3.1.1, step 1: reset; 4.2.2.1: it is complete when the status reads 0.
    io.write32(regs.STATUS, 0);
    if (!this.#reads(regs.STATUS, 0)) return 'the device does not complete its reset';
    // Steps 2 and 3.
    this.#setStatus(regs.STATUS_ACKNOWLEDGE);
    this.#setStatus(regs.STATUS_DRIVER);
    // Steps 4 to 6.
    const refused = this.#negotiate();
    if (refused !== undefined) return refused;
    // Step 7: the virtqueues.
    const rx = this.#setUpQueue(regs.RECEIVEQ1);
    if (typeof rx === 'string') return rx;
    const tx = this.#setUpQueue(regs.TRANSMITQ1);
    if (typeof tx === 'string') return tx;
    this.rx = rx;
    this.tx = tx;
    // Step 8: from here on the device may use the queues.
    this.#setStatus(regs.STATUS_DRIVER_OK);
    return undefined;
  }

  #negotiate(): string | undefined {
    const io = this.#registers;
    io.write32(regs.DEVICE_FEATURES_SEL, 1);
    const offeredHigh = io.read32(regs.DEVICE_FEATURES);
    io.write32(regs.DEVICE_FEATURES_SEL, 0);
    const offeredLow = io.read32(regs.DEVICE_FEATURES);
    if ((offeredHigh & regs.VIRTIO_F_VERSION_1_HIGH) === 0) return 'the device lacks VERSION_1';
    let accepted = offeredLow & WANTED_LOW;
    this.frameBytesMax = MTU_STANDARD + OVERHEAD_BYTES;
    if ((accepted & regs.VIRTIO_NET_F_MTU) !== 0) {
      const mtu = io.read16(regs.CONFIG + regs.CONFIG_MTU);
      // A larger unit than a buffer holds is not for us; the device then keeps to 1500.
      if (mtu + OVERHEAD_BYTES > NET_BUFFER_BYTES) accepted &= ~regs.VIRTIO_NET_F_MTU;
      else this.frameBytesMax = mtu + OVERHEAD_BYTES;
    }
    io.write32(regs.DRIVER_FEATURES_SEL, 0);
    io.write32(regs.DRIVER_FEATURES, accepted);
    io.write32(regs.DRIVER_FEATURES_SEL, 1);
    io.write32(regs.DRIVER_FEATURES, regs.VIRTIO_F_VERSION_1_HIGH);
    this.#setStatus(regs.STATUS_FEATURES_OK);
    if ((io.read32(regs.STATUS) & regs.STATUS_FEATURES_OK) === 0) {
      return 'the device refuses the features';
    }
    this.features = accepted;
    const isChecking = (accepted & regs.VIRTIO_NET_F_GUEST_CSUM) !== 0;
    this.rxFlags = isChecking
      ? regs.VIRTIO_NET_HDR_F_NEEDS_CSUM | regs.VIRTIO_NET_HDR_F_DATA_VALID
      : 0;
    return undefined;
  }

  /** 4.2.3.2 Virtqueue configuration. */
  #setUpQueue(index: number): Virtqueue | string {
    const io = this.#registers;
    io.write32(regs.QUEUE_SEL, index);
    if (io.read32(regs.QUEUE_READY) !== 0) return `virtqueue ${index} is already in use`;
    const entries = this.#entriesFor(io.read32(regs.QUEUE_SIZE_MAX));
    if (entries < ENTRIES_MIN) return `virtqueue ${index} is absent or too small`;
    const queue = this.#makeQueue(index, entries);
    io.write32(regs.QUEUE_SIZE, entries);
    this.#writeAddress(regs.QUEUE_DESC_LOW, regs.QUEUE_DESC_HIGH, queue.descPaddr);
    this.#writeAddress(regs.QUEUE_DRIVER_LOW, regs.QUEUE_DRIVER_HIGH, queue.availPaddr);
    this.#writeAddress(regs.QUEUE_DEVICE_LOW, regs.QUEUE_DEVICE_HIGH, queue.usedPaddr);
    io.write32(regs.QUEUE_READY, 1);
    return queue;
  }

  /**
   * The largest power of two that was asked for, that the device allows, and of which two fit the
   * ring memory.
   */
  #entriesFor(max: number): number {
    const most = Math.min(max, this.#options.ringEntries);
    if (most < 1) return 0;
    let entries = 2 ** Math.floor(Math.log2(most));
    while (queueBytes(entries) * QUEUES > this.#options.rings.sizeBytes) entries /= 2;
    return entries;
  }

  /** The rings of both queues come first; everything else follows. */
  #makeQueue(index: number, entries: number): Virtqueue {
    const has = (feature: number): 'yes' | 'no' => ((this.features & feature) === 0 ? 'no' : 'yes');
    // Places for the largest queues that fit, so that the two may differ in size.
    const largest = virtqueueLayout(this.#entriesFor(this.#options.ringEntries));
    return new Virtqueue({
      region: this.#options.rings,
      ringsOffset: index * largest.ringsBytes,
      chainsOffset: QUEUES * largest.ringsBytes + index * largest.chainsBytes,
      paddr: this.#options.ringsPaddr,
      entries,
      headerBytes: regs.VIRTIO_NET_HDR_BYTES,
      writer: index === regs.RECEIVEQ1 ? 'device' : 'driver',
      indirect: has(regs.VIRTIO_F_INDIRECT_DESC),
      eventIndex: has(regs.VIRTIO_F_EVENT_IDX),
    });
  }

  #writeAddress(lowRegister: number, highRegister: number, paddr: number): void {
    this.#registers.write32(lowRegister, lowHalf(paddr) >>> 0);
    this.#registers.write32(highRegister, highHalf(paddr));
  }

  #setStatus(bit: number): void {
    this.#registers.write32(regs.STATUS, this.#registers.read32(regs.STATUS) | bit);
  }

  #reads(register: number, value: number): boolean {
    for (let tries = 0; tries < TRIES; tries += 1) {
      if (this.#registers.read32(register) === value) return true;
    }
    return false;
  }
}

function queueBytes(entries: number): number {
  const { ringsBytes, chainsBytes } = virtqueueLayout(entries);
  return ringsBytes + chainsBytes;
}
