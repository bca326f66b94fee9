/**
 * What the loops over batches of the network class share: entries of queues, and buffers by offset.
 */

import { demand } from '../../../memory/misuse.ts';
import type { Ram } from '../../../memory/ram.ts';
import { open, type ReadonlyRegion } from '../../../memory/region.ts';
import { partsOf } from '../../../memory/sealed.ts';
import type { Label } from '../../../memory/wasm/code.ts';
import { and, type Operand, type Variable } from '../../../memory/wasm/expression.ts';
import type { Ring } from '../../../memory/wasm/ring-walk.ts';
import type { Routine } from '../../../memory/wasm/routine.ts';
import { lowOf, notBelow64, type Operand64 } from '../../../memory/wasm/wide-expression.ts';
import {
  NET_BUFFER_BYTES,
  NetBufferDescriptor,
  type NetConsumer,
  type NetProducer,
} from '../queue.ts';

/** Byte of an entry's length and `oid`, behind 64 bits of an offset or address. */
export const LEN_AND_OID = NetBufferDescriptor.len.offset;
/** Bytes of an entry. */
export const ENTRY_BYTES = NetBufferDescriptor.SIZE;
/** Entries to bytes: 2 to this power. */
export const ENTRY_SHIFT = Math.log2(ENTRY_BYTES);
export const BUFFER_MASK = NET_BUFFER_BYTES - 1;
/** Buffer to offset: 2 to this power. */
export const BUFFER_SHIFT = Math.log2(NET_BUFFER_BYTES);

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

/** A queue's entries from its cursor on. */
export function entryRing(at: Operand, mask: Operand, cursor: Operand): Ring {
  return { at, mask, cursor, bytes: ENTRY_BYTES };
}

/** Leaves a loop unless an offset of 64 bits is one of a buffer: see `isBufferOffset`. */
export function leaveUnlessBuffer(
  routine: Routine,
  leave: Label,
  offset: Variable,
  bytes: Operand64,
): void {
  routine.leaveIf(leave, and(lowOf(offset), BUFFER_MASK));
  routine.leaveIf(leave, notBelow64(offset, bytes));
}

/** @param address the offset or address, of 64 bits */
export function putEntry(
  routine: Routine,
  at: Variable,
  address: Operand64,
  lenAndOid: Operand,
): void {
  routine.store64(at, address);
  routine.store32(at, lenAndOid, LEN_AND_OID);
}
