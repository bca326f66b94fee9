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
  load16,
  load32,
  load8,
  notBelow,
  notEqual,
  or,
  remainder,
  shiftLeft,
  type Variable,
} from '../../memory/wasm/expression.ts';
import { ModuleWriter } from '../../memory/wasm/module.ts';
import { TYPE } from '../../memory/wasm/opcodes.ts';
import { Routine } from '../../memory/wasm/routine.ts';
import { PAYLOAD_AT } from './udp-frame.ts';

/** Words of a target's shape: see `AnswerShape.write`. */
export const SHAPE_WORDS = 8;
const SHAPE_SHIFT = 5;
/** Ethertype, version and header length: the type of service is the server's affair. */
const TYPE_AND_VERSION = 0x00ff_ffff;
/** The halves of a slot's time when it is not in flight: those of the double -1. */
const NOT_IN_FLIGHT_LOW = 0;
const NOT_IN_FLIGHT_HIGH = 0xbff0_0000;

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
export type AnswerLoop = (...given: number[]) => number;

export function answerLoop(pages: number): Uint8Array {
  const module = new ModuleWriter();
  module.importMemory('host', 'memory', pages);
  const routine = new Routine(9);
  const parameter = (index: number): Variable => routine.parameter(index);
  const [listAt, count, frameBytes] = [parameter(0), parameter(1), parameter(2)];
  const [shapesAt, shapes, sentAt] = [parameter(3), parameter(4), parameter(5)];
  const [window, freeAt, freeTail] = [parameter(6), parameter(7), parameter(8)];
  const answered = routine.countUp(count, (index, leave) => {
    const listed = routine.let(add(listAt, shiftLeft(index, 3)));
    const at = routine.let(load32(listed));
    routine.leaveIf(leave, or(and(at, 3), notEqual(load32(listed, 4), frameBytes)));
    const slot = routine.let(bigEndian(at, PAYLOAD_AT + 4));
    routine.leaveIf(leave, notBelow(slot, window));
    const target = choose(equal(shapes, 1), 0, remainder(slot, shapes));
    const shape = routine.let(add(shapesAt, shiftLeft(target, SHAPE_SHIFT)));
    routine.leaveIf(leave, differs(at, shape));
    const time = routine.let(add(sentAt, shiftLeft(slot, 3)));
    const isIdle = and(
      equal(load32(time), NOT_IN_FLIGHT_LOW),
      equal(load32(time, 4), NOT_IN_FLIGHT_HIGH),
    );
    routine.leaveIf(leave, isIdle);
    routine.move64(listed, time);
    routine.store32(time, NOT_IN_FLIGHT_LOW);
    routine.store32(time, NOT_IN_FLIGHT_HIGH, 4);
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

/** As `AnswerShape.matches`, the other way round. */
function differs(at: Variable, shape: Variable): Expression {
  return or(
    or(
      or(notEqual(load32(at, 28), load32(shape, 12)), notEqual(load32(at, 32), load32(shape, 16))),
      notEqual(and(load32(at, 12), TYPE_AND_VERSION), load32(shape)),
    ),
    or(
      or(notEqual(load8(at, 23), load32(shape, 4)), notEqual(load16(at, 26), load32(shape, 8))),
      or(
        notEqual(load16(at, 36), load32(shape, 20)),
        notEqual(load32(at, PAYLOAD_AT), load32(shape, 24)),
      ),
    ),
  );
}

/** The word at a position, highest byte first. */
function bigEndian(at: Variable, offset: number): Expression {
  const upper = or(shiftLeft(load8(at, offset), 24), shiftLeft(load8(at, offset + 1), 16));
  const lower = or(shiftLeft(load8(at, offset + 2), 8), load8(at, offset + 3));
  return or(upper, lower);
}
