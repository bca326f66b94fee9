/**
 * A virtio driver for the tests of device models: it plays the other side of the protocol, well or
 * badly.
 *
 * It writes rings and registers straight through, one step per call, so that a test can do any step
 * wrong. Numbers are repeated from virtio 1.2 here and not imported from the model: a wrong one in
 * the model fails.
 */

import { assert } from '../../memory/assert.ts';
import type { Ram } from '../../memory/ram.ts';
import type { MmioDevice } from '../../memory/region.ts';

export const NEXT = 1;
export const WRITE = 2;
export const INDIRECT = 4;

const MAGIC_VALUE = 0x000;
const DEVICE_FEATURES = 0x010;
const DEVICE_FEATURES_SEL = 0x014;
const DRIVER_FEATURES = 0x020;
const DRIVER_FEATURES_SEL = 0x024;
const QUEUE_SEL = 0x030;
const QUEUE_SIZE_MAX = 0x034;
const QUEUE_SIZE = 0x038;
const QUEUE_READY = 0x044;
const QUEUE_NOTIFY = 0x050;
const INTERRUPT_STATUS = 0x060;
const INTERRUPT_ACK = 0x064;
const STATUS = 0x070;
const QUEUE_DESC_LOW = 0x080;
const QUEUE_DRIVER_LOW = 0x090;
const QUEUE_DEVICE_LOW = 0x0a0;

/** One buffer of a chain, as an offset in RAM. */
export interface MockSegment {
  readonly at: number;
  readonly lengthBytes: number;
  readonly access: 'readable' | 'writable';
}

/** A descriptor as it stands in a table. */
export interface MockDescriptor {
  readonly low: number;
  readonly high?: number;
  readonly lengthBytes: number;
  readonly flags: number;
  readonly next?: number;
}

export interface MockDriverOptions {
  readonly device: MmioDevice;
  readonly ram: Ram;
  /** Offset in RAM of the memory that the driver uses. */
  readonly memoryAt?: number;
  /** Index at which rings start, as the device was told. */
  readonly startIndex?: number;
}

export class MockDriver {
  readonly ram: Ram;
  readonly #device: MmioDevice;
  readonly #startIndex: number;
  #memoryNext: number;

  constructor(options: MockDriverOptions) {
    this.ram = options.ram;
    this.#device = options.device;
    this.#startIndex = options.startIndex ?? 0;
    this.#memoryNext = options.memoryAt ?? 0x1000;
  }

  read(offset: number): number {
    return this.#device.read(offset, 4);
  }

  write(offset: number, value: number): void {
    this.#device.write(offset, value, 4);
  }

  /**
   * Takes memory and fills it with 0xa5, so that a forgotten write shows.
   * @returns its offset in RAM
   */
  memory(lengthBytes: number, alignment = 16): number {
    const at = Math.ceil(this.#memoryNext / alignment) * alignment;
    this.#memoryNext = at + lengthBytes;
    assert(this.#memoryNext <= this.ram.sizeBytes, 'the mock driver has memory left');
    this.ram.fill(at, 0xa5, lengthBytes);
    return at;
  }

  /** Memory with these bytes in it. */
  memoryWith(bytes: Uint8Array): number {
    const at = this.memory(bytes.length);
    this.ram.u8.set(bytes, at);
    return at;
  }

  bytes(at: number, lengthBytes: number): Uint8Array {
    return this.ram.u8.slice(at, at + lengthBytes);
  }

  /** Physical address of an offset in RAM. */
  paddr(at: number): number {
    return this.ram.base + at;
  }

  status(): number {
    return this.read(STATUS);
  }

  offered(bit: number): boolean {
    this.write(DEVICE_FEATURES_SEL, bit >>> 5);
    return ((this.read(DEVICE_FEATURES) >>> (bit & 31)) & 1) === 1;
  }

  /** From reset to FEATURES_OK with these feature bits. @returns the status register after it */
  negotiate(...bits: readonly number[]): number {
    assert(this.read(MAGIC_VALUE) === 0x7472_6976, 'there is a virtio device');
    this.write(STATUS, 0);
    this.write(STATUS, 1);
    this.write(STATUS, 1 | 2);
    for (const word of [0, 1]) {
      let value = 0;
      for (const bit of bits) if (bit >>> 5 === word) value |= 1 << (bit & 31);
      this.write(DRIVER_FEATURES_SEL, word);
      this.write(DRIVER_FEATURES, value >>> 0);
    }
    this.write(STATUS, 1 | 2 | 8);
    return this.status();
  }

  /** Sets up zeroed rings for one queue and makes it ready. */
  setUpQueue(index: number, size: number): MockQueue {
    const queue = new MockQueue(this, index, size, this.#startIndex);
    this.write(QUEUE_SEL, index);
    assert(this.read(QUEUE_SIZE_MAX) >= size, 'the queue is large enough');
    this.write(QUEUE_SIZE, size);
    this.#writeAddress(QUEUE_DESC_LOW, queue.descAt);
    this.#writeAddress(QUEUE_DRIVER_LOW, queue.availAt);
    this.#writeAddress(QUEUE_DEVICE_LOW, queue.usedAt);
    this.write(QUEUE_READY, 1);
    return queue;
  }

  queueReady(index: number): number {
    this.write(QUEUE_SEL, index);
    return this.read(QUEUE_READY);
  }

  driverOk(): void {
    this.write(STATUS, this.status() | 4);
  }

  notify(index: number): void {
    this.write(QUEUE_NOTIFY, index);
  }

  /** Reads and acknowledges the interrupt status. */
  acknowledge(): number {
    const status = this.read(INTERRUPT_STATUS);
    this.write(INTERRUPT_ACK, status);
    return status;
  }

  #writeAddress(register: number, at: number): void {
    this.write(register, this.paddr(at));
    this.write(register + 4, 0);
  }
}

/** The driver's side of one virtqueue. */
export class MockQueue {
  readonly index: number;
  readonly size: number;
  readonly descAt: number;
  readonly availAt: number;
  readonly usedAt: number;
  readonly #driver: MockDriver;
  #nextDesc = 0;
  #availNext: number;
  #usedNext: number;

  constructor(driver: MockDriver, index: number, size: number, startIndex: number) {
    this.#driver = driver;
    this.index = index;
    this.size = size;
    this.descAt = driver.memory(16 * size, 16);
    this.availAt = driver.memory(6 + 2 * size, 2);
    this.usedAt = driver.memory(6 + 8 * size, 4);
    driver.ram.fill(this.descAt, 0, 16 * size);
    driver.ram.fill(this.availAt, 0, 6 + 2 * size);
    driver.ram.fill(this.usedAt, 0, 6 + 8 * size);
    this.#availNext = this.#usedNext = startIndex;
    this.availIdx = startIndex;
    driver.ram.view.setUint16(this.usedAt + 2, startIndex, true);
  }

  get availIdx(): number {
    return this.#driver.ram.view.getUint16(this.availAt + 2, true);
  }

  set availIdx(value: number) {
    this.#driver.ram.view.setUint16(this.availAt + 2, value, true);
  }

  get usedIdx(): number {
    return this.#driver.ram.view.getUint16(this.usedAt + 2, true);
  }

  get usedFlags(): number {
    return this.#driver.ram.view.getUint16(this.usedAt, true);
  }

  set availFlags(value: number) {
    this.#driver.ram.view.setUint16(this.availAt, value, true);
  }

  set usedEvent(value: number) {
    this.#driver.ram.view.setUint16(this.availAt + 4 + 2 * this.size, value, true);
  }

  get availEvent(): number {
    return this.#driver.ram.view.getUint16(this.usedAt + 4 + 8 * this.size, true);
  }

  /** Writes one descriptor of the table at `tableAt`, which is the queue's own unless told. */
  setDescriptor(index: number, descriptor: MockDescriptor, tableAt = this.descAt): void {
    const at = tableAt + 16 * index;
    const view = this.#driver.ram.view;
    view.setUint32(at, descriptor.low, true);
    view.setUint32(at + 4, descriptor.high ?? 0, true);
    view.setUint32(at + 8, descriptor.lengthBytes, true);
    view.setUint16(at + 12, descriptor.flags, true);
    view.setUint16(at + 14, descriptor.next ?? 0, true);
  }

  /**
   * Writes a chain into the next free descriptors, makes it available, and publishes it.
   * @returns its head
   */
  add(...segments: readonly MockSegment[]): number {
    const head = this.describe(segments);
    this.makeAvailable(head);
    return head;
  }

  /** The same through an indirect table. */
  addIndirect(...segments: readonly MockSegment[]): number {
    const tableAt = this.#driver.memory(16 * segments.length, 16);
    segments.forEach((segment, i) => {
      const last = i === segments.length - 1;
      this.setDescriptor(i, this.#descriptor(segment, last ? undefined : i + 1), tableAt);
    });
    const head = this.#takeDescriptor();
    this.setDescriptor(head, {
      low: this.#driver.paddr(tableAt),
      lengthBytes: 16 * segments.length,
      flags: INDIRECT,
    });
    this.makeAvailable(head);
    return head;
  }

  /** Writes a chain into the next free descriptors only. */
  describe(segments: readonly MockSegment[]): number {
    const indices = segments.map(() => this.#takeDescriptor());
    segments.forEach((segment, i) => {
      this.setDescriptor(indices[i] as number, this.#descriptor(segment, indices[i + 1]));
    });
    return indices[0] as number;
  }

  /** Puts a head into the available ring and publishes the index. */
  makeAvailable(head: number): void {
    const slot = this.#availNext & (this.size - 1);
    this.#driver.ram.view.setUint16(this.availAt + 4 + 2 * slot, head, true);
    this.#availNext = (this.#availNext + 1) & 0xffff;
    this.availIdx = this.#availNext;
  }

  /** @returns the next used element, undefined when there is none */
  takeUsed(): { readonly id: number; readonly lengthBytes: number } | undefined {
    if (this.usedIdx === this.#usedNext) return undefined;
    const at = this.usedAt + 4 + 8 * (this.#usedNext & (this.size - 1));
    this.#usedNext = (this.#usedNext + 1) & 0xffff;
    const view = this.#driver.ram.view;
    return { id: view.getUint32(at, true), lengthBytes: view.getUint32(at + 4, true) };
  }

  /** All used elements that have not been taken. */
  drainUsed(): { readonly id: number; readonly lengthBytes: number }[] {
    const drained = [];
    for (let used = this.takeUsed(); used !== undefined; used = this.takeUsed()) drained.push(used);
    return drained;
  }

  #descriptor(segment: MockSegment, next: number | undefined): MockDescriptor {
    return {
      low: this.#driver.paddr(segment.at),
      lengthBytes: segment.lengthBytes,
      flags: (segment.access === 'writable' ? WRITE : 0) | (next === undefined ? 0 : NEXT),
      next: next ?? 0,
    };
  }

  /** Round robin: a test makes at most `size` descriptors available at a time. */
  #takeDescriptor(): number {
    const index = this.#nextDesc;
    this.#nextDesc = (this.#nextDesc + 1) & (this.size - 1);
    return index;
  }
}
