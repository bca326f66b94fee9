/**
 * What has been executed of source files: lines, functions, and outcomes of branches. It says no
 * more than whether; nothing is counted.
 */

export interface FunctionCoverage {
  readonly line: number;
  isExecuted: boolean;
}

/** Of one place where execution may go several ways. */
export interface BranchCoverage {
  isReached: boolean;
  /** Of each way, in the order of the source or, for machine code, taken and not taken. */
  readonly outcomes: boolean[];
}

/** What is known of one source file. */
export interface SourceCoverage {
  /** By line that has code: whether some of it was executed. */
  readonly lines: Map<number, boolean>;
  /** By name. */
  readonly functions: Map<string, FunctionCoverage>;
  /** By line, and there by a key that is the same in all runs. */
  readonly branches: Map<number, Map<string, BranchCoverage>>;
}

/** By path. */
export type Sources = Map<string, SourceCoverage>;

/** The same as plain data, to be sent from process to process. */
export type PackedSources = readonly PackedSource[];

interface PackedSource {
  readonly path: string;
  readonly lines: readonly (readonly [line: number, isExecuted: boolean])[];
  readonly functions: readonly (readonly [name: string, covered: FunctionCoverage])[];
  readonly branches: readonly (readonly [line: number, key: string, covered: BranchCoverage])[];
}

export function packSources(sources: Sources): PackedSources {
  return [...sources].map(([path, { lines, functions, branches }]) => ({
    path,
    lines: [...lines],
    functions: [...functions],
    branches: [...branches].flatMap(([line, ofLine]) =>
      [...ofLine].map(([key, covered]) => [line, key, covered] as const),
    ),
  }));
}

/** What was executed in either is executed in `sources`. */
export function addPacked(sources: Sources, packed: PackedSources): void {
  for (const { path, lines, functions, branches } of packed) {
    const source = sourceOf(sources, path);
    for (const [line, isExecuted] of lines) addLine(source, line, isExecuted);
    for (const [name, covered] of functions) addFunction(source, name, covered);
    for (const [line, key, covered] of branches) addBranch(source, line, key, covered);
  }
}

/** @returns what is known of a file, begun when nothing is yet */
export function sourceOf(sources: Sources, path: string): SourceCoverage {
  const known = sources.get(path);
  if (known !== undefined) return known;
  const made: SourceCoverage = { lines: new Map(), functions: new Map(), branches: new Map() };
  sources.set(path, made);
  return made;
}

/** Executed once is executed: lines of several runs add up. */
export function addLine({ lines }: SourceCoverage, line: number, isExecuted: boolean): void {
  lines.set(line, lines.get(line) === true || isExecuted);
}

export function addFunction(
  { functions }: SourceCoverage,
  name: string,
  { line, isExecuted }: FunctionCoverage,
): void {
  const known = functions.get(name);
  if (known === undefined) functions.set(name, { line, isExecuted });
  else known.isExecuted ||= isExecuted;
}

export function addBranch(
  { branches }: SourceCoverage,
  line: number,
  key: string,
  { isReached, outcomes }: BranchCoverage,
): void {
  const ofLine = branches.get(line) ?? new Map<string, BranchCoverage>();
  branches.set(line, ofLine);
  const known = ofLine.get(key) ?? { isReached: false, outcomes: outcomes.map(() => false) };
  ofLine.set(key, known);
  known.isReached ||= isReached;
  outcomes.forEach((happened, index) => {
    known.outcomes[index] = known.outcomes[index] === true || happened;
  });
}

/** How many there are, and how many of them were executed. */
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
      for (const branch of ofLine.values()) {
        outcomes += branch.outcomes.length;
        outcomesHit += branch.outcomes.filter(Boolean).length;
      }
    }
  }
  return { lines, linesHit, functions, functionsHit, outcomes, outcomesHit };
}

/** In one line. */
export function coverageSummary(sources: Sources): string {
  const sums = sumsOf(sources.values());
  return (
    `executed are ${sums.linesHit} of ${sums.lines} lines, ` +
    `${sums.functionsHit} of ${sums.functions} functions, ` +
    `${sums.outcomesHit} of ${sums.outcomes} outcomes of branches`
  );
}
