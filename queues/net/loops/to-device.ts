/**
 * Posts a queue's buffers to a virtqueue, a batch at a time: what a driver does with an empty
 * buffer to receive into, or with a frame of a good length to send.
 */

import { BATCH_LEAST } from '../../../memory/ram.ts';
import { partsOf, Sealed } from '../../../memory/sealed.ts';
import type { FunctionBody } from '../../../memory/wasm/code.ts';
import {
  add,
  and,
  less,
  load16,
  load32,
  notEqual,
  or,
  shiftLeft,
  subtract,
} from '../../../memory/wasm/expression.ts';
import { walkRings } from '../../../memory/wasm/ring-walk.ts';
import { Routine } from '../../../memory/wasm/routine.ts';
import { BlockLayout } from '../../loops/block.ts';
import { batchLoop, type BatchLoop, batchModule } from '../../loops/module.ts';
import {
  PLAIN,
  SHADOW_HIGH,
  SHADOW_LEN,
  SHADOW_OUTSTANDING,
  SHADOW_SHIFT,
} from '../../virtio/books.ts';
import { TABLE_BYTES, VirtqAvail } from '../../virtio/split-ring.ts';
import type { Virtqueue } from '../../virtio/virtqueue.ts';
import { NET_BUFFER_BYTES, type NetConsumer, PARTIAL_CHECKSUM } from '../queue.ts';
import { entriesOf, entryRing, LEN_AND_OID, ramOf } from './entries.ts';

const LEN = 0xffff;
// From one of them to the next, in bytes: 2 to these powers.
const TABLE_SHIFT = Math.log2(TABLE_BYTES);
const SHADOW_BYTES_SHIFT = SHADOW_SHIFT + 2;
const FREE_BYTES = 2;
const AVAIL_BYTES = 2;
const BLOCK = new BlockLayout(
  'queueAt',
  'queueMask',
  /** What of an entry's length counts, and what is added: nothing and all of an empty buffer. */
  'lenMask',
  'lenMore',
  'lenLeast',
  'lenMost',
  /** Of an entry: with one of these bits it is for the steps. */
  'special',
  'freeAt',
  'shadowAt',
  'chainMask',
  'buffersAt',
  'availAt',
  'ringMask',
  'headShift',
  /** What the last batch has posted. */
  'postedBytes',
);

export interface ToDeviceOptions {
  readonly queue: NetConsumer;
  readonly ring: Virtqueue;
  /** Frames of these lengths, with a whole checksum; all entries unless told, as empty buffers. */
  readonly frameBytes?: { readonly least: number; readonly most: number };
}

interface Parts extends ToDeviceOptions {
  readonly loop: BatchLoop | undefined;
  readonly block: number;
  readonly i32: Int32Array;
}

export class ToDevice extends Sealed<Parts> {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  /** Bytes of what {@link run} has posted last. */
  bytes = 0;
  readonly #queue: NetConsumer = partsOf(this).queue;
  readonly #ring: Virtqueue = partsOf(this).ring;
  readonly #loop: BatchLoop | undefined = partsOf(this).loop;
  readonly #block: number = partsOf(this).block;
  readonly #i32: Int32Array = partsOf(this).i32;

  constructor(options: ToDeviceOptions) {
    super(place(options));
  }

  /**
   * Good entries with a free chain for each, as many as come one behind the other; nothing is
   * published yet.
   *
   * @returns how many; 0 where batches, or so few, are moved step by step
   */
  run(): number {
    const loop = this.#loop;
    if (loop === undefined) return 0;
    const queue = this.#queue;
    const ring = this.#ring;
    let most = ring.room;
    if (most > 0) most = Math.min(most, queue.available());
    if (most < BATCH_LEAST) return 0;
    const posted = loop.run(this.#block, most, queue.cursor, ring.room, ring.cursor);
    this.bytes = this.#i32[(this.#block >>> 2) + POSTED] as number;
    queue.advance(posted);
    ring.advance(posted);
    return posted;
  }
}

const POSTED = BLOCK.index('postedBytes');

function place(options: ToDeviceOptions): Parts {
  const { queue, ring, frameBytes } = options;
  const ram = ramOf(queue);
  const [queueAt, queueMask] = entriesOf(queue);
  const { freeAt, shadowAt, chains, buffers, avail, entries, headShift } = partsOf(ring);
  const isFrame = frameBytes !== undefined;
  const words = {
    ...{ queueAt, queueMask, freeAt, shadowAt, buffersAt: buffers, headShift, postedBytes: 0 },
    lenMask: isFrame ? LEN : 0,
    lenMore: isFrame ? 0 : NET_BUFFER_BYTES,
    lenLeast: frameBytes?.least ?? 0,
    lenMost: frameBytes?.most ?? NET_BUFFER_BYTES,
    special: isFrame ? PARTIAL_CHECKSUM : 0,
    ...{ chainMask: chains - 1, availAt: avail + VirtqAvail.SIZE, ringMask: entries - 1 },
  };
  const take = (): number => (freeAt < 0 ? -1 : BLOCK.place(ram, words));
  return { ...options, ...batchLoop(ram, module, take), i32: ram.i32 };
}

const PARAMETERS = 5;

function module(pages: number): Uint8Array {
  return batchModule(pages, PARAMETERS, toDeviceLoop);
}

/** Parameters: the block, entries at most, the cursor of `queue`, free chains, cursor of `ring`. */
function toDeviceLoop(): FunctionBody {
  const routine = new Routine(PARAMETERS);
  const block = routine.parameter(0);
  const constant = (name: Parameters<typeof BLOCK.index>[0]) =>
    routine.let(BLOCK.load(block, name));
  const load = (name: Parameters<typeof BLOCK.index>[0]) => BLOCK.load(block, name);
  const queue = entryRing(load('queueAt'), load('queueMask'), routine.parameter(2));
  const chainMask = constant('chainMask');
  // The last of the free chains is taken first.
  const last = subtract(routine.parameter(3), 1);
  const free = { at: load('freeAt'), mask: chainMask, cursor: last, bytes: FREE_BYTES };
  const ring = { at: load('availAt'), mask: load('ringMask'), cursor: routine.parameter(4) };
  const rings = [queue, { ...free, direction: 'down' }, { ...ring, bytes: AVAIL_BYTES }] as const;
  const [lenMask, lenMore] = [constant('lenMask'), constant('lenMore')];
  const [lenLeast, lenMost] = [constant('lenLeast'), constant('lenMost')];
  const special = constant('special');
  const [buffersAt, shadowAt] = [constant('buffersAt'), constant('shadowAt')];
  const headShift = constant('headShift');
  const bytes = routine.let(0);
  const posted = walkRings(routine, routine.parameter(1), rings, (places, leave) => {
    const [entry, freeChain, available] = places;
    const lenAndOid = routine.let(load32(entry, LEN_AND_OID));
    const len = routine.let(or(and(lenAndOid, lenMask), lenMore));
    routine.leaveIf(leave, less(len, lenLeast));
    routine.leaveIf(leave, less(lenMost, len));
    routine.leaveIf(leave, and(lenAndOid, special));
    const [low, high] = [routine.let(load32(entry)), routine.let(load32(entry, 4))];
    const chain = routine.let(and(load16(freeChain), chainMask));
    const buffer = routine.let(add(buffersAt, shiftLeft(chain, TABLE_SHIFT)));
    const shadow = routine.let(add(shadowAt, shiftLeft(chain, SHADOW_BYTES_SHIFT)));
    routine.store32(buffer, low);
    routine.store32(shadow, low);
    // As the step does: what the chain's last request has written already is not written again.
    for (const [word, value] of [
      [SHADOW_HIGH, high],
      [SHADOW_LEN, len],
    ] as const) {
      routine.rarely(notEqual(load32(shadow, word << 2), value), () => {
        routine.store32(buffer, value, word << 2);
        routine.store32(shadow, value, word << 2);
      });
    }
    routine.store32(shadow, PLAIN, SHADOW_OUTSTANDING << 2);
    routine.store16(available, shiftLeft(chain, headShift));
    bytes.set(add(bytes, len));
  });
  routine.store32(block, bytes, BLOCK.offset('postedBytes'));
  return routine.finish(posted);
}
