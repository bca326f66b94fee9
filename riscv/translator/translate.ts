/**
 * The translation of a text, made unit by unit: a WebAssembly module for some of its functions at a
 * time, so that nobody waits for code that is never executed.
 *
 * What functions there are, and where they can be entered, is found out for the whole text at once.
 * The units of one text share a table of functions: a call inside a unit is a direct one, a call to
 * another unit goes through the table of entry points.
 */

import { ModuleWriter } from '../../memory/wasm/module.ts';
import { TYPE } from '../../memory/wasm/opcodes.ts';
import type { BulkName } from '../bulk/functions.ts';
import type { CoverageMap } from '../coverage/map.ts';
import { BULK_SIGNATURE, bulkBody, enteredBulkBody } from './bulk-functions.ts';
import { enterable, type EnterableFunction, ENTRY_BITS, entryWords } from './entry-points.ts';
import { DeviceSites } from './device-sites.ts';
import { type FunctionPlan, planOf } from './function-plan.ts';
import { type Block, findFunctions, type GuestFunction } from './functions.ts';
import { type Callee, writeFunction } from './function-writer.ts';
import { BULK_BASES, RunCaches } from './run-caches.ts';
import {
  defineRuntime,
  FUNCTION_SIGNATURE,
  HOST_MODULE,
  TABLE_IMPORT,
} from './runtime-functions.ts';
import type { Text } from './text.ts';

/** Some functions of a text. */
export interface Unit {
  /** Numbers of its functions: their places in the text's table of functions. */
  readonly functions: readonly number[];
  /** A WebAssembly module. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Any memory that WebAssembly can have: how large it is, is not compiled in. */
const MOST_PAGES = 65_536;
/** Instructions that a unit has at most of functions that are short, or are in others, too. */
const MOST_BESIDES = 700;
const SHORT = 60;
/** Of a function that is in another unit: what is longer takes longer than a call of it. */
const MIDDLING = 500;
const RETURN_ADDRESS = 1;
const ENTRY_MASK = (1 << ENTRY_BITS) - 1;

/** By their addresses. */
export type BulkEntries = ReadonlyMap<number, BulkName>;
const NO_BULK: BulkEntries = new Map();

export class Translation {
  readonly text: Text;
  /** The table of entry points, see `entry-points.ts`, of all functions, translated or not. */
  readonly words: Int32Array;
  /**
   * Of each halfword: instructions from the one that begins there to the end of its block; 0 where
   * none is known.
   */
  readonly ahead: Uint8Array;
  /** Instructions that access devices, as far as that is known. */
  readonly deviceSites = new DeviceSites();
  readonly #bulk: BulkEntries;
  readonly #coverage: CoverageMap | undefined;
  readonly #functions: readonly EnterableFunction[];
  /** Of each halfword where an instruction begins: its function's number + 1. */
  readonly #functionOf: Int32Array;
  /** Of each function: 1 when a unit has it, or none ever will. */
  readonly #isTranslated: Uint8Array;
  #functionsGivenUp = 0;

  /**
   * @param hints addresses where functions begin, as far as the host knows
   * @param bulk functions that are done at once where that is possible
   * @param coverage where it is noted what is executed
   */
  constructor(text: Text, hints: readonly number[], bulk = NO_BULK, coverage?: CoverageMap) {
    const halfwords = text.sizeBytes >>> 1;
    this.text = text;
    this.#bulk = bulk;
    this.#coverage = coverage;
    const isHere = (pc: number): boolean => text.halfword(pc) >= 0;
    const starts = [...hints, ...[...bulk.keys()].filter(isHere)];
    const found = findFunctions(text, starts).map((guest) => withBulkCalls(guest, bulk));
    this.#functions = enterable(found);
    this.words = entryWords(this.#functions, halfwords, (pc) => text.halfword(pc));
    this.ahead = new Uint8Array(halfwords);
    this.#functionOf = new Int32Array(halfwords);
    this.#isTranslated = new Uint8Array(this.#functions.length);
    this.#functions.forEach(({ guest }, index) => this.#mark(guest, index));
  }

  /** Functions of the text. */
  get size(): number {
    return this.#functions.length;
  }

  /** Number of the function that an instruction belongs to; -1 where none is known. */
  functionAt(pc: number): number {
    return (this.#functionOf[this.text.halfword(pc)] ?? 0) - 1;
  }

  /** Functions that are left to the interpreter: see `flowGraph`. */
  get functionsGivenUp(): number {
    return this.#functionsGivenUp;
  }

  /** Whether nothing is left to do for a function. */
  isTranslated(index: number): boolean {
    return this.#isTranslated[index] === 1;
  }

  /** Instructions of a function. */
  lengthOf(index: number): number {
    return this.#functions[index]?.guest.length ?? 0;
  }

  /**
   * Translates a function, and with it those that it calls, and those that they call: the nearest
   * ones first. Short ones, and those it calls that were executed so often that some unit has them,
   * come in any case, so that calls of them are direct ones: see `MOST_BESIDES`.
   *
   * @param most instructions of the others; a function that is longer makes a unit for itself
   */
  translateFrom(index: number, most: number): Unit {
    const chosen = [index];
    const isSeen = new Set(chosen);
    let left = most - this.lengthOf(index);
    let leftBesides = MOST_BESIDES;
    // What is found is appended while this loop runs.
    for (const caller of chosen) {
      for (const callee of this.#calleesOf(caller)) {
        if (isSeen.has(callee)) continue;
        isSeen.add(callee);
        const length = this.lengthOf(callee);
        const isAgain = this.isTranslated(callee) && caller === index && length <= MIDDLING;
        if (length <= leftBesides && (length <= SHORT || isAgain)) {
          leftBesides -= length;
        } else if (length <= left && !this.isTranslated(callee)) {
          left -= length;
        } else {
          continue;
        }
        chosen.push(callee);
      }
    }
    return this.#write(chosen);
  }

  /** Translates functions of a unit anew: more may be known of what they access. */
  translateAgain(functions: readonly number[]): Unit {
    return this.#write(functions);
  }

  /** Translates all functions that no unit has. */
  translateRest(): Unit {
    return this.#write([...this.#functions.keys()].filter((each) => !this.isTranslated(each)));
  }

  /**
   * Copies the entry points of some functions to where translated code finds them: a table that
   * begins at `at`.
   */
  publish(functions: readonly number[], words: Int32Array, at: number): void {
    for (const index of functions) {
      const { guest, entries } = this.#functions[index] as EnterableFunction;
      for (const block of [0, ...entries]) {
        const halfword = this.text.halfword(guest.blocks[block]?.pc ?? 0);
        words[at + halfword] = this.words[halfword] as number;
      }
    }
  }

  #mark({ blocks }: GuestFunction, index: number): void {
    const { text, ahead } = this;
    for (const { pc, instructions } of blocks) {
      let at = text.halfword(pc);
      let left = instructions.length;
      for (const { length } of instructions) {
        ahead[at] = left;
        this.#functionOf[at] = index + 1;
        left -= 1;
        at += length >>> 1;
      }
    }
  }

  /** Functions that begin or are entered where this one calls or goes on. */
  #calleesOf(index: number): number[] {
    const callees: number[] = [];
    for (const { end } of this.#functions[index]?.guest.blocks ?? []) {
      for (const target of ['target' in end ? end.target : -1, 'next' in end ? end.next : -1]) {
        const word = this.words[this.text.halfword(target)] ?? 0;
        if (word !== 0) callees.push((word - 1) >>> ENTRY_BITS);
      }
    }
    return callees;
  }

  /**
   * @returns the plan of a function; undefined when it is left to the interpreter: it has no entry
   * points then
   */
  #planOf(index: number): FunctionPlan | undefined {
    this.#isTranslated[index] = 1;
    const each = this.#functions[index] as EnterableFunction;
    const plan = planOf(each, this.deviceSites);
    if (plan !== undefined) return plan;
    this.#functionsGivenUp += 1;
    for (const block of [0, ...each.entries]) {
      this.words[this.text.halfword(each.guest.blocks[block]?.pc ?? 0)] = 0;
    }
    return undefined;
  }

  #bulkNameOf({ guest }: FunctionPlan): BulkName | undefined {
    return this.#bulk.get(guest.blocks[0]?.pc ?? -1);
  }

  #write(wanted: readonly number[]): Unit {
    const { text, words } = this;
    const planned = wanted.flatMap((index) => {
      const plan = this.#planOf(index);
      return plan === undefined ? [] : { index, plan };
    });
    const chosen = planned.map(({ index }) => index);
    const module = new ModuleWriter();
    module.importMemory(HOST_MODULE, 'memory', 1, MOST_PAGES);
    module.importTable(HOST_MODULE, TABLE_IMPORT, this.size);
    const { helpers, search, bulk, device } = defineRuntime(module, text);
    const type = module.type(FUNCTION_SIGNATURE);
    const entered = new Set(planned.flatMap(({ plan }) => this.#bulkNameOf(plan) ?? []));
    const names = new Set([...entered, ...planned.flatMap(({ plan }) => bulkCallsOf(plan))]);
    const first = module.nextFunction + names.size + entered.size;
    const caches = new RunCaches(module, search, first + chosen.length);
    const bulkFunctions = defineBulk(module, { names, entered, caches, host: bulk });
    const placeOf = new Map(chosen.map((index, place) => [index, first + place]));
    const calleeAt = (pc: number): Callee | undefined => {
      const word = words[text.halfword(pc)] ?? 0;
      if (word === 0) return undefined;
      const functionIndex = placeOf.get((word - 1) >>> ENTRY_BITS);
      return { functionIndex, entry: (word - 1) & ENTRY_MASK };
    };
    for (const { plan, index } of planned) {
      const name = this.#bulkNameOf(plan);
      const atOnce = name === undefined ? undefined : bulkFunctions.entered.get(name);
      const bulkFunction = (called: BulkName): number => bulkFunctions.fast.get(called) as number;
      const around = { helpers, caches, calleeAt, bulkFunction, device, atOnce, index };
      module.function(type, writeFunction(plan, { ...around, coverage: this.#coverage }));
    }
    caches.define();
    for (const [index, place] of placeOf) module.element(index, place);
    return { functions: chosen, bytes: module.finish() };
  }
}

/**
 * Calls of functions that are done at once, but for those that have a result, and those that leave
 * their return address where the function does not look for it.
 */
function withBulkCalls(guest: GuestFunction, bulk: BulkEntries): GuestFunction {
  const blocks = guest.blocks.map((block): Block => {
    const { end, instructions } = block;
    if (end.kind !== 'call' || instructions.at(-1)?.rd !== RETURN_ADDRESS) return block;
    const name = bulk.get(end.target);
    if (name === undefined || name === 'memcmp') return block;
    return { ...block, end: { ...end, kind: 'bulkCall', name } };
  });
  return { ...guest, blocks };
}

function bulkCallsOf({ guest }: FunctionPlan): BulkName[] {
  return guest.blocks.flatMap(({ end }) => (end.kind === 'bulkCall' ? [end.name] : []));
}

interface BulkParts {
  /** Those that are called, or entered. */
  readonly names: ReadonlySet<BulkName>;
  readonly entered: ReadonlySet<BulkName>;
  readonly caches: RunCaches;
  readonly host: number;
}

interface BulkNumbers {
  /** Of functions that try the fast way, for callers. */
  readonly fast: ReadonlyMap<BulkName, number>;
  /** Of those that try all, for the functions themselves. */
  readonly entered: ReadonlyMap<BulkName, number>;
}

function defineBulk(
  module: ModuleWriter,
  { names, entered, caches, host }: BulkParts,
): BulkNumbers {
  const fast = new Map<BulkName, number>();
  const type = module.type(BULK_SIGNATURE);
  for (const name of names) {
    const to = caches.cacheOf(BULK_BASES.to, name !== 'memcmp');
    const from = caches.cacheOf(BULK_BASES.from, false);
    fast.set(name, module.function(type, bulkBody(name, { to, from })));
  }
  const enteredType = module.type({ parameters: [TYPE.i32], results: [TYPE.i32] });
  const tried = new Map<BulkName, number>();
  for (const name of entered) {
    const body = enteredBulkBody(name, fast.get(name) as number, host);
    tried.set(name, module.function(enteredType, body));
  }
  return { fast, entered: tried };
}
