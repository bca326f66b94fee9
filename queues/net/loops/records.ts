/** Tables in a loop's memory that it searches: records of words, all of one size. */

import type { Label } from '../../../memory/wasm/code.ts';
import {
  add,
  equal,
  type Expression,
  load32,
  shiftLeft,
  type Variable,
} from '../../../memory/wasm/expression.ts';
import type { Routine } from '../../../memory/wasm/routine.ts';

export interface Records {
  readonly at: Variable;
  readonly count: Variable;
  /** Bytes from one to the next: 2 to this power. */
  readonly shift: number;
}

/**
 * Loads the words of the first record of which a condition holds into these variables; leaves the
 * loop where it holds of none.
 */
export function loadRecord(
  routine: Routine,
  leave: Label,
  records: Records,
  holds: (record: Variable) => Expression,
  words: readonly Variable[],
): void {
  const found = routine.let(0);
  routine.countUp(records.count, (number, over) => {
    const record = routine.let(add(records.at, shiftLeft(number, records.shift)));
    routine.when(holds(record), () => found.set(record));
    routine.leaveIf(over, found);
  });
  routine.leaveIf(leave, equal(found, 0));
  for (const [index, word] of words.entries()) word.set(load32(found, index << 2));
}
