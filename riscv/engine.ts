/** The engines behind one door: who runs a hart says which, and nothing else changes. */

import type { Ram } from '../memory/ram.ts';
import type { AddressSpace } from './address-space.ts';
import type { BulkFunction } from './bulk/functions.ts';
import type { CoverageMap } from './coverage/map.ts';
import { Interpreter } from './interpreter/interpreter.ts';
import { Translations } from './translator/translations.ts';
import { type Laziness, Translator } from './translator/translator.ts';

/** `auto` interprets what is executed seldom, and translates what goes on. */
export type EngineKind = 'interpreter' | 'translator' | 'auto';

export interface EngineOptions {
  readonly engine: EngineKind;
  readonly ram: Ram;
  /** Offset in RAM of the hart's block, in the staging area. */
  readonly at: number;
  readonly space: AddressSpace;
  /** Shared by engines whose harts execute the same images. */
  readonly translations?: Translations;
  /** Where functions begin in the text at an address, as far as the host knows. */
  readonly functionStarts?: ((vaddr: number) => readonly number[]) | undefined;
  /**
   * Functions that are done at once, where that is possible, instead of being executed: see
   * `bulk/`.
   */
  readonly bulk?: readonly BulkFunction[] | undefined;
  /**
   * With so many or fewer instructions to execute, translated code is not entered; for tests of
   * limits.
   */
  readonly few?: number;
  /** What is translated when, unless `engine` says it; for tests. */
  readonly laziness?: Laziness;
  /** Functions are executed then, and not done at once. */
  readonly coverage?: EngineCoverage | undefined;
}

export interface EngineCoverage {
  /** Where it is noted what is executed. */
  readonly map: CoverageMap;
  /** Made for a map at the same place; the engine has its own unless told. */
  readonly translations?: Translations | undefined;
}

export interface Engine {
  /**
   * Executes from `nextPc` on until `remaining` is used up or an instruction traps.
   *
   * @returns a member of `EXIT`
   */
  run(): number;
}

/** Everything when it is reached, together with what it calls. */
const AT_ONCE: Laziness = { interpretedFirst: 0, hot: 1, stretch: 1, unit: 1500 };
/**
 * Translating an instruction costs as much as interpreting some hundred: what is translated has
 * been executed about so often. What a domain does once, at its start, stays below the first
 * figure: to look for the functions of a text takes longer.
 */
const WHEN_HOT: Laziness = { interpretedFirst: 200_000, hot: 32, stretch: 1000, unit: 400 };

export function createEngine(options: EngineOptions): Engine {
  if (options.coverage !== undefined) return createCovered(options, options.coverage);
  const { engine, translations = new Translations() } = options;
  const interpreter = new Interpreter({ ...options, coverage: undefined });
  if (engine === 'interpreter') return interpreter;
  return new Translator({ ...options, interpreter, translations, laziness: lazinessOf(options) });
}

function createCovered(options: EngineOptions, { map, ...kept }: EngineCoverage): Engine {
  const parts = { ...options, bulk: [], coverage: map };
  const interpreter = new Interpreter(parts);
  if (options.engine === 'interpreter') return interpreter;
  const { translations = new Translations(map) } = kept;
  return new Translator({ ...parts, interpreter, translations, laziness: lazinessOf(options) });
}

function lazinessOf({ engine, laziness }: EngineOptions): Laziness {
  return laziness ?? (engine === 'auto' ? WHEN_HOT : AT_ONCE);
}
