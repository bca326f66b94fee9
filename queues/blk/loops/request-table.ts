/**
 * Requests that a virtualiser has passed on to the driver: which client's each is, by the
 * identifier that the driver sees.
 */

import { demand } from '../../../memory/misuse.ts';
import type { Ram } from '../../../memory/ram.ts';
import { partsOf, Sealed } from '../../../memory/sealed.ts';
import { smallInteger } from '../../../memory/small-integer.ts';
import { makeTable, type Table } from '../../loops/table.ts';
import type { BlkRequestProducer } from '../request-queue.ts';

/** The words of a request. */
export const TABLED = {
  /** The client's number; {@link FREE}: the identifier is nobody's. */
  client: 0,
  /** The client's own identifier. */
  clientId: 1,
  code: 2,
  /** In blocks. */
  count: 3,
} as const;
/** Words from one request to the next: 2 to this power. */
export const TABLED_SHIFT = 2;
export const FREE = -1;

interface Parts {
  readonly size: number;
  /** The stack has a power of two of places, so that no cursor leads out of it. */
  readonly stackMask: number;
  readonly requests: Table;
  /** Identifiers that are nobody's: a stack. */
  readonly free: Table;
}

export class BlkRequestTable extends Sealed<Parts> {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  readonly #size: number = partsOf(this).size;
  readonly #words: Int32Array = partsOf(this).requests.words;
  readonly #free: Int32Array = partsOf(this).free.words;
  #freeCount: number = partsOf(this).size;

  /**
   * @param driver the queue that the requests go into
   * @param size how many can be on their way
   */
  constructor(driver: BlkRequestProducer, size: number) {
    super(place(partsOf(driver).ram, size));
    for (let id = 0; id < this.#size; id += 1) {
      this.#words[id << TABLED_SHIFT] = FREE;
      this.#free[id] = this.#size - 1 - id;
    }
  }

  /** Requests that can be added now. */
  get room(): number {
    return this.#freeCount;
  }

  /** @returns an identifier; there is room */
  take(client: number, clientId: number, code: number, count: number): number {
    demand(this.#freeCount > 0, 'no identifier is free');
    this.#freeCount -= 1;
    const id = this.#free[this.#freeCount] as number;
    const at = id << TABLED_SHIFT;
    this.#words[at] = client;
    this.#words[at | TABLED.clientId] = clientId;
    this.#words[at | TABLED.code] = code;
    this.#words[at | TABLED.count] = count;
    return id;
  }

  /** @returns whether this identifier is the driver's at the moment */
  holds(id: number): boolean {
    return id < this.#size && this.#words[id << TABLED_SHIFT] !== FREE;
  }

  /** @returns a word of a request that the table holds */
  get(id: number, word: number): number {
    return this.#words[(id << TABLED_SHIFT) | word] as number;
  }

  /** @returns all identifiers that are the driver's at the moment */
  held(): readonly number[] {
    return Array.from({ length: this.#size }, (_, id) => id).filter((id) => this.holds(id));
  }

  release(id: number): void {
    this.#words[id << TABLED_SHIFT] = FREE;
    this.#free[this.#freeCount] = id;
    this.#freeCount += 1;
  }

  /** Ends a batch: a loop has added `count` requests. */
  advance(count: number): void {
    demand(count >= 0 && count <= this.#freeCount, 'a batch is larger than the table');
    this.#freeCount -= count;
  }

  /** Ends a batch: a loop has released `count` requests. */
  advanceReleased(count: number): void {
    demand(count >= 0 && count <= this.#size - this.#freeCount, 'a batch is larger than the table');
    this.#freeCount += count;
  }
}

function place(ram: Ram, wanted: number): Parts {
  const size = smallInteger(wanted);
  demand(size > 0, `a table of ${wanted} requests`);
  const places = 2 ** Math.ceil(Math.log2(size));
  const requests = makeTable(ram, size << TABLED_SHIFT);
  return { size, stackMask: places - 1, requests, free: makeTable(ram, places) };
}
