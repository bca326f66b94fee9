/**
 * Blocks in which a loop over batches finds what does not change. The loops are WebAssembly over
 * all of memory, so whoever makes one checks every position and every size that it writes there.
 */

import type { Ram } from '../../memory/ram.ts';
import { demand } from '../../memory/misuse.ts';
import { type Expression, load32, type Variable } from '../../memory/wasm/expression.ts';
import { load128, load64, loadWidened32 } from '../../memory/wasm/wide-expression.ts';

/** Of the staging area, what is left to those who cannot do without: 1 MiB, or a quarter of it. */
const LEFT_BYTES = 0x10_0000;

/**
 * Whether a loop may take so much of the staging area. Each start of a program takes anew, and a
 * program can take as often as it likes: it then is without loops, and nobody else without memory.
 */
export function hasStaging(ram: Ram, lengthBytes: number): boolean {
  const quarter = (ram.u8.length - ram.sizeBytes) >>> 2;
  return ram.stagingLeft - lengthBytes >= Math.min(LEFT_BYTES, quarter);
}

/** The words of a block by name, and how many there are. */
export class BlockLayout<Name extends string> {
  readonly words: number;
  readonly #places: ReadonlyMap<Name, number>;

  constructor(...names: readonly Name[]) {
    this.words = names.length;
    this.#places = new Map(names.map((name, index) => [name, index]));
  }

  /** Byte of a word in the block. */
  offset(name: Name): number {
    return this.index(name) << 2;
  }

  index(name: Name): number {
    return this.#places.get(name) as number;
  }

  /** Where the block lies, for a loop that is given its position. */
  load(block: Variable, name: Name): Expression {
    return load32(block, this.offset(name));
  }

  /** A word as 64 bits, with zeros above. */
  loadWidened(block: Variable, name: Name): Expression {
    return loadWidened32(block, this.offset(name));
  }

  /** 64 bits, whose halves are two words one behind the other. */
  load64(block: Variable, low: Name, high: Name): Expression {
    demand(this.index(high) === this.index(low) + 1, `${high} is not behind ${low}`);
    return load64(block, this.offset(low));
  }

  /** Four words from this one on. */
  load128(block: Variable, first: Name): Expression {
    return load128(block, this.offset(first));
  }

  /**
   * Takes memory for a block from the staging area and fills it.
   *
   * @returns its offset; -1 when the area has no room, and there is to be no loop
   */
  place(ram: Ram, values: Readonly<Record<Name, number>>): number {
    if (!hasStaging(ram, this.words * 4)) return -1;
    const at = ram.takeStaging(this.words * 4);
    for (const [name, index] of this.#places) ram.i32[(at >>> 2) + index] = values[name];
    return at;
  }
}
