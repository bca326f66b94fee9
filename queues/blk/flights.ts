/**
 * What a driver remembers of the requests that a device has, by the chain that carries each. One
 * request may need several of the device's, one after the other: `done` of its blocks are over, and
 * the device has `piece` of them now.
 */

import { partsOf, Sealed } from '../../memory/sealed.ts';
import { makeTable, type Table } from '../loops/table.ts';
import type { BlkRequest } from './request-queue.ts';
import type { BlkVirtqueue } from './virtqueue.ts';

/** The words of a request. Two that are stored together stand one behind the other. */
export const FLIGHT = {
  id: 0,
  code: 1,
  /** Physical address of its data. */
  low: 2,
  high: 3,
  blockLow: 4,
  blockHigh: 5,
  count: 6,
  /** Blocks that are done. */
  done: 7,
  /** Blocks that the device has now. */
  piece: 8,
  /** 1: something failed, so blocks go one by one. */
  single: 9,
  retriesLeft: 10,
  /** Ticks of the watchdog that the present piece has seen. */
  age: 11,
} as const;

/** Words from one request to the next: 2 to this power. */
export const FLIGHT_SHIFT = 4;
const WORDS = Object.keys(FLIGHT).length;
const TWO_32 = 0x1_0000_0000;
const PER_TWO_32 = 2 ** -32;

export class BlkFlights extends Sealed<Table> {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  readonly #words: Int32Array = partsOf(this).words;

  constructor(ring: BlkVirtqueue) {
    const { ram, chains } = partsOf(ring);
    super(makeTable(ram, chains << FLIGHT_SHIFT));
  }

  /** @returns a word, signed */
  get(chain: number, word: number): number {
    return this.#words[(chain << FLIGHT_SHIFT) | word] as number;
  }

  set(chain: number, word: number, value: number): void {
    this.#words[(chain << FLIGHT_SHIFT) | word] = value;
  }

  block(chain: number): number {
    const words = this.#words;
    const at = (chain << FLIGHT_SHIFT) | FLIGHT.blockLow;
    return ((words[at] as number) >>> 0) + (words[at + 1] as number) * TWO_32;
  }

  /** A request begins, of `count` blocks. */
  begin(chain: number, request: BlkRequest, code: number, count: number, id: number): void {
    const words = this.#words;
    const at = chain << FLIGHT_SHIFT;
    words[at] = id;
    words[at | FLIGHT.code] = code;
    words[at | FLIGHT.low] = request.offsetLow;
    words[at | FLIGHT.high] = request.offsetHigh;
    words[at | FLIGHT.blockLow] = request.block;
    words[at | FLIGHT.blockHigh] = request.block * PER_TWO_32;
    words[at | FLIGHT.count] = count;
    words[at | FLIGHT.done] = 0;
    words[at | FLIGHT.single] = 0;
  }

  /** A request goes on in another chain, with another piece. */
  move(from: number, to: number): void {
    if (from === to) return;
    const words = this.#words;
    const [piece, age] = [this.get(to, FLIGHT.piece), this.get(to, FLIGHT.age)];
    words.copyWithin(to << FLIGHT_SHIFT, from << FLIGHT_SHIFT, (from << FLIGHT_SHIFT) + WORDS);
    this.set(to, FLIGHT.piece, piece);
    this.set(to, FLIGHT.age, age);
  }
}
