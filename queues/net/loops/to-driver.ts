/**
 * Passes a client's buffers on to the driver, a batch at a time: offsets become addresses, and it
 * is written down who has each buffer now. What both virtualisers do with a good entry.
 */

import { BATCH_LEAST } from '../../../memory/ram.ts';
import { partsOf, Sealed } from '../../../memory/sealed.ts';
import type { FunctionBody } from '../../../memory/wasm/code.ts';
import {
  add,
  and,
  less,
  load32,
  load8,
  notEqual,
  shiftRight,
} from '../../../memory/wasm/expression.ts';
import { walkRings } from '../../../memory/wasm/ring-walk.ts';
import { Routine } from '../../../memory/wasm/routine.ts';
import { add64, load64, lowOf } from '../../../memory/wasm/wide-expression.ts';
import type { NetConsumer, NetProducer } from '../queue.ts';
import { type Book, buffersIn, placeOf } from './buffer-book.ts';
import { BlockLayout } from '../../loops/block.ts';
import {
  BUFFER_SHIFT,
  entriesOf,
  entryRing,
  leaveUnlessBuffer,
  LEN_AND_OID,
  putEntry,
  ramOf,
} from './entries.ts';
import { batchLoop, type BatchLoop, batchModule } from '../../loops/module.ts';

const BLOCK = new BlockLayout(
  'clientAt',
  'clientMask',
  'driverAt',
  'driverMask',
  'bytes',
  'addressLow',
  'addressHigh',
  'lenLeast',
  'lenMost',
  /** What of the length and index of the region goes on. */
  'lenMask',
  'firstAt',
  'firstIs',
  'firstBecomes',
  'secondAt',
  'secondIs',
  'secondBecomes',
);

/** What is written down of a buffer that is passed on: only one of which it says `is` is passed. */
export interface BookChange {
  readonly book: Book;
  readonly is: number;
  readonly becomes: number;
}

export interface ToDriverOptions {
  readonly client: NetConsumer;
  readonly driver: NetProducer;
  /** Buffers of the data region, and where it is for DMA, in signed halves. */
  readonly buffers: number;
  readonly addressLow: number;
  readonly addressHigh: number;
  /**
   * Frames of these lengths in the client's first data region alone, with their lengths; all
   * entries unless told, as empty buffers.
   */
  readonly frameBytes?: { readonly least: number; readonly most: number };
  /** One book or two. */
  readonly changes: readonly [BookChange, BookChange?];
}

interface Parts extends ToDriverOptions {
  readonly loop: BatchLoop | undefined;
  readonly block: number;
}

export class ToDriver extends Sealed<Parts> {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  readonly #client: NetConsumer = partsOf(this).client;
  readonly #driver: NetProducer = partsOf(this).driver;
  readonly #loop: BatchLoop | undefined = partsOf(this).loop;
  readonly #block: number = partsOf(this).block;

  constructor(options: ToDriverOptions) {
    super(place(options));
  }

  /**
   * Good entries with room for them, as many as come one behind the other; nothing is published
   * yet.
   *
   * @returns how many; 0 where batches, or so few, are moved step by step
   */
  run(): number {
    const loop = this.#loop;
    if (loop === undefined) return 0;
    const client = this.#client;
    const driver = this.#driver;
    let most = client.available();
    if (most > 0) most = Math.min(most, driver.room());
    if (most < BATCH_LEAST) return 0;
    const passed = loop.run(this.#block, most, client.cursor, driver.cursor);
    client.advance(passed);
    driver.advance(passed);
    return passed;
  }
}

function place(options: ToDriverOptions): Parts {
  const { client, driver, buffers, addressLow, addressHigh, frameBytes, changes } = options;
  const ram = ramOf(client);
  const [first, second = first] = changes;
  const books = [placeOf(first.book), placeOf(second.book)] as const;
  const held = buffersIn(buffers, books);
  const [firstAt, secondAt] = [books[0].at, books[1].at];
  if (firstAt < 0 || secondAt < 0) return { ...options, loop: undefined, block: 0 };
  const [clientAt, clientMask] = entriesOf(client);
  const [driverAt, driverMask] = entriesOf(driver);
  const words = {
    ...{ clientAt, clientMask, driverAt, driverMask, addressLow, addressHigh },
    bytes: held << BUFFER_SHIFT,
    lenLeast: frameBytes?.least ?? -(2 ** 31),
    lenMost: frameBytes?.most ?? 2 ** 31 - 1,
    lenMask: frameBytes === undefined ? 0 : 0xffff,
    ...{ firstAt, firstIs: first.is, firstBecomes: first.becomes },
    ...{ secondAt, secondIs: second.is, secondBecomes: second.becomes },
  };
  return { ...options, ...batchLoop(ram, module, () => BLOCK.place(ram, words)) };
}

const PARAMETERS = 4;

function module(pages: number): Uint8Array {
  return batchModule(pages, PARAMETERS, toDriverLoop);
}

/** Parameters: the block, entries at most, and the cursors of `client` and `driver`. */
function toDriverLoop(): FunctionBody {
  const routine = new Routine(PARAMETERS);
  const block = routine.parameter(0);
  const constant = (name: Parameters<typeof BLOCK.index>[0]) =>
    routine.let(BLOCK.load(block, name));
  const load = (name: Parameters<typeof BLOCK.index>[0]) => BLOCK.load(block, name);
  const client = entryRing(load('clientAt'), load('clientMask'), routine.parameter(2));
  const driver = entryRing(load('driverAt'), load('driverMask'), routine.parameter(3));
  const bytes = routine.let64(BLOCK.loadWidened(block, 'bytes'));
  const address = routine.let64(BLOCK.load64(block, 'addressLow', 'addressHigh'));
  const [lenLeast, lenMost, lenMask] = [
    constant('lenLeast'),
    constant('lenMost'),
    constant('lenMask'),
  ];
  const [firstAt, firstIs] = [constant('firstAt'), constant('firstIs')];
  const [secondAt, secondIs] = [constant('secondAt'), constant('secondIs')];
  const [firstBecomes, secondBecomes] = [constant('firstBecomes'), constant('secondBecomes')];
  const passed = walkRings(routine, routine.parameter(1), [client, driver], (places, leave) => {
    const [entry, to] = places;
    const offset = routine.let64(load64(entry));
    const lenAndOid = routine.let(load32(entry, LEN_AND_OID));
    leaveUnlessBuffer(routine, leave, offset, bytes);
    routine.leaveIf(leave, less(lenAndOid, lenLeast));
    routine.leaveIf(leave, less(lenMost, lenAndOid));
    const buffer = routine.let(shiftRight(lowOf(offset), BUFFER_SHIFT));
    const [first, second] = [routine.let(add(firstAt, buffer)), routine.let(add(secondAt, buffer))];
    routine.leaveIf(leave, notEqual(load8(first), firstIs));
    routine.leaveIf(leave, notEqual(load8(second), secondIs));
    routine.store8(first, firstBecomes);
    routine.store8(second, secondBecomes);
    putEntry(routine, to, add64(address, offset), and(lenAndOid, lenMask));
  });
  return routine.finish(passed);
}
