/**
 * Cached runs of a module. Where a program accesses memory, it accesses the same run nearly always:
 * each place has a cache of its own, so that nothing pushes it out. Places that use `sp` or `gp`
 * share one, the stack or the small data; and so do, by base register and direction, those that a
 * module has too many of. Each cache has a function that fills it from the runs that are known.
 */

import { assert } from '../../memory/assert.ts';
import { Code, type FunctionBody } from '../../memory/wasm/code.ts';
import type { ModuleWriter } from '../../memory/wasm/module.ts';
import { ACCESS, OP, TYPE } from '../../memory/wasm/opcodes.ts';
import { AREA, KNOWN_RUN, KNOWN_RUN_BYTES } from './engine-area.ts';
import type { Cache } from './writing.ts';

const { i32, i64 } = TYPE;
/** The 32 registers, and what bulk functions use. */
const BASES = 34;
const SP = 2;
const GP = 3;
/** Places with a cache of their own. One takes some 200 bytes for each hart, with its function. */
const MOST_SITES = 400;
/** Instead of a base register: the first and the second range of a bulk function. */
export const BULK_BASES = { to: 32, from: 33 } as const;

/**
 * An empty cache begins where no program has addresses, and is larger than any span of accesses
 * that are checked together.
 */
const NOWHERE_HIGH = 0x4000_0000;
const EMPTY_LIMIT = 4096;

/**
 * @param find number of the imported function (hart, low, high) → whether a run has become known
 * that holds the address
 */
export function defineSearch(module: ModuleWriter, find: number): number {
  return module.function(
    module.type({ parameters: [i32, i64, i32, i32], results: [i32] }),
    searchBody(find),
  );
}

/** A place that accesses memory. */
export interface Site {
  readonly number: number;
  readonly span: number;
}

/** The caches that a module's functions ask for. */
export class RunCaches {
  readonly #module: ModuleWriter;
  readonly #search: number;
  readonly #firstFill: number;
  readonly #known = new Array<Cache | undefined>(2 * BASES).fill(undefined);
  readonly #ofSites = { read: new Map<number, Cache>(), write: new Map<number, Cache>() };
  readonly #caches: { readonly cache: Cache; readonly isWrite: boolean }[] = [];

  /**
   * @param search what `defineSearch` gave
   * @param firstFill number that the first function has which `define` will define
   */
  constructor(module: ModuleWriter, search: number, firstFill: number) {
    this.#module = module;
    this.#search = search;
    this.#firstFill = firstFill;
  }

  /**
   * @param site any number that tells the place from others of the module, and how far behind an
   * address it accesses
   */
  cacheOf(base: number, isWrite: boolean, site?: Site): Cache {
    if (site !== undefined && base !== SP && base !== GP) {
      const sites = isWrite ? this.#ofSites.write : this.#ofSites.read;
      const known = sites.get(site.number);
      if (known !== undefined) return known;
      if (this.#ofSites.read.size + this.#ofSites.write.size < MOST_SITES) {
        const made = this.#add(isWrite, site.span);
        sites.set(site.number, made);
        return made;
      }
    }
    const index = base + (isWrite ? BASES : 0);
    return (this.#known[index] ??= this.#add(isWrite, 0));
  }

  /**
   * Defines the functions that fill the caches, behind all those that use them, and exports
   * `forget`.
   */
  define(): void {
    const module = this.#module;
    const type = module.type({ parameters: [i32, i64, i32], results: [i32] });
    for (const { cache, isWrite } of this.#caches) {
      const fill = module.function(type, fillBody(this.#search, cache, isWrite));
      assert(fill === cache.fill, 'functions that fill are defined behind those that call them');
    }
    const caches = this.#caches.map(({ cache }) => cache);
    const forget = module.function(
      module.type({ parameters: [], results: [] }),
      forgetBody(caches),
    );
    module.exportFunction('forget', forget);
  }

  #add(isWrite: boolean, span: number): Cache {
    const module = this.#module;
    const cache = {
      first: module.global(i64),
      limit: module.global(i64),
      delta: module.global(i32),
      at: module.global(i32),
      span,
      fill: this.#firstFill + this.#caches.length,
    };
    this.#caches.push({ cache, isWrite });
    return cache;
  }
}

/** () empties all caches: mappings have changed. */
function forgetBody(caches: readonly Cache[]): FunctionBody {
  const code = new Code(0);
  for (const { first, limit } of caches) {
    code.i64Halves(0, NOWHERE_HIGH);
    code.globalSet(first);
    code.i64(EMPTY_LIMIT);
    code.globalSet(limit);
  }
  return code.finish();
}

/** (hart, address, span) → 1 when a known run holds the addresses; it is in the cache then. */
function fillBody(
  search: number,
  { first, limit, delta, at, span: shortBy }: Omit<Cache, 'fill'>,
  isWrite: boolean,
): FunctionBody {
  const code = new Code(3);
  const [hart, address, span] = [0, 1, 2];
  const run = code.local(i32);
  code.get(hart);
  code.get(address);
  code.get(span);
  code.i32(isWrite ? 1 : 0);
  code.call(search);
  code.tee(run);
  code.op(OP.i32Eqz);
  code.if();
  code.i32(0);
  code.op(OP.return);
  code.end();
  code.get(run);
  code.access(ACCESS.i64Load, KNOWN_RUN.first);
  code.globalSet(first);
  code.get(run);
  code.access(ACCESS.i64Load, KNOWN_RUN.limit);
  code.i64(shortBy);
  code.op(OP.i64Sub);
  code.globalSet(limit);
  code.get(run);
  code.access(ACCESS.i32Load, KNOWN_RUN.delta);
  code.globalSet(delta);
  code.globalGet(delta);
  code.globalGet(first);
  code.op(OP.i32WrapI64);
  code.op(OP.i32Add);
  code.globalSet(at);
  code.i32(1);
  return code.finish();
}

/**
 * (hart, address, span, isWrite) → position of the known run that holds the addresses; 0 when there
 * is none that allows it.
 */
function searchBody(find: number): FunctionBody {
  const code = new Code(4);
  const [hart, address, span, isWrite] = [0, 1, 2, 3];
  const run = code.local(i32);
  const count = code.local(i32);
  const again = code.loop();
  loadField(code, hart, AREA.runs, run);
  loadField(code, hart, AREA.runCount, count);
  const isNew = code.block();
  const next = code.loop();
  code.get(count);
  code.op(OP.i32Eqz);
  code.brIf(isNew);
  putHolds(code, { run, address, span, isWrite });
  code.if();
  code.get(run);
  code.op(OP.return);
  code.end();
  add(code, run, KNOWN_RUN_BYTES);
  add(code, count, -1);
  code.br(next);
  code.end();
  code.end();
  code.get(hart);
  code.get(address);
  code.op(OP.i32WrapI64);
  code.get(address);
  code.i64(32);
  code.op(OP.i64ShrU);
  code.op(OP.i32WrapI64);
  code.call(find);
  code.brIf(again);
  code.end();
  code.i32(0);
  return code.finish();
}

/** Puts on the stack whether a known run holds the addresses and allows the access. */
function putHolds(
  code: Code,
  { run, address, span, isWrite }: { run: number; address: number; span: number; isWrite: number },
): void {
  code.get(address);
  code.get(run);
  code.access(ACCESS.i64Load, KNOWN_RUN.first);
  code.op(OP.i64Sub);
  code.get(run);
  code.access(ACCESS.i64Load, KNOWN_RUN.limit);
  code.get(span);
  code.op(OP.i64ExtendI32U);
  code.op(OP.i64Sub);
  code.op(OP.i64LtU);
  code.get(run);
  code.access(ACCESS.i32Load, KNOWN_RUN.isWritable);
  code.get(isWrite);
  code.op(OP.i32GeS);
  code.op(OP.i32And);
}

function loadField(code: Code, hart: number, offset: number, local: number): void {
  code.get(hart);
  code.access(ACCESS.i32Load, offset);
  code.set(local);
}

function add(code: Code, local: number, value: number): void {
  code.get(local);
  code.i32(value);
  code.op(OP.i32Add);
  code.set(local);
}
