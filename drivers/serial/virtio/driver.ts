/**
 * Driver of the virtio console (virtio 1.2 §5.3), one port.
 *
 * Bytes are copied between the queues and buffers that the device can reach, a buffer at a time.
 * While the device uses no transmit buffer the clients wait: nothing is lost. A device that lies,
 * or asks for it, is reset and set up anew; output that it had then is lost and counted by the
 * reset.
 */

import type { EntryPoints, ProtectionDomain } from '../../../microkit/pd.ts';
import type { DeviceRegion, Region } from '../../../memory/region.ts';
import type { SerialDriverConfig } from '../../../queues/serial/config.ts';
import { joinRestarts } from '../../../queues/restart/member.ts';
import { SERIAL_DRIVER_COUNTERS as COUNT } from '../../../queues/serial/counters.ts';
import { type SerialDevicePart, SerialDriverEnd } from '../../../queues/serial/driver-end.ts';
import { supervisedSerial } from '../../../queues/serial/restart.ts';
import { PortQueue, type PortQueueOptions } from './port-queue.ts';
import * as r from './regs.ts';

/** Of each queue; fewer where the device has smaller ones. */
const ENTRIES_MAX = 16;
const BUFFER_BYTES = 1024;
/** Where queues and buffers lie in the rings' memory of 64 KiB. */
const RX_RINGS_AT = 0x0000;
const TX_RINGS_AT = 0x1000;
const RX_BUFFERS_AT = 0x2000;
const TX_BUFFERS_AT = RX_BUFFERS_AT + ENTRIES_MAX * BUFFER_BYTES;
const RESET_POLLS_MAX = 1000;
/** Times that a device may lie before it is left alone. */
const RESETS_MAX = 16;

/** Names of the counters in `stats`, for whoever runs this program from a description. */
export { COUNT as counters };

export function main(pd: ProtectionDomain<SerialDriverConfig>): EntryPoints {
  const driver = new VirtioConsoleDriver(pd);
  const { end } = driver;
  return supervisedSerial(pd, joinRestarts(pd, pd.config.restart), {
    notified: (channel) => end.notified(channel, driver),
    progress: () => end.moved,
    counters: end.counters,
  });
}

class VirtioConsoleDriver implements SerialDevicePart {
  readonly end: SerialDriverEnd;
  readonly #pd: ProtectionDomain<SerialDriverConfig>;
  readonly #regs: DeviceRegion;
  readonly #memory: Region;
  readonly #paddr: number;
  #rxQueue: PortQueue | undefined;
  #txQueue: PortQueue | undefined;
  #resets = 0;

  constructor(pd: ProtectionDomain<SerialDriverConfig>) {
    const { config } = pd;
    const { rings = '', ringsPaddrSymbol = '' } = config;
    this.#pd = pd;
    this.#regs = pd.deviceRegion(config.registers);
    this.#memory = pd.region(rings);
    this.#paddr = pd.vars[ringsPaddrSymbol] ?? 0;
    this.end = new SerialDriverEnd(pd);
    this.#start();
    this.end.sendNotifications();
  }

  /** Sets the device up and gives it its receive buffers. */
  #start(): void {
    const problem = this.#initialise();
    if (problem !== undefined) {
      this.#pd.log(`serial driver: ${problem}`);
      this.#rxQueue = undefined;
      this.#txQueue = undefined;
      return;
    }
    this.#rxProvide();
    this.txProvide();
  }

  /** virtio 1.2 §3.1.1. @returns what is wrong, or undefined */
  #initialise(): string | undefined {
    const regs = this.#regs;
    if (regs.read32(r.MAGIC_VALUE) !== r.MAGIC_VIRT) return 'no virtio device: wrong magic';
    if (regs.read32(r.VERSION) !== r.VERSION_MMIO_V2) return 'not virtio-mmio version 2';
    const id = regs.read32(r.DEVICE_ID);
    if (id !== r.DEVICE_ID_CONSOLE) return `device ${id} is not a console`;
    // 1. Reset; complete when the status reads 0.
    regs.write32(r.STATUS, 0);
    for (let polls = 0; regs.read32(r.STATUS) !== 0; polls += 1) {
      if (polls === RESET_POLLS_MAX) return 'the device does not complete its reset';
    }
    // 2 and 3. Acknowledge, driver.
    this.#addStatus(r.STATUS_ACKNOWLEDGE);
    this.#addStatus(r.STATUS_DRIVER);
    // 4 to 6. Features: VERSION_1 and nothing else.
    regs.write32(r.DEVICE_FEATURES_SEL, 1);
    if ((regs.read32(r.DEVICE_FEATURES) & r.VIRTIO_F_VERSION_1_HIGH) === 0) {
      return 'the device lacks VERSION_1';
    }
    regs.write32(r.DRIVER_FEATURES_SEL, 0);
    regs.write32(r.DRIVER_FEATURES, 0);
    regs.write32(r.DRIVER_FEATURES_SEL, 1);
    regs.write32(r.DRIVER_FEATURES, r.VIRTIO_F_VERSION_1_HIGH);
    this.#addStatus(r.STATUS_FEATURES_OK);
    if ((regs.read32(r.STATUS) & r.STATUS_FEATURES_OK) === 0) return 'features are refused';
    // 7. Virtqueues.
    const rx = this.#setUpQueue(r.RECEIVEQ, (entries) =>
      this.#makeQueue({
        entries,
        ringsAt: RX_RINGS_AT,
        buffersAt: RX_BUFFERS_AT,
        writer: 'device',
      }),
    );
    if (typeof rx === 'string') return rx;
    const tx = this.#setUpQueue(r.TRANSMITQ, (entries) =>
      this.#makeQueue({
        entries,
        ringsAt: TX_RINGS_AT,
        buffersAt: TX_BUFFERS_AT,
        writer: 'driver',
      }),
    );
    if (typeof tx === 'string') return tx;
    this.#rxQueue = rx;
    this.#txQueue = tx;
    // 8. Live.
    this.#addStatus(r.STATUS_DRIVER_OK);
    return undefined;
  }

  #makeQueue(
    place: Pick<PortQueueOptions, 'entries' | 'ringsAt' | 'buffersAt' | 'writer'>,
  ): PortQueue {
    const shared = { memory: this.#memory, bufferBytes: BUFFER_BYTES, paddr: this.#paddr };
    return new PortQueue({ ...shared, ...place });
  }

  /** §4.2.3.2. @returns the queue, or what is wrong */
  #setUpQueue(index: number, make: (entries: number) => PortQueue): PortQueue | string {
    const regs = this.#regs;
    regs.write32(r.QUEUE_SEL, index);
    if (regs.read32(r.QUEUE_READY) !== 0) return `virtqueue ${index} is in use already`;
    const entries = entriesFor(regs.read32(r.QUEUE_SIZE_MAX));
    if (entries === 0) return `the device has no virtqueue ${index}`;
    const queue = make(entries);
    regs.write32(r.QUEUE_SIZE, entries);
    this.#writeAddress(r.QUEUE_DESC_LOW, r.QUEUE_DESC_HIGH, queue.descPaddr);
    this.#writeAddress(r.QUEUE_DRIVER_LOW, r.QUEUE_DRIVER_HIGH, queue.availPaddr);
    this.#writeAddress(r.QUEUE_DEVICE_LOW, r.QUEUE_DEVICE_HIGH, queue.usedPaddr);
    regs.write32(r.QUEUE_READY, 1);
    return queue;
  }

  handleIrq(): void {
    const regs = this.#regs;
    const status = regs.read32(r.INTERRUPT_STATUS);
    this.end.counters.add(COUNT.interrupts, 1);
    if (status === 0) this.end.counters.add(COUNT.spuriousInterrupts, 1);
    else regs.write32(r.INTERRUPT_ACK, status);
    if ((regs.read32(r.STATUS) & r.STATUS_NEEDS_RESET) !== 0) {
      this.#reset('the device needs a reset');
      return;
    }
    this.#rxReturn();
    this.#txReturn();
    this.#rxProvide();
    this.txProvide();
  }

  #rxProvide(): void {
    const queue = this.#rxQueue;
    if (queue === undefined || this.end.rx === undefined) return;
    while (queue.free > 0) queue.post(BUFFER_BYTES);
    if (queue.publish()) this.#regs.write32(r.QUEUE_NOTIFY, r.RECEIVEQ);
  }

  #rxReturn(): void {
    const queue = this.#rxQueue;
    const { rx } = this.end;
    if (queue === undefined || rx === undefined) return;
    let index = queue.take();
    let received = 0;
    for (; typeof index === 'number'; index = queue.take()) {
      const passed = Math.min(queue.takenBytes, rx.room());
      rx.appendFrom(this.#memory, queue.bufferAt(index), passed);
      this.end.counters.add(COUNT.rxDroppedFull, queue.takenBytes - passed);
      received += passed;
    }
    this.end.publishRx(received);
    if (index === 'lie') this.#reset('the receive queue cannot be');
  }

  txProvide(): void {
    const queue = this.#txQueue;
    if (queue === undefined) return;
    const { tx } = this.end;
    let sent = 0;
    for (let left = tx.length(); left > 0 && queue.free > 0; left = tx.length()) {
      const length = Math.min(left, BUFFER_BYTES);
      tx.moveToRegion(this.#memory, queue.bufferAt(queue.nextFree()), length);
      queue.post(length);
      sent += length;
    }
    this.end.publishTx(sent);
    if (queue.publish()) this.#regs.write32(r.QUEUE_NOTIFY, r.TRANSMITQ);
  }

  #txReturn(): void {
    const queue = this.#txQueue;
    if (queue === undefined) return;
    for (let index = queue.take(); index !== 'none'; index = queue.take()) {
      if (index !== 'lie') continue;
      this.#reset('the transmit queue cannot be');
      return;
    }
  }

  #reset(reason: string): void {
    this.end.counters.add(COUNT.deviceResets, 1);
    this.#resets += 1;
    this.#pd.log(`serial driver: ${reason}; reset ${this.#resets}`);
    if (this.#resets <= RESETS_MAX) {
      this.#start();
      return;
    }
    // A device that always lies would otherwise keep the driver busy for ever.
    this.#regs.write32(r.STATUS, r.STATUS_FAILED);
    this.#rxQueue = undefined;
    this.#txQueue = undefined;
  }

  #writeAddress(lowRegister: number, highRegister: number, paddr: number): void {
    this.#regs.write32(lowRegister, paddr % 0x1_0000_0000);
    this.#regs.write32(highRegister, Math.floor(paddr / 0x1_0000_0000));
  }

  #addStatus(bit: number): void {
    this.#regs.write32(r.STATUS, this.#regs.read32(r.STATUS) | bit);
  }
}

/** @returns a power of two (§2.7) that the device has room for; 0 when it has none */
function entriesFor(sizeMax: number): number {
  let entries = ENTRIES_MAX;
  while (entries > sizeMax) entries >>>= 1;
  return entries;
}
