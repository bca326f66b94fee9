/**
 * A function in WebAssembly that is made when it is called first. Writing and compiling a module
 * takes longer than a hundred packets do step by step: a system whose batches are all short never
 * needs it.
 */

import type { Ram } from './ram.ts';

type Loop = (...given: number[]) => number;

export class LazyLoop {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  readonly #ram: Ram;
  readonly #write: (pages: number) => Uint8Array;
  readonly #name: string;
  #made: Loop | undefined;

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
}
