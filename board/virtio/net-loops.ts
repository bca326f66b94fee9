/**
 * The NIC's two loops over many frames, in WebAssembly: what `NetReceiver` and `NetTransmitter` do
 * with a chain that is a {@link ChainPair}, a full header and a frame that fits, one after the
 * other. They stop in front of anything else, without effect on it: that is for the steps in
 * TypeScript, which are the specification (`net-loops.test.ts` compares them).
 *
 * Positions are offsets in RAM. A list of frames has two words for each: where it lies, and its
 * bytes.
 */

import {
  add,
  and,
  below,
  type Expression,
  less,
  load16,
  load32,
  more,
  notEqual,
  or,
  shiftLeft,
  subtract,
  type Variable,
} from '../../memory/wasm/expression.ts';
import type { FunctionBody, Label } from '../../memory/wasm/code.ts';
import { addCopy } from '../../memory/wasm/copy.ts';
import { ModuleWriter } from '../../memory/wasm/module.ts';
import { TYPE } from '../../memory/wasm/opcodes.ts';
import { Routine } from '../../memory/wasm/routine.ts';
import { FRAME_BYTES_MIN } from '../ethernet.ts';
import { NetHeader } from './net-registers.ts';
import {
  DESC_BYTES,
  VIRTQ_DESC_F_INDIRECT,
  VIRTQ_DESC_F_NEXT,
  VIRTQ_DESC_F_WRITE,
} from './split-ring.ts';

/** Bytes of a frame in a list. */
export const LISTED_BYTES = 8;

const KIND = VIRTQ_DESC_F_NEXT | VIRTQ_DESC_F_WRITE | VIRTQ_DESC_F_INDIRECT;
/** Flags and `next` of a pair's first descriptor, the direction apart. */
const LEADS_TO_ENTRY_1 = VIRTQ_DESC_F_NEXT | (1 << 16);
const HEADER_BYTES = NetHeader.SIZE;
/** Of a header's first word: flags, and type of segmentation; both are 0 for a plain frame. */
const FLAGS_AND_TYPE = 0xffff;
// Words of a descriptor.
const HIGH = 4;
const LENGTH = 8;
const FLAGS_AND_NEXT = 12;

/** What both loops are given first. */
const GIVEN = {
  /** Descriptor table; entries of the available ring, and of the used ring. */
  descAt: 0,
  availAt: 1,
  usedAt: 2,
  mask: 3,
  /** The device's cursors in both rings. */
  nextAvail: 4,
  nextUsed: 5,
  /** Frames at most. */
  most: 6,
  /** The list of frames. */
  listAt: 7,
  /** The DMA window: see `DmaSpan`. */
  base: 8,
  start: 9,
  end: 10,
  /** Where the rings begin and end in which no buffer may lie. */
  ringsStart: 11,
  ringsEnd: 12,
  /** Receiving: flags of each header. Sending: bytes of the longest frame. */
  flagsOrBytesMax: 13,
} as const;
const GIVEN_COUNT = Object.keys(GIVEN).length;

type Given = { readonly [Name in keyof typeof GIVEN]: Variable };

/** Is called with what `GIVEN` lists, in that order. @returns how many frames it has moved */
export type NetLoop = (...given: number[]) => number;

/** A module with `receive`, which reads the list, and `send`, which writes it. */
export function netLoops(pages: number): Uint8Array {
  const module = new ModuleWriter();
  module.importMemory('host', 'memory', pages);
  const copy = addCopy(module);
  const parameters = new Array<number>(GIVEN_COUNT).fill(TYPE.i32);
  const type = module.type({ parameters, results: [TYPE.i32] });
  const loops = { receive: receive(copy), send: send() };
  for (const [name, body] of Object.entries(loops)) {
    module.exportFunction(name, module.function(type, body));
  }
  return module.finish();
}

/** Each frame of the list goes into the next chain, behind a header. */
function receive(copy: number): FunctionBody {
  const routine = new Routine(GIVEN_COUNT);
  const given = givenOf(routine);
  const received = routine.countUp(given.most, (index, leave) => {
    const listed = routine.let(add(given.listAt, shiftLeft(index, 3)));
    const lengthBytes = routine.let(load32(listed, 4));
    const pair = readPair({ routine, given, index, leave }, VIRTQ_DESC_F_WRITE);
    routine.leaveIf(leave, less(pair.frameBytes, lengthBytes));
    routine.store32(pair.headerAt, given.flagsOrBytesMax);
    routine.store32(pair.headerAt, 0, 4);
    routine.store32(pair.headerAt, 1 << 16, 8); // num_buffers
    routine.call(copy, pair.frameAt, load32(listed), lengthBytes);
    use({ routine, given, index }, pair.head, add(lengthBytes, HEADER_BYTES));
  });
  return routine.finish(received);
}

/** The frame of each chain goes onto the list. */
function send(): FunctionBody {
  const routine = new Routine(GIVEN_COUNT);
  const given = givenOf(routine);
  const sent = routine.countUp(given.most, (index, leave) => {
    const pair = readPair({ routine, given, index, leave }, 0);
    routine.leaveIf(leave, less(pair.frameBytes, FRAME_BYTES_MIN));
    routine.leaveIf(leave, more(pair.frameBytes, given.flagsOrBytesMax));
    routine.leaveIf(leave, and(load32(pair.headerAt), FLAGS_AND_TYPE));
    const listed = routine.let(add(given.listAt, shiftLeft(index, 3)));
    routine.store32(listed, pair.frameAt);
    routine.store32(listed, pair.frameBytes, 4);
    use({ routine, given, index }, pair.head, 0);
  });
  return routine.finish(sent);
}

function givenOf(routine: Routine): Given {
  const named = Object.entries(GIVEN).map(([name, index]) => [name, routine.parameter(index)]);
  return Object.fromEntries(named) as Given;
}

interface Round {
  readonly routine: Routine;
  readonly given: Given;
  /** Which one of the batch. */
  readonly index: Variable;
}

interface Pair {
  readonly head: Variable;
  readonly headerAt: Variable;
  readonly frameAt: Variable;
  readonly frameBytes: Variable;
}

/**
 * As `ChainPair.read`, of the next available chain, wherever it is aligned; leaves the loop for any
 * other chain. Its buffer may be empty, or longer than 2^31, which is a negative number.
 */
function readPair(
  { routine, given, index, leave }: Round & { readonly leave: Label },
  direction: number,
): Pair {
  const { mask } = given;
  const slot = and(add(given.nextAvail, index), mask);
  const head = routine.let(load16(add(given.availAt, shiftLeft(slot, 1))));
  routine.leaveIf(leave, below(mask, head));
  const ring = routine.let(add(given.descAt, shiftLeft(head, 4)));
  routine.leaveIf(
    leave,
    or(
      notEqual(and(load32(ring, FLAGS_AND_NEXT), KIND), VIRTQ_DESC_F_INDIRECT),
      notEqual(load32(ring, LENGTH), 2 * DESC_BYTES),
    ),
  );
  // As `DmaWindow.find`.
  const found = (at: Variable, offset: number, lengthBytes: Variable | number): Variable => {
    const { base, start, end } = given;
    const position = routine.let(subtract(load32(at, offset), base));
    const isOutside = or(less(position, start), more(lengthBytes, subtract(end, position)));
    routine.leaveIf(leave, or(load32(at, offset + HIGH), isOutside));
    return position;
  };
  const table = found(ring, 0, 2 * DESC_BYTES);
  routine.leaveIf(
    leave,
    or(
      notEqual(load32(table, FLAGS_AND_NEXT), LEADS_TO_ENTRY_1 | direction),
      or(
        notEqual(and(load32(table, DESC_BYTES + FLAGS_AND_NEXT), KIND), direction),
        notEqual(load32(table, LENGTH), HEADER_BYTES),
      ),
    ),
  );
  const frameBytes = routine.let(load32(table, DESC_BYTES + LENGTH));
  const headerAt = found(table, 0, HEADER_BYTES);
  const frameAt = found(table, DESC_BYTES, frameBytes);
  routine.leaveIf(
    leave,
    or(overlapsRings(given, headerAt, HEADER_BYTES), overlapsRings(given, frameAt, frameBytes)),
  );
  return { head, headerAt, frameAt, frameBytes };
}

/** May be so: the range between the first and the last ring is looked at closely by the steps. */
function overlapsRings(
  { ringsStart, ringsEnd }: Given,
  at: Variable,
  lengthBytes: Variable | number,
): Expression {
  return and(less(at, ringsEnd), more(add(at, lengthBytes), ringsStart));
}

/** Adds a used element. */
function use({ routine, given, index }: Round, head: Variable, written: Expression | number): void {
  const slot = and(add(given.nextUsed, index), given.mask);
  const element = routine.let(add(given.usedAt, shiftLeft(slot, 3)));
  routine.store32(element, head);
  routine.store32(element, written, 4);
}
