/**
 * Takes buffers that the device has finished out of a virtqueue and puts them into a queue, a batch
 * at a time: what a driver does with a good frame that was received, or with a buffer that was
 * sent.
 *
 * Source: virtio 1.2 §2.7.8 (the used ring), §5.1.6 (the header of a received frame).
 */

import { BATCH_LEAST } from '../../../memory/ram.ts';
import { partsOf, Sealed } from '../../../memory/sealed.ts';
import type { FunctionBody, Label } from '../../../memory/wasm/code.ts';
import {
  add,
  and,
  less,
  load16,
  load32,
  notBelow,
  notEqual,
  type Operand,
  or,
  shiftLeft,
  shiftRight,
  subtract,
  type Variable,
} from '../../../memory/wasm/expression.ts';
import { walkRings } from '../../../memory/wasm/ring-walk.ts';
import { Routine } from '../../../memory/wasm/routine.ts';
import { load64 } from '../../../memory/wasm/wide-expression.ts';
import { BlockLayout } from '../../loops/block.ts';
import { batchLoop, type BatchLoop, batchModule } from '../../loops/module.ts';
import { PLAIN, SHADOW_LEN, SHADOW_OUTSTANDING, SHADOW_SHIFT } from '../../virtio/books.ts';
import {
  VIRTIO_NET_HDR_F_DATA_VALID,
  VIRTIO_NET_HDR_F_NEEDS_CSUM,
  VirtioNetHeader,
} from '../../virtio/net-header.ts';
import { HEADER_STRIDE, VirtqUsed, VirtqUsedElem } from '../../virtio/split-ring.ts';
import type { Virtqueue } from '../../virtio/virtqueue.ts';
import { CHECKED, type NetProducer } from '../queue.ts';
import { entriesOf, entryRing, putEntry, ramOf } from './entries.ts';

/** DATA_VALID, shifted so, is `CHECKED` of a queue's entry. */
const CHECKED_SHIFT = Math.log2(CHECKED / VIRTIO_NET_HDR_F_DATA_VALID);
// From one of them to the next, in bytes: 2 to these powers.
const HEADER_SHIFT = Math.log2(HEADER_STRIDE);
const SHADOW_BYTES_SHIFT = SHADOW_SHIFT + 2;
const USED_BYTES = VirtqUsedElem.SIZE;
const FREE_BYTES = 2;

const BLOCK = new BlockLayout(
  'queueAt',
  'queueMask',
  'usedAt',
  'ringMask',
  'headShift',
  'chains',
  'chainMask',
  'freeAt',
  'shadowAt',
  'headersAt',
  'headerBytes',
  /** Of a frame; 1 and 0 where there is none. */
  'lenLeast',
  'lenMost',
  'flags',
  /** What the last batch has taken. */
  'takenBytes',
);

export interface FromDeviceOptions {
  readonly ring: Virtqueue;
  readonly queue: NetProducer;
  /**
   * Frames of these lengths behind a header, and which of its flags mean something; unless told,
   * buffers that the device has only read.
   */
  readonly received?: { readonly least: number; readonly most: number; readonly flags: number };
}

interface Parts extends FromDeviceOptions {
  readonly loop: BatchLoop | undefined;
  readonly block: number;
  readonly i32: Int32Array;
}

export class FromDevice extends Sealed<Parts> {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  /** Bytes of the frames that {@link run} has taken last. */
  bytes = 0;
  readonly #ring: Virtqueue = partsOf(this).ring;
  readonly #queue: NetProducer = partsOf(this).queue;
  readonly #loop: BatchLoop | undefined = partsOf(this).loop;
  readonly #block: number = partsOf(this).block;
  readonly #i32: Int32Array = partsOf(this).i32;

  constructor(options: FromDeviceOptions) {
    super(place(options));
  }

  /**
   * Good ones with room for them, as many as come one behind the other; nothing is published yet.
   *
   * @returns how many; 0 where batches, or so few, are moved step by step
   */
  run(): number {
    const loop = this.#loop;
    if (loop === undefined) return 0;
    const ring = this.#ring;
    const queue = this.#queue;
    let most = ring.finished();
    if (most > 0) most = Math.min(most, queue.knownRoom);
    if (most < BATCH_LEAST) return 0;
    const taken = loop.run(this.#block, most, ring.takenCount, ring.room, queue.cursor);
    this.bytes = this.#i32[(this.#block >>> 2) + TAKEN] as number;
    ring.advanceFinished(taken);
    queue.advance(taken);
    return taken;
  }
}

const TAKEN = BLOCK.index('takenBytes');

function place(options: FromDeviceOptions): Parts {
  const { ring, queue, received } = options;
  const ram = ramOf(queue);
  const [queueAt, queueMask] = entriesOf(queue);
  const parts = partsOf(ring);
  const { freeAt, shadowAt, chains, used, entries, headShift, headers } = parts;
  const words = {
    ...{ queueAt, queueMask, usedAt: used + VirtqUsed.SIZE, ringMask: entries - 1, headShift },
    ...{ chains, chainMask: chains - 1, freeAt, shadowAt, headersAt: headers },
    headerBytes: received === undefined ? 0 : parts.options.headerBytes,
    ...{ lenLeast: received?.least ?? 1, lenMost: received?.most ?? 0 },
    ...{ flags: received?.flags ?? 0, takenBytes: 0 },
  };
  const kind = received === undefined ? sent : frames;
  const take = (): number => (freeAt < 0 ? -1 : BLOCK.place(ram, words));
  return { ...options, ...batchLoop(ram, kind, take), i32: ram.i32 };
}

const PARAMETERS = 5;

function frames(pages: number): Uint8Array {
  return batchModule(pages, PARAMETERS, () => fromDeviceLoop(judgeFrames));
}

function sent(pages: number): Uint8Array {
  return batchModule(pages, PARAMETERS, () => fromDeviceLoop(judgeSent));
}

type Constant = (name: Parameters<typeof BLOCK.index>[0]) => Variable;

/** A finished chain: where its shadow is, and how many bytes the device claims to have written. */
interface Finished {
  readonly chain: Variable;
  readonly shadow: Variable;
  readonly written: Variable;
}

/**
 * Leaves the loop unless the chain is as it should be.
 *
 * @returns length and `oid` for the queue, and bytes to count
 */
type Judge = (finished: Finished, leave: Label) => readonly [lenAndOid: Operand, len: Operand];

/** Parameters: the block, chains at most, cursor of the used ring, free chains, queue's cursor. */
function fromDeviceLoop(judges: (routine: Routine, constant: Constant) => Judge): FunctionBody {
  const routine = new Routine(PARAMETERS);
  const block = routine.parameter(0);
  const constant: Constant = (name) => routine.let(BLOCK.load(block, name));
  const load = (name: Parameters<typeof BLOCK.index>[0]) => BLOCK.load(block, name);
  const [used, free] = [
    { at: load('usedAt'), mask: load('ringMask'), cursor: routine.parameter(2), bytes: USED_BYTES },
    {
      at: load('freeAt'),
      mask: load('chainMask'),
      cursor: routine.parameter(3),
      bytes: FREE_BYTES,
    },
  ];
  const queue = entryRing(load('queueAt'), load('queueMask'), routine.parameter(4));
  const [chains, headShift] = [constant('chains'), constant('headShift')];
  const shadowAt = constant('shadowAt');
  const judge = judges(routine, constant);
  const bytes = routine.let(0);
  const taken = walkRings(routine, routine.parameter(1), [used, free, queue], (places, leave) => {
    const [element, freed, entry] = places;
    const id = routine.let(load32(element, VirtqUsedElem.id.offset));
    const chain = routine.let(shiftRight(id, headShift));
    routine.leaveIf(leave, notEqual(shiftLeft(chain, headShift), id));
    routine.leaveIf(leave, notBelow(chain, chains));
    const shadow = routine.let(add(shadowAt, shiftLeft(chain, SHADOW_BYTES_SHIFT)));
    const written = routine.let(load32(element, VirtqUsedElem.len.offset));
    routine.leaveIf(leave, notEqual(load32(shadow, SHADOW_OUTSTANDING << 2), PLAIN));
    const [lenAndOid, len] = judge({ chain, shadow, written }, leave);
    putEntry(routine, entry, load64(shadow), lenAndOid);
    routine.store32(shadow, 0, SHADOW_OUTSTANDING << 2);
    routine.store16(freed, chain);
    bytes.set(add(bytes, len));
  });
  routine.store32(block, bytes, BLOCK.offset('takenBytes'));
  return routine.finish(taken);
}

function judgeFrames(routine: Routine, constant: Constant): Judge {
  const [headersAt, headerBytes] = [constant('headersAt'), constant('headerBytes')];
  const [least, most] = [constant('lenLeast'), constant('lenMost')];
  const flagsMask = constant('flags');
  return ({ chain, shadow, written }, leave) => {
    const len = routine.let(subtract(written, headerBytes));
    routine.leaveIf(leave, less(len, least));
    routine.leaveIf(leave, less(most, len));
    routine.leaveIf(leave, less(load32(shadow, SHADOW_LEN << 2), len));
    const header = routine.let(add(headersAt, shiftLeft(chain, HEADER_SHIFT)));
    const flags = routine.let(and(load16(header, VirtioNetHeader.flags.offset), flagsMask));
    const numBuffers = load16(header, VirtioNetHeader.numBuffers.offset);
    routine.leaveIf(leave, notEqual(numBuffers, 1));
    routine.leaveIf(leave, and(flags, VIRTIO_NET_HDR_F_NEEDS_CSUM));
    return [or(len, shiftLeft(flags, CHECKED_SHIFT)), len];
  };
}

function judgeSent(routine: Routine): Judge {
  return ({ written }, leave) => {
    routine.leaveIf(leave, written);
    return [0, 0];
  };
}
