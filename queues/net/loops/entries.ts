/**
 * What the loops over batches of the network class share: entries of queues, and buffers by offset.
 */

import { demand } from '../../../memory/misuse.ts';
import type { Ram } from '../../../memory/ram.ts';
import { open, type ReadonlyRegion } from '../../../memory/region.ts';
import { partsOf } from '../../../memory/sealed.ts';
import {
  add,
  and,
  type Expression,
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
