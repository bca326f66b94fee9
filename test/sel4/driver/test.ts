/** What a test is. */

import type { ThreadStep } from '../../../kernel/system-call.ts';
import type { Environment } from './environment.ts';

/**
 * P portable, T with a timer, M with memory accesses through the page table: see the table of
 * upstream's tests. GAP: our own.
 */
export type TestClass = 'P' | 'T' | 'M' | 'GAP';

export interface Sel4Test {
  /** Upstream's name, or `GAP_…`. */
  readonly name: string;
  readonly class: TestClass;
  /** What it shows, in a few words. */
  readonly description: string;
  /**
   * log2 of the untyped that the process gets; 23 unless told. Larger ones need a machine with more
   * RAM.
   */
  readonly untypedBits?: number;
  /** The body of the test process's first thread; it throws when a check fails. */
  run(env: Environment): ThreadStep<void>;
}
