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
 * Raises them further, for a system that has booted and is to run for long. A packet that is alone
 * in flight meets 120 calls that V8 has not inlined, of 30 to 40 instructions each; then a third
 * as many. V8 compiles most of the data path anew when the first packets come, for it has known the
 * initialiser alone. At the start of a command, these limits would cost a third of its time.
 */
export function inlineWholePaths(): void {
  setFlagsFromString('--max-inlined-bytecode-size-cumulative=10000');
  setFlagsFromString('--max-inlined-bytecode-size-absolute=20000');
  setFlagsFromString('--max-inlined-bytecode-size-small=60');
}

/** What V8 of Node 20 has: so much bytecode a function runs before V8 looks whether it is hot. */
const USUAL_BUDGET_BYTES = 67_584;
/** Enough that what loads modules and boots a system does not count as hot. */
const STARTING_BUDGET_BYTES = 300_000;

/**
 * While a command loads its modules and boots a system, has V8 compile only what runs really often:
 * nearly all that is optimised then is not run again, and V8's own threads compete with this one. A
 * quarter of the processor time of a short command is saved (docs/benchmarks.md). Only on Node 20,
 * as below.
 */
export function compileSparingly(): void {
  setBudget(STARTING_BUDGET_BYTES);
}

/** Arguments for a process of Node that is to begin so: {@link compileAsUsual} ends it, too. */
export function sparingArguments(): readonly string[] {
  return isNode20() ? [budgetFlag(STARTING_BUDGET_BYTES)] : [];
}

/** Ends {@link compileSparingly}: from here on what runs often is the work itself. */
export function compileAsUsual(): void {
  setBudget(USUAL_BUDGET_BYTES);
}

function setBudget(bytes: number): void {
  if (isNode20()) setFlagsFromString(budgetFlag(bytes));
}

function budgetFlag(bytes: number): string {
  return `--interrupt-budget=${bytes}`;
}

/**
 * Has V8 move what is marked as rare in WebAssembly out of the way: machine code that is translated
 * marks its slow paths, and takes a third less time for it (riscv/translator/README.md). Only on
 * Node 20, which is known to have the flag: V8 writes a line to the standard error output for one
 * that it does not have.
 */
export function heedBranchHints(): void {
  if (isNode20()) setFlagsFromString('--experimental-wasm-branch-hinting');
}

function isNode20(): boolean {
  return process.versions.node.startsWith('20.');
}
