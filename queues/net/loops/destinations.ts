/**
 * Where a loop over batches puts entries that go to one of several queues: a record for each, which
 * lies behind the loop's block.
 */

import { BATCH_LEAST, type Ram } from '../../../memory/ram.ts';
import {
  add,
  and,
  below,
  choose,
  equal,
  load32,
  notEqual,
  type Operand,
  or,
  shiftLeft,
  shiftRight,
  subtract,
  type Variable,
} from '../../../memory/wasm/expression.ts';
import type { Label } from '../../../memory/wasm/code.ts';
import type { Routine } from '../../../memory/wasm/routine.ts';
import type { Operand64 } from '../../../memory/wasm/wide-expression.ts';
import type { NetConsumer, NetProducer } from '../queue.ts';
import { hasStaging } from '../../loops/block.ts';
import { entriesOf, ENTRY_SHIFT, putEntry } from './entries.ts';
import type { BatchLoop } from '../../loops/module.ts';

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
    if (most < BATCH_LEAST) return 0;
    this.#prepare();
    const given = loop.run(block, most, from.cursor);
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

/**
 * The queue into which a loop puts entries just now: what its record says is in locals, until an
 * entry goes to another one.
 */
export class Destination {
  readonly #routine: Routine;
  /** 0: none yet. */
  readonly #record: Variable;
  /** Where the next entry goes, and where the first one went. */
  readonly #place: Variable;
  readonly #first: Variable;
  /** How many entries there is room for before the record has to be looked at. */
  readonly #left: Variable;

  constructor(routine: Routine) {
    this.#routine = routine;
    this.#record = routine.let(0);
    this.#place = routine.let(0);
    this.#first = routine.let(0);
    this.#left = routine.let(0);
  }

  /** Puts an entry into the queue of a record, or leaves the loop when it has no room. */
  put(leave: Label, record: Variable, address: Operand64, lenAndOid: Operand): void {
    const routine = this.#routine;
    const isAnother = notEqual(this.#record, record);
    routine.rarely(or(isAnother, equal(this.#left, 0)), () => {
      this.flush();
      this.#enter(record);
      routine.leaveIf(leave, equal(this.#left, 0));
    });
    putEntry(routine, this.#place, address, lenAndOid);
    this.#place.set(add(this.#place, 1 << ENTRY_SHIFT));
    this.#left.set(subtract(this.#left, 1));
  }

  /** Writes into the record how many entries have gone there. */
  flush(): void {
    const routine = this.#routine;
    const record = this.#record;
    routine.when(record, () => {
      const bytes = subtract(this.#place, this.#first);
      const given = routine.let(shiftRight(bytes, ENTRY_SHIFT));
      for (const word of [CURSOR, GIVEN]) {
        routine.store32(record, add(load32(record, word << 2), given), word << 2);
      }
      routine.store32(record, subtract(load32(record, ROOM << 2), given), ROOM << 2);
    });
  }

  /** Up to the last entry behind which comes the first. */
  #enter(record: Variable): void {
    const routine = this.#routine;
    const mask = routine.let(load32(record, MASK << 2));
    const slot = routine.let(and(load32(record, CURSOR << 2), mask));
    this.#record.set(record);
    this.#first.set(add(load32(record, ENTRIES << 2), shiftLeft(slot, ENTRY_SHIFT)));
    this.#place.set(this.#first);
    const left = routine.let(subtract(add(mask, 1), slot));
    const room = routine.let(load32(record, ROOM << 2));
    this.#left.set(choose(below(room, left), room, left));
  }
}
