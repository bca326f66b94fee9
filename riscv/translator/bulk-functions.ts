/**
 * Bulk functions in translated code: (hart) → whether the call is done. The fast way is for ranges
 * that the module's cached runs hold and that do not overlap; everything else asks the host, which
 * follows the rule in `../bulk/execute.ts`.
 */

import { Code, type FunctionBody } from '../../memory/wasm/code.ts';
import { ACCESS, OP, TYPE } from '../../memory/wasm/opcodes.ts';
import {
  BULK_NAMES,
  type BulkName,
  CHARGE_EACH,
  CHARGE_SHIFTS,
  MOST_BYTES,
} from '../bulk/functions.ts';
import { HART, SLOT_OF_X } from '../hart.ts';
import type { Cache } from './writing.ts';

/** The cached runs that a bulk function uses. */
export interface BulkCaches {
  readonly to: Cache;
  readonly from: Cache;
}

const HART_LOCAL = 0;
const [A0, A1, A2] = [10, 11, 12] as const;

/**
 * @param host number of the imported function (hart, index in `BULK_NAMES`) → whether it is done
 */
export function bulkBody(name: BulkName, caches: BulkCaches, host: number): FunctionBody {
  const code = new Code(1);
  const bytes = code.local(TYPE.i32);
  const otherwise = code.block();
  // What is used up is not begun: the function's own code says so.
  loadWord(code, HART.remaining);
  code.i32(0);
  code.op(OP.i32LeS);
  code.brIfRarely(otherwise);
  loadX(code, A2);
  code.i64(MOST_BYTES);
  code.op(OP.i64GtU);
  code.brIfRarely(otherwise);
  loadX(code, A2);
  code.op(OP.i32WrapI64);
  code.set(bytes);
  const slow = code.block();
  writeFast(code, name, { caches, bytes, slow });
  code.i32(1);
  code.op(OP.return);
  code.end();
  code.get(HART_LOCAL);
  code.i32(BULK_NAMES.indexOf(name));
  code.call(host);
  code.op(OP.return);
  code.end();
  code.i32(0);
  return code.finish();
}

interface Ranges {
  readonly caches: BulkCaches;
  /** The local with their length. */
  readonly bytes: number;
  readonly slow: number;
}

function writeFast(code: Code, name: BulkName, { caches, bytes, slow }: Ranges): void {
  const to = code.local(TYPE.i32);
  locate(code, { x: A0, cache: caches.to, bytes, slow, position: to });
  if (name === 'memset') {
    code.get(to);
    loadX(code, A1);
    code.op(OP.i32WrapI64);
    code.get(bytes);
    code.memoryFill();
    charge(code, name, bytes);
    return;
  }
  const from = code.local(TYPE.i32);
  locate(code, { x: A1, cache: caches.from, bytes, slow, position: from });
  if (name === 'memcmp') {
    writeCompare(code, { to, from, bytes });
    return;
  }
  putOverlaps(code, { to, from, bytes });
  code.brIfRarely(slow);
  code.get(to);
  code.get(from);
  code.get(bytes);
  code.memoryCopy();
  charge(code, name, bytes);
}

interface Located {
  readonly x: number;
  readonly cache: Cache;
  readonly bytes: number;
  readonly slow: number;
  readonly position: number;
}

/**
 * Sets `position` to where in memory the bytes are that a register points to, or leaves by `slow`.
 */
function locate(code: Code, { x, cache, bytes, slow, position }: Located): void {
  const offset = code.local(TYPE.i64);
  const putOffset = (): void => {
    loadX(code, x);
    code.globalGet(cache.first);
    code.op(OP.i64Sub);
    code.tee(offset);
  };
  putOffset();
  code.globalGet(cache.limit);
  code.op(OP.i64GeU);
  code.ifRarely();
  code.get(HART_LOCAL);
  loadX(code, x);
  code.i32(0);
  code.call(cache.fill);
  code.op(OP.i32Eqz);
  code.brIf(slow);
  putOffset();
  code.op(OP.drop);
  code.end();
  code.get(offset);
  code.get(bytes);
  code.op(OP.i64ExtendI32U);
  code.op(OP.i64Add);
  code.globalGet(cache.limit);
  code.op(OP.i64GtU);
  code.brIfRarely(slow);
  loadX(code, x);
  code.op(OP.i32WrapI64);
  code.globalGet(cache.delta);
  code.op(OP.i32Add);
  code.set(position);
}

interface Positions {
  readonly to: number;
  readonly from: number;
  readonly bytes: number;
}

/**
 * Of two ranges as long as each other: to - from is between -bytes and bytes. Without any bytes,
 * they count as such.
 */
function putOverlaps(code: Code, { to, from, bytes }: Positions): void {
  code.get(to);
  code.get(from);
  code.op(OP.i32Sub);
  code.get(bytes);
  code.op(OP.i32Add);
  code.i32(1);
  code.op(OP.i32Sub);
  code.get(bytes);
  code.i32(1);
  code.op(OP.i32Shl);
  code.i32(1);
  code.op(OP.i32Sub);
  code.op(OP.i32LtU);
}

/**
 * Words of 8 bytes while they are equal, then bytes. Sets a0 to the difference of the first bytes
 * that differ.
 */
function writeCompare(code: Code, { to, from, bytes }: Positions): void {
  const at = code.local(TYPE.i32);
  code.i32(0);
  code.set(at);
  const putPair = (opcode: number): void => {
    for (const start of [to, from]) {
      code.get(start);
      code.get(at);
      code.op(OP.i32Add);
      code.access(opcode, 0);
    }
  };
  const advance = (step: number): void => {
    code.get(at);
    code.i32(step);
    code.op(OP.i32Add);
    code.set(at);
  };
  const putIsBehind = (step: number): void => {
    code.get(at);
    code.i32(step);
    code.op(OP.i32Add);
    code.get(bytes);
    code.op(OP.i32GtU);
  };
  for (const [step, opcode, differs] of [
    [8, ACCESS.i64Load, OP.i64Ne],
    [1, ACCESS.i32Load8U, OP.i32Ne],
  ] as const) {
    const done = code.block();
    const again = code.loop();
    putIsBehind(step);
    code.brIf(done);
    putPair(opcode);
    code.op(differs);
    code.brIf(done);
    advance(step);
    code.br(again);
    code.end();
    code.end();
  }
  code.get(HART_LOCAL);
  code.get(at);
  code.get(bytes);
  code.op(OP.i32LtU);
  code.if(TYPE.i64);
  putPair(ACCESS.i32Load8U);
  code.op(OP.i32Sub);
  code.op(OP.i64ExtendI32S);
  code.else();
  code.i64(0);
  code.end();
  code.access(ACCESS.i64Store, offsetOf(A0));
  charge(code, 'memcmp', at);
}

/** Takes from `remaining` what the function counts as. */
function charge(code: Code, name: BulkName, bytes: number): void {
  code.get(HART_LOCAL);
  loadWord(code, HART.remaining);
  code.i32(CHARGE_EACH);
  code.op(OP.i32Sub);
  code.get(bytes);
  code.i32(CHARGE_SHIFTS[name]);
  code.op(OP.i32ShrU);
  code.op(OP.i32Sub);
  code.access(ACCESS.i32Store, HART.remaining);
}

function loadWord(code: Code, offset: number): void {
  code.get(HART_LOCAL);
  code.access(ACCESS.i32Load, offset);
}

function loadX(code: Code, x: number): void {
  code.get(HART_LOCAL);
  code.access(ACCESS.i64Load, offsetOf(x));
}

function offsetOf(x: number): number {
  return HART.registers + (SLOT_OF_X[x] as number) * 8;
}
