/**
 * Coverage as lcov's tracefiles have it, for `genhtml` and editors; source: geninfo(1). Nothing is
 * counted, so a count is 1 or 0. BRDA has two outcomes for each conditional branch: 0 taken, 1 not.
 */

import type { BranchCoverage, SourceCoverage, Sources } from './sources.ts';

export function lcovText(sources: Sources, testName: string): string {
  const paths = [...sources.keys()].toSorted();
  const records = paths.flatMap((path) => [
    `TN:${testName.replaceAll(/\W/g, '_')}`,
    `SF:${path}`,
    ...recordsOf(sources.get(path) as SourceCoverage),
    'end_of_record',
  ]);
  return records.map((line) => `${line}\n`).join('');
}

export interface CoverageSums {
  readonly lines: number;
  readonly linesHit: number;
  readonly functions: number;
  readonly functionsHit: number;
  readonly outcomes: number;
  readonly outcomesHit: number;
}

export function sumsOf(sources: Iterable<SourceCoverage>): CoverageSums {
  let [lines, linesHit, functions, functionsHit, outcomes, outcomesHit] = [0, 0, 0, 0, 0, 0];
  for (const source of sources) {
    lines += source.lines.size;
    linesHit += [...source.lines.values()].filter(Boolean).length;
    functions += source.functions.size;
    functionsHit += [...source.functions.values()].filter((each) => each.isExecuted).length;
    for (const ofLine of source.branches.values()) {
      outcomes += 2 * ofLine.size;
      for (const { isTaken, isNotTaken } of ofLine.values()) {
        outcomesHit += Number(isTaken) + Number(isNotTaken);
      }
    }
  }
  return { lines, linesHit, functions, functionsHit, outcomes, outcomesHit };
}

function recordsOf(source: SourceCoverage): string[] {
  const sums = sumsOf([source]);
  const functions = [...source.functions].toSorted(([, a], [, b]) => a.line - b.line);
  return [
    ...functions.map(([name, { line }]) => `FN:${line},${name}`),
    ...functions.map(([name, { isExecuted }]) => `FNDA:${Number(isExecuted)},${name}`),
    `FNF:${sums.functions}`,
    `FNH:${sums.functionsHit}`,
    ...inOrder(source.branches).flatMap(([line, places]) => branchRecords(line, places)),
    `BRF:${sums.outcomes}`,
    `BRH:${sums.outcomesHit}`,
    ...inOrder(source.lines).map(([line, isExecuted]) => `DA:${line},${Number(isExecuted)}`),
    `LF:${sums.lines}`,
    `LH:${sums.linesHit}`,
  ];
}

function branchRecords(line: number, places: ReadonlyMap<string, BranchCoverage>): string[] {
  const sorted = [...places].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return sorted.flatMap(([, { isReached, isTaken, isNotTaken }], block) =>
    [isTaken, isNotTaken].map(
      (happened, outcome) =>
        `BRDA:${line},${block},${outcome},${isReached ? String(Number(happened)) : '-'}`,
    ),
  );
}

function inOrder<T>(byLine: ReadonlyMap<number, T>): [number, T][] {
  return [...byLine].toSorted(([a], [b]) => a - b);
}
