/**
 * What a workload has found wrong, each finding with the faults that would excuse it; and what
 * remains when all that can be excused has been.
 */

import type { Excuse } from '../points/point.ts';
import type { Excused, Violation } from './workload.ts';

/** More findings of one kind at one place are not kept. */
const ALIKE_MAX = 10;

export interface Finding {
  readonly oracle: string;
  /** Any of them is enough. */
  readonly excuse: Excuse | readonly Excuse[];
  readonly where: string;
  /** Whatever has struck one of them excuses it; `where` alone, unless told. */
  readonly between?: readonly string[];
  /** What happened, without saying to whom. */
  readonly what: string;
  readonly timeNs: number;
}

export class Findings {
  readonly #found: Finding[] = [];
  readonly #alike = new Map<string, number>();

  add(finding: Finding): void {
    const { oracle, excuse, where, between = [] } = finding;
    const kind = [oracle, String(excuse), where, ...between].join(' ');
    const count = (this.#alike.get(kind) ?? 0) + 1;
    this.#alike.set(kind, count);
    if (count <= ALIKE_MAX) this.#found.push(finding);
  }

  violations(excused: Excused): readonly Violation[] {
    const isExcused = ({ excuse, where, between = [where] }: Finding): boolean =>
      [excuse].flat().some((each) => between.some((struck) => excused(each, struck)));
    return this.#found
      .filter((finding) => !isExcused(finding))
      .map(({ oracle, where, what, timeNs }) => ({
        oracle,
        where,
        what: `${where} ${what}`,
        timeNs,
      }));
  }
}
