/**
 * A function in WebAssembly that is made when it is called first. Writing and compiling a module
 * takes longer than a hundred packets do step by step: a system whose batches are all short never
 * needs it.
 */

import { BATCH_LEAST, type Ram } from './ram.ts';

type Loop = (...given: number[]) => number;

/** So many entries, one or two at a time, are worth a module. */
const WORTH_ENTRIES = 100;

export class LazyLoop {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  readonly #ram: Ram;
  readonly #write: (pages: number) => Uint8Array;
  readonly #name: string;
  #made: Loop | undefined;
  #waited = 0;

  /**
   * @param write the module's bytes, see `Ram.functions`; the same one for each loop of its kind
   * @param name of the function in the module
   */
  constructor(ram: Ram, write: (pages: number) => Uint8Array, name: string) {
    this.#ram = ram;
    this.#write = write;
    this.#name = name;
  }

  get run(): Loop {
    return (this.#made ??= this.#ram.functions(this.#write)[this.#name] as Loop);
  }

  /**
   * For a loop that is faster than its steps for one entry, too.
   *
   * @returns whether it is to move so many: a batch, or any number once it is made; before, when
   * enough have been moved without it
   */
  isWorth(entries: number): boolean {
    if (this.#made !== undefined || entries >= BATCH_LEAST) return true;
    this.#waited += entries;
    return this.#waited > WORTH_ENTRIES;
  }
}
