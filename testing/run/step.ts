/** A step of a test that has been read and checked, and what it means that one fails. */

import type { TestRun } from './test-run.ts';

export interface Step {
  /** As it was written, in one line. */
  readonly words: string;
  /** Such as "tests/echo.yaml:12:7". */
  readonly where: string;
  /** What it needs to be recorded; nothing unless told. */
  readonly needs?: 'signals';
  /** Domains may have faulted before it: it says which. */
  readonly allows?: 'faults';
  /** @throws Unmet when what is expected does not come */
  readonly run: (run: TestRun) => void;
}

/** What was expected has not come: the test fails here. */
export class Unmet extends Error {
  override readonly name = 'Unmet';
  readonly expected: string;
  readonly came: readonly string[];

  /** @param came what was seen instead, a line each */
  constructor(expected: string, came: readonly string[]) {
    super(`expected ${expected}`);
    this.expected = expected;
    this.came = came.length === 0 ? ['nothing'] : came;
  }
}
