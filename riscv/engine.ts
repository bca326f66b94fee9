/** The engines behind one door: who runs a hart says which, and nothing else changes. */

import type { Ram } from '../memory/ram.ts';
import type { AddressSpace } from './address-space.ts';
import { Interpreter } from './interpreter/interpreter.ts';
import { Translations } from './translator/translations.ts';
import { Translator } from './translator/translator.ts';

/** `auto` interprets a hart's first instructions, and translates what goes on. */
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
  /** With so many or fewer instructions to execute, translated code is not entered; for tests of limits. */
  readonly few?: number;
}

export interface Engine {
  /**
   * Executes from `nextPc` on until `remaining` is used up or an instruction traps.
   *
   * @returns a member of `EXIT`
   */
  run(): number;
}

/** Instructions, about, after which translation pays: it costs as much as interpreting some of them for each one of the text. */
const INTERPRETED_FIRST = 50_000;

export function createEngine(options: EngineOptions): Engine {
  const { engine, translations = new Translations() } = options;
  const interpreter = new Interpreter(options);
  if (engine === 'interpreter') return interpreter;
  const interpretedFirst = engine === 'auto' ? INTERPRETED_FIRST : 0;
  return new Translator({ ...options, interpreter, translations, interpretedFirst });
}
