/**
 * What the testbed asks of a domain's program, of whichever kind: TypeScript (`image.ts`) or
 * machine code.
 */

import type { ReadonlyRegion } from '../../memory/region.ts';
import type { PdCounters } from './observer.ts';

export interface DomainImage {
  readonly kind: 'program' | 'machine code';
  /** The domain's. */
  readonly name: string;
  /** Over all runs of the domain. */
  readonly counters: PdCounters;
  /** The record that the builder made for the program. */
  readonly config: unknown;
  /**
   * A region as the domain sees it, for inspection from outside.
   * @returns undefined before the domain runs
   */
  inspect(region: string): ReadonlyRegion | undefined;
}
