/**
 * Takes requests that the device has finished out of a disk's virtqueue and answers them, a batch
 * at a time: what a driver does with one that is over and has not failed, while nothing waits for
 * it.
 *
 * Source: virtio 1.2 §2.7.8 (the used ring), §5.2.6 (the status byte).
 */

import { BATCH_LEAST } from '../../../memory/ram.ts';
import { partsOf, Sealed } from '../../../memory/sealed.ts';
import type { FunctionBody } from '../../../memory/wasm/code.ts';
import {
  add,
  below,
  load32,
  load8,
  multiply,
  notBelow,
  notEqual,
  shiftLeft,
} from '../../../memory/wasm/expression.ts';
import { walkRings } from '../../../memory/wasm/ring-walk.ts';
import { Routine } from '../../../memory/wasm/routine.ts';
import { BlockLayout } from '../../loops/block.ts';
import { batchLoop, type BatchLoop, batchModule } from '../../loops/module.ts';
import { VirtqUsed, VirtqUsedElem } from '../../virtio/split-ring.ts';
import { type BlkFlights, FLIGHT, FLIGHT_SHIFT } from '../flights.ts';
import { BLK_OK } from '../layout.ts';
import type { BlkResponseProducer } from '../response-queue.ts';
import { type BlkVirtqueue, BOOK, BOOK_SHIFT, CHAIN_STRIDE, STATUS_AT } from '../virtqueue.ts';
import { RESPONSE, responseRing, responsesOf } from './entries.ts';

const WORD_BYTES = 4;

const BLOCK = new BlockLayout(
  'queueAt',
  'queueMask',
  'usedAt',
  'freeAt',
  'booksAt',
  'flightsAt',
  'chains',
  'chainMask',
  'chainsAt',
);

export interface BlkFromDeviceOptions {
  readonly ring: BlkVirtqueue;
  readonly flights: BlkFlights;
  readonly queue: BlkResponseProducer;
}

interface Parts extends BlkFromDeviceOptions {
  readonly loop: BatchLoop | undefined;
  readonly block: number;
}

export class BlkFromDevice extends Sealed<Parts> {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  readonly #ring: BlkVirtqueue = partsOf(this).ring;
  readonly #queue: BlkResponseProducer = partsOf(this).queue;
  readonly #loop: BatchLoop | undefined = partsOf(this).loop;
  readonly #block: number = partsOf(this).block;

  constructor(options: BlkFromDeviceOptions) {
    super(place({ ...options }));
  }

  /**
   * Those that are over, as many as come one behind the other; nothing is published yet. There is
   * room for the answers: each request was taken with it.
   *
   * @returns how many; 0 where batches, or so few, are moved step by step
   */
  run(): number {
    const loop = this.#loop;
    const queue = this.#queue;
    if (loop === undefined || queue.isClosed) return 0;
    const ring = this.#ring;
    const most = Math.min(ring.finished(), queue.capacity);
    if (!(most >= BATCH_LEAST)) return 0;
    const taken = loop.run(this.#block, most, ring.takenCount, ring.room, queue.cursor);
    ring.advanceFinished(taken);
    queue.advance(taken);
    return taken;
  }
}

function place(options: BlkFromDeviceOptions): Parts {
  const { ring, flights, queue } = options;
  const { ram, at: queueAt, mask: queueMask } = responsesOf(queue);
  const parts = partsOf(ring);
  const flightsTable = partsOf(flights);
  const { chains, free, books } = parts;
  const isReached = free.at >= 0 && books.at >= 0 && flightsTable.at >= 0;
  const isOfRing = flightsTable.words.length >= chains << FLIGHT_SHIFT;
  const isIndirect = parts.options.indirect === 'yes';
  const words = {
    ...{ queueAt, queueMask, usedAt: parts.usedAt + VirtqUsed.SIZE, freeAt: free.at },
    ...{ booksAt: books.at, flightsAt: flightsTable.at, chains, chainMask: chains - 1 },
    chainsAt: parts.chainsAt,
  };
  const take = (): number => (isReached && isOfRing && isIndirect ? BLOCK.place(ram, words) : -1);
  return { ...options, ...batchLoop(ram, module, take) };
}

const PARAMETERS = 5;

function module(pages: number): Uint8Array {
  return batchModule(pages, PARAMETERS, fromDeviceLoop);
}

/** Parameters: the block, chains at most, cursor of the used ring, free chains, queue's cursor. */
function fromDeviceLoop(): FunctionBody {
  const routine = new Routine(PARAMETERS);
  const block = routine.parameter(0);
  const constant = (name: Parameters<typeof BLOCK.index>[0]) =>
    routine.let(BLOCK.load(block, name));
  const load = (name: Parameters<typeof BLOCK.index>[0]) => BLOCK.load(block, name);
  const chainMask = constant('chainMask');
  const used = { at: load('usedAt'), mask: chainMask, cursor: routine.parameter(2) };
  const free = { at: load('freeAt'), mask: chainMask, cursor: routine.parameter(3) };
  const rings = [
    { ...used, bytes: VirtqUsedElem.SIZE },
    { ...free, bytes: WORD_BYTES },
    responseRing(load('queueAt'), load('queueMask'), routine.parameter(4)),
  ] as const;
  const chains = constant('chains');
  const [booksAt, flightsAt] = [constant('booksAt'), constant('flightsAt')];
  const chainsAt = constant('chainsAt');
  const taken = walkRings(routine, routine.parameter(1), rings, (places, leave) => {
    const [element, freed, response] = places;
    const chain = routine.let(load32(element, VirtqUsedElem.id.offset));
    routine.leaveIf(leave, notBelow(chain, chains));
    const book = routine.let(add(booksAt, shiftLeft(chain, BOOK_SHIFT + 2)));
    routine.leaveIf(leave, notEqual(load32(book, BOOK.outstanding << 2), 1));
    const written = load32(element, VirtqUsedElem.len.offset);
    routine.leaveIf(leave, below(load32(book, BOOK.writableBytes << 2), written));
    const own = add(chainsAt, multiply(chain, CHAIN_STRIDE));
    routine.leaveIf(leave, load8(own, STATUS_AT)); // VIRTIO_BLK_S_OK is 0
    const flight = routine.let(add(flightsAt, shiftLeft(chain, FLIGHT_SHIFT + 2)));
    const count = routine.let(load32(flight, FLIGHT.count << 2));
    const done = add(load32(flight, FLIGHT.done << 2), load32(flight, FLIGHT.piece << 2));
    routine.leaveIf(leave, notEqual(done, count));
    routine.store32(response, BLK_OK, RESPONSE.status);
    routine.store32(response, count, RESPONSE.count);
    routine.store32(response, load32(flight, FLIGHT.id << 2), RESPONSE.id);
    routine.store32(book, 0, BOOK.outstanding << 2);
    routine.store32(freed, chain);
  });
  return routine.finish(taken);
}
