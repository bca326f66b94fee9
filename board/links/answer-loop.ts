/**
 * The generator's loop over a batch of answers, in WebAssembly: what `TrafficGenerator.transmit`
 * does with an answer that an {@link AnswerShape} knows and whose datagram is in flight. It stops
 * in front of anything else, without effect on it.
 *
 * Positions are offsets in RAM and staging.
 */

import {
  add,
  and,
  choose,
  equal,
  type Expression,
  load32,
  notBelow,
  notEqual,
  or,
  remainder,
  rotateLeft,
  shiftLeft,
  type Variable,
} from '../../memory/wasm/expression.ts';
import type { LazyLoop } from '../../memory/lazy-loop.ts';
import { ModuleWriter } from '../../memory/wasm/module.ts';
import { TYPE } from '../../memory/wasm/opcodes.ts';
import { type Ring, walkRings } from '../../memory/wasm/ring-walk.ts';
import { Routine } from '../../memory/wasm/routine.ts';
import {
  and128,
  constant64,
  equal64,
  exclusiveOr128,
  highOf,
  isAnySet,
  load128,
  load64,
  lowOf,
  or128,
} from '../../memory/wasm/wide-expression.ts';
import { PAYLOAD_AT } from './udp-frame.ts';

/**
 * Words of a target's shape, see `AnswerShape.write`: two vectors under masks, and the magic
 * number.
 */
export const SHAPE_WORDS = 32;
const SHAPE_SHIFT = 7;
/** A list is a ring that is never walked to its end. */
const LIST_MASK = 0xff_ffff;
// Bytes in a shape.
const FRONT_MASK = 0;
const FRONT = 16;
const BACK_MASK = 32;
const BACK = 48;
const MAGIC = 64;
/** Where in a frame the vectors begin. */
export const FRONT_AT = 12;
const BACK_AT = 28;
/** A slot's time when it is not in flight: the double -1. */
const NOT_IN_FLIGHT = constant64(0, 0xbff0_0000);

/**
 * Is called with
 *
 * - the list of frames, and how many there are: of those that were answers, the list then has the
 *   times at which their datagrams were sent;
 * - bytes of each answer;
 * - where the shapes of the targets are, and how many;
 * - where it stands when each slot was sent, and how many slots there are;
 * - the ring of free slots, and where in it the next one goes.
 *
 * @returns how many were answers, the first ones of the list
 */
export type AnswerLoop = LazyLoop;

export function answerLoop(pages: number): Uint8Array {
  const module = new ModuleWriter();
  module.importMemory('host', 'memory', pages);
  const routine = new Routine(9);
  const parameter = (index: number): Variable => routine.parameter(index);
  const [listAt, count, frameBytes] = [parameter(0), parameter(1), parameter(2)];
  const [shapesAt, shapes, sentAt] = [parameter(3), parameter(4), parameter(5)];
  const [window, freeAt, freeTail] = [parameter(6), parameter(7), parameter(8)];
  const list: Ring = { at: listAt, mask: LIST_MASK, cursor: 0, bytes: 8 };
  const answered = walkRings(routine, count, [list], ([listed], leave) => {
    const at = routine.let(load32(listed));
    routine.leaveIf(leave, and(at, 3));
    routine.leaveIf(leave, notEqual(load32(listed, 4), frameBytes));
    const mark = routine.let64(load64(at, PAYLOAD_AT));
    const slot = routine.let(bigEndian(routine.let(highOf(mark))));
    routine.leaveIf(leave, notBelow(slot, window));
    const shape = routine.let(shapesAt);
    routine.when(notEqual(shapes, 1), () => {
      shape.set(add(shape, shiftLeft(remainder(slot, shapes), SHAPE_SHIFT)));
    });
    routine.leaveIf(leave, notEqual(lowOf(mark), load32(shape, MAGIC)));
    routine.leaveIf(leave, isAnySet(difference(at, shape)));
    const time = routine.let(add(sentAt, shiftLeft(slot, 3)));
    const sent = routine.let64(load64(time));
    routine.leaveIf(leave, equal64(sent, NOT_IN_FLIGHT));
    routine.store64(listed, sent);
    routine.store64(time, NOT_IN_FLIGHT);
    routine.store32(add(freeAt, shiftLeft(freeTail, 2)), slot);
    freeTail.set(add(freeTail, 1));
    freeTail.set(choose(equal(freeTail, window), 0, freeTail));
  });
  const type = module.type({
    parameters: new Array<number>(9).fill(TYPE.i32),
    results: [TYPE.i32],
  });
  module.exportFunction('land', module.function(type, routine.finish(answered)));
  return module.finish();
}

/** As `AnswerShape.matches`, but for the magic number: the bits that are other ones. */
function difference(at: Variable, shape: Variable): Expression {
  const front = and128(load128(at, FRONT_AT), load128(shape, FRONT_MASK));
  const back = and128(load128(at, BACK_AT), load128(shape, BACK_MASK));
  return or128(
    exclusiveOr128(front, load128(shape, FRONT)),
    exclusiveOr128(back, load128(shape, BACK)),
  );
}

/** The four bytes of a word in the other order. */
function bigEndian(word: Variable): Expression {
  return or(and(rotateLeft(word, 8), 0x00ff_00ff), and(rotateLeft(word, 24), 0xff00_ff00));
}
