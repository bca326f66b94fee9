/**
 * Gives received frames to the clients whose addresses they have, a batch at a time: what a receive
 * virtualiser does with a frame for one client that has room for it.
 */

import type { ReadonlyRegion } from '../../../memory/region.ts';
import { partsOf, Sealed } from '../../../memory/sealed.ts';
import type { FunctionBody, Label } from '../../../memory/wasm/code.ts';
import {
  add,
  and,
  equal,
  type Expression,
  less,
  load16,
  load32,
  load8,
  notEqual,
  or,
  shiftRight,
  type Variable,
} from '../../../memory/wasm/expression.ts';
import { walkRings } from '../../../memory/wasm/ring-walk.ts';
import { Routine } from '../../../memory/wasm/routine.ts';
import { load64, lowOf, subtract64 } from '../../../memory/wasm/wide-expression.ts';
import { CHECKED, type NetConsumer, type NetProducer } from '../queue.ts';
import { type Book, type BufferBook, buffersIn, type Place, placeOf } from './buffer-book.ts';
import { Destination, Destinations, hasRoomFor, RECORD_SHIFT } from './destinations.ts';
import { loadRecord, type Records } from './records.ts';
import { BlockLayout } from '../../loops/block.ts';
import {
  BUFFER_SHIFT,
  buffersOf,
  demandNumber,
  entriesOf,
  entryRing,
  leaveUnlessBuffer,
  LEN_AND_OID,
  ramOf,
} from './entries.ts';
import { batchLoop, type BatchLoop, batchModule } from '../../loops/module.ts';

const FRAME_BYTES_MIN = 14;
const LEN = 0xffff;
/**
 * Of each address: a word, a halfword, the record of the client whose it is, and its book. Words
 * from one to the next: 4.
 */
const ADDRESS_SHIFT = 4;
const ADDRESS_WORDS = (1 << ADDRESS_SHIFT) >>> 2;

const BLOCK = new BlockLayout(
  'receivedAt',
  'receivedMask',
  'framesAt',
  'bytes',
  'addressLow',
  'addressHigh',
  'refsAt',
  'addressesAt',
  'addresses',
);

export interface ToClientsOptions {
  readonly received: NetConsumer;
  /** The frames, and where they are for DMA, in signed halves. */
  readonly frames: ReadonlyRegion;
  readonly buffers: number;
  readonly addressLow: number;
  readonly addressHigh: number;
  /** How many clients hold each buffer. */
  readonly refs: Book;
  /** By client; in `holds`, 1 for each buffer that it holds. */
  readonly clients: readonly { readonly active: NetProducer; readonly holds: BufferBook }[];
  /** A signed word and a halfword, as a frame in memory begins, and the client's number. */
  readonly addresses: readonly (readonly [word: number, half: number, client: number])[];
}

interface Parts extends ToClientsOptions {
  readonly loop: BatchLoop | undefined;
  readonly block: number;
  readonly destinations: Destinations | undefined;
}

export class ToClients extends Sealed<Parts> {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  readonly #received: NetConsumer = partsOf(this).received;
  readonly #loop: BatchLoop | undefined = partsOf(this).loop;
  readonly #block: number = partsOf(this).block;
  readonly #destinations: Destinations | undefined = partsOf(this).destinations;

  constructor(options: ToClientsOptions) {
    super(place(options));
  }

  /**
   * Frames for one client each that is known to have room, as many as come one behind the other;
   * nothing is published yet.
   *
   * @returns how many; 0 where batches, or so few, are moved step by step
   */
  run(): number {
    const loop = this.#loop;
    const destinations = this.#destinations;
    if (loop === undefined || destinations === undefined) return 0;
    return destinations.run(loop, this.#block, this.#received);
  }
}

function place(options: ToClientsOptions): Parts {
  const { received, refs, addressLow, addressHigh } = options;
  const ram = ramOf(received);
  // Copies: what has been checked is what is used.
  const clients = Array.from(options.clients, ({ active, holds }) => ({ active, holds }));
  const addresses = Array.from(options.addresses, ([word, half, client]) => {
    return { word, half, client };
  });
  for (const { client } of addresses) demandNumber(client, clients.length);
  const refsPlace = placeOf(refs);
  const holds = clients.map((client) => placeOf(client.holds));
  const held = buffersIn(options.buffers, [refsPlace, ...holds]);
  const isWithin = refsPlace.at >= 0 && holds.every(({ at }) => at >= 0);
  if (!isWithin || !hasRoomFor(ram, clients.length + addresses.length)) {
    return { ...options, loop: undefined, block: 0, destinations: undefined };
  }
  const destinations = new Destinations(
    ram,
    clients.map(({ active }) => active),
  );
  const addressesAt = ram.takeStaging(addresses.length * ADDRESS_WORDS * 4);
  for (const [index, { word, half, client }] of addresses.entries()) {
    const record = destinations.at + (client << RECORD_SHIFT);
    const entry = [word, half, record, (holds[client] as Place).at];
    ram.i32.set(entry, (addressesAt >>> 2) + index * ADDRESS_WORDS);
  }
  const [receivedAt, receivedMask] = entriesOf(received);
  const [framesAt, bytes] = buffersOf(options.frames, held);
  const words = {
    ...{ receivedAt, receivedMask, framesAt, bytes, addressLow, addressHigh },
    ...{ refsAt: refsPlace.at, addressesAt, addresses: addresses.length },
  };
  return { ...options, ...batchLoop(ram, module, () => BLOCK.place(ram, words)), destinations };
}

const PARAMETERS = 3;

function module(pages: number): Uint8Array {
  return batchModule(pages, PARAMETERS, toClientsLoop);
}

/** Parameters: the block, entries at most, and the cursor of `received`. */
function toClientsLoop(): FunctionBody {
  const routine = new Routine(PARAMETERS);
  const block = routine.parameter(0);
  const load = (name: Parameters<typeof BLOCK.index>[0]) => BLOCK.load(block, name);
  const received = entryRing(load('receivedAt'), load('receivedMask'), routine.parameter(2));
  const [framesAt, refsAt] = [routine.let(load('framesAt')), routine.let(load('refsAt'))];
  const bytes = routine.let64(BLOCK.loadWidened(block, 'bytes'));
  const address = routine.let64(BLOCK.load64(block, 'addressLow', 'addressHigh'));
  const [at, count] = [routine.let(load('addressesAt')), routine.let(load('addresses'))];
  const client = new FoundClient(routine, { at, count, shift: ADDRESS_SHIFT });
  const destination = new Destination(routine);
  const given = walkRings(routine, routine.parameter(1), [received], ([entry], leave) => {
    const wideOffset = routine.let64(subtract64(load64(entry), address));
    leaveUnlessBuffer(routine, leave, wideOffset, bytes);
    const offset = routine.let(lowOf(wideOffset));
    const lenAndOid = routine.let(load32(entry, LEN_AND_OID));
    const buffer = routine.let(shiftRight(offset, BUFFER_SHIFT));
    const refs = routine.let(add(refsAt, buffer));
    routine.leaveIf(leave, less(and(lenAndOid, LEN), FRAME_BYTES_MIN));
    routine.leaveIf(leave, load8(refs));
    client.find(leave, routine.let(add(framesAt, offset)));
    destination.put(leave, client.record, wideOffset, and(lenAndOid, CHECKED | LEN));
    routine.store8(add(client.holdsAt, buffer), 1);
    routine.store8(refs, 1);
  });
  destination.flush();
  return routine.finish(given);
}

/**
 * The client that a loop has found last, in locals: most frames are for the same one as those
 * before them.
 */
class FoundClient {
  readonly record: Variable;
  readonly holdsAt: Variable;
  readonly #routine: Routine;
  readonly #addresses: Records;
  readonly #word: Variable;
  /** -1, which no halfword is: none yet. */
  readonly #half: Variable;

  constructor(routine: Routine, addresses: Records) {
    this.#routine = routine;
    this.#addresses = addresses;
    [this.#word, this.#half] = [routine.let(0), routine.let(-1)];
    [this.record, this.holdsAt] = [routine.let(0), routine.let(0)];
  }

  /** Whose address the frame begins with; leaves the loop where it is nobody's. */
  find(leave: Label, frame: Variable): void {
    const routine = this.#routine;
    const [word, half] = [routine.let(load32(frame)), routine.let(load16(frame, 4))];
    routine.rarely(or(notEqual(word, this.#word), notEqual(half, this.#half)), () => {
      const isIt = (address: Variable): Expression =>
        and(equal(load32(address), word), equal(load32(address, 4), half));
      const words = [this.#word, this.#half, this.record, this.holdsAt];
      loadRecord(routine, leave, this.#addresses, isIt, words);
    });
  }
}
