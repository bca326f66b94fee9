/**
 * Gives buffers that the driver has returned to the clients whose they are, a batch at a time: what
 * a transmit virtualiser does with a buffer that the driver had, and that finds room.
 */

import { partsOf, Sealed } from '../../../memory/sealed.ts';
import type { FunctionBody, Label } from '../../../memory/wasm/code.ts';
import {
  add,
  and,
  below,
  equal,
  type Expression,
  load32,
  load8,
  notBelow,
  notEqual,
  or,
  shiftRight,
  subtract,
  type Variable,
} from '../../../memory/wasm/expression.ts';
import { walkRings } from '../../../memory/wasm/ring-walk.ts';
import { Routine } from '../../../memory/wasm/routine.ts';
import { widened } from '../../../memory/wasm/wide-expression.ts';
import { NET_BUFFER_BYTES, type NetConsumer, type NetProducer } from '../queue.ts';
import { type BufferBook, buffersIn, placeOf } from './buffer-book.ts';
import { Destination, Destinations, hasRoomFor, RECORD_SHIFT } from './destinations.ts';
import { loadRecord, type Records } from './records.ts';
import { BlockLayout } from '../../loops/block.ts';
import { BUFFER_MASK, BUFFER_SHIFT, demandNumber, entriesOf, entryRing, ramOf } from './entries.ts';
import { batchLoop, type BatchLoop, batchModule } from '../../loops/module.ts';

/**
 * Of each data region: where it is for DMA, its bytes, its book, its owner's record, its number as
 * an entry has it. Words from one to the next: 8.
 */
const REGION_SHIFT = 5;
const REGION_WORDS = (1 << REGION_SHIFT) >>> 2;

const BLOCK = new BlockLayout(
  'returnedAt',
  'returnedMask',
  'regionsAt',
  'regions',
  'is',
  'becomes',
);

export interface ToOwnersOptions {
  readonly returned: NetConsumer;
  /** In a book of `regions`: what it says of a buffer that the driver has. */
  readonly is: number;
  /** And of one that its owner has. */
  readonly becomes: number;
  readonly owners: readonly NetProducer[];
  readonly regions: readonly OwnedRegion[];
}

/** A data region of one of the owners, for DMA at an address in signed halves. */
export interface OwnedRegion {
  readonly owner: number;
  /** Which of its owner's regions it is. */
  readonly number: number;
  readonly buffers: number;
  readonly addressLow: number;
  readonly addressHigh: number;
  readonly book: BufferBook;
}

interface Parts extends ToOwnersOptions {
  readonly loop: BatchLoop | undefined;
  readonly block: number;
  readonly destinations: Destinations | undefined;
}

export class ToOwners extends Sealed<Parts> {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  readonly #returned: NetConsumer = partsOf(this).returned;
  readonly #loop: BatchLoop | undefined = partsOf(this).loop;
  readonly #block: number = partsOf(this).block;
  readonly #destinations: Destinations | undefined = partsOf(this).destinations;

  constructor(options: ToOwnersOptions) {
    super(place(options));
  }

  /**
   * Buffers that the driver had and whose owners are known to have room, as many as come one behind
   * the other; nothing is published yet.
   *
   * @returns how many; 0 where batches, or so few, are moved step by step
   */
  run(): number {
    const loop = this.#loop;
    const destinations = this.#destinations;
    if (loop === undefined || destinations === undefined) return 0;
    return destinations.run(loop, this.#block, this.#returned);
  }

  /** How many of the last {@link run} were this owner's, if it has moved any. */
  givenTo(owner: number): number {
    return this.#destinations?.givenTo(owner) ?? 0;
  }
}

function place(options: ToOwnersOptions): Parts {
  const { returned, is, becomes } = options;
  const ram = ramOf(returned);
  // Copies: what has been checked is what is used.
  const owners = Array.from(options.owners);
  const regions = Array.from(options.regions, (region) => ({ ...region, ...bookOf(region) }));
  for (const { owner } of regions) demandNumber(owner, owners.length);
  const isWithin = regions.every(({ bookAt }) => bookAt >= 0) && areApart(regions);
  if (!isWithin || !hasRoomFor(ram, owners.length + regions.length)) {
    return { ...options, loop: undefined, block: 0, destinations: undefined };
  }
  const destinations = new Destinations(ram, owners);
  const regionsAt = ram.takeStaging(regions.length * REGION_WORDS * 4);
  for (const [index, region] of regions.entries()) {
    const record = destinations.at + (region.owner << RECORD_SHIFT);
    const address = [region.addressLow, region.addressHigh];
    const bytes = region.held << BUFFER_SHIFT;
    const entry = [...address, bytes, region.bookAt, record, region.number << 16];
    ram.i32.set(entry, (regionsAt >>> 2) + index * REGION_WORDS);
  }
  const [returnedAt, returnedMask] = entriesOf(returned);
  const words = { returnedAt, returnedMask, regionsAt, regions: regions.length, is, becomes };
  return { ...options, ...batchLoop(ram, module, () => BLOCK.place(ram, words)), destinations };
}

/** Whether an address is of one region at most: else the first counts, which the loop forgets. */
function areApart(regions: readonly OwnedRegion[]): boolean {
  const ranges = regions.map(({ addressLow, addressHigh, buffers }) => {
    const from = addressHigh * 2 ** 32 + (addressLow >>> 0);
    return { from, end: from + buffers * NET_BUFFER_BYTES };
  });
  ranges.sort((one, other) => one.from - other.from);
  return ranges.every(({ from }, index) => index === 0 || from >= (ranges[index - 1]?.end ?? 0));
}

/** Where its book lies, and how many of its buffers are in it. */
function bookOf({ book, buffers }: OwnedRegion): { bookAt: number; held: number } {
  const place = placeOf(book);
  return { bookAt: place.at, held: buffersIn(buffers, [place]) };
}

const PARAMETERS = 3;

function module(pages: number): Uint8Array {
  return batchModule(pages, PARAMETERS, toOwnersLoop);
}

/** Parameters: the block, entries at most, and the cursor of `returned`. */
function toOwnersLoop(): FunctionBody {
  const routine = new Routine(PARAMETERS);
  const block = routine.parameter(0);
  const load = (name: Parameters<typeof BLOCK.index>[0]) => BLOCK.load(block, name);
  const returned = entryRing(load('returnedAt'), load('returnedMask'), routine.parameter(2));
  const [is, becomes] = [routine.let(load('is')), routine.let(load('becomes'))];
  const [at, count] = [routine.let(load('regionsAt')), routine.let(load('regions'))];
  const region = new FoundRegion(routine, { at, count, shift: REGION_SHIFT });
  const destination = new Destination(routine);
  const given = walkRings(routine, routine.parameter(1), [returned], ([entry], leave) => {
    const offset = region.offsetOf(leave, routine.let(load32(entry)), routine.let(highAt(entry)));
    routine.leaveIf(leave, and(offset, BUFFER_MASK));
    const state = routine.let(add(region.bookAt, shiftRight(offset, BUFFER_SHIFT)));
    routine.leaveIf(leave, notEqual(load8(state), is));
    destination.put(leave, region.record, widened(offset), region.numberInEntry);
    routine.store8(state, becomes);
  });
  destination.flush();
  return routine.finish(given);
}

function highAt(entry: Variable): Expression {
  return load32(entry, 4);
}

/**
 * The region that a loop has found last, in locals: most buffers are of the same one as those
 * before them.
 */
class FoundRegion {
  readonly bookAt: Variable;
  readonly record: Variable;
  readonly numberInEntry: Variable;
  readonly #routine: Routine;
  readonly #regions: Records;
  readonly #low: Variable;
  readonly #high: Variable;
  /** 0: none yet. */
  readonly #bytes: Variable;

  constructor(routine: Routine, regions: Records) {
    this.#routine = routine;
    this.#regions = regions;
    [this.#low, this.#high, this.#bytes] = [routine.let(0), routine.let(0), routine.let(0)];
    [this.bookAt, this.record] = [routine.let(0), routine.let(0)];
    this.numberInEntry = routine.let(0);
  }

  /** Of an address in the region that holds it; leaves the loop where there is none. */
  offsetOf(leave: Label, low: Variable, high: Variable): Variable {
    const routine = this.#routine;
    const offset = routine.let(subtract(low, this.#low));
    const isElsewhere = or(notEqual(this.#high, high), notBelow(offset, this.#bytes));
    routine.rarely(isElsewhere, () => {
      const isIn = (region: Variable): Expression =>
        and(
          equal(load32(region, 4), high),
          below(subtract(low, load32(region)), load32(region, 8)),
        );
      const words = [this.#low, this.#high, this.#bytes, this.bookAt, this.record];
      loadRecord(routine, leave, this.#regions, isIn, [...words, this.numberInEntry]);
      offset.set(subtract(low, this.#low));
    });
    return offset;
  }
}
