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

/** @returns an observer that tells this one, and has the same calls */
export function guardedObserver(observer: TestbedObserver): TestbedObserver {
  const { faulted, noted, stirred, lineOf } = observer;
  return {
    log: guarded('log', observer, observer.log),
    ...(faulted === undefined ? {} : { faulted: guarded('faulted', observer, faulted) }),
    ...(noted === undefined ? {} : { noted: guarded('noted', observer, noted) }),
    ...(stirred === undefined ? {} : { stirred: guarded('stirred', observer, stirred) }),
    ...(lineOf === undefined ? {} : { lineOf: guarded('lineOf', observer, lineOf) }),
  };
}

function guarded<Arguments extends readonly unknown[], Result>(
  call: string,
  observer: TestbedObserver,
  tell: (this: TestbedObserver, ...args: Arguments) => Result,
): (...args: Arguments) => Result {
  return (...args) => {
    try {
      return tell.apply(observer, args as never);
    } catch (error) {
      throw error instanceof RunFailure ? error : new ObserverFailure(call, error);
    }
  };
}
