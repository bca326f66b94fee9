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
  shiftLeft,
  subtract,
  type Operand,
  type Variable,
} from '../../memory/wasm/expression.ts';
import type { FunctionBody, Label } from '../../memory/wasm/code.ts';
import { copyBytes } from '../../memory/wasm/copy.ts';
import { ModuleWriter } from '../../memory/wasm/module.ts';
import { TYPE } from '../../memory/wasm/opcodes.ts';
import { type Ring, walkRings } from '../../memory/wasm/ring-walk.ts';
import { Routine } from '../../memory/wasm/routine.ts';
import {
  above64,
  add64,
  and64,
  below64,
  constant64,
  load64,
  loadWidened32,
  lowOf,
  notEqual64,
  type Operand64,
  subtract64,
  widened,
} from '../../memory/wasm/wide-expression.ts';
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
/** A list has so many bytes in front of it, with the bytes of all frames that were moved. */
export const LIST_HEADER_BYTES = 8;

const LISTED_SHIFT = Math.log2(LISTED_BYTES);
/** A list is a ring that is never walked to its end. */
const LIST_MASK = 0xff_ffff;
const AVAIL_SHIFT = 1;
const USED_SHIFT = 3;
const DESC_SHIFT = Math.log2(DESC_BYTES);
// Halves of a descriptor: an address; length, flags and next.
const LENGTH_AND_FLAGS = 8;
const KIND = VIRTQ_DESC_F_NEXT | VIRTQ_DESC_F_WRITE | VIRTQ_DESC_F_INDIRECT;
const FLAGS = 12;
const LENGTH = 8;
/** Flags and `next` of a pair's first descriptor, the direction apart. */
const LEADS_TO_ENTRY_1 = VIRTQ_DESC_F_NEXT | (1 << 16);
const HEADER_BYTES = NetHeader.SIZE;
/** Of a header's first word: flags, and type of segmentation; both are 0 for a plain frame. */
const FLAGS_AND_TYPE = 0xffff;

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
  const parameters = new Array<number>(GIVEN_COUNT).fill(TYPE.i32);
  const type = module.type({ parameters, results: [TYPE.i32] });
  const loops = { receive: receive(), send: send() };
  for (const [name, body] of Object.entries(loops)) {
    module.exportFunction(name, module.function(type, body));
  }
  return module.finish();
}

/** Each frame of the list goes into the next chain, behind a header. */
function receive(): FunctionBody {
  const routine = new Routine(GIVEN_COUNT);
  const given = givenOf(routine);
  const pairs = new Pairs(routine, given, VIRTQ_DESC_F_WRITE);
  const bytes = routine.let(0);
  const received = walkRings(routine, given.most, ringsOf(given), (places, leave) => {
    const [available, used, listed] = places;
    const lengthBytes = routine.let(load32(listed, 4));
    const pair = pairs.read(leave, available);
    routine.leaveIf(leave, less(pair.frameBytes, lengthBytes));
    routine.store64(pair.headerAt, widened(given.flagsOrBytesMax));
    routine.store32(pair.headerAt, 1 << 16, 8); // num_buffers
    copyBytes(routine, pair.frameAt, routine.let(load32(listed)), lengthBytes);
    routine.store32(used, pair.head);
    routine.store32(used, add(lengthBytes, HEADER_BYTES), 4);
    bytes.set(add(bytes, lengthBytes));
  });
  routine.store32(subtract(given.listAt, LIST_HEADER_BYTES), bytes);
  return routine.finish(received);
}

/** The frame of each chain goes onto the list. */
function send(): FunctionBody {
  const routine = new Routine(GIVEN_COUNT);
  const given = givenOf(routine);
  const pairs = new Pairs(routine, given, 0);
  const bytes = routine.let(0);
  const sent = walkRings(routine, given.most, ringsOf(given), (places, leave) => {
    const [available, used, listed] = places;
    const pair = pairs.read(leave, available);
    routine.leaveIf(leave, less(pair.frameBytes, FRAME_BYTES_MIN));
    routine.leaveIf(leave, more(pair.frameBytes, given.flagsOrBytesMax));
    routine.leaveIf(leave, and(load32(pair.headerAt), FLAGS_AND_TYPE));
    routine.store32(listed, pair.frameAt);
    routine.store32(listed, pair.frameBytes, 4);
    routine.store64(used, widened(pair.head));
    bytes.set(add(bytes, pair.frameBytes));
  });
  routine.store32(subtract(given.listAt, LIST_HEADER_BYTES), bytes);
  return routine.finish(sent);
}

function givenOf(routine: Routine): Given {
  const named = Object.entries(GIVEN).map(([name, index]) => [name, routine.parameter(index)]);
  return Object.fromEntries(named) as Given;
}

function ringsOf(given: Given): readonly [available: Ring, used: Ring, listed: Ring] {
  const { availAt, usedAt, listAt, mask, nextAvail, nextUsed } = given;
  return [
    { at: availAt, mask, cursor: nextAvail, shift: AVAIL_SHIFT },
    { at: usedAt, mask, cursor: nextUsed, shift: USED_SHIFT },
    { at: listAt, mask: LIST_MASK, cursor: 0, shift: LISTED_SHIFT },
  ];
}

interface Pair {
  readonly head: Variable;
  readonly headerAt: Variable;
  readonly frameAt: Variable;
  readonly frameBytes: Variable;
}

/** Reads chains that are pairs. */
class Pairs {
  readonly #routine: Routine;
  readonly #given: Given;
  readonly #direction: number;
  /** Physical address of the DMA window, and its bytes. */
  readonly #windowPaddr: Variable;
  readonly #windowBytes: Variable;

  constructor(routine: Routine, given: Given, direction: number) {
    const { base, start, end } = given;
    this.#routine = routine;
    this.#given = given;
    this.#direction = direction;
    this.#windowPaddr = routine.let64(add64(widened(base), widened(start)));
    this.#windowBytes = routine.let64(widened(subtract(end, start)));
  }

  /**
   * As `ChainPair.read`, of the chain that is available there, wherever it is aligned; leaves the
   * loop for any other chain. Its buffer may be empty.
   */
  read(leave: Label, available: Variable): Pair {
    const routine = this.#routine;
    const { mask, descAt } = this.#given;
    const direction = this.#direction;
    const head = routine.let(load16(available));
    routine.leaveIf(leave, below(mask, head));
    const ring = routine.let(add(descAt, shiftLeft(head, DESC_SHIFT)));
    const kind = and64(load64(ring, LENGTH_AND_FLAGS), constant64(-1, KIND));
    const table = constant64(2 * DESC_BYTES, VIRTQ_DESC_F_INDIRECT);
    routine.leaveIf(leave, notEqual64(kind, table));
    const at = this.#find(leave, load64(ring), widened(2 * DESC_BYTES));
    const first = constant64(HEADER_BYTES, LEADS_TO_ENTRY_1 | direction);
    routine.leaveIf(leave, notEqual64(load64(at, LENGTH_AND_FLAGS), first));
    const secondKind = and(load16(at, DESC_BYTES + FLAGS), KIND);
    routine.leaveIf(leave, direction === 0 ? secondKind : notEqual(secondKind, direction));
    const wideBytes = routine.let64(loadWidened32(at, DESC_BYTES + LENGTH));
    const headerAt = this.#find(leave, load64(at), widened(HEADER_BYTES));
    const frameAt = this.#find(leave, load64(at, DESC_BYTES), wideBytes);
    const frameBytes = routine.let(lowOf(wideBytes));
    this.#leaveIfOnRings(leave, headerAt, HEADER_BYTES);
    this.#leaveIfOnRings(leave, frameAt, frameBytes);
    return { head, headerAt, frameAt, frameBytes };
  }

  /** As `DmaWindow.find`; leaves the loop for a range outside. */
  #find(leave: Label, paddr: Expression, lengthBytes: Operand64): Variable {
    const routine = this.#routine;
    const inWindow = routine.let64(subtract64(paddr, this.#windowPaddr));
    routine.leaveIf(leave, above64(inWindow, this.#windowBytes));
    routine.leaveIf(leave, below64(subtract64(this.#windowBytes, inWindow), lengthBytes));
    return routine.let(add(lowOf(inWindow), this.#given.start));
  }

  /**
   * Leaves the loop for what may overlap them: the range between the first and the last ring is
   * looked at closely by the steps.
   */
  #leaveIfOnRings(leave: Label, at: Variable, lengthBytes: Operand): void {
    const { ringsStart, ringsEnd } = this.#given;
    this.#routine.rarely(less(at, ringsEnd), () => {
      this.#routine.leaveIf(leave, more(add(at, lengthBytes), ringsStart));
    });
  }
}
