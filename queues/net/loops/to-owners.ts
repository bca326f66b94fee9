/**
 * Gives buffers that the driver has returned to the clients whose they are, a batch at a time: what
 * a transmit virtualiser does with a buffer that the driver had, and that finds room.
 */

import { partsOf, Sealed } from '../../../memory/sealed.ts';
import type { FunctionBody } from '../../../memory/wasm/code.ts';
import {
  add,
  and,
  below,
  equal,
  load32,
  load8,
  notEqual,
  or,
  shiftLeft,
  shiftRight,
  subtract,
} from '../../../memory/wasm/expression.ts';
import { Routine } from '../../../memory/wasm/routine.ts';
import type { NetConsumer, NetProducer } from '../queue.ts';
import { type BufferBook, buffersIn, placeOf } from './buffer-book.ts';
import { Destinations, give, hasRoomFor, RECORD_SHIFT } from './destinations.ts';
import { BlockLayout } from '../../loops/block.ts';
import {
  BUFFER_MASK,
  BUFFER_SHIFT,
  demandNumber,
  entriesOf,
  entryAt,
  HIGH,
  ramOf,
} from './entries.ts';
import { batchLoop, type BatchLoop, batchModule } from '../../loops/module.ts';

/** Of each data region: where it is for DMA, its bytes, its book, its owner, its number there. */
const REGION_WORDS = 8;

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
   * @returns how many; 0 where batches are moved step by step
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
  const isWithin = regions.every(({ bookAt }) => bookAt >= 0);
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
  const constant = (name: Parameters<typeof BLOCK.index>[0]) =>
    routine.let(BLOCK.load(block, name));
  const returnedEntries = [constant('returnedAt'), constant('returnedMask')] as const;
  const [regionsAt, regions] = [constant('regionsAt'), constant('regions')];
  const [is, becomes] = [constant('is'), constant('becomes')];
  const given = routine.countUp(routine.parameter(1), (index, leave) => {
    const entry = routine.let(entryAt(returnedEntries, routine.parameter(2), index));
    const [low, high] = [routine.let(load32(entry)), routine.let(load32(entry, HIGH))];
    const found = routine.let(0);
    const offset = routine.let(0);
    routine.countUp(regions, (number, over) => {
      const region = routine.let(add(regionsAt, shiftLeft(number, 5)));
      offset.set(subtract(low, load32(region)));
      const isIn = and(equal(load32(region, 4), high), below(offset, load32(region, 8)));
      routine.when(isIn, () => found.set(region));
      routine.leaveIf(over, found);
    });
    routine.leaveIf(leave, or(equal(found, 0), and(offset, BUFFER_MASK)));
    const state = routine.let(add(load32(found, 12), shiftRight(offset, BUFFER_SHIFT)));
    routine.leaveIf(leave, notEqual(load8(state), is));
    const record = routine.let(load32(found, 16));
    give({ routine, leave }, record, [offset, 0, load32(found, 20)]);
    routine.store8(state, becomes);
  });
  return routine.finish(given);
}
