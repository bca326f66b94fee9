/**
 * Runs benchmarks part by part, says what runs and how long is left, and goes on when one fails.
 */

import { hostNow } from '../../host/host-time.ts';
import { type BenchRow, type Load, loadNow } from '../results.ts';
import type { Benchmark, BenchPart, BenchSettings } from './benchmark.ts';
import { combineSamples } from './combine.ts';
import {
  measureInChild,
  type PartOutcome,
  type PartRequest,
  plannedSeconds,
} from './part-process.ts';
import { sayTimeLeft, TimeLeft } from './time-left.ts';

export interface SuiteOptions {
  readonly benchmarks: readonly Benchmark[];
  /** `all`, or what was asked for instead. */
  readonly scope: string;
  readonly request: PartRequest;
  readonly onProgress: (line: string) => void;
  readonly onNotice: (line: string) => void;
  /** Parts that have been measured already, such as `net/echo`, and are left out. */
  readonly finished?: readonly string[];
  /** How much longer than planned things take here, for all that is known; 1 unless told. */
  readonly pace?: () => number;
  /** Ends the part that runs, and the run with what there is. */
  readonly signal?: AbortSignal;
  /** Called when a part begins, with a line that says which and how long all will take. */
  readonly onPart: (line: string) => void;
  /** Called with the rows of each benchmark as soon as it has ended. */
  readonly onRows: (
    benchmark: Benchmark,
    rows: readonly BenchRow[],
    loads: Readonly<Record<string, Load>>,
  ) => void | Promise<void>;
}

export interface SuiteOutcome {
  readonly rows: readonly BenchRow[];
  /** One line for each part that has given no figures. */
  readonly failures: readonly string[];
  /** Those whose rows these are. */
  readonly parts: readonly string[];
  /** The machine's load around each. */
  readonly loads: Readonly<Record<string, Load>>;
}

export async function runSuite(options: SuiteOptions): Promise<SuiteOutcome> {
  const { request, signal } = options;
  const isStopped = (): boolean => signal?.aborted === true;
  const benchmarks = unfinished(options);
  const parts = benchmarks.flatMap((benchmark) => benchmark.parts);
  const planned = parts.map((part) => plannedSeconds(part, request));
  const time = new TimeLeft(planned, seconds(), options.pace?.() ?? 1);
  const startedAt = seconds();
  const rows: BenchRow[] = [];
  const failures: string[] = [];
  const done: string[] = [];
  const loads: Record<string, Load> = {};
  const noticed = new Set<string>();
  let index = 0;
  for (const benchmark of benchmarks) {
    const found: BenchRow[] = [];
    for (const part of benchmark.parts) {
      if (isStopped()) break;
      index += 1;
      const which = `${benchmark.name}/${part.name} (${index} of ${parts.length})`;
      options.onPart(`${which}, ${sayTimeLeft(time.left(seconds()))}`);
      const loadBefore = loadNow();
      const outcome = await measure(
        { benchmark: benchmark.name, part, signal },
        {
          ...request,
          onProgress: (line) =>
            options.onProgress(`${which}, ${sayTimeLeft(time.left(seconds()))}: ${line}`),
          onNotice: (line) => {
            if (!noticed.has(line)) options.onNotice(line);
            noticed.add(line);
          },
        },
      );
      if (outcome.kind === 'measured') {
        found.push(...outcome.rows);
        done.push(`${benchmark.name}/${part.name}`);
        loads[`${benchmark.name}/${part.name}`] = [loadBefore, loadNow()];
      } else if (!isStopped()) {
        failures.push(`${benchmark.name}/${part.name}: not measured: ${outcome.reason}`);
      }
      time.next(seconds());
    }
    if (found.length > 0 || !isStopped()) await options.onRows(benchmark, found, loads);
    rows.push(...found);
  }
  if (!isStopped()) rows.push(suiteTime(options, seconds() - startedAt));
  return { rows, failures, parts: done, loads };
}

function unfinished(options: SuiteOptions): readonly Benchmark[] {
  const { benchmarks, finished = [], request } = options;
  const left = benchmarks.map(({ parts, ...benchmark }) => ({
    ...benchmark,
    parts: parts
      .filter(({ quick }) => request.length !== 'quick' || quick !== 'left out')
      .filter(({ name }) => !finished.includes(`${benchmark.name}/${name}`)),
  }));
  return left.filter(({ parts }) => parts.length > 0);
}

async function measure(
  {
    benchmark,
    part,
    signal,
  }: {
    readonly benchmark: string;
    readonly part: BenchPart;
    readonly signal: AbortSignal | undefined;
  },
  settings: BenchSettings,
): Promise<PartOutcome> {
  const pieces = (await part.split?.(settings)) ?? [settings];
  const rows: BenchRow[] = [];
  for (const [index, piece] of pieces.entries()) {
    const which = pieces.length === 1 ? '' : `${index + 1} of ${pieces.length}, `;
    const outcome = await measureInChild(
      { benchmark, part: part.name },
      { ...piece, onProgress: (line) => piece.onProgress(`${which}${line}`) },
      signal,
    );
    if (outcome.kind === 'failed') return outcome;
    rows.push(...outcome.rows);
  }
  return { kind: 'measured', rows: part.split === undefined ? rows : combineSamples(rows) };
}

/** How long it took: the suite has a target of its own. */
function suiteTime(options: SuiteOptions, took: number): BenchRow {
  const figure = Math.round(took * 10) / 10;
  return {
    name: 'suite/time',
    scope: options.scope,
    length: options.request.length,
    unit: 's',
    median: figure,
    min: figure,
    max: figure,
    ratioToNative: null,
  };
}

function seconds(): number {
  return hostNow() / 1e9;
}
