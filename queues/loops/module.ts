/**
 * A loop over batches: a module with one function, which is called with the position of its block,
 * how many entries it may move at most, and the cursors of its queues.
 */

import type { Ram } from '../../memory/ram.ts';
import type { FunctionBody } from '../../memory/wasm/code.ts';
import { LazyLoop } from '../../memory/lazy-loop.ts';
import { ModuleWriter } from '../../memory/wasm/module.ts';
import { TYPE } from '../../memory/wasm/opcodes.ts';

/** Its `run` answers how many entries it has moved. */
export type BatchLoop = LazyLoop;

/**
 * @param parameters how many the loop has
 * @returns the bytes of its module, for a memory of so many pages
 */
export function batchModule(
  pages: number,
  parameters: number,
  write: () => FunctionBody,
): Uint8Array {
  const module = new ModuleWriter();
  module.importMemory('host', 'memory', pages);
  const given = new Array<number>(parameters).fill(TYPE.i32);
  const type = module.type({ parameters: given, results: [TYPE.i32] });
  module.exportFunction('run', module.function(type, write()));
  return module.finish();
}

/**
 * @param module see {@link batchModule}; the same one for each loop of its kind
 * @param place takes memory for the loop's block; -1 when there is none
 * @returns the loop and its block; no loop where batches are moved step by step
 */
export function batchLoop(
  ram: Ram,
  module: (pages: number) => Uint8Array,
  place: () => number,
): { readonly loop: BatchLoop | undefined; readonly block: number } {
  const block = ram.batches === 'steps' ? -1 : place();
  if (block < 0) return { loop: undefined, block: 0 };
  return { loop: new LazyLoop(ram, module, 'run'), block };
}
