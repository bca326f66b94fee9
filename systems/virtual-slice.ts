/**
 * A run under the virtual clock, in slices: between them whoever drives it has his turn. A slice is
 * always as long as another one, so that where that turn comes is part of no result.
 */

import type { Testbed } from './testbed.ts';

/** Why a run has ended. */
export type Ending = 'time' | 'quiet' | 'interrupted';

export const VIRTUAL_SLICE_NS = 10_000_000;

/**
 * Runs one slice.
 *
 * @param untilNs end of the run, in the testbed's time; `Infinity`: until all is quiet
 * @param sliceNs how long a slice is
 */
export function runVirtualSlice(
  testbed: Testbed,
  untilNs: number,
  sliceNs: number = VIRTUAL_SLICE_NS,
): void {
  testbed.runUntil(virtualSliceEnd(testbed, untilNs, sliceNs));
}

/** @returns when it ends; time in which nothing happens costs nothing, however long it is */
export function virtualSliceEnd(
  testbed: Testbed,
  untilNs: number,
  sliceNs: number = VIRTUAL_SLICE_NS,
): number {
  const nextNs = testbed.nextEventAt();
  const pauseEndNs = nextNs < Infinity ? nextNs : 0;
  return Math.min(Math.max(testbed.now() + sliceNs, pauseEndNs), untilNs);
}

/** @returns why the run is over, unless it goes on */
export function virtualEnding(testbed: Testbed, untilNs: number): Ending | undefined {
  if (testbed.now() >= untilNs) return 'time';
  return testbed.isQuiet ? 'quiet' : undefined;
}
