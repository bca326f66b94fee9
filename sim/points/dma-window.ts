/**
 * The DMA of a device as a point of faults: what the device was told to use is not what it uses.
 * Table entries and headers, which are short, are left alone: with those wrong a device reads
 * nonsense and blames its driver.
 */

import type { DmaWindow } from '../../board/device.ts';
import type { Ram } from '../../memory/ram.ts';
import type { Point } from './injector.ts';
import { type Excuse, fault, type PointKind, within } from './point.ts';

const SHORT_BYTES_MAX = 63;
const BUFFER_BYTES = 2048;
/** A buffer that the device has not written holds an old frame, which so comes once more. */
const UNWRITTEN: readonly Excuse[] = ['contents', 'loss', 'errors', 'repetition'];
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

export class PlannedDma implements DmaWindow {
  readonly #window: DmaWindow;
  readonly #ram: Ram;
  readonly #point: Point;
  readonly #staleAt: number;
  /** Buffers that the device was given so far, and their bytes: what is misplaced lands in one. */
  readonly #given = new Map<number, number>();

  constructor(window: DmaWindow, ram: Ram, point: Point) {
    this.#window = window;
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
    this.#ram.copy(this.#staleAt, at, lengthBytes);
    return at;
  }

  #elsewhere(at: number, lengthBytes: number, by: number): number {
    const other = [at + by, at - by].find((each) => (this.#given.get(each) ?? 0) >= lengthBytes);
    return other ?? at;
  }
}
