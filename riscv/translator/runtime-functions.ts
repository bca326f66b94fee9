/**
 * The functions that every module of translated code has besides the text's: what finds runs and
 * entry points, and operations that WebAssembly lacks.
 */

import { Code, type FunctionBody } from '../../memory/wasm/code.ts';
import type { ModuleWriter } from '../../memory/wasm/module.ts';
import { ACCESS, OP, TYPE } from '../../memory/wasm/opcodes.ts';
import { HART } from '../hart.ts';
import { AREA } from './engine-area.ts';
import { ENTRY_BITS } from './entry-points.ts';
import { defineFloatHelpers } from './float-helpers.ts';
import { defineSearch } from './run-caches.ts';
import type { Text } from './text.ts';
import type { Helpers } from './writing.ts';

const { i32, i64, f64 } = TYPE;

/** Of a text's functions: (hart, entry, depth) → pc. */
export const FUNCTION_SIGNATURE = { parameters: [i32, i32, i32], results: [i64] };

export const HOST_MODULE = 'host';
export const FIND_IMPORT = 'find';
export const BULK_IMPORT = 'bulk';
export const DEVICE_IMPORT = 'device';
export const NOW_IMPORT = 'now';
/** The table of a text's functions, which its units share. */
export const TABLE_IMPORT = 'functions';

/** What every module of translated code has besides the text's functions. */
export interface RuntimeFunctions {
  readonly helpers: Helpers;
  /** Number of the function that looks for known runs: see `run-caches.ts`. */
  readonly search: number;
  /** Number of the host's function that does a bulk function: see `bulk-functions.ts`. */
  readonly bulk: number;
  /**
   * Number of the host's function that accesses a device: (hart, pc, its upper half) → whether it
   * has, all being in the hart's block before and behind it.
   */
  readonly device: number;
}

/** Imports what the host gives and defines the rest; the text's functions come behind them. */
export function defineRuntime(module: ModuleWriter, text: Text): RuntimeFunctions {
  const find = module.importFunction(
    HOST_MODULE,
    FIND_IMPORT,
    module.type({ parameters: [i32, i32, i32], results: [i32] }),
  );
  const bulk = module.importFunction(
    HOST_MODULE,
    BULK_IMPORT,
    module.type({ parameters: [i32, i32], results: [i32] }),
  );
  const device = module.importFunction(
    HOST_MODULE,
    DEVICE_IMPORT,
    module.type({ parameters: [i32, i32, i32], results: [i32] }),
  );
  const now = module.importFunction(
    HOST_MODULE,
    NOW_IMPORT,
    module.type({ parameters: [], results: [f64] }),
  );
  const unary = module.type({ parameters: [i64], results: [i64] });
  const helpers = {
    dispatch: module.function(
      module.type({ parameters: [i32, i32, i64], results: [i64] }),
      dispatchBody(text, module.type(FUNCTION_SIGNATURE)),
    ),
    nanoseconds: module.function(
      module.type({ parameters: [i32, i32], results: [i64] }),
      nanosecondsBody(now),
    ),
    entryAt: module.function(
      module.type({ parameters: [i32, i64], results: [i32] }),
      entryAtBody(text),
    ),
    mulhu: module.function(module.type({ parameters: [i64, i64], results: [i64] }), mulhuBody()),
    rev8: module.function(unary, rev8Body()),
    orcb: module.function(unary, orcbBody()),
    ...defineFloatHelpers(module),
  };
  const run = module.function(
    module.type({ parameters: [i32, i32], results: [] }),
    runBody(text, module.type(FUNCTION_SIGNATURE)),
  );
  module.exportFunction('run', run);
  return { helpers, search: defineSearch(module, find), bulk, device };
}

/** (hart, depth, pc) → what the function entered at pc returns; pc itself when none is. */
function dispatchBody(text: Text, type: number): FunctionBody {
  const code = new Code(3);
  const [hart, depth, pc] = [0, 1, 2];
  const word = code.local(i32);
  const unknown = code.block();
  findEntry(code, text, { hart, pc, word, unknown });
  code.get(hart);
  putEntry(code, word);
  code.get(depth);
  putFunction(code, word);
  code.callIndirect(type);
  code.op(OP.return);
  code.end();
  code.get(pc);
  return code.finish();
}

/** (hart, pc) → word of the table of entry points; 0 where there is none. */
function entryAtBody(text: Text): FunctionBody {
  const code = new Code(2);
  const [hart, pc] = [0, 1];
  const word = code.local(i32);
  const unknown = code.block();
  findEntry(code, text, { hart, pc, word, unknown });
  code.get(word);
  code.op(OP.return);
  code.end();
  code.i32(0);
  return code.finish();
}

/**
 * (hart, word): enters by a word of the table of entry points, and again wherever the program goes
 * on inside the text.
 */
function runBody(text: Text, type: number): FunctionBody {
  const code = new Code(2);
  const [hart, word] = [0, 1];
  const pc = code.local(i64);
  const out = code.block();
  const again = code.loop();
  code.get(hart);
  putEntry(code, word);
  code.i32(0);
  putFunction(code, word);
  code.callIndirect(type);
  code.tee(pc);
  code.op(OP.i32WrapI64);
  code.i32(1);
  code.op(OP.i32And);
  code.brIf(out);
  findEntry(code, text, { hart, pc, word, unknown: out });
  code.br(again);
  code.end();
  code.end();
  code.get(hart);
  code.get(pc);
  code.i64(-2);
  code.op(OP.i64And);
  code.access(ACCESS.i64Store, HART.nextPc);
  return code.finish();
}

/** Sets `word` to the entry point at `pc`, or leaves by `unknown`. */
function findEntry(
  code: Code,
  text: Text,
  { hart, pc, word, unknown }: { hart: number; pc: number; word: number; unknown: number },
): void {
  code.get(pc);
  code.i64(text.base);
  code.op(OP.i64Sub);
  code.i64(text.sizeBytes);
  code.op(OP.i64GeU);
  code.brIf(unknown);
  code.get(hart);
  code.access(ACCESS.i32Load, AREA.entryPoints);
  code.get(pc);
  code.i64(text.base);
  code.op(OP.i64Sub);
  code.op(OP.i32WrapI64);
  // A word of 4 bytes for each 2 bytes of text; addresses of instructions are even.
  code.i32(1);
  code.op(OP.i32Shl);
  code.op(OP.i32Add);
  code.access(ACCESS.i32Load, 0);
  code.tee(word);
  code.op(OP.i32Eqz);
  code.brIf(unknown);
}

function putEntry(code: Code, word: number): void {
  code.get(word);
  code.i32(1);
  code.op(OP.i32Sub);
  code.i32((1 << ENTRY_BITS) - 1);
  code.op(OP.i32And);
}

function putFunction(code: Code, word: number): void {
  code.get(word);
  code.i32(1);
  code.op(OP.i32Sub);
  code.i32(ENTRY_BITS);
  code.op(OP.i32ShrU);
}

/** As `HART.clock` says. Who is asked for the time looks at what has been executed so far. */
function nanosecondsBody(now: number): FunctionBody {
  const code = new Code(2);
  const [hart, remaining] = [0, 1];
  const step = code.local(i32);
  code.get(hart);
  code.access(ACCESS.i32Load, HART.clockStep);
  code.tee(step);
  code.i32(0);
  code.op(OP.i32LtS);
  code.if();
  code.get(hart);
  code.get(remaining);
  code.access(ACCESS.i32Store, HART.remaining);
  code.call(now);
  code.op(OP.i64TruncF64U);
  code.op(OP.return);
  code.end();
  code.get(hart);
  code.access(ACCESS.i64Load, HART.clock);
  code.get(remaining);
  code.op(OP.i64ExtendI32U);
  code.get(step);
  code.op(OP.i64ExtendI32U);
  code.op(OP.i64Mul);
  code.op(OP.i64Sub);
  return code.finish();
}

/**
 * By halves: a·b = (ah·bh)<<64 + (ah·bl + al·bh)<<32 + al·bl, with what is carried out of the
 * middle.
 */
function mulhuBody(): FunctionBody {
  const code = new Code(2);
  const low = (local: number): void => {
    code.get(local);
    code.i64(0xffff_ffff);
    code.op(OP.i64And);
  };
  const high = (local: number): void => {
    code.get(local);
    code.i64(32);
    code.op(OP.i64ShrU);
  };
  const middle = code.local(i64);
  const other = code.local(i64);
  high(0);
  low(1);
  code.op(OP.i64Mul);
  low(0);
  low(1);
  code.op(OP.i64Mul);
  code.i64(32);
  code.op(OP.i64ShrU);
  code.op(OP.i64Add);
  code.set(middle);
  low(0);
  high(1);
  code.op(OP.i64Mul);
  low(middle);
  code.op(OP.i64Add);
  code.set(other);
  high(0);
  high(1);
  code.op(OP.i64Mul);
  high(middle);
  code.op(OP.i64Add);
  high(other);
  code.op(OP.i64Add);
  return code.finish();
}

/** Swaps neighbouring bytes, then pairs of bytes, then halves. */
function rev8Body(): FunctionBody {
  const code = new Code(1);
  for (const [shift, low, high] of [
    [8, 0x00ff_00ff, 0x00ff_00ff],
    [16, 0x0000_ffff, 0x0000_ffff],
  ] as const) {
    code.get(0);
    code.i64Halves(low, high);
    code.op(OP.i64And);
    code.i64(shift);
    code.op(OP.i64Shl);
    code.get(0);
    code.i64(shift);
    code.op(OP.i64ShrU);
    code.i64Halves(low, high);
    code.op(OP.i64And);
    code.op(OP.i64Or);
    code.set(0);
  }
  code.get(0);
  code.i64(32);
  code.op(OP.i64Rotl);
  return code.finish();
}

/** The top bit of each byte that is not zero, moved to its bottom, times 255. */
function orcbBody(): FunctionBody {
  const code = new Code(1);
  code.get(0);
  code.i64Halves(0x7f7f_7f7f, 0x7f7f_7f7f);
  code.op(OP.i64And);
  code.i64Halves(0x7f7f_7f7f, 0x7f7f_7f7f);
  code.op(OP.i64Add);
  code.get(0);
  code.op(OP.i64Or);
  code.i64(7);
  code.op(OP.i64ShrU);
  code.i64Halves(0x0101_0101, 0x0101_0101);
  code.op(OP.i64And);
  code.i64(255);
  code.op(OP.i64Mul);
  return code.finish();
}
