/** Replays many traces, and counts. */

import { Ram } from '../../memory/ram.ts';
import { Replay, REPLAY_RAM_BYTES } from './replay.ts';
import type { Divergence, OperationCount, ReplayOptions } from './replay.ts';
import type { Trace } from './trace.ts';

export interface OracleResult {
  readonly traces: number;
  /** Answers, changed slots, logs and states compared. */
  readonly compared: number;
  readonly divergences: readonly Divergence[];
  /** By operation, in alphabetical order. */
  readonly operations: Readonly<Record<string, OperationCount>>;
}

export function replayTraces(
  traces: Iterable<Trace>,
  options: Pick<ReplayOptions, 'fastPath'> = {},
): OracleResult {
  const ram = new Ram({ sizeBytes: REPLAY_RAM_BYTES });
  const divergences: Divergence[] = [];
  const operations = new Map<string, OperationCount>();
  let count = 0;
  for (const trace of traces) {
    const replay = new Replay(trace, ram, options);
    replay.run();
    divergences.push(...replay.divergences);
    addCounts(operations, replay.counts);
    count += 1;
  }
  const sorted = [...operations].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return {
    traces: count,
    compared: sorted.reduce((sum, [, { compared }]) => sum + compared, 0),
    divergences,
    operations: Object.fromEntries(sorted),
  };
}

function addCounts(
  sums: Map<string, OperationCount>,
  counts: ReadonlyMap<string, OperationCount>,
): void {
  for (const [operation, { compared, diverged }] of counts) {
    const sum = sums.get(operation) ?? { compared: 0, diverged: 0 };
    sums.set(operation, sum);
    sum.compared += compared;
    sum.diverged += diverged;
  }
}
