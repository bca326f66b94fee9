/**
 * What a run has said is wrong in files of one's own: errors of programs, and why one cannot run.
 */

import { placeIn } from '../../engine/own/source-problem.ts';
import type { PageState } from '../page-state.ts';

export interface RunProblem {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly text: string;
}

/** More are the same again and again. */
const PROBLEMS_MAX = 50;
/** An error's text goes on over lines with the places where it was. */
const THROWN = /\n\s+at /;

export function runProblems({
  scenario,
  problem,
  log,
}: Pick<PageState, 'scenario' | 'problem' | 'log'>): readonly RunProblem[] {
  const files = Object.keys(scenario.own?.files ?? {});
  const found = new Map<string, RunProblem>();
  for (const line of problem?.split('\n') ?? []) {
    const place = placeIn(line, files);
    if (place !== undefined) add(found, { ...place, text: line.replace(/^[^ ]+:\d+: /, '') });
  }
  for (const { pd, line } of log) {
    const place = THROWN.test(line) ? placeIn(line, files) : undefined;
    if (place !== undefined) add(found, { ...place, text: `${pd}: ${line.split('\n')[0] ?? ''}` });
  }
  return [...found.values()].slice(0, PROBLEMS_MAX);
}

/** The same again is said once. */
function add(found: Map<string, RunProblem>, problem: RunProblem): void {
  found.set(`${problem.file}:${problem.line}: ${problem.text}`, problem);
}
