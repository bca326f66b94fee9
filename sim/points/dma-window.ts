/**
 * The DMA of a device as a point of faults: what the device was told to use is not what it uses.
 * Table entries and headers, which are short, are left alone: with those wrong a device reads
 * nonsense and blames its driver.
 */

import type { Clock, ClockEvent } from '../../board/clock.ts';
import type { DmaWindow } from '../../board/device.ts';
import type { Ram } from '../../memory/ram.ts';
import type { Point } from './injector.ts';
import { fault, type PointKind, UNWRITTEN, upTo, within } from './point.ts';

const SHORT_BYTES_MAX = 63;
const BUFFER_BYTES = 2048;
/** Longer ones are read as they are. */
const STALE_BYTES_MAX = 65_536;

export function dmaPoint(device: string, group: string): PointKind {
  return {
    name: `${device}.dma`,
    group,
    what: `the memory that ${device} reads and writes by itself`,
    opportunity: 'the device is given a buffer of 64 bytes or more',
    states: [],
    faults: [
      fault({
        name: 'misplace',
        what: 'the device uses another place in the pool of buffers',
        parameters: { buffers: within('buffers of 2 KiB further on', 'count', 1, 8) },
        excuses: UNWRITTEN,
        rows: [46],
      }),
      fault({
        name: 'stale',
        what: 'the device sees what was in an earlier buffer, and what it writes does not reach memory',
        excuses: UNWRITTEN,
        rows: [48],
      }),
    ],
  };
}

/**
 * The same for a device model of one's own, whose writes may also be late or end too early: those
 * of virtio devices are late and partial by request, at their rings.
 */
export function ownDmaPoint(device: string, group: string): PointKind {
  const point = dmaPoint(device, group);
  return {
    ...point,
    faults: [
      ...point.faults,
      fault({
        name: 'late',
        what: 'what the device writes reaches memory after it has said so',
        parameters: { by: upTo('how late', 'ns', [1_000, 1_000_000], 1e9) },
        excuses: UNWRITTEN,
        rows: [47],
      }),
      fault({
        name: 'partial',
        what: 'only the first bytes of what the device writes reach memory',
        parameters: { bytes: within('bytes that do', 'bytes', 1, SHORT_BYTES_MAX) },
        excuses: UNWRITTEN,
        rows: [17],
      }),
    ],
  };
}

export class PlannedDma implements DmaWindow {
  readonly #window: DmaWindow;
  readonly #ram: Ram;
  readonly #point: Point;
  readonly #staleAt: number;
  readonly #clock: Clock | undefined;
  /** Buffers that the device was given so far, and their bytes: what is misplaced lands in one. */
  readonly #given = new Map<number, number>();

  /** @param clock for {@link ownDmaPoint}, whose faults need one */
  constructor(window: DmaWindow, ram: Ram, point: Point, clock?: Clock) {
    this.#window = window;
    this.#clock = clock;
    this.#ram = ram;
    this.#point = point;
    this.#staleAt = ram.takeStaging(STALE_BYTES_MAX);
  }

  translate(low: number, high: number, lengthBytes: number): number {
    return this.#struck(this.#window.translate(low, high, lengthBytes), lengthBytes);
  }

  find(low: number, high: number, lengthBytes: number): number {
    return this.#struck(this.#window.find(low, high, lengthBytes), lengthBytes);
  }

  #struck(at: number, lengthBytes: number): number {
    if (at < 0 || lengthBytes <= SHORT_BYTES_MAX) return at;
    this.#given.set(at, Math.max(lengthBytes, this.#given.get(at) ?? 0));
    const strike = this.#point.next();
    if (strike?.fault === 'misplace') {
      return this.#elsewhere(at, lengthBytes, BUFFER_BYTES * (strike.parameters['buffers'] ?? 1));
    }
    if (lengthBytes > STALE_BYTES_MAX) return at;
    if (strike?.fault === 'stale') return this.#staleAt;
    if (strike?.fault === 'late' || strike?.fault === 'partial') {
      return this.#instead(at, lengthBytes, strike.parameters);
    }
    this.#ram.copy(this.#staleAt, at, lengthBytes);
    return at;
  }

  /** The device has a copy, of which some reaches the buffer when its access is over, or later. */
  #instead(
    at: number,
    lengthBytes: number,
    { by = 0, bytes = lengthBytes }: Readonly<Record<string, number>>,
  ): number {
    const clock = this.#clock;
    if (clock === undefined) return at;
    const copyAt = this.#ram.takeStaging(lengthBytes);
    this.#ram.copy(copyAt, at, lengthBytes);
    const arrives: ClockEvent = {
      fire: () => this.#ram.copy(at, copyAt, Math.min(bytes, lengthBytes)),
    };
    clock.schedule(arrives, clock.now() + by);
    return copyAt;
  }

  #elsewhere(at: number, lengthBytes: number, by: number): number {
    const other = [at + by, at - by].find((each) => (this.#given.get(each) ?? 0) >= lengthBytes);
    return other ?? at;
  }
}
