/**
 * Who is told of a run, and what becomes of one that throws. It is told of things in the middle of
 * somebody's run, a domain's or the monitor's, which it must not fall back on: it ends the run in
 * its own name.
 */

import type { LintEntry } from '../board/lint.ts';
import { RunFailure } from '../memory/assert.ts';
import type { ChildFault } from '../microkit/pd.ts';
import type { MachineProgram } from '../microkit/runtime/machine-program.ts';
import { thrownText } from '../memory/thrown-text.ts';

/**
 * Told of what a person should see. Nothing that it is told changes what the system does; when it
 * throws, that ends the run as an `ObserverFailure`.
 */
export interface TestbedObserver {
  /** One line of debug output of a protection domain, or of the monitor ('monitor'). */
  log(pd: string, line: string): void;
  /** A fault has blocked a protection domain for good. */
  faulted?(pd: string, fault: ChildFault): void;
  /** A driver has broken a rule of a specification for the first time. */
  noted?(entry: LintEntry): void;
  /** A program has done something where nobody had called it: a run that sleeps has more to do. */
  stirred?(): void;
  /** File and line of an address in a domain's image, where they can be found out. */
  lineOf?(program: MachineProgram, address: number): string | undefined;
}

export class ObserverFailure extends RunFailure {
  override readonly name = 'ObserverFailure';
  /** What the observer has thrown. */
  override readonly cause: unknown;

  constructor(call: string, cause: unknown) {
    const what = thrownText(cause);
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
