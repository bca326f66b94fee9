/**
 * How V8 compiles this program. Effective for what is compiled after the calls.
 *
 * The data path is many small functions that call each other: with the standard budget V8 stops
 * inlining in the middle of a batch loop.
 */

import { setFlagsFromString } from 'node:v8';

/**
 * Raises the limits of inlining. Measured, alternating, at 64 bytes and batch 64: 12 to 28 % less
 * time for each packet.
 */
export function inlineDeeply(): void {
  setFlagsFromString('--max-inlined-bytecode-size=1000');
  setFlagsFromString('--max-inlined-bytecode-size-cumulative=3000');
}

/**
 * Has V8 move what is marked as rare in WebAssembly out of the way: machine code that is translated
 * marks its slow paths, and takes a third less time for it (riscv/translator/README.md). Only on
 * Node 20, which is known to have the flag: V8 writes a line to the standard error output for one
 * that it does not have.
 */
export function heedBranchHints(): void {
  if (!process.versions.node.startsWith('20.')) return;
  setFlagsFromString('--experimental-wasm-branch-hinting');
}
