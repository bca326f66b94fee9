/**
 * What a workload has found, each with what would excuse it; and what is left when all has been
 * excused.
 */

import type { Excuse } from '../points/point.ts';
import type { Excused, Violation } from './workload.ts';

/** Of one kind at one place, more are not kept. */
const ALIKE_MAX = 10;

export interface Finding {
  readonly oracle: string;
  /** Any of them is enough. */
  readonly excuse: Excuse | readonly Excuse[];
  readonly where: string;
  /** What it did, without who. */
  readonly what: string;
  readonly timeNs: number;
}

export class Findings {
  readonly #found: Finding[] = [];
  readonly #alike = new Map<string, number>();

  add(finding: Finding): void {
    const kind = `${finding.oracle} ${String(finding.excuse)} ${finding.where}`;
    const count = (this.#alike.get(kind) ?? 0) + 1;
    this.#alike.set(kind, count);
    if (count <= ALIKE_MAX) this.#found.push(finding);
  }

  violations(excused: Excused): readonly Violation[] {
    return this.#found
      .filter(({ excuse, where }) => ![excuse].flat().some((each) => excused(each, where)))
      .map(({ oracle, where, what, timeNs }) => ({
        oracle,
        where,
        what: `${where} ${what}`,
        timeNs,
      }));
  }
}
