/**
 * What always holds between two kernel entries. Tests run this after every step; it costs far more than the step.
 */

import { AssertionFailure } from '../../memory/assert.ts';
import type { KernelState } from '../state.ts';
import { checkCapabilities } from './capabilities.ts';
import type { Census } from './census.ts';
import { checkSpaces } from './spaces.ts';
import { checkThreads } from './threads.ts';

/** @returns what is broken: the number of the invariant (see the README) and where; empty when all is well */
export function brokenInvariants(k: KernelState, census: Census): readonly string[] {
  const broken: string[] = [];
  const report = (invariant: number, what: string): void => {
    broken.push(`invariant ${invariant}: ${what}`);
  };
  const snapshot = census.look(k);
  checkCapabilities(snapshot, report);
  checkThreads(k, snapshot, report);
  checkSpaces(k, snapshot, report);
  return broken;
}

/** @throws AssertionFailure that names everything broken */
export function assertInvariants(k: KernelState, census: Census): void {
  const broken = brokenInvariants(k, census);
  if (broken.length > 0) throw new AssertionFailure(broken.join('; '));
}
