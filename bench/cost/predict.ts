/**
 * How well does a cost table predict? CPU use of the echo system under the virtual clock against
 * what is published.
 */

import type { RunCosts } from '../../systems/run-costs.ts';
import {
  CYCLES_PER_NS,
  isFitted,
  PUBLISHED,
  PUBLISHED_PATHS,
  type PublishedPath,
} from './published.ts';
import { simulateLoad } from './simulate.ts';

export interface Prediction {
  readonly path: PublishedPath;
  readonly megabits: number;
  /** Whether the table was fitted on this point. */
  readonly fitted: 'yes' | 'no';
  /** Share of one core: predicted, and as published, to two places. */
  readonly cpu: number;
  readonly publishedCpu: number;
  readonly cyclesPerPacket: number;
  readonly publishedCycles: number;
  /**
   * Of the cycles: predicted / published - 1. CPU use is published too coarsely at low loads to
   * say.
   */
  readonly error: number;
  readonly roundTripNs: number;
  readonly answeredShare: number;
}

export interface PredictOptions {
  /** Which of the published loads, in Mb/s; all unless told. */
  readonly megabits?: readonly number[];
  /** Simulated at each point. */
  readonly packets: number;
  readonly onProgress: (line: string) => void;
}

export function predictAll(costs: RunCosts, options: PredictOptions): readonly Prediction[] {
  const { megabits } = options;
  const asked = PUBLISHED.filter((row) => megabits?.includes(row.megabits) ?? true);
  return asked.map((row) => {
    options.onProgress(`CPU use: ${row.path} at ${row.megabits} Mb/s`);
    const { cpu, busyNsPerPacket, roundTripNs, answeredShare } = simulateLoad(
      row,
      costs,
      options.packets,
    );
    const cyclesPerPacket = busyNsPerPacket * CYCLES_PER_NS;
    return {
      path: row.path,
      megabits: row.megabits,
      fitted: isFitted(row) ? 'yes' : 'no',
      cpu,
      publishedCpu: row.cpu,
      cyclesPerPacket,
      publishedCycles: row.cyclesPerPacket,
      error: cyclesPerPacket / row.cyclesPerPacket - 1,
      roundTripNs,
      answeredShare,
    };
  });
}

/**
 * @returns the median of the errors' sizes; of predicted points alone unless told; undefined
 * without any
 */
export function medianError(rows: readonly Prediction[], path?: PublishedPath): number | undefined {
  const errors = rows
    .filter((row) => row.fitted === 'no' && (path === undefined || row.path === path))
    .map(({ error }) => Math.abs(error))
    .toSorted((one, other) => one - other);
  const upper = errors[errors.length >> 1];
  const lower = errors[(errors.length - 1) >> 1];
  return upper === undefined || lower === undefined ? undefined : (upper + lower) / 2;
}

export function predictionLines(rows: readonly Prediction[]): readonly string[] {
  const header = 'path    Mb/s    CPU  published   cycles  published   error';
  return [
    header,
    ...rows.map((row) =>
      [
        row.path.padEnd(6),
        String(row.megabits).padStart(5),
        row.cpu.toFixed(3).padStart(6),
        row.publishedCpu.toFixed(2).padStart(10),
        row.cyclesPerPacket.toFixed(0).padStart(8),
        String(row.publishedCycles).padStart(10),
        percent(row.error).padStart(7),
        row.fitted === 'yes' ? 'fitted' : '',
      ].join(' '),
    ),
  ];
}

export function predictionSummary(rows: readonly Prediction[]): readonly string[] {
  const line = (name: string, path?: PublishedPath): string => {
    const predicted = rows.filter((row) => row.fitted === 'no' && (path ?? row.path) === row.path);
    const worst = predicted.reduce((most, row) => Math.max(most, Math.abs(row.error)), 0);
    const median = medianError(rows, path) ?? 0;
    return `${name.padEnd(6)} ${predicted.length} predicted: median error ${percent(median)}, worst ${percent(worst)}`;
  };
  return [...PUBLISHED_PATHS.map((path) => line(path, path)), line('all')];
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
