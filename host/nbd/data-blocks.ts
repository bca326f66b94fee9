/**
 * Which blocks of a data region are in use: runs of consecutive blocks, first fit from where the
 * last search ended.
 */
export class DataBlocks {
  readonly #used: Uint8Array;
  #next = 0;

  constructor(blocks: number) {
    this.#used = new Uint8Array(blocks);
  }

  get blocks(): number {
    return this.#used.length;
  }

  /** @returns the first block of a run of `count`, or -1 when there is none */
  take(count: number): number {
    const first = this.#search(this.#next, this.#used.length, count);
    const found = first >= 0 ? first : this.#search(0, this.#used.length, count);
    if (found < 0) return -1;
    this.#used.fill(1, found, found + count);
    this.#next = found + count;
    return found;
  }

  release(first: number, count: number): void {
    this.#used.fill(0, first, first + count);
  }

  #search(from: number, end: number, count: number): number {
    let run = 0;
    for (let block = from; block < end; block += 1) {
      run = this.#used[block] === 0 ? run + 1 : 0;
      if (run === count) return block - count + 1;
    }
    return -1;
  }
}
