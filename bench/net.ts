/**
 * How fast is the network data path, and how far from C? The whole echo system, with kernel and board, against the same
 * pipeline written as one C program (`native/pipeline.c`): same queues, stages and copies, no isolation.
 *
 * Both run on this machine in one go, alternating, after a warm-up; the figures are medians.
 */

import type { RunCounters } from '../systems/testbed.ts';
import { compileNative, runNative } from './native-program.ts';
import { NetRig } from './net-rig.ts';
import type { BenchRow } from './results.ts';
import { summarise } from './statistics.ts';

export interface NetBenchOptions {
  readonly path: string;
  /** Bytes of a frame, without its check sequence. */
  readonly frames: readonly number[];
  readonly batches: readonly number[];
  /** Samples of each figure. */
  readonly repeat: number;
  /** How long each sample is. */
  readonly sampleNs: number;
  /** Called before each sample, with a line that says what it is. */
  readonly onProgress: (line: string) => void;
  /** Called once when there is nothing to compare with. */
  readonly onNotice: (line: string) => void;
}

const WARM_UP_SAMPLES = 2;

export function benchNet(options: NetBenchOptions): readonly BenchRow[] {
  const native = compileNative('pipeline');
  if ('reason' in native) options.onNotice(`no comparison with C: ${native.reason}`);
  // The C program is the whole pipeline: a ratio of a shorter path to it would compare different work.
  const isSameWork = options.path === '5pd';
  const nativePath = 'path' in native && isSameWork ? native.path : undefined;
  const rows: BenchRow[] = [];
  for (const frame of options.frames) {
    for (const batch of options.batches) {
      rows.push(measure(options, { frame, batch }, nativePath));
    }
  }
  return rows;
}

interface Point {
  readonly frame: number;
  readonly batch: number;
}

function measure(options: NetBenchOptions, point: Point, nativePath: string | undefined): BenchRow {
  const { repeat, sampleNs, path } = options;
  const rig = new NetRig({ path, ...point });
  for (let sample = 0; sample < WARM_UP_SAMPLES; sample += 1) {
    options.onProgress(progress(point, 'warming up'));
    rig.rate(sampleNs);
  }
  const before = rig.counters();
  const answeredBefore = rig.generator.counters.answered;
  const rates: number[] = [];
  const nativeRates: number[] = [];
  for (let sample = 1; sample <= repeat; sample += 1) {
    options.onProgress(progress(point, `${String(sample)} of ${String(repeat)}`));
    if (nativePath !== undefined) nativeRates.push(nativeRate(nativePath, point, sampleNs));
    rates.push(rig.rate(sampleNs));
  }
  const answered = rig.generator.counters.answered - answeredBefore;
  const summary = summarise(rates);
  const native = nativeRates.length === 0 ? undefined : summarise(nativeRates).median;
  return {
    name: 'net/echo',
    path,
    ...point,
    unit: 'packets/s',
    median: Math.round(summary.median),
    min: Math.round(summary.min),
    max: Math.round(summary.max),
    nsPerPacket: round(1e9 / summary.median),
    native: native === undefined ? null : Math.round(native),
    ratioToNative: native === undefined ? null : round(summary.median / native),
    ...workPerPacket(before, rig.counters(), answered),
  };
}

function progress(point: Point, what: string): string {
  return `net: frames of ${String(point.frame)} bytes, batch ${String(point.batch)}: ${what}`;
}

/** What was counted between two looks, for each packet. */
export function workPerPacket(
  before: RunCounters,
  after: RunCounters,
  packets: number,
): Record<string, number> {
  return {
    copies: round((after.copies - before.copies) / packets),
    kernelEntries: round((after.kernel.kernelEntries - before.kernel.kernelEntries) / packets),
    notifications: round(
      (after.kernel.notificationsSent - before.kernel.notificationsSent) / packets,
    ),
    contextSwitches: round(
      (after.kernel.contextSwitches - before.kernel.contextSwitches) / packets,
    ),
  };
}

/** Four significant digits: more than any of these measurements has. */
function round(value: number): number {
  return Number(value.toPrecision(4));
}

/** @returns packets per second */
function nativeRate(path: string, point: Point, sampleNs: number): number {
  const args = [point.frame, point.batch, Math.round(sampleNs / 1e6)].map(String);
  const rate = Number(runNative(path, args));
  if (!(rate > 0)) throw new Error(`${path} ${args.join(' ')} printed no rate`);
  return rate;
}

/** The rows as a table for people. */
export function netTable(rows: readonly BenchRow[]): readonly string[] {
  const header = ['frame', 'batch', 'packets/s', 'ns/packet', 'Gb/s', 'C packets/s', 'of C'];
  const cells = rows.map((row) => [
    String(row['frame']),
    String(row['batch']),
    row.median.toLocaleString('en'),
    String(row['nsPerPacket']),
    ((row.median * Number(row['frame']) * 8) / 1e9).toFixed(2),
    typeof row['native'] === 'number' ? row['native'].toLocaleString('en') : '-',
    row.ratioToNative === null ? '-' : row.ratioToNative.toFixed(3),
  ]);
  const widths = header.map((title, column) =>
    Math.max(title.length, ...cells.map((line) => line[column]?.length ?? 0)),
  );
  return [header, ...cells].map((line) =>
    line.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  '),
  );
}
