/**
 * An observer that throws. It is told of things in the middle of somebody's run, a domain's or the
 * monitor's, which it must not fall back on: it ends the run in its own name.
 */

import { RunFailure } from '../memory/assert.ts';
import type { TestbedObserver } from './testbed.ts';

export class ObserverFailure extends RunFailure {
  override readonly name = 'ObserverFailure';
  /** What the observer has thrown. */
  override readonly cause: unknown;

  constructor(call: string, cause: unknown) {
    const what = cause instanceof Error ? cause.message : String(cause);
    super(`the observer's ${call} threw: ${what}`);
    this.cause = cause;
  }
}

/** @returns an observer that tells this one */
export function guardedObserver(observer: TestbedObserver): TestbedObserver {
  return {
    log: (pd, line) => guarded('log', () => observer.log(pd, line)),
    faulted: (pd, fault) => guarded('faulted', () => observer.faulted?.(pd, fault)),
    noted: (entry) => guarded('noted', () => observer.noted?.(entry)),
    stirred: () => guarded('stirred', () => observer.stirred?.()),
    lineOf: (program, address) => guarded('lineOf', () => observer.lineOf?.(program, address)),
  };
}

function guarded<Result>(call: string, tell: () => Result): Result {
  try {
    return tell();
  } catch (error) {
    throw error instanceof RunFailure ? error : new ObserverFailure(call, error);
  }
}
