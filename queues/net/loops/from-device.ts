/**
 * Takes buffers that the device has finished out of a virtqueue and puts them into a queue, a batch
 * at a time: what a driver does with a good frame that was received, or with a buffer that was
 * sent.
 *
 * Source: virtio 1.2 §2.7.8 (the used ring), §5.1.6 (the header of a received frame).
 */

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
import { HEADER_STRIDE, VirtqUsed } from '../../virtio/split-ring.ts';
import type { Virtqueue } from '../../virtio/virtqueue.ts';
import type { NetProducer } from '../queue.ts';
import { entriesOf, entryAt, putEntry, ramOf } from './entries.ts';

// Of `struct virtio_net_hdr`.
const NUM_BUFFERS_AT = 10;
const NEEDS_CSUM = 1;
/** DATA_VALID, shifted so, is `CHECKED` of a queue's entry. */
const CHECKED_SHIFT = 21;
/** From one chain to the next, in bytes: 2 to these powers. */
const HEADER_SHIFT = Math.log2(HEADER_STRIDE);
const SHADOW_BYTES_SHIFT = SHADOW_SHIFT + 2;
/** An element of the used ring is 2 to this power bytes; its second word, bytes written. */
const USED_SHIFT = 3;
const WRITTEN = 4;

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
   * @returns how many; 0 where batches are moved step by step
   */
  run(): number {
    const loop = this.#loop;
    if (loop === undefined) return 0;
    const ring = this.#ring;
    const queue = this.#queue;
    let most = ring.finished();
    if (most > 0) most = Math.min(most, queue.knownRoom);
    if (most === 0) return 0;
    const taken = loop(this.#block, most, ring.takenCount, ring.room, queue.cursor);
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
  const entries = [constant('queueAt'), constant('queueMask')] as const;
  const [usedAt, ringMask, headShift] = [
    constant('usedAt'),
    constant('ringMask'),
    constant('headShift'),
  ];
  const [chains, chainMask] = [constant('chains'), constant('chainMask')];
  const [freeAt, shadowAt] = [constant('freeAt'), constant('shadowAt')];
  const judge = judges(routine, constant);
  const bytes = routine.let(0);
  const taken = routine.countUp(routine.parameter(1), (index, leave) => {
    const slot = and(add(routine.parameter(2), index), ringMask);
    const used = routine.let(add(usedAt, shiftLeft(slot, USED_SHIFT)));
    const id = routine.let(load32(used));
    const chain = routine.let(shiftRight(id, headShift));
    const isNoHead = notEqual(shiftLeft(chain, headShift), id);
    routine.leaveIf(leave, or(isNoHead, notBelow(chain, chains)));
    const shadow = routine.let(add(shadowAt, shiftLeft(chain, SHADOW_BYTES_SHIFT)));
    const written = routine.let(load32(used, WRITTEN));
    routine.leaveIf(leave, notEqual(load32(shadow, SHADOW_OUTSTANDING << 2), PLAIN));
    const [lenAndOid, len] = judge({ chain, shadow, written }, leave);
    const to = routine.let(entryAt(entries, routine.parameter(4), index));
    putEntry(routine, to, [load32(shadow), load32(shadow, SHADOW_HIGH << 2), lenAndOid]);
    routine.store32(shadow, 0, SHADOW_OUTSTANDING << 2);
    const place = and(add(routine.parameter(3), index), chainMask);
    routine.store16(add(freeAt, shiftLeft(place, 1)), chain);
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
    const isBadLength = or(less(len, least), less(most, len));
    routine.leaveIf(leave, or(isBadLength, less(load32(shadow, SHADOW_LEN << 2), len)));
    const header = routine.let(add(headersAt, shiftLeft(chain, HEADER_SHIFT)));
    const flags = routine.let(and(load16(header), flagsMask));
    const isInSeveral = notEqual(load16(header, NUM_BUFFERS_AT), 1);
    routine.leaveIf(leave, or(isInSeveral, and(flags, NEEDS_CSUM)));
    return [or(len, shiftLeft(flags, CHECKED_SHIFT)), len];
  };
}

function judgeSent(routine: Routine): Judge {
  return ({ written }, leave) => {
    routine.leaveIf(leave, written);
    return [0, 0];
  };
}
