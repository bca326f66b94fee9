/**
 * Copies of frames inside a loop. `memory.copy` is a call into the engine, which takes longer than
 * a short frame does.
 */

import { add, below, less, subtract, type Variable } from './expression.ts';
import type { Routine } from './routine.ts';
import { load128 } from './wide-expression.ts';

/** What is moved at once. */
const STEP_BYTES = 16;
/** What is moved in a round. */
const ROUND_BYTES = 64;
/** From here on `memory.copy` is faster. */
const LONG_BYTES = 512;

/** Copies bytes. The two ranges are the same one, or do not overlap. */
export function copyBytes(
  routine: Routine,
  to: Variable,
  from: Variable,
  lengthBytes: Variable,
): void {
  routine.when(
    below(subtract(lengthBytes, STEP_BYTES), LONG_BYTES - STEP_BYTES),
    () =>
      routine.when(
        less(ROUND_BYTES, lengthBytes),
        () => copyRounds(routine, to, from, lengthBytes),
        () => copyFew(routine, to, from, lengthBytes),
      ),
    () => routine.moveBytes(to, from, lengthBytes),
  );
}

/** A step or two from the beginning and as many to the end: some bytes are moved twice. */
function copyFew(routine: Routine, to: Variable, from: Variable, lengthBytes: Variable): void {
  const last = routine.let(subtract(lengthBytes, STEP_BYTES));
  const lastTo = routine.let(add(to, last));
  const lastFrom = routine.let(add(from, last));
  routine.when(less(2 * STEP_BYTES, lengthBytes), () => {
    routine.store128(to, load128(from, STEP_BYTES), STEP_BYTES);
    routine.store128(subtract(lastTo, STEP_BYTES), load128(subtract(lastFrom, STEP_BYTES)));
  });
  routine.store128(to, load128(from));
  routine.store128(lastTo, load128(lastFrom));
}

/** Whole rounds, and one that ends where the range does: it may move some bytes once more. */
function copyRounds(routine: Routine, to: Variable, from: Variable, lengthBytes: Variable): void {
  const last = routine.let(subtract(lengthBytes, ROUND_BYTES));
  const at = routine.let(0);
  const copyRound = (): void => {
    const [roundTo, roundFrom] = [routine.let(add(to, at)), routine.let(add(from, at))];
    for (let offset = 0; offset < ROUND_BYTES; offset += STEP_BYTES) {
      routine.store128(roundTo, load128(roundFrom, offset), offset);
    }
  };
  routine.repeat(
    () => {
      copyRound();
      at.set(add(at, ROUND_BYTES));
    },
    below(at, last),
  );
  at.set(last);
  copyRound();
}
