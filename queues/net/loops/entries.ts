/**
 * What the loops over batches share: entries of queues, buffers by offset, and blocks in which a
 * loop finds what does not change. The loops are WebAssembly over all of memory, so whoever makes
 * one checks every position and every size that it writes into the block.
 */

import { demand } from '../../../memory/misuse.ts';
import type { Ram } from '../../../memory/ram.ts';
import { open, type ReadonlyRegion } from '../../../memory/region.ts';
import { partsOf } from '../../../memory/sealed.ts';
import {
  add,
  and,
  type Expression,
  load32,
  notBelow,
  type Operand,
  or,
  shiftLeft,
} from '../../../memory/wasm/expression.ts';
import type { Routine } from '../../../memory/wasm/routine.ts';
import type { Variable } from '../../../memory/wasm/expression.ts';
import { NET_BUFFER_BYTES, type NetConsumer, type NetProducer } from '../queue.ts';

// Words of an entry, in bytes.
export const LOW = 0;
export const HIGH = 4;
export const LEN_AND_OID = 8;
const ENTRY_SHIFT = 4;
export const BUFFER_MASK = NET_BUFFER_BYTES - 1;
/** Buffer to offset: 2 to this power. */
export const BUFFER_SHIFT = 11;

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

/** Where a queue's entries are, and the mask of a slot's number. */
export function entriesOf(queue: NetConsumer | NetProducer): readonly [at: number, mask: number] {
  const { entryIndex, capacity } = partsOf(queue);
  return [entryIndex << 2, capacity - 1];
}

/** The memory that a queue lies in. */
export function ramOf(queue: NetConsumer | NetProducer): Ram {
  return partsOf(queue).ram;
}

/**
 * Where buffers are, and how many bytes of them.
 *
 * @param buffers how many the region is said to hold; what it has no room for is left to the steps
 */
export function buffersOf(
  region: ReadonlyRegion,
  buffers: number,
): readonly [at: number, bytes: number] {
  demandBuffers(buffers);
  const { at, sizeBytes } = open(region);
  return [at, Math.min(buffers, Math.floor(sizeBytes / NET_BUFFER_BYTES)) * NET_BUFFER_BYTES];
}

/** Holds whoever makes a loop to a number: what is computed with anything else may change. */
export function demandBuffers(buffers: number): void {
  demand(
    Number.isInteger(buffers) && buffers > 0,
    `${buffers} buffers, not a whole number above 0`,
  );
}

/** As {@link demandBuffers}, of one of so many queues. */
export function demandNumber(queue: number, queues: number): void {
  const isOne = Number.isInteger(queue) && queue >= 0 && queue < queues;
  demand(isOne, `queue ${queue}, of ${queues} that are numbered from 0`);
}

/** Position of the entry `index` behind a queue's cursor. */
export function entryAt(
  [entries, mask]: readonly [Operand, Operand],
  cursor: Operand,
  index: Operand,
): Expression {
  return add(entries, shiftLeft(and(add(cursor, index), mask), ENTRY_SHIFT));
}

/** Whether an offset is not one of a buffer: `isBufferOffset`, the other way round. */
export function isNoBuffer(low: Variable, high: Operand, bytes: Operand): Expression {
  return or(or(high, and(low, BUFFER_MASK)), notBelow(low, bytes));
}

export function putEntry(
  routine: Routine,
  at: Variable,
  [low, high, lenAndOid]: readonly [Operand, Operand, Operand],
): void {
  routine.store32(at, low, LOW);
  routine.store32(at, high, HIGH);
  routine.store32(at, lenAndOid, LEN_AND_OID);
}
