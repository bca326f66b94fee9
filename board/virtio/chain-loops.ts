/**
 * What the devices' loops over chains have in common, in WebAssembly: what they are given, the
 * rings that they walk, and where a driver's buffers may lie. They stop in front of whatever is not
 * as a fast driver makes it, without effect on it: that is for the steps in TypeScript.
 *
 * Positions are offsets in RAM.
 */

import type { Label } from '../../memory/wasm/code.ts';
import {
  add,
  below,
  type Expression,
  less,
  load16,
  more,
  type Operand,
  shiftLeft,
  subtract,
  type Variable,
} from '../../memory/wasm/expression.ts';
import type { LazyLoop } from '../../memory/lazy-loop.ts';
import type { Ring } from '../../memory/wasm/ring-walk.ts';
import type { Routine } from '../../memory/wasm/routine.ts';
import {
  above64,
  add64,
  and64,
  below64,
  constant64,
  load64,
  lowOf,
  notEqual64,
  type Operand64,
  subtract64,
  widened,
} from '../../memory/wasm/wide-expression.ts';
import {
  DESC_BYTES,
  VIRTQ_DESC_F_INDIRECT,
  VIRTQ_DESC_F_NEXT,
  VIRTQ_DESC_F_WRITE,
} from './split-ring.ts';

const AVAIL_BYTES = 2;
const USED_BYTES = 8;
const DESC_SHIFT = Math.log2(DESC_BYTES);
/** Byte of the half of a descriptor that is behind its address: length, flags and next. */
export const LENGTH_AND_FLAGS = 8;
/** The flags that say what a descriptor is. */
export const KIND = VIRTQ_DESC_F_NEXT | VIRTQ_DESC_F_WRITE | VIRTQ_DESC_F_INDIRECT;

/** What each loop is given first. */
const GIVEN = {
  /** Descriptor table; entries of the available ring, and of the used ring. */
  descAt: 0,
  availAt: 1,
  usedAt: 2,
  mask: 3,
  /** The device's cursors in both rings. */
  nextAvail: 4,
  nextUsed: 5,
  /** Chains at most. */
  most: 6,
  /** What the device keeps for the loop. */
  ownAt: 7,
  /** The DMA window: see `DmaSpan`. */
  base: 8,
  start: 9,
  end: 10,
  /** Where the rings begin and end in which no buffer may lie. */
  ringsStart: 11,
  ringsEnd: 12,
  /** As each loop has it. */
  last: 13,
} as const;
export const GIVEN_COUNT = Object.keys(GIVEN).length;

export type Given = { readonly [Name in keyof typeof GIVEN]: Variable };

/** Its `run` is called with what `GIVEN` lists, in that order: how many chains it has used. */
export type ChainLoop = LazyLoop;

export function givenOf(routine: Routine): Given {
  const named = Object.entries(GIVEN).map(([name, index]) => [name, routine.parameter(index)]);
  return Object.fromEntries(named) as Given;
}

/** From the device's cursors on. */
export function ringsOf(given: Given): readonly [available: Ring, used: Ring] {
  const { availAt, usedAt, mask, nextAvail, nextUsed } = given;
  return [
    { at: availAt, mask, cursor: nextAvail, bytes: AVAIL_BYTES },
    { at: usedAt, mask, cursor: nextUsed, bytes: USED_BYTES },
  ];
}

/** Finds indirect tables, and what they name. */
export class IndirectChains {
  readonly #routine: Routine;
  readonly #given: Given;
  /** Physical address of the DMA window, and its bytes. */
  readonly #windowPaddr: Variable;
  readonly #windowBytes: Variable;

  constructor(routine: Routine, given: Given) {
    const { base, start, end } = given;
    this.#routine = routine;
    this.#given = given;
    this.#windowPaddr = routine.let64(add64(widened(base), widened(start)));
    this.#windowBytes = routine.let64(widened(subtract(end, start)));
  }

  /**
   * The chain that is available there, wherever its table is aligned; leaves the loop for one
   * without a table of so many descriptors.
   */
  read(
    leave: Label,
    available: Variable,
    descriptors: number,
  ): { readonly head: Variable; readonly table: Variable } {
    const routine = this.#routine;
    const { mask, descAt } = this.#given;
    const head = routine.let(load16(available));
    routine.leaveIf(leave, below(mask, head));
    const ring = routine.let(add(descAt, shiftLeft(head, DESC_SHIFT)));
    const kind = and64(load64(ring, LENGTH_AND_FLAGS), constant64(-1, KIND));
    const tableBytes = descriptors * DESC_BYTES;
    routine.leaveIf(leave, notEqual64(kind, constant64(tableBytes, VIRTQ_DESC_F_INDIRECT)));
    return { head, table: this.find(leave, load64(ring), widened(tableBytes)) };
  }

  /** As `DmaWindow.find`; leaves the loop for a range outside. */
  find(leave: Label, paddr: Expression, lengthBytes: Operand64): Variable {
    const routine = this.#routine;
    const inWindow = routine.let64(subtract64(paddr, this.#windowPaddr));
    routine.leaveIf(leave, above64(inWindow, this.#windowBytes));
    routine.leaveIf(leave, below64(subtract64(this.#windowBytes, inWindow), lengthBytes));
    return routine.let(add(lowOf(inWindow), this.#given.start));
  }

  /**
   * Leaves the loop for what may overlap the rings: the range between the first and the last ring
   * is looked at closely by the steps.
   */
  leaveIfOnRings(leave: Label, at: Variable, lengthBytes: Operand): void {
    const { ringsStart, ringsEnd } = this.#given;
    this.#routine.rarely(less(at, ringsEnd), () => {
      this.#routine.leaveIf(leave, more(add(at, lengthBytes), ringsStart));
    });
  }
}
