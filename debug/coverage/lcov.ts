/**
 * Coverage as lcov's tracefiles have it, for `genhtml` and editors; source: geninfo(1). Nothing is
 * counted, so a count is 1 or 0. BRDA has a line for each outcome of a branch; of machine code 0 is
 * taken, 1 is not.
 */

import {
  type BranchCoverage,
  type SourceCoverage,
  type Sources,
  sumsOf,
} from './source-coverage.ts';

/** @returns a tracefile as `genhtml` of lcov takes it */
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
  return sorted.flatMap(([, { isReached, outcomes }], block) =>
    outcomes.map(
      (happened, outcome) =>
        `BRDA:${line},${block},${outcome},${isReached ? String(Number(happened)) : '-'}`,
    ),
  );
}

function inOrder<T>(byLine: ReadonlyMap<number, T>): [number, T][] {
  return [...byLine].toSorted(([a], [b]) => a - b);
}
