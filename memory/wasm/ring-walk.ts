/**
 * Walks along several rings side by side. A position that is computed from a cursor for each entry
 * takes four instructions and a mask that is kept; here it takes one, because rings are walked in
 * stretches at whose end one of them begins again.
 */

import type { Label } from './code.ts';
import {
  add,
  and,
  below,
  choose,
  type Expression,
  multiply,
  type Operand,
  shiftLeft,
  subtract,
  type Variable,
} from './expression.ts';
import type { Routine } from './routine.ts';

/** Entries in memory, behind the last of which comes the first. */
export interface Ring {
  /** Where the first entry is. */
  readonly at: Operand;
  /** One less than the number of entries, which is a power of two. */
  readonly mask: Operand;
  /** Number of the entry to begin with; of its bits count those of the mask. */
  readonly cursor: Operand;
  /** Of an entry. */
  readonly bytes: number;
  /** As a stack is emptied: from the cursor down. Up unless told. */
  readonly direction?: 'up' | 'down';
}

/**
 * Runs `body` for one entry of each ring after the other, at most `most` times, unless it leaves.
 *
 * @param body is given where the entries are, in the order of the rings, and the label for
 * `leaveIf`; it changes neither
 * @returns how often it has run to its end
 */
export function walkRings<const Rings extends readonly Ring[]>(
  routine: Routine,
  most: Operand,
  rings: Rings,
  body: (places: Places<Rings>, leave: Label) => void,
): Variable {
  const done = routine.let(0);
  const end = routine.let(0);
  const walked = rings.map((ring) => ({ ring, place: routine.let(0) }));
  routine.once((leave) => {
    routine.repeatWhile(below(done, most), () => {
      end.set(most);
      for (const { ring, place } of walked) enterStretch(routine, ring, { place, done, end });
      routine.repeat(
        () => {
          body(walked.map(({ place }) => place) as Places<Rings>, leave);
          for (const { ring, place } of walked) place.set(add(place, stepOf(ring)));
          done.set(add(done, 1));
        },
        below(done, end),
      );
    });
  });
  return done;
}

type Places<Rings extends readonly Ring[]> = { readonly [Index in keyof Rings]: Variable };

/** Sets the place of the next entry, and ends the stretch where this ring begins again. */
function enterStretch(
  routine: Routine,
  { at, mask, cursor, bytes, direction = 'up' }: Ring,
  { place, done, end }: { readonly [Name in 'place' | 'done' | 'end']: Variable },
): void {
  const isDown = direction === 'down';
  const slot = routine.let(and(isDown ? subtract(cursor, done) : add(cursor, done), mask));
  place.set(add(at, times(slot, bytes)));
  const left = isDown ? add(slot, 1) : subtract(add(mask, 1), slot);
  const last = routine.let(add(done, left));
  end.set(choose(below(last, end), last, end));
}

/** Bytes from one entry to the next. */
function stepOf({ bytes, direction }: Ring): number {
  return direction === 'down' ? -bytes : bytes;
}

function times(slot: Variable, bytes: number): Expression {
  const shift = Math.log2(bytes);
  return Number.isInteger(shift) ? shiftLeft(slot, shift) : multiply(slot, bytes);
}
