/**
 * Load-reserved, store-conditional and the atomic memory operations (the manual, volume I, chapter
 * "A").
 *
 * A reservation is an address and the value that was there. `sc` succeeds when its address is the
 * one and the memory still holds the value, as QEMU does it; one hart runs at a time, so nothing
 * comes in between. A trap ends a reservation, and so does whoever switches to another thread. They
 * have to be aligned, and device registers take none: as memory they have neither atomicity nor
 * reservability (volume II, "Physical Memory Attributes").
 */

import { EXIT, HART, type Run } from '../hart.ts';
import { OP_OF } from '../operations.ts';
import { type Address, type MemoryAccess, vaddrOf } from './memory.ts';
import type { HartViews } from './views.ts';

const HAS_RESERVATION = HART.hasReservation >> 2;
const RESERVED = HART.reservationAddress >> 2;
const RESERVED_VALUE = HART.reservationValue >> 2;

/** Indices in the hart block. */
export interface AtomicOperands {
  readonly rd: number;
  readonly rs1: number;
  readonly rs2: number;
}

/** @returns 0, or the cause of a trap */
export function executeAtomic(
  hart: HartViews,
  memory: MemoryAccess,
  op: number,
  operands: AtomicOperands,
): number {
  const { x } = hart;
  const isDouble = op >= OP_OF['lr.d'];
  const address = { low: x[operands.rs1] as number, high: x[operands.rs1 + 1] as number };
  const isLoad = op === OP_OF['lr.w'] || op === OP_OF['lr.d'];
  if ((address.low & (isDouble ? 7 : 3)) !== 0) {
    return memory.trap(isLoad ? EXIT.loadMisaligned : EXIT.storeMisaligned, address);
  }
  if (isLoad) return loadReserved(hart, memory, isDouble, operands, address);
  const isConditional = op === OP_OF['sc.w'] || op === OP_OF['sc.d'];
  if (isConditional && !isReserved(hart, address)) {
    finishConditional(hart, operands.rd, false);
    return 0;
  }
  const run = memory.find(address, 'read') && memory.find(address, 'write');
  if (run === undefined) return memory.trap(EXIT.storePage, address);
  if (run.device !== undefined) return memory.trap(EXIT.storeAccess, address);
  const at = placeOf(run, address);
  if (isConditional) storeConditional(hart, at, isDouble, operands);
  else exchange(hart, at, op, operands);
  if (!isConditional) memory.hasAccessed('read', at << 2, isDouble ? 8 : 4);
  memory.hasAccessed('write', at << 2, isDouble ? 8 : 4);
  return 0;
}

function placeOf(run: Run, address: Address): number {
  return (run.at + ((vaddrOf(address) as number) - run.vaddr)) >> 2;
}

function loadReserved(
  hart: HartViews,
  memory: MemoryAccess,
  isDouble: boolean,
  { rd }: AtomicOperands,
  address: Address,
): number {
  const { x, i32 } = hart;
  const run = memory.find(address, 'read');
  if (run === undefined) return memory.trap(EXIT.loadPage, address);
  if (run.device !== undefined) return memory.trap(EXIT.loadAccess, address);
  const at = placeOf(run, address);
  const low = i32[at] as number;
  const high = isDouble ? (i32[at + 1] as number) : low >> 31;
  x[HAS_RESERVATION] = 1;
  x[RESERVED] = address.low;
  x[RESERVED + 1] = address.high;
  x[RESERVED_VALUE] = low;
  x[RESERVED_VALUE + 1] = high;
  x[rd] = low;
  x[rd + 1] = high;
  memory.hasAccessed('read', at << 2, isDouble ? 8 : 4);
  return 0;
}

function isReserved({ x }: HartViews, address: Address): boolean {
  return (
    x[HAS_RESERVATION] === 1 && x[RESERVED] === address.low && x[RESERVED + 1] === address.high
  );
}

/** Whether it succeeds or not, there is no reservation afterwards. */
function storeConditional(
  hart: HartViews,
  at: number,
  isDouble: boolean,
  { rd, rs2 }: AtomicOperands,
): void {
  const { x, i32 } = hart;
  const isUnchanged =
    i32[at] === x[RESERVED_VALUE] && (!isDouble || i32[at + 1] === x[RESERVED_VALUE + 1]);
  if (isUnchanged) {
    i32[at] = x[rs2] as number;
    if (isDouble) i32[at + 1] = x[rs2 + 1] as number;
  }
  finishConditional(hart, rd, isUnchanged);
}

function finishConditional({ x }: HartViews, rd: number, isDone: boolean): void {
  x[HAS_RESERVATION] = 0;
  x[rd] = isDone ? 0 : 1;
  x[rd + 1] = 0;
}

/** An atomic memory operation: the old value goes to rd, and what it and rs2 make to the memory. */
function exchange({ x, i32 }: HartViews, at: number, op: number, operands: AtomicOperands): void {
  const { rd, rs2 } = operands;
  const isDouble = op >= OP_OF['amoswap.d'];
  const old = i32[at] as number;
  const oldHigh = isDouble ? (i32[at + 1] as number) : old >> 31;
  const low = x[rs2] as number;
  // An operation on 32 bits ignores the upper half; extended, it compares like the lower one.
  const high = isDouble ? (x[rs2 + 1] as number) : low >> 31;
  const kind = isDouble ? op - OP_OF['amoswap.d'] : op - OP_OF['amoswap.w'];
  const takesNew = takesOperand(kind, { low: old, high: oldHigh }, { low, high });
  if (kind >= FIRST_COMPARISON) {
    i32[at] = takesNew ? low : old;
    if (isDouble) i32[at + 1] = takesNew ? high : oldHigh;
  } else {
    i32[at] = combined(kind, old, low);
    if (isDouble) i32[at + 1] = combinedHigh(kind, { low: old, high: oldHigh }, { low, high });
  }
  x[rd] = old;
  x[rd + 1] = oldHigh;
}

// The operations are in the table in the order swap, add, xor, and, or, min, max, minu, maxu.
const FIRST_COMPARISON = 5;

function combined(kind: number, old: number, operand: number): number {
  switch (kind) {
    case 0: // swap
      return operand;
    case 1: // add
      return (old + operand) | 0;
    case 2: // xor
      return old ^ operand;
    case 3: // and
      return old & operand;
    default: // or
      return old | operand;
  }
}

function combinedHigh(kind: number, old: Address, operand: Address): number {
  if (kind !== 1) return combined(kind, old.high, operand.high);
  const sum = (old.low + operand.low) | 0;
  return (old.high + operand.high + (sum >>> 0 < old.low >>> 0 ? 1 : 0)) | 0;
}

/** Whether the operand, not the old value, is the minimum or maximum. */
function takesOperand(kind: number, old: Address, operand: Address): boolean {
  const isLowLess = operand.low >>> 0 < old.low >>> 0;
  const isSame = operand.high === old.high;
  const isLess = operand.high < old.high || (isSame && isLowLess);
  const isLessUnsigned = operand.high >>> 0 < old.high >>> 0 || (isSame && isLowLess);
  switch (kind) {
    case 5: // min
      return isLess;
    case 6: // max
      return !isLess;
    case 7: // minu
      return isLessUnsigned;
    default: // maxu
      return !isLessUnsigned;
  }
}
