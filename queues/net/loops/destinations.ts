/**
 * Where a loop over batches puts entries that go to one of several queues: a record for each, which
 * lies behind the loop's block.
 */

import type { Ram } from '../../../memory/ram.ts';
import {
  add,
  and,
  equal,
  load32,
  type Operand,
  shiftLeft,
  subtract,
  type Variable,
} from '../../../memory/wasm/expression.ts';
import type { Label } from '../../../memory/wasm/code.ts';
import type { Routine } from '../../../memory/wasm/routine.ts';
import type { NetConsumer, NetProducer } from '../queue.ts';
import { hasStaging } from '../../loops/block.ts';
import { entriesOf, putEntry } from './entries.ts';
import { BATCH_LEAST, type BatchLoop } from '../../loops/module.ts';

// A folded constant: docs/hot-code.md.
const LEAST = BATCH_LEAST;

// Words of a record.
const ENTRIES = 0;
const MASK = 1;
const CURSOR = 2;
const ROOM = 3;
const GIVEN = 4;
const RECORD_WORDS = 8;
/** Bytes from one record to the next: 2 to this power. */
export const RECORD_SHIFT = 5;

/** Whether the staging area has room for so many records. */
export function hasRoomFor(ram: Ram, queues: number): boolean {
  return hasStaging(ram, (queues << RECORD_SHIFT) + 64);
}

export class Destinations {
  readonly at: number = 0;
  readonly #queues: readonly NetProducer[];
  readonly #i32: Int32Array;

  /** @param ram with room for the records */
  constructor(ram: Ram, queues: readonly NetProducer[]) {
    this.at = ram.takeStaging(queues.length << RECORD_SHIFT);
    this.#queues = queues;
    this.#i32 = ram.i32;
    for (const [index, queue] of queues.entries()) {
      const word = (this.at >>> 2) + index * RECORD_WORDS;
      this.#i32.set(entriesOf(queue), word + ENTRIES);
    }
  }

  /**
   * Entries of a queue that go to these, as many as come one behind the other; nothing is published
   * yet.
   *
   * @param loop called with the block, how many entries wait, and the queue's cursor
   * @returns how many it has moved
   */
  run(loop: BatchLoop, block: number, from: NetConsumer): number {
    const most = from.available();
    if (most < LEAST) return 0;
    this.#prepare();
    const given = loop(block, most, from.cursor);
    from.advance(given);
    this.#advance();
    return given;
  }

  /** How many entries the last run has given to this queue. */
  givenTo(queue: number): number {
    return this.#i32[(this.at >>> 2) + queue * RECORD_WORDS + GIVEN] as number;
  }

  /** What is not known of a queue's room is for the steps to look at. */
  #prepare(): void {
    let word = this.at >>> 2;
    for (const queue of this.#queues) {
      this.#i32[word + CURSOR] = queue.cursor;
      this.#i32[word + ROOM] = queue.knownRoom;
      this.#i32[word + GIVEN] = 0;
      word += RECORD_WORDS;
    }
  }

  #advance(): void {
    let word = (this.at >>> 2) + GIVEN;
    for (const queue of this.#queues) {
      queue.advance(this.#i32[word] as number);
      word += RECORD_WORDS;
    }
  }
}

/** Puts an entry into the queue of this record, or leaves the loop when it has no room. */
export function give(
  { routine, leave }: { readonly routine: Routine; readonly leave: Label },
  record: Variable,
  entry: readonly [Operand, Operand, Operand],
): void {
  const room = routine.let(load32(record, ROOM << 2));
  routine.leaveIf(leave, equal(room, 0));
  const cursor = routine.let(load32(record, CURSOR << 2));
  const slot = and(cursor, load32(record, MASK << 2));
  putEntry(routine, routine.let(add(load32(record), shiftLeft(slot, 4))), entry);
  routine.store32(record, add(cursor, 1), CURSOR << 2);
  routine.store32(record, subtract(room, 1), ROOM << 2);
  routine.store32(record, add(load32(record, GIVEN << 2), 1), GIVEN << 2);
}
