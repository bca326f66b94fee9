/**
 * The rounds of an affine loop that need no checks.
 *
 *     rounds = how many stay inside the runs and inside `remaining`
 *     if (rounds > 0)
 *       remaining -= rounds * length
 *       do
 *         the block, its walks unchecked
 *         if it does not go back: remaining += what is left, go on behind the loop
 *       while (--rounds)
 *       go to the loop's head
 *     the block as usual: one round that checks, finds other runs, or leaves
 */

import type { Code } from '../../memory/wasm/code.ts';
import { OP, TYPE } from '../../memory/wasm/opcodes.ts';
import { putLimit } from './access.ts';
import type { AffineLoop, Sum, Walk } from './affine-loops.ts';
import type { Writing } from './writing.ts';

export interface FastLoopLocals {
  /** i32: rounds that are charged and not finished. */
  readonly rounds: number;
  /** i64, of no meaning between instructions. */
  readonly scratch: number;
}

/** Leaves the number of rounds in its local: 0 when not even one is known to stay inside. */
export function writeRounds(
  w: Writing,
  { walks }: AffineLoop,
  { budget, length, locals }: { budget: number; length: number; locals: FastLoopLocals },
): void {
  const { code } = w;
  const { rounds, scratch } = locals;
  code.i32(0);
  code.set(rounds);
  const unknown = code.block();
  code.get(budget);
  code.i32(length);
  code.op(OP.i32LtS);
  code.brIf(unknown);
  const most = code.local(TYPE.i64);
  code.get(budget);
  code.i32(length);
  code.op(OP.i32DivU);
  code.op(OP.i64ExtendI32U);
  code.set(most);
  for (const walk of walks) {
    putOffset(w, walk);
    code.tee(scratch);
    putLimit(code, w.cacheOf(walk.group), walk.group);
    code.op(OP.i64GeU);
    code.brIf(unknown);
    if (walk.step !== 0) {
      putRoundsOf(w, walk, scratch);
      code.set(scratch);
      putLesser(code, most, scratch);
      code.set(most);
    }
  }
  code.get(most);
  code.op(OP.i32WrapI64);
  code.set(rounds);
  code.end();
}

/** Puts how far the first address is from the beginning of the run. */
function putOffset(w: Writing, { base, group }: Walk): void {
  putSum(w, base, group.low);
  w.code.globalGet(w.cacheOf(group).first);
  w.code.op(OP.i64Sub);
}

function putSum(w: Writing, { registers, constant }: Sum, more: number): void {
  w.code.i64(constant + more);
  for (const x of registers) {
    w.get(x);
    w.code.op(OP.i64Add);
  }
}

/** Rounds until the offset reaches the limit, or, walking down, goes below 0. */
function putRoundsOf(w: Writing, walk: Walk, offset: number): void {
  const { code } = w;
  if (walk.step > 0) {
    putLimit(code, w.cacheOf(walk.group), walk.group);
    code.i64(1);
    code.op(OP.i64Sub);
    code.get(offset);
    code.op(OP.i64Sub);
  } else {
    code.get(offset);
  }
  const step = Math.abs(walk.step);
  const shift = Math.log2(step);
  code.i64(Number.isInteger(shift) ? shift : step);
  code.op(Number.isInteger(shift) ? OP.i64ShrU : OP.i64DivU);
  code.i64(1);
  code.op(OP.i64Add);
}

function putLesser(code: Code, a: number, b: number): void {
  code.get(a);
  code.get(b);
  code.get(a);
  code.get(b);
  code.op(OP.i64LtU);
  code.op(OP.select);
}

/** Adds to a local `rounds * length`, times the sign. */
export function writeCharge(
  code: Code,
  budget: number,
  { rounds, length, isBack }: { rounds: number; length: number; isBack: boolean },
): void {
  code.get(budget);
  code.get(rounds);
  code.i32(length);
  code.op(OP.i32Mul);
  code.op(isBack ? OP.i32Add : OP.i32Sub);
  code.set(budget);
}
