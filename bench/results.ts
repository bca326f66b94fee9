/** The JSON that every benchmark prints: flat rows, and on what they were measured. */

import { cpus } from 'node:os';

export interface BenchRow {
  /** Such as `net/echo`. */
  readonly name: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** This figure divided by that of the C program; null where there is none to compare with. */
  readonly ratioToNative: number | null;
  /** What else tells rows apart: `path`, `frame`, `batch`, … */
  readonly [parameter: string]: string | number | null;
}

export interface BenchResults {
  readonly schema: 1;
  readonly node: string;
  readonly cpu: string;
  readonly results: readonly BenchRow[];
}

export function benchResults(results: readonly BenchRow[]): BenchResults {
  const cpu = cpus()[0]?.model.trim() ?? 'unknown';
  return { schema: 1, node: process.version, cpu, results };
}
