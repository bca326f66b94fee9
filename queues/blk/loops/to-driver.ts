/**
 * Passes a client's reads and writes on to the driver, a batch at a time: what a virtualiser does
 * with a request that stays within the client's share of the disk and its data.
 */

import { BATCH_LEAST } from '../../../memory/ram.ts';
import { partsOf, Sealed } from '../../../memory/sealed.ts';
import type { FunctionBody } from '../../../memory/wasm/code.ts';
import {
  add,
  and,
  below,
  equal,
  load32,
  multiply,
  shiftLeft,
  subtract,
} from '../../../memory/wasm/expression.ts';
import { walkRings } from '../../../memory/wasm/ring-walk.ts';
import { Routine } from '../../../memory/wasm/routine.ts';
import {
  above64,
  add64,
  below64,
  load64,
  lowOf,
  subtract64,
  widened,
} from '../../../memory/wasm/wide-expression.ts';
import { BlockLayout } from '../../loops/block.ts';
import { batchLoop, type BatchLoop, batchModule } from '../../loops/module.ts';
import { BLK_READ, BLK_TRANSFER_BYTES, BLK_WRITE } from '../layout.ts';
import type { BlkRequestConsumer, BlkRequestProducer } from '../request-queue.ts';
import { REQUEST, requestRing, requestsOf } from './entries.ts';
import { type BlkRequestTable, TABLED, TABLED_SHIFT } from './request-table.ts';

const COUNT_MASK = 0xffff;
const WORD_BYTES = 4;
const PER_TWO_32 = 2 ** -32;

const BLOCK = new BlockLayout(
  'clientAt',
  'clientMask',
  'driverAt',
  'driverMask',
  'tableAt',
  'freeAt',
  'stackMask',
  'number',
  'dataBytes',
  'addressLow',
  'addressHigh',
  // The client's share, which may change: the largest code that is good, and blocks of the disk.
  'codeMax',
  'firstLow',
  'firstHigh',
  'blocksLow',
  'blocksHigh',
  // Of what the last batch has passed on.
  'writes',
  'blocks',
);
const SHARE = BLOCK.index('codeMax');
const WRITES = BLOCK.index('writes');
const BLOCKS = BLOCK.index('blocks');

export interface BlkToDriverOptions {
  readonly client: BlkRequestConsumer;
  readonly driver: BlkRequestProducer;
  readonly table: BlkRequestTable;
  /** The client's, in the table. */
  readonly number: number;
  /** Of its data region, and where that is for DMA. */
  readonly dataBytes: number;
  readonly dataPaddr: number;
}

/** What of the disk is the client's. */
export interface BlkShareOfDisk {
  readonly firstBlock: number;
  readonly blocks: number;
  readonly readOnly: boolean;
}

interface Parts extends BlkToDriverOptions {
  readonly loop: BatchLoop | undefined;
  readonly block: number;
  readonly i32: Int32Array;
}

export class BlkToDriver extends Sealed<Parts> {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  /** Of what {@link run} has passed on last: how many were writes, and blocks of all. */
  writes = 0;
  blocks = 0;
  readonly #client: BlkRequestConsumer = partsOf(this).client;
  readonly #driver: BlkRequestProducer = partsOf(this).driver;
  readonly #table: BlkRequestTable = partsOf(this).table;
  readonly #loop: BatchLoop | undefined = partsOf(this).loop;
  readonly #block: number = partsOf(this).block;
  readonly #i32: Int32Array = partsOf(this).i32;

  constructor(options: BlkToDriverOptions) {
    super(place({ ...options }));
  }

  /**
   * Good requests with room for them, as many as come one behind the other; nothing is published
   * yet.
   *
   * @param most requests at most
   * @returns how many; 0 where batches, or so few, are moved step by step
   */
  run(most: number, share: BlkShareOfDisk): number {
    const loop = this.#loop;
    if (loop === undefined) return 0;
    const client = this.#client;
    const driver = this.#driver;
    const table = this.#table;
    let bound = Math.min(most, client.available(), table.room);
    if (bound >= BATCH_LEAST) bound = Math.min(bound, driver.free());
    if (!(bound >= BATCH_LEAST)) return 0;
    this.#setShare(share);
    const passed = loop.run(this.#block, bound, client.cursor, driver.cursor, table.room);
    const word = this.#block >>> 2;
    this.writes = this.#i32[word + WRITES] as number;
    this.blocks = this.#i32[word + BLOCKS] as number;
    client.advance(passed);
    driver.advance(passed);
    table.advance(passed);
    return passed;
  }

  #setShare({ firstBlock, blocks, readOnly }: BlkShareOfDisk): void {
    const i32 = this.#i32;
    const word = (this.#block >>> 2) + SHARE;
    i32[word] = readOnly ? BLK_READ : BLK_WRITE;
    i32[word + 1] = firstBlock;
    i32[word + 2] = firstBlock * PER_TWO_32;
    i32[word + 3] = blocks;
    i32[word + 4] = blocks * PER_TWO_32;
  }
}

function place(options: BlkToDriverOptions): Parts {
  const { client, driver, table, number, dataBytes, dataPaddr } = options;
  const { ram, at: clientAt, mask: clientMask } = requestsOf(client);
  const { at: driverAt, mask: driverMask } = requestsOf(driver);
  const { requests, free, stackMask } = partsOf(table);
  const words = {
    ...{ clientAt, clientMask, driverAt, driverMask, number, dataBytes },
    ...{ tableAt: requests.at, freeAt: free.at, stackMask },
    ...{ addressLow: dataPaddr, addressHigh: dataPaddr * PER_TWO_32 },
    ...{ codeMax: 0, firstLow: 0, firstHigh: 0, blocksLow: 0, blocksHigh: 0 },
    ...{ writes: 0, blocks: 0 },
  };
  const isReached = requests.at >= 0 && free.at >= 0;
  const take = (): number => (isReached ? BLOCK.place(ram, words) : -1);
  return { ...options, ...batchLoop(ram, module, take), i32: ram.i32 };
}

const PARAMETERS = 5;

function module(pages: number): Uint8Array {
  return batchModule(pages, PARAMETERS, toDriverLoop);
}

/** Parameters: the block, requests at most, cursors of `client` and `driver`, free identifiers. */
function toDriverLoop(): FunctionBody {
  const routine = new Routine(PARAMETERS);
  const block = routine.parameter(0);
  const constant = (name: Parameters<typeof BLOCK.index>[0]) =>
    routine.let(BLOCK.load(block, name));
  const load = (name: Parameters<typeof BLOCK.index>[0]) => BLOCK.load(block, name);
  const last = subtract(routine.parameter(4), 1);
  const rings = [
    requestRing(load('clientAt'), load('clientMask'), routine.parameter(2)),
    requestRing(load('driverAt'), load('driverMask'), routine.parameter(3)),
    {
      at: load('freeAt'),
      mask: load('stackMask'),
      cursor: last,
      bytes: WORD_BYTES,
      direction: 'down',
    },
  ] as const;
  const [codeMax, number] = [constant('codeMax'), constant('number')];
  const tableAt = constant('tableAt');
  const dataBytes = routine.let64(BLOCK.loadWidened(block, 'dataBytes'));
  const address = routine.let64(BLOCK.load64(block, 'addressLow', 'addressHigh'));
  const firstBlock = routine.let64(BLOCK.load64(block, 'firstLow', 'firstHigh'));
  const shareBlocks = routine.let64(BLOCK.load64(block, 'blocksLow', 'blocksHigh'));
  const [writes, blocks] = [routine.let(0), routine.let(0)];
  const passed = walkRings(routine, routine.parameter(1), rings, (places, leave) => {
    const [entry, to, freeId] = places;
    const code = routine.let(load32(entry, REQUEST.code));
    routine.leaveIf(leave, below(codeMax, code));
    const count = routine.let(and(load32(entry, REQUEST.count), COUNT_MASK));
    routine.leaveIf(leave, equal(count, 0));
    const start = routine.let64(load64(entry, REQUEST.block));
    routine.leaveIf(leave, above64(start, shareBlocks));
    routine.leaveIf(leave, below64(subtract64(shareBlocks, start), widened(count)));
    const offset = routine.let64(load64(entry, REQUEST.offset));
    const bytes = routine.let64(widened(multiply(count, BLK_TRANSFER_BYTES)));
    routine.leaveIf(leave, above64(offset, dataBytes));
    routine.leaveIf(leave, below64(subtract64(dataBytes, offset), bytes));
    routine.leaveIf(leave, and(lowOf(offset), BLK_TRANSFER_BYTES - 1));
    const clientId = routine.let(load32(entry, REQUEST.id));
    const id = routine.let(load32(freeId));
    const tabled = routine.let(add(tableAt, shiftLeft(id, TABLED_SHIFT + 2)));
    routine.store32(tabled, number, TABLED.client << 2);
    routine.store32(tabled, clientId, TABLED.clientId << 2);
    routine.store32(tabled, code, TABLED.code << 2);
    routine.store32(tabled, count, TABLED.count << 2);
    routine.store32(to, code, REQUEST.code);
    routine.store64(to, add64(address, offset), REQUEST.offset);
    routine.store64(to, add64(firstBlock, start), REQUEST.block);
    routine.store32(to, count, REQUEST.count);
    routine.store32(to, id, REQUEST.id);
    writes.set(add(writes, code));
    blocks.set(add(blocks, count));
  });
  routine.store32(block, writes, BLOCK.offset('writes'));
  routine.store32(block, blocks, BLOCK.offset('blocks'));
  return routine.finish(passed);
}
