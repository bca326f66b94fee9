/**
 * Copies frames from one data region into another, a batch at a time: what a receive copier does
 * with each packet for which there is a good buffer.
 */

import { BATCH_LEAST } from '../../../memory/ram.ts';
import { openWritable, type ReadonlyRegion, type Region } from '../../../memory/region.ts';
import { partsOf, Sealed } from '../../../memory/sealed.ts';
import type { FunctionBody } from '../../../memory/wasm/code.ts';
import { copyBytes } from '../../../memory/wasm/copy.ts';
import { add, and, less, load32 } from '../../../memory/wasm/expression.ts';
import { walkRings } from '../../../memory/wasm/ring-walk.ts';
import { Routine } from '../../../memory/wasm/routine.ts';
import { load64, lowOf } from '../../../memory/wasm/wide-expression.ts';
import { CHECKED, NET_BUFFER_BYTES, type NetConsumer, type NetProducer } from '../queue.ts';
import { BlockLayout } from '../../loops/block.ts';
import {
  buffersOf,
  entriesOf,
  entryRing,
  leaveUnlessBuffer,
  LEN_AND_OID,
  putEntry,
  ramOf,
} from './entries.ts';
import { batchLoop, type BatchLoop, batchModule } from '../../loops/module.ts';

const LEN = 0xffff;
const BLOCK = new BlockLayout(
  'receivedAt',
  'receivedMask',
  'freeAt',
  'freeMask',
  'filledAt',
  'filledMask',
  'returnedAt',
  'returnedMask',
  'sourceAt',
  'sourceBytes',
  'targetAt',
  'targetBytes',
  /** What the last batch has copied. */
  'copiedBytes',
);

export interface FrameCopyOptions {
  /** Frames by their offsets in `source`, and where their buffers go back. */
  readonly received: NetConsumer;
  readonly returned: NetProducer;
  readonly source: ReadonlyRegion;
  readonly sourceBuffers: number;
  /** Empty buffers by their offsets in `target`, and where they go when they are filled. */
  readonly free: NetConsumer;
  readonly filled: NetProducer;
  readonly target: Region;
  readonly targetBuffers: number;
}

interface Parts extends FrameCopyOptions {
  readonly loop: BatchLoop | undefined;
  readonly block: number;
  readonly i32: Int32Array;
}

/** Copies what it can of what has been received. */
export class FrameCopy extends Sealed<Parts> {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  /** Bytes of the frames that {@link run} copied last. */
  bytes = 0;
  readonly #received: NetConsumer = partsOf(this).received;
  readonly #returned: NetProducer = partsOf(this).returned;
  readonly #free: NetConsumer = partsOf(this).free;
  readonly #filled: NetProducer = partsOf(this).filled;
  readonly #loop: BatchLoop | undefined = partsOf(this).loop;
  readonly #block: number = partsOf(this).block;
  readonly #i32: Int32Array = partsOf(this).i32;

  /** @throws Misuse when a region is said to hold no buffers */
  constructor(options: FrameCopyOptions) {
    super(place(options));
  }

  /**
   * Good frames with room and a good buffer for each, as many as come one behind the other; nothing
   * is published yet.
   *
   * @returns how many; 0 where batches, or so few, are moved step by step
   */
  run(): number {
    const loop = this.#loop;
    if (loop === undefined) return 0;
    const received = this.#received;
    const free = this.#free;
    const filled = this.#filled;
    const returned = this.#returned;
    // Each peer's index is looked at when the one before has something, as the steps do.
    let most = received.available();
    if (most > 0) most = Math.min(most, filled.room());
    if (most > 0) most = Math.min(most, free.available());
    if (most > 0) most = Math.min(most, returned.room());
    if (most < BATCH_LEAST) return 0;
    const block = this.#block;
    const ends = [received.cursor, free.cursor, filled.cursor, returned.cursor] as const;
    const copied = loop.run(block, most, ends[0], ends[1], ends[2], ends[3]);
    this.bytes = this.#i32[(block >>> 2) + COPIED] as number;
    received.advance(copied);
    free.advance(copied);
    filled.advance(copied);
    returned.advance(copied);
    return copied;
  }
}

const COPIED = BLOCK.index('copiedBytes');

function place(options: FrameCopyOptions): Parts {
  const { received, returned, free, filled } = options;
  const ram = ramOf(received);
  const [receivedAt, receivedMask] = entriesOf(received);
  const [freeAt, freeMask] = entriesOf(free);
  const [filledAt, filledMask] = entriesOf(filled);
  const [returnedAt, returnedMask] = entriesOf(returned);
  const [sourceAt, sourceBytes] = buffersOf(options.source, options.sourceBuffers);
  openWritable(options.target);
  const [targetAt, targetBytes] = buffersOf(options.target, options.targetBuffers);
  const values = { receivedAt, receivedMask, freeAt, freeMask, filledAt, filledMask };
  const regions = { sourceAt, sourceBytes, targetAt, targetBytes };
  const words = { ...values, returnedAt, returnedMask, ...regions, copiedBytes: 0 };
  return { ...options, ...batchLoop(ram, module, () => BLOCK.place(ram, words)), i32: ram.i32 };
}

const PARAMETERS = 6;

function module(pages: number): Uint8Array {
  return batchModule(pages, PARAMETERS, frameCopyLoop);
}

/**
 * Parameters: the block, frames at most, and the cursors of `received`, `free`, `filled` and
 * `returned`.
 */
function frameCopyLoop(): FunctionBody {
  const routine = new Routine(PARAMETERS);
  const block = routine.parameter(0);
  const load = (name: Parameters<typeof BLOCK.index>[0]) => BLOCK.load(block, name);
  const [sourceAt, targetAt] = [routine.let(load('sourceAt')), routine.let(load('targetAt'))];
  const sourceBytes = routine.let64(BLOCK.loadWidened(block, 'sourceBytes'));
  const targetBytes = routine.let64(BLOCK.loadWidened(block, 'targetBytes'));
  const rings = [
    entryRing(load('receivedAt'), load('receivedMask'), routine.parameter(2)),
    entryRing(load('freeAt'), load('freeMask'), routine.parameter(3)),
    entryRing(load('filledAt'), load('filledMask'), routine.parameter(4)),
    entryRing(load('returnedAt'), load('returnedMask'), routine.parameter(5)),
  ] as const;
  const bytes = routine.let(0);
  const copied = walkRings(routine, routine.parameter(1), rings, (places, leave) => {
    const [entry, empty, filled, returned] = places;
    const from = routine.let64(load64(entry));
    const lenAndOid = routine.let(load32(entry, LEN_AND_OID));
    const len = routine.let(and(lenAndOid, LEN));
    leaveUnlessBuffer(routine, leave, from, sourceBytes);
    routine.leaveIf(leave, less(NET_BUFFER_BYTES, len));
    const to = routine.let64(load64(empty));
    leaveUnlessBuffer(routine, leave, to, targetBytes);
    const [toAt, fromAt] = [add(targetAt, lowOf(to)), add(sourceAt, lowOf(from))];
    copyBytes(routine, routine.let(toAt), routine.let(fromAt), len);
    putEntry(routine, filled, to, and(lenAndOid, CHECKED | LEN));
    putEntry(routine, returned, from, len);
    bytes.set(add(bytes, len));
  });
  routine.store32(block, bytes, BLOCK.offset('copiedBytes'));
  return routine.finish(copied);
}
