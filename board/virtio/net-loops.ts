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
  less,
  load16,
  load32,
  more,
  notEqual,
  subtract,
  type Variable,
} from '../../memory/wasm/expression.ts';
import type { FunctionBody, Label } from '../../memory/wasm/code.ts';
import { copyBytes } from '../../memory/wasm/copy.ts';
import { ModuleWriter } from '../../memory/wasm/module.ts';
import { TYPE } from '../../memory/wasm/opcodes.ts';
import { type Ring, walkRings } from '../../memory/wasm/ring-walk.ts';
import { Routine } from '../../memory/wasm/routine.ts';
import {
  constant64,
  load64,
  loadWidened32,
  lowOf,
  notEqual64,
  widened,
} from '../../memory/wasm/wide-expression.ts';
import { FRAME_BYTES_MIN } from '../ethernet.ts';
import {
  type Given,
  GIVEN_COUNT,
  givenOf,
  IndirectChains,
  KIND,
  LENGTH_AND_FLAGS,
  ringsOf,
} from './chain-loops.ts';
import { NetHeader } from './net-registers.ts';
import { DESC_BYTES, VIRTQ_DESC_F_NEXT, VIRTQ_DESC_F_WRITE } from './split-ring.ts';

/** Bytes of a frame in a list. */
export const LISTED_BYTES = 8;
/** A list has so many bytes in front of it, with the bytes of all frames that were moved. */
export const LIST_HEADER_BYTES = 8;

/** A list is a ring that is never walked to its end. */
const LIST_MASK = 0xff_ffff;
// Halves of a descriptor: an address; length, flags and next.
const FLAGS = 12;
const LENGTH = 8;
/** Flags and `next` of a pair's first descriptor, the direction apart. */
const LEADS_TO_ENTRY_1 = VIRTQ_DESC_F_NEXT | (1 << 16);
const HEADER_BYTES = NetHeader.SIZE;
/** Of a header's first word: flags, and type of segmentation; both are 0 for a plain frame. */
const FLAGS_AND_TYPE = 0xffff;

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

/** Each frame of the list goes into the next chain, behind a header, whose flags are given last. */
function receive(): FunctionBody {
  const routine = new Routine(GIVEN_COUNT);
  const given = givenOf(routine);
  const pairs = new Pairs(routine, given, VIRTQ_DESC_F_WRITE);
  const bytes = routine.let(0);
  const received = walkRings(routine, given.most, walkedRings(given), (places, leave) => {
    const [available, used, listed] = places;
    const lengthBytes = routine.let(load32(listed, 4));
    const pair = pairs.read(leave, available);
    routine.leaveIf(leave, less(pair.frameBytes, lengthBytes));
    routine.store64(pair.headerAt, widened(given.last));
    routine.store32(pair.headerAt, 1 << 16, 8); // num_buffers
    copyBytes(routine, pair.frameAt, routine.let(load32(listed)), lengthBytes);
    routine.store32(used, pair.head);
    routine.store32(used, add(lengthBytes, HEADER_BYTES), 4);
    bytes.set(add(bytes, lengthBytes));
  });
  routine.store32(subtract(given.ownAt, LIST_HEADER_BYTES), bytes);
  return routine.finish(received);
}

/** The frame of each chain goes onto the list; the bytes of the longest one are given last. */
function send(): FunctionBody {
  const routine = new Routine(GIVEN_COUNT);
  const given = givenOf(routine);
  const pairs = new Pairs(routine, given, 0);
  const bytes = routine.let(0);
  const sent = walkRings(routine, given.most, walkedRings(given), (places, leave) => {
    const [available, used, listed] = places;
    const pair = pairs.read(leave, available);
    routine.leaveIf(leave, less(pair.frameBytes, FRAME_BYTES_MIN));
    routine.leaveIf(leave, more(pair.frameBytes, given.last));
    routine.leaveIf(leave, and(load32(pair.headerAt), FLAGS_AND_TYPE));
    routine.store32(listed, pair.frameAt);
    routine.store32(listed, pair.frameBytes, 4);
    routine.store64(used, widened(pair.head));
    bytes.set(add(bytes, pair.frameBytes));
  });
  routine.store32(subtract(given.ownAt, LIST_HEADER_BYTES), bytes);
  return routine.finish(sent);
}

/** The device's rings, and the list of frames. */
function walkedRings(given: Given): readonly [available: Ring, used: Ring, listed: Ring] {
  return [...ringsOf(given), { at: given.ownAt, mask: LIST_MASK, cursor: 0, bytes: LISTED_BYTES }];
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
  readonly #direction: number;
  readonly #chains: IndirectChains;

  constructor(routine: Routine, given: Given, direction: number) {
    this.#routine = routine;
    this.#direction = direction;
    this.#chains = new IndirectChains(routine, given);
  }

  /**
   * As `ChainPair.read`, of the chain that is available there, wherever it is aligned; leaves the
   * loop for any other chain. Its buffer may be empty.
   */
  read(leave: Label, available: Variable): Pair {
    const routine = this.#routine;
    const direction = this.#direction;
    const chains = this.#chains;
    const { head, table } = chains.read(leave, available, 2);
    const first = constant64(HEADER_BYTES, LEADS_TO_ENTRY_1 | direction);
    routine.leaveIf(leave, notEqual64(load64(table, LENGTH_AND_FLAGS), first));
    const secondKind = and(load16(table, DESC_BYTES + FLAGS), KIND);
    routine.leaveIf(leave, direction === 0 ? secondKind : notEqual(secondKind, direction));
    const wideBytes = routine.let64(loadWidened32(table, DESC_BYTES + LENGTH));
    const headerAt = chains.find(leave, load64(table), widened(HEADER_BYTES));
    const frameAt = chains.find(leave, load64(table, DESC_BYTES), wideBytes);
    const frameBytes = routine.let(lowOf(wideBytes));
    chains.leaveIfOnRings(leave, headerAt, HEADER_BYTES);
    chains.leaveIfOnRings(leave, frameAt, frameBytes);
    return { head, headerAt, frameAt, frameBytes };
  }
}
