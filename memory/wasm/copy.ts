/**
 * Copies of frames inside a loop. `memory.copy` is a call into the engine, which takes longer than
 * a short frame does.
 */

import { add, below, or, less, subtract } from './expression.ts';
import type { ModuleWriter } from './module.ts';
import { TYPE } from './opcodes.ts';
import { Routine } from './routine.ts';

/** What is moved at once. */
const STEP_BYTES = 16;
/** From here on `memory.copy` is faster. */
const LONG_BYTES = 512;

/**
 * Adds a function `(to, from, lengthBytes)` to a module. The two ranges are the same one, or do not
 * overlap.
 *
 * @returns its number
 */
export function addCopy(module: ModuleWriter): number {
  const routine = new Routine(3);
  const to = routine.parameter(0);
  const from = routine.parameter(1);
  const length = routine.parameter(2);
  const isOther = or(less(length, STEP_BYTES), less(LONG_BYTES, length));
  routine.when(
    isOther,
    () => routine.moveBytes(to, from, length),
    () => copySteps(routine, subtract(length, STEP_BYTES)),
  );
  const signature = { parameters: [TYPE.i32, TYPE.i32, TYPE.i32], results: [] };
  return module.function(module.type(signature), routine.finish());
}

/** Whole steps, and one that ends where the range does: it may move some bytes once more. */
function copySteps(routine: Routine, lastAt: ReturnType<typeof subtract>): void {
  const to = routine.parameter(0);
  const from = routine.parameter(1);
  const last = routine.let(lastAt);
  const lastTo = routine.let(add(to, last));
  const lastFrom = routine.let(add(from, last));
  routine.repeatWhile(below(from, lastFrom), () => {
    routine.move128(to, from);
    to.set(add(to, STEP_BYTES));
    from.set(add(from, STEP_BYTES));
  });
  routine.move128(lastTo, lastFrom);
}
