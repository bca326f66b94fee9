/**
 * How V8 compiles this program. The data path is many small functions that call each other: with the standard budget V8
 * stops inlining in the middle of a batch loop. Effective for what is compiled after the call.
 */

import { setFlagsFromString } from 'node:v8';

/** Raises the limits of inlining. Measured, alternating, at 64 bytes and batch 64: 12 to 28 % less time for each packet. */
export function inlineDeeply(): void {
  setFlagsFromString('--max-inlined-bytecode-size=1000');
  setFlagsFromString('--max-inlined-bytecode-size-cumulative=3000');
}
