/**
 * DMA windows: the ranges of RAM that a device was given. Whatever else it asks for is refused and
 * counted; that is an error of the device's driver, not a crash of the board.
 */

import { demand } from '../memory/misuse.ts';
import type { Ram } from '../memory/ram.ts';
import type { DmaSpan, DmaWindow } from './device.ts';

/** A range of physical addresses. */
export interface DmaRange {
  readonly paddr: number;
  readonly sizeBytes: number;
}

/**
 * A window of one or more ranges. A request must lie within one range; ranges that touch are joined
 * when granted.
 *
 * Addresses are handled as 32-bit integers throughout, so that a descriptor's address never becomes
 * a heap number. RAM is below 2 GiB, hence an offset in RAM is a positive 32-bit integer.
 */
export class RangedDmaWindow implements DmaWindow {
  /** Requests refused since power-on. */
  refusals = 0;
  #span: DmaSpan | undefined;
  readonly #ram: Ram;
  readonly #baseInt: number = 0;
  #starts: Int32Array = new Int32Array(0);
  #ends: Int32Array = new Int32Array(0);
  // The range that the last request hit: most requests of a device go to one.
  #start = 0;
  #end = 0;

  constructor(ram: Ram, ranges: readonly DmaRange[]) {
    this.#ram = ram;
    this.#baseInt = ram.base | 0;
    for (const range of ranges) this.grant(range);
  }

  get span(): DmaSpan | undefined {
    return this.#span;
  }

  /** Adds a range; it must lie in RAM. */
  grant(range: DmaRange): void {
    demand(this.#ram.holds(range.paddr, range.sizeBytes), 'a DMA range lies outside RAM');
    demand(range.sizeBytes > 0, 'a DMA range is empty');
    const start = range.paddr - this.#ram.base;
    const spans: [number, number][] = [[start, start + range.sizeBytes]];
    for (let i = 0; i < this.#starts.length; i++) {
      spans.push([this.#starts[i] as number, this.#ends[i] as number]);
    }
    spans.sort((a, b) => a[0] - b[0]);
    const joined: [number, number][] = [];
    for (const span of spans) {
      const last = joined.at(-1);
      if (last !== undefined && span[0] <= last[1]) last[1] = Math.max(last[1], span[1]);
      else joined.push(span);
    }
    this.#starts = Int32Array.from(joined, (span) => span[0]);
    this.#ends = Int32Array.from(joined, (span) => span[1]);
    const [[first, last] = [0, 0]] = joined;
    this.#span = joined.length === 1 ? { base: this.#baseInt, start: first, end: last } : undefined;
  }

  translate(low: number, high: number, lengthBytes: number): number {
    const offset = this.find(low, high, lengthBytes);
    if (offset < 0) this.refusals += 1;
    return offset;
  }

  find(low: number, high: number, lengthBytes: number): number {
    const offset = ((low | 0) - this.#baseInt) | 0;
    if (high === 0 && offset >= this.#start && lengthBytes <= this.#end - offset) return offset;
    return this.#search(offset, high, lengthBytes);
  }

  #search(offset: number, high: number, lengthBytes: number): number {
    if (high !== 0 || offset < 0) return -1;
    for (let i = 0; i < this.#starts.length; i++) {
      const start = this.#starts[i] as number;
      const end = this.#ends[i] as number;
      if (offset >= start && offset <= end && lengthBytes <= end - offset) {
        this.#start = start;
        this.#end = end;
        return offset;
      }
    }
    return -1;
  }
}
