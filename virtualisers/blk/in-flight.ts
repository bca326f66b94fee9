/** Requests that the driver has: which client's each is, by the identifier that the driver sees. */

const FREE = -1;

export class InFlightTable {
  readonly client: Int32Array;
  readonly clientId: Uint32Array;
  readonly code: Uint8Array;
  readonly count: Uint32Array;
  readonly #free: Int32Array;
  #freeCount: number;

  constructor(size: number) {
    this.client = new Int32Array(size).fill(FREE);
    this.clientId = new Uint32Array(size);
    this.code = new Uint8Array(size);
    this.count = new Uint32Array(size);
    this.#free = Int32Array.from({ length: size }, (_, i) => size - 1 - i);
    this.#freeCount = size;
  }

  get room(): number {
    return this.#freeCount;
  }

  /** @returns an identifier; there is room */
  take(client: number, clientId: number, code: number, count: number): number {
    this.#freeCount -= 1;
    const id = this.#free[this.#freeCount] as number;
    this.client[id] = client;
    this.clientId[id] = clientId;
    this.code[id] = code;
    this.count[id] = count;
    return id;
  }

  /** @returns whether this identifier is the driver's at the moment */
  holds(id: number): boolean {
    return id < this.client.length && this.client[id] !== FREE;
  }

  /** @returns all identifiers that are the driver's at the moment */
  held(): readonly number[] {
    return [...this.client.keys()].filter((id) => this.holds(id));
  }

  release(id: number): void {
    this.client[id] = FREE;
    this.#free[this.#freeCount] = id;
    this.#freeCount += 1;
  }
}
