/** The registers that describe one virtqueue before it is made ready (virtio 1.2 §4.2.2). */

import type { DmaWindow } from '../device.ts';
import type { DeviceQueue } from './device-queue.ts';
import { MMIO } from './mmio-registers.ts';
import {
  availRingBytes,
  DESC_BYTES,
  type NegotiatedForQueues,
  usedRingBytes,
} from './split-ring.ts';

/** What the driver wrote about one queue; checked as a whole when the queue is made ready. */
export class QueueSetup {
  readonly #queue: DeviceQueue;
  readonly #dma: DmaWindow;
  #size = 0;
  #descLow = 0;
  #descHigh = 0;
  #driverLow = 0;
  #driverHigh = 0;
  #deviceLow = 0;
  #deviceHigh = 0;

  constructor(queue: DeviceQueue, dma: DmaWindow) {
    this.#queue = queue;
    this.#dma = dma;
  }

  /** @returns whether a register belongs to the set-up of a queue */
  static has(offset: number): boolean {
    return (
      offset === MMIO.QueueSize ||
      offset === MMIO.QueueDescLow ||
      offset === MMIO.QueueDescHigh ||
      offset === MMIO.QueueDriverLow ||
      offset === MMIO.QueueDriverHigh ||
      offset === MMIO.QueueDeviceLow ||
      offset === MMIO.QueueDeviceHigh
    );
  }

  write(offset: number, value: number): void {
    if (offset === MMIO.QueueSize) this.#size = value;
    else if (offset === MMIO.QueueDescLow) this.#descLow = value;
    else if (offset === MMIO.QueueDescHigh) this.#descHigh = value;
    else if (offset === MMIO.QueueDriverLow) this.#driverLow = value;
    else if (offset === MMIO.QueueDriverHigh) this.#driverHigh = value;
    else if (offset === MMIO.QueueDeviceLow) this.#deviceLow = value;
    else if (offset === MMIO.QueueDeviceHigh) this.#deviceHigh = value;
  }

  clear(): void {
    this.#size = 0;
    this.#descLow = this.#descHigh = 0;
    this.#driverLow = this.#driverHigh = 0;
    this.#deviceLow = this.#deviceHigh = 0;
  }

  /**
   * Checks size, alignment and reach of the rings (§2.7) and starts the queue.
   *
   * @returns what is wrong, undefined when the queue runs
   */
  start(negotiated: NegotiatedForQueues): string | undefined {
    const size = this.#size;
    if (size === 0 || (size & (size - 1)) !== 0) return 'the queue size is not a power of two';
    if (size > this.#queue.sizeMax) return 'the queue size is larger than QueueSizeMax';
    if ((this.#descLow & 15) !== 0) return 'the descriptor table is not aligned to 16 bytes';
    if ((this.#driverLow & 1) !== 0) return 'the available ring is not aligned to 2 bytes';
    if ((this.#deviceLow & 3) !== 0) return 'the used ring is not aligned to 4 bytes';
    const descAt = this.#dma.translate(this.#descLow, this.#descHigh, DESC_BYTES * size);
    const availAt = this.#dma.translate(this.#driverLow, this.#driverHigh, availRingBytes(size));
    const usedAt = this.#dma.translate(this.#deviceLow, this.#deviceHigh, usedRingBytes(size));
    if (descAt < 0 || availAt < 0 || usedAt < 0) return 'a ring is outside the DMA window';
    this.#queue.start({ size, descAt, availAt, usedAt, ...negotiated });
    return undefined;
  }
}
