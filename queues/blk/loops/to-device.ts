/**
 * Posts reads and writes to a disk's virtqueue, a batch at a time: what a driver does with a
 * request that the device takes in one piece, in a chain whose last request had as many parts.
 */

import { BATCH_LEAST } from '../../../memory/ram.ts';
import { partsOf, Sealed } from '../../../memory/sealed.ts';
import type { FunctionBody } from '../../../memory/wasm/code.ts';
import {
  add,
  and,
  choose,
  load32,
  multiply,
  notBelow,
  notEqual,
  shiftLeft,
  subtract,
} from '../../../memory/wasm/expression.ts';
import { walkRings } from '../../../memory/wasm/ring-walk.ts';
import { Routine } from '../../../memory/wasm/routine.ts';
import {
  constant64,
  highOf,
  load64,
  multiply64,
  widened,
} from '../../../memory/wasm/wide-expression.ts';
import { BlockLayout } from '../../loops/block.ts';
import { batchLoop, type BatchLoop, batchModule } from '../../loops/module.ts';
import {
  VIRTQ_DESC_F_NEXT,
  VIRTQ_DESC_F_WRITE,
  VirtqAvail,
  VirtqDesc,
} from '../../virtio/split-ring.ts';
import { type BlkFlights, FLIGHT, FLIGHT_SHIFT } from '../flights.ts';
import { BLK_TRANSFER_BYTES, BLK_WRITE } from '../layout.ts';
import type { BlkRequestConsumer } from '../request-queue.ts';
import {
  BlkVirtqueue,
  BOOK,
  BOOK_SHIFT,
  CHAIN_STRIDE,
  STATUS_AT,
  STATUS_UNWRITTEN,
} from '../virtqueue.ts';
import { REQUEST, requestRing, requestsOf } from './entries.ts';

const COUNT_MASK = 0xffff;
const SECTORS_PER_BLOCK = BLK_TRANSFER_BYTES / 512;
/** Of a chain with one piece of data: where the status byte's descriptor is. */
const LAST_POSITION = 2;
const SECTOR_AT = 8;
/** Flags and `next` of the descriptor of the data, which the device reads unless it writes. */
const DATA_READ = VIRTQ_DESC_F_NEXT | (LAST_POSITION << 16);
const DATA_WRITTEN = DATA_READ | VIRTQ_DESC_F_WRITE;
const WORD_BYTES = 4;
const AVAIL_BYTES = 2;

const BLOCK = new BlockLayout(
  'queueAt',
  'queueMask',
  'blocksMax',
  'retries',
  'freeAt',
  'booksAt',
  'flightsAt',
  'chainMask',
  'chainsAt',
  'tablesAt',
  'tableBytes',
  'availAt',
);

export interface BlkToDeviceOptions {
  readonly queue: BlkRequestConsumer;
  readonly ring: BlkVirtqueue;
  readonly flights: BlkFlights;
  /** Most blocks that the device takes in one piece. */
  readonly blocksMax: number;
  readonly retries: number;
}

interface Parts extends BlkToDeviceOptions {
  readonly loop: BatchLoop | undefined;
  readonly block: number;
}

export class BlkToDevice extends Sealed<Parts> {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  readonly #queue: BlkRequestConsumer = partsOf(this).queue;
  readonly #ring: BlkVirtqueue = partsOf(this).ring;
  readonly #loop: BatchLoop | undefined = partsOf(this).loop;
  readonly #block: number = partsOf(this).block;

  constructor(options: BlkToDeviceOptions) {
    super(place({ ...options }));
  }

  /**
   * Good requests with a free chain for each, as many as come one behind the other; nothing is
   * published yet.
   *
   * @param most requests at most
   * @returns how many; 0 where batches, or so few, are moved step by step
   */
  run(most: number): number {
    const loop = this.#loop;
    if (loop === undefined) return 0;
    const queue = this.#queue;
    const ring = this.#ring;
    const bound = Math.min(most, ring.room, queue.available());
    if (!(bound >= BATCH_LEAST)) return 0;
    const posted = loop.run(this.#block, bound, queue.cursor, ring.room, ring.cursor);
    queue.advance(posted);
    ring.advance(posted);
    return posted;
  }
}

function place(options: BlkToDeviceOptions): Parts {
  const { queue, ring, flights, blocksMax, retries } = options;
  const { ram, at: queueAt, mask: queueMask } = requestsOf(queue);
  const parts = partsOf(ring);
  const flightsTable = partsOf(flights);
  const { chains, free, books } = parts;
  const isReached = free.at >= 0 && books.at >= 0 && flightsTable.at >= 0;
  const isOfRing = flightsTable.words.length >= chains << FLIGHT_SHIFT;
  const isIndirect = parts.options.indirect === 'yes';
  const inSegment = Math.floor(parts.options.segmentBytes / BLK_TRANSFER_BYTES);
  const words = {
    ...{ queueAt, queueMask, retries, freeAt: free.at, booksAt: books.at },
    blocksMax: Math.max(0, Math.min(blocksMax, inSegment, COUNT_MASK)),
    flightsAt: flightsTable.at,
    chainMask: chains - 1,
    chainsAt: parts.chainsAt,
    tablesAt: parts.descriptorsAt,
    tableBytes: parts.descriptorsStride,
    availAt: parts.availAt + VirtqAvail.SIZE,
  };
  const take = (): number => (isReached && isOfRing && isIndirect ? BLOCK.place(ram, words) : -1);
  return { ...options, ...batchLoop(ram, module, take) };
}

const PARAMETERS = 5;

function module(pages: number): Uint8Array {
  return batchModule(pages, PARAMETERS, toDeviceLoop);
}

/** Parameters: the block, requests at most, cursor of `queue`, free chains, cursor of `ring`. */
function toDeviceLoop(): FunctionBody {
  const routine = new Routine(PARAMETERS);
  const block = routine.parameter(0);
  const constant = (name: Parameters<typeof BLOCK.index>[0]) =>
    routine.let(BLOCK.load(block, name));
  const load = (name: Parameters<typeof BLOCK.index>[0]) => BLOCK.load(block, name);
  const queue = requestRing(load('queueAt'), load('queueMask'), routine.parameter(2));
  const chainMask = constant('chainMask');
  // The last of the free chains is taken first.
  const last = subtract(routine.parameter(3), 1);
  const free = { at: load('freeAt'), mask: chainMask, cursor: last, bytes: WORD_BYTES };
  const ring = { at: load('availAt'), mask: chainMask, cursor: routine.parameter(4) };
  const rings = [queue, { ...free, direction: 'down' }, { ...ring, bytes: AVAIL_BYTES }] as const;
  const [blocksMax, retries] = [constant('blocksMax'), constant('retries')];
  const [booksAt, flightsAt] = [constant('booksAt'), constant('flightsAt')];
  const [chainsAt, tablesAt, tableBytes] = [
    constant('chainsAt'),
    constant('tablesAt'),
    constant('tableBytes'),
  ];
  const posted = walkRings(routine, routine.parameter(1), rings, (places, leave) => {
    const [entry, freeChain, available] = places;
    const code = routine.let(load32(entry, REQUEST.code));
    routine.leaveIf(leave, notBelow(code, BLK_WRITE + 1));
    const count = routine.let(and(load32(entry, REQUEST.count), COUNT_MASK));
    routine.leaveIf(leave, notBelow(subtract(count, 1), blocksMax));
    const place = routine.let64(load64(entry, REQUEST.block));
    routine.leaveIf(leave, highOf(place));
    const chain = routine.let(and(load32(freeChain), chainMask));
    const book = routine.let(add(booksAt, shiftLeft(chain, BOOK_SHIFT + 2)));
    routine.leaveIf(leave, notEqual(load32(book, BOOK.lastPosition << 2), LAST_POSITION));
    const address = routine.let64(load64(entry, REQUEST.offset));
    const id = load32(entry, REQUEST.id);
    const bytes = routine.let(multiply(count, BLK_TRANSFER_BYTES));
    const own = routine.let(add(chainsAt, multiply(chain, CHAIN_STRIDE)));
    routine.store64(own, widened(code)); // type, reserved
    routine.store64(own, multiply64(place, constant64(SECTORS_PER_BLOCK, 0)), SECTOR_AT);
    routine.store8(own, STATUS_UNWRITTEN, STATUS_AT);
    const table = routine.let(add(tablesAt, multiply(chain, tableBytes)));
    routine.store64(table, address, VirtqDesc.SIZE);
    routine.store32(table, bytes, VirtqDesc.SIZE + 8);
    routine.store32(table, choose(code, DATA_READ, DATA_WRITTEN), VirtqDesc.SIZE + 12);
    routine.store32(book, 1, BOOK.outstanding << 2);
    routine.store32(book, choose(code, 1, add(bytes, 1)), BOOK.writableBytes << 2);
    const flight = routine.let(add(flightsAt, shiftLeft(chain, FLIGHT_SHIFT + 2)));
    routine.store32(flight, id, FLIGHT.id << 2);
    routine.store32(flight, code, FLIGHT.code << 2);
    routine.store64(flight, address, FLIGHT.low << 2);
    routine.store64(flight, place, FLIGHT.blockLow << 2);
    routine.store64(flight, widened(count), FLIGHT.count << 2); // none of them done
    routine.store64(flight, widened(count), FLIGHT.piece << 2); // not one by one
    routine.store64(flight, widened(retries), FLIGHT.retriesLeft << 2); // age 0
    routine.store16(available, chain);
  });
  return routine.finish(posted);
}
