/** Makes one WebAssembly module of a text. */

import { ModuleWriter } from '../../memory/wasm/module.ts';
import { enterable, type EnterableFunction, ENTRY_BITS, entryWords } from './entry-points.ts';
import { planOf } from './function-plan.ts';
import { findFunctions } from './functions.ts';
import { type Callee, writeFunction } from './function-writer.ts';
import { defineRuntime, FUNCTION_SIGNATURE, HOST_MODULE } from './runtime-functions.ts';
import type { Text } from './text.ts';

/** A text that has been translated, for any memory. */
export interface Translation {
  readonly text: Text;
  /** The table of entry points: see `entry-points.ts`. */
  readonly words: Int32Array;
  /** Of each halfword: instructions from the one that begins there to the end of its block; 0 where none is known. */
  readonly ahead: Uint8Array;
  readonly bytes: Uint8Array;
  readonly functions: number;
  readonly instructions: number;
  /** Functions that are left to the interpreter: see `flowGraph`. */
  readonly functionsGivenUp: number;
}

/** Any memory that WebAssembly can have: how large it is, is not compiled in. */
const MOST_PAGES = 65_536;

/** @param hints addresses where functions begin, as far as the host knows */
export function translate(text: Text, hints: readonly number[]): Translation {
  const found = enterable(findFunctions(text, hints)).map((each) => ({
    ...each,
    plan: planOf(each),
  }));
  const functions = found.flatMap(({ plan, ...each }) =>
    plan === undefined ? [] : { ...each, plan },
  );
  const words = entryWords(functions, text.sizeBytes >>> 1, (pc) => text.halfword(pc));
  const module = new ModuleWriter();
  module.importMemory(HOST_MODULE, 'memory', 1, MOST_PAGES);
  const runtime = defineRuntime(module, text);
  const type = module.type(FUNCTION_SIGNATURE);
  const first = module.nextFunction;
  const calleeAt = (pc: number): Callee | undefined => {
    const word = words[text.halfword(pc)] ?? 0;
    if (word === 0) return undefined;
    return {
      functionIndex: first + ((word - 1) >>> ENTRY_BITS),
      entry: (word - 1) & ((1 << ENTRY_BITS) - 1),
    };
  };
  for (const { plan } of functions) {
    module.function(type, writeFunction(plan, { ...runtime, calleeAt }));
  }
  module.table(functions.map((_, index) => first + index));
  return {
    text,
    words,
    ahead: aheadOf(text, functions),
    bytes: module.finish(),
    functions: functions.length,
    instructions: functions.reduce((sum, { guest }) => sum + lengthOf(guest.blocks), 0),
    functionsGivenUp: found.length - functions.length,
  };
}

function lengthOf(blocks: readonly { readonly instructions: readonly unknown[] }[]): number {
  return blocks.reduce((sum, { instructions }) => sum + instructions.length, 0);
}

function aheadOf(text: Text, functions: readonly EnterableFunction[]): Uint8Array {
  const ahead = new Uint8Array(text.sizeBytes >>> 1);
  for (const { guest } of functions) {
    for (const { pc, instructions } of guest.blocks) {
      let at = pc;
      instructions.forEach((instruction, index) => {
        ahead[text.halfword(at)] = instructions.length - index;
        at += instruction.length;
      });
    }
  }
  return ahead;
}
