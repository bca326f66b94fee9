/**
 * Bulk functions in translated code. The fast way is for ranges that the module's cached runs hold
 * and that do not overlap; everything else asks the host, which follows the rule in
 * `../bulk/execute.ts`, or executes the function.
 *
 * Where one is called, the caller tries the fast way with the registers that it has in locals:
 * `BULK_SIGNATURE`. Where one is entered, it tries both ways: (hart) → whether the call is done.
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

const { i32, i64 } = TYPE;

/**
 * (hart, a0, a1, a2, instructions that remain) → what the function counts as; 0 when nothing is
 * done. `memcmp` leaves its result in the hart's block.
 */
export const BULK_SIGNATURE = { parameters: [i32, i64, i64, i64, i32], results: [i32] };

const HART_LOCAL = 0;
const [TO, FROM, LENGTH, REMAINING] = [1, 2, 3, 4] as const;
const [A0, A1, A2] = [10, 11, 12] as const;

/**
 * So many bytes and fewer are moved word by word: to call V8's function for ranges takes as long.
 */
const MOST_BY_WORDS = 256;
const WORD_BYTES = 8;

/** @returns a function that tries the fast way: {@link BULK_SIGNATURE} */
export function bulkBody(name: BulkName, caches: BulkCaches): FunctionBody {
  const code = new Code(BULK_SIGNATURE.parameters.length);
  const bytes = code.local(i32);
  const otherwise = code.block();
  // What is used up is not begun: the function's own code says so.
  code.get(REMAINING);
  code.i32(0);
  code.op(OP.i32LeS);
  code.brIfRarely(otherwise);
  code.get(LENGTH);
  code.i64(MOST_BYTES);
  code.op(OP.i64GtU);
  code.brIfRarely(otherwise);
  code.get(LENGTH);
  code.op(OP.i32WrapI64);
  code.set(bytes);
  writeFast(code, name, { caches, bytes, slow: otherwise });
  code.op(OP.return);
  code.end();
  code.i32(0);
  return code.finish();
}

/**
 * @param fast number of the function that `bulkBody` makes
 * @param host number of the imported function (hart, index in `BULK_NAMES`) → whether it is done
 * @returns (hart) → whether the call is done, the registers being in the hart's block
 */
export function enteredBulkBody(name: BulkName, fast: number, host: number): FunctionBody {
  const code = new Code(1);
  const charge = code.local(i32);
  code.get(HART_LOCAL);
  for (const x of [A0, A1, A2]) {
    code.get(HART_LOCAL);
    code.access(ACCESS.i64Load, offsetOf(x));
  }
  code.get(HART_LOCAL);
  code.access(ACCESS.i32Load, HART.remaining);
  code.call(fast);
  code.tee(charge);
  code.if();
  code.get(HART_LOCAL);
  code.get(HART_LOCAL);
  code.access(ACCESS.i32Load, HART.remaining);
  code.get(charge);
  code.op(OP.i32Sub);
  code.access(ACCESS.i32Store, HART.remaining);
  code.i32(1);
  code.op(OP.return);
  code.end();
  // What is used up is not begun by the host either.
  code.get(HART_LOCAL);
  code.access(ACCESS.i32Load, HART.remaining);
  code.i32(0);
  code.op(OP.i32LeS);
  code.if();
  code.i32(0);
  code.op(OP.return);
  code.end();
  code.get(HART_LOCAL);
  code.i32(BULK_NAMES.indexOf(name));
  code.call(host);
  return code.finish();
}

interface Ranges {
  readonly caches: BulkCaches;
  /** The local with their length. */
  readonly bytes: number;
  readonly slow: number;
}

/** Puts what the function counts as on the stack. */
function writeFast(code: Code, name: BulkName, { caches, bytes, slow }: Ranges): void {
  const to = code.local(i32);
  locate(code, { address: TO, cache: caches.to, bytes, slow, position: to });
  if (name === 'memset') {
    writeSet(code, to, bytes);
    putCharge(code, name, bytes);
    return;
  }
  const from = code.local(i32);
  locate(code, { address: FROM, cache: caches.from, bytes, slow, position: from });
  if (name === 'memcmp') {
    writeCompare(code, { to, from, bytes });
    return;
  }
  putOverlaps(code, { to, from, bytes });
  code.brIfRarely(slow);
  writeCopy(code, { to, from, bytes });
  putCharge(code, name, bytes);
}

interface Located {
  /** The local with the address of the first byte. */
  readonly address: number;
  readonly cache: Cache;
  readonly bytes: number;
  readonly slow: number;
  readonly position: number;
}

/** Sets `position` to where in memory the bytes are, or leaves by `slow`. */
function locate(code: Code, { address, cache, bytes, slow, position }: Located): void {
  const offset = code.local(i64);
  const putOffset = (): void => {
    code.get(address);
    code.globalGet(cache.first);
    code.op(OP.i64Sub);
    code.tee(offset);
  };
  putOffset();
  code.globalGet(cache.limit);
  code.op(OP.i64GeU);
  code.ifRarely();
  code.get(HART_LOCAL);
  code.get(address);
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
  code.get(offset);
  code.op(OP.i32WrapI64);
  code.globalGet(cache.at);
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

function writeCopy(code: Code, { to, from, bytes }: Positions): void {
  code.get(bytes);
  code.i32(MOST_BY_WORDS);
  code.op(OP.i32GtU);
  code.if();
  code.get(to);
  code.get(from);
  code.get(bytes);
  code.memoryCopy();
  code.else();
  writeWords(code, { to, bytes }, (at, isWord) => {
    code.get(from);
    code.get(at);
    code.op(OP.i32Add);
    code.access(isWord ? ACCESS.i64Load : ACCESS.i64Load8U, 0);
  });
  code.end();
}

function writeSet(code: Code, to: number, bytes: number): void {
  code.get(bytes);
  code.i32(MOST_BY_WORDS);
  code.op(OP.i32GtU);
  code.if();
  code.get(to);
  code.get(FROM);
  code.op(OP.i32WrapI64);
  code.get(bytes);
  code.memoryFill();
  code.else();
  const word = code.local(i64);
  code.get(FROM);
  code.i64(0xff);
  code.op(OP.i64And);
  code.i64Halves(0x0101_0101, 0x0101_0101);
  code.op(OP.i64Mul);
  code.set(word);
  writeWords(code, { to, bytes }, () => code.get(word));
  code.end();
}

/**
 * Stores word by word, the last one so that it ends with the range; a range that is shorter than a
 * word byte by byte.
 *
 * @param putValue puts on the stack, as an i64, what belongs at an offset
 */
function writeWords(
  code: Code,
  { to, bytes }: Omit<Positions, 'from'>,
  putValue: (at: number, isWord: boolean) => void,
): void {
  const at = code.local(i32);
  const last = code.local(i32);
  const store = (isWord: boolean): void => {
    code.get(to);
    code.get(at);
    code.op(OP.i32Add);
    putValue(at, isWord);
    code.access(isWord ? ACCESS.i64Store : ACCESS.i64Store8, 0);
  };
  const step = (isWord: boolean): void => {
    code.get(at);
    code.i32(isWord ? WORD_BYTES : 1);
    code.op(OP.i32Add);
    code.tee(at);
    code.get(last);
    code.op(OP.i32LtU);
  };
  code.i32(0);
  code.set(at);
  code.get(bytes);
  code.i32(WORD_BYTES);
  code.op(OP.i32GeU);
  code.if();
  code.get(bytes);
  code.i32(WORD_BYTES);
  code.op(OP.i32Sub);
  code.set(last);
  const words = code.loop();
  store(true);
  step(true);
  code.brIf(words);
  code.end();
  code.get(last);
  code.set(at);
  store(true);
  code.else();
  code.get(bytes);
  code.set(last);
  code.get(bytes);
  code.if();
  const single = code.loop();
  store(false);
  step(false);
  code.brIf(single);
  code.end();
  code.end();
  code.end();
}

/**
 * Words of 8 bytes while they are equal, then bytes. Sets a0 to the difference of the first bytes
 * that differ.
 */
function writeCompare(code: Code, { to, from, bytes }: Positions): void {
  const at = code.local(i32);
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
    [WORD_BYTES, ACCESS.i64Load, OP.i64Ne],
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
  code.if(i64);
  putPair(ACCESS.i32Load8U);
  code.op(OP.i32Sub);
  code.op(OP.i64ExtendI32S);
  code.else();
  code.i64(0);
  code.end();
  code.access(ACCESS.i64Store, offsetOf(A0));
  putCharge(code, 'memcmp', at);
}

/** Puts what the function counts as: see `chargeOf`. */
function putCharge(code: Code, name: BulkName, bytes: number): void {
  code.get(bytes);
  code.i32(CHARGE_SHIFTS[name]);
  code.op(OP.i32ShrU);
  code.i32(CHARGE_EACH);
  code.op(OP.i32Add);
}

function offsetOf(x: number): number {
  return HART.registers + (SLOT_OF_X[x] as number) * 8;
}
