/**
 * Passes the driver's answers on to the clients whose requests they are of, a batch at a time: what
 * a virtualiser does with one of a read or write that has not failed.
 */

import { BATCH_LEAST } from '../../../memory/ram.ts';
import { partsOf, Sealed } from '../../../memory/sealed.ts';
import type { FunctionBody } from '../../../memory/wasm/code.ts';
import {
  add,
  and,
  equal,
  load32,
  multiply,
  notBelow,
  shiftLeft,
} from '../../../memory/wasm/expression.ts';
import { walkRings } from '../../../memory/wasm/ring-walk.ts';
import { Routine } from '../../../memory/wasm/routine.ts';
import { BlockLayout } from '../../loops/block.ts';
import { batchLoop, type BatchLoop, batchModule } from '../../loops/module.ts';
import { makeTable, type Table } from '../../loops/table.ts';
import { BLK_OK, BLK_WRITE } from '../layout.ts';
import type { BlkResponseConsumer, BlkResponseProducer } from '../response-queue.ts';
import { RESPONSE, RESPONSE_BYTES, responseRing, responsesOf } from './entries.ts';
import { type BlkRequestTable, FREE, TABLED, TABLED_SHIFT } from './request-table.ts';

const COUNT_MASK = 0xffff;
const WORD_BYTES = 4;

/** The words of a client. */
const CLIENT = {
  entriesAt: 0,
  mask: 1,
  /** 0: it is down, and its answers are a matter for the steps. */
  isOpen: 2,
  cursor: 3,
  // What the last batch has given it, and how many of these were writes.
  given: 4,
  writes: 5,
} as const;
/** Words from one client to the next: 2 to this power. */
const CLIENT_SHIFT = 3;

const BLOCK = new BlockLayout(
  'driverAt',
  'driverMask',
  'tableAt',
  'tableSize',
  'freeAt',
  'stackMask',
  'clientsAt',
  'clients',
);

export interface BlkToClientsOptions {
  readonly driver: BlkResponseConsumer;
  readonly table: BlkRequestTable;
  /** By their numbers in the table. */
  readonly clients: readonly BlkResponseProducer[];
}

interface Parts extends BlkToClientsOptions {
  readonly loop: BatchLoop | undefined;
  readonly block: number;
  readonly words: Int32Array;
}

export class BlkToClients extends Sealed<Parts> {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  readonly #driver: BlkResponseConsumer = partsOf(this).driver;
  readonly #table: BlkRequestTable = partsOf(this).table;
  readonly #clients: readonly BlkResponseProducer[] = partsOf(this).clients;
  readonly #loop: BatchLoop | undefined = partsOf(this).loop;
  readonly #block: number = partsOf(this).block;
  readonly #words: Int32Array = partsOf(this).words;

  constructor(options: BlkToClientsOptions) {
    super(place(options));
  }

  /**
   * Answers to reads and writes, as many as come one behind the other; nothing is published yet.
   * There is room for each: its request was taken with it.
   *
   * @returns how many; 0 where batches, or so few, are moved step by step
   */
  run(): number {
    const loop = this.#loop;
    if (loop === undefined) return 0;
    const driver = this.#driver;
    const most = driver.available();
    if (most < BATCH_LEAST) return 0;
    const clients = this.#clients;
    for (let index = 0; index < clients.length; index += 1) this.#begin(index);
    const passed = loop.run(this.#block, most, driver.cursor, this.#table.room);
    driver.advance(passed);
    this.#table.advanceReleased(passed);
    for (let index = 0; index < clients.length; index += 1) {
      (clients[index] as BlkResponseProducer).advance(this.givenTo(index));
    }
    return passed;
  }

  /** How many of the last {@link run} were this client's, if it has moved any. */
  givenTo(client: number): number {
    return this.#words[(client << CLIENT_SHIFT) | CLIENT.given] as number;
  }

  /** And how many of these were answers to writes. */
  writesOf(client: number): number {
    return this.#words[(client << CLIENT_SHIFT) | CLIENT.writes] as number;
  }

  #begin(index: number): void {
    const words = this.#words;
    const client = this.#clients[index] as BlkResponseProducer;
    const at = index << CLIENT_SHIFT;
    words[at | CLIENT.isOpen] = client.isClosed ? 0 : 1;
    words[at | CLIENT.cursor] = client.cursor;
    words[at | CLIENT.given] = 0;
    words[at | CLIENT.writes] = 0;
  }
}

function place(options: BlkToClientsOptions): Parts {
  const { driver, table } = options;
  // A copy: what has been checked is what is used.
  const clients = Array.from(options.clients);
  const { ram, at: driverAt, mask: driverMask } = responsesOf(driver);
  const { size, requests, free, stackMask } = partsOf(table);
  const known: Table = makeTable(ram, clients.length << CLIENT_SHIFT);
  for (const [index, client] of clients.entries()) {
    const { at, mask } = responsesOf(client);
    known.words[(index << CLIENT_SHIFT) | CLIENT.entriesAt] = at;
    known.words[(index << CLIENT_SHIFT) | CLIENT.mask] = mask;
  }
  const words = {
    ...{ driverAt, driverMask, tableAt: requests.at, tableSize: size, freeAt: free.at, stackMask },
    ...{ clientsAt: known.at, clients: clients.length },
  };
  const isReached = requests.at >= 0 && free.at >= 0 && known.at >= 0;
  const take = (): number => (isReached ? BLOCK.place(ram, words) : -1);
  return { driver, table, clients, words: known.words, ...batchLoop(ram, module, take) };
}

const PARAMETERS = 4;

function module(pages: number): Uint8Array {
  return batchModule(pages, PARAMETERS, toClientsLoop);
}

/** Parameters: the block, answers at most, the cursor of `driver`, free identifiers. */
function toClientsLoop(): FunctionBody {
  const routine = new Routine(PARAMETERS);
  const block = routine.parameter(0);
  const constant = (name: Parameters<typeof BLOCK.index>[0]) =>
    routine.let(BLOCK.load(block, name));
  const load = (name: Parameters<typeof BLOCK.index>[0]) => BLOCK.load(block, name);
  const free = { at: load('freeAt'), mask: load('stackMask'), cursor: routine.parameter(3) };
  const rings = [
    responseRing(load('driverAt'), load('driverMask'), routine.parameter(2)),
    { ...free, bytes: WORD_BYTES },
  ] as const;
  const [tableAt, tableSize] = [constant('tableAt'), constant('tableSize')];
  const [clientsAt, clients] = [constant('clientsAt'), constant('clients')];
  const passed = walkRings(routine, routine.parameter(1), rings, (places, leave) => {
    const [response, freed] = places;
    routine.leaveIf(leave, load32(response, RESPONSE.status)); // BLK_OK is 0
    const id = routine.let(load32(response, RESPONSE.id));
    routine.leaveIf(leave, notBelow(id, tableSize));
    const tabled = routine.let(add(tableAt, shiftLeft(id, TABLED_SHIFT + 2)));
    const number = routine.let(load32(tabled, TABLED.client << 2));
    // Nobody's is a number above all others.
    routine.leaveIf(leave, notBelow(number, clients));
    const code = routine.let(load32(tabled, TABLED.code << 2));
    routine.leaveIf(leave, notBelow(code, BLK_WRITE + 1));
    const client = routine.let(add(clientsAt, shiftLeft(number, CLIENT_SHIFT + 2)));
    routine.leaveIf(leave, equal(load32(client, CLIENT.isOpen << 2), 0));
    const cursor = routine.let(load32(client, CLIENT.cursor << 2));
    const slot = and(cursor, load32(client, CLIENT.mask << 2));
    const to = routine.let(
      add(load32(client, CLIENT.entriesAt << 2), multiply(slot, RESPONSE_BYTES)),
    );
    routine.store32(to, BLK_OK, RESPONSE.status);
    routine.store32(to, and(load32(response, RESPONSE.count), COUNT_MASK), RESPONSE.count);
    routine.store32(to, load32(tabled, TABLED.clientId << 2), RESPONSE.id);
    routine.store32(client, add(cursor, 1), CLIENT.cursor << 2);
    routine.store32(client, add(load32(client, CLIENT.given << 2), 1), CLIENT.given << 2);
    routine.store32(client, add(load32(client, CLIENT.writes << 2), code), CLIENT.writes << 2);
    routine.store32(tabled, FREE, TABLED.client << 2);
    routine.store32(freed, id);
  });
  return routine.finish(passed);
}
