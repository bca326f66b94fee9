/**
 * One point of the block benchmark: a load on a disk, measured, and what its requests cost beside
 * time.
 */

import type { RunCounters } from '../../systems/testbed.ts';
import { type BlkLoad, BlkRig, type BlkRigOptions } from '../blk-rig.ts';
import type { BenchRow } from '../results.ts';
import { alternate, comparisonFields, type Worker } from '../slices.ts';
import { round, type Summary, summarise } from '../statistics.ts';
import type { BenchLength, BenchSettings } from '../suite/benchmark.ts';

export const KIB = 1024;

export interface Point {
  /** `blk/` and fio's word for the pattern. */
  readonly name: string;
  readonly load: BlkLoad;
  readonly backend: 'memory' | 'file';
}

/** What a point is compared with, in turns. */
export interface Comparison {
  readonly with: string;
  readonly worker: Worker;
  /** By which time: see `slices.ts`. */
  readonly by: 'cpu' | 'wall';
}

export const RANDOM_READ = { order: 'random', readPercent: 100, requestBytes: 4 * KIB } as const;

/** By fio's names, and mixed: seven of ten read. */
export const PATTERNS: Readonly<Record<string, Pick<BlkLoad, 'order' | 'readPercent'>>> = {
  'blk/randread': { order: 'random', readPercent: 100 },
  'blk/randwrite': { order: 'random', readPercent: 0 },
  'blk/randrw': { order: 'random', readPercent: 70 },
  'blk/seqread': { order: 'sequential', readPercent: 100 },
  'blk/seqwrite': { order: 'sequential', readPercent: 0 },
};

/**
 * On a busy machine the engine compiles late: a warm-up is over when enough has been done, not when
 * time has passed.
 */
const WARM_UP_REQUESTS: Readonly<Record<BenchLength, number>> = {
  smoke: 200,
  quick: 15_000,
  full: 100_000,
};
const WARM_UP_SAMPLES_MAX = 20;

export async function measurePoint(
  settings: BenchSettings,
  point: Point,
  options: { readonly path: string; readonly comparison?: Comparison; readonly warmUp?: number },
): Promise<BenchRow> {
  const { comparison, warmUp = WARM_UP_REQUESTS[settings.length] } = options;
  const { repeat, sampleNs } = settings;
  const backend: BlkRigOptions['backend'] =
    point.backend === 'memory' ? { kind: 'memory' } : { kind: 'file', path: options.path };
  const rig = new BlkRig({ loads: [point.load], backend });
  const say = (what: string): void => settings.onProgress(`${describePoint(point)}: ${what}`);
  for (let sample = 0; sample < WARM_UP_SAMPLES_MAX; sample += 1) {
    say('warming up');
    await rig.rates(sampleNs);
    if (answered(rig.counters()) >= warmUp) break;
  }
  const before = rig.counters();
  const onSample = (sample: number): void => say(`${sample} of ${repeat}`);
  let row: BenchRow;
  if (comparison === undefined) {
    const rates: number[] = [];
    for (let sample = 1; sample <= repeat; sample += 1) {
      onSample(sample);
      rates.push((await rig.rates(sampleNs))[0] as number);
    }
    row = rowOf(point, summarise(rates));
  } else {
    const plan = { repeat, sampleNs, ratioBy: comparison.by, onSample };
    const series = await alternate(rig, comparison.worker, plan);
    const own = rowOf(point, summarise(series.rates));
    const compared = inUnit(point.load, summarise(series.otherRates).median);
    const figures = { ours: own.median, other: compared };
    row = {
      ...own,
      comparedWith: comparison.with,
      compared,
      ...comparisonFields(series, figures, (rate) => inUnit(point.load, rate)),
    };
  }
  const after = rig.counters();
  await rig.close();
  return { ...row, ...work(before, after) };
}

/** @param rates requests per second */
export function rowOf(
  point: Omit<Point, 'backend'> & { readonly backend: string },
  rates: Summary,
): BenchRow {
  const { name, load } = point;
  return {
    name,
    block: load.requestBytes,
    depth: load.depth,
    backend: point.backend,
    unit: load.order === 'sequential' ? 'MB/s' : 'IOPS',
    median: inUnit(load, rates.median),
    min: inUnit(load, rates.min),
    max: inUnit(load, rates.max),
    iops: Math.round(rates.median),
    mbPerSecond: round((rates.median * load.requestBytes) / 1e6),
    nsPerRequest: round(1e9 / rates.median),
    ratioToNative: null,
  };
}

/** Sequential loads are measured in bytes, random ones in requests. */
function inUnit(load: BlkLoad, rate: number): number {
  return Math.round(load.order === 'sequential' ? (rate * load.requestBytes) / 1e6 : rate);
}

/** Per request. */
function work(before: RunCounters, after: RunCounters): Record<string, number> {
  const requests = answered(after) - answered(before);
  const each = (from: number, to: number): number => round((to - from) / Math.max(1, requests));
  return {
    copies: each(before.copies, after.copies),
    kernelEntries: each(before.kernel.kernelEntries, after.kernel.kernelEntries),
    notifications: each(before.kernel.notificationsSent, after.kernel.notificationsSent),
    contextSwitches: each(before.kernel.contextSwitches, after.kernel.contextSwitches),
  };
}

export function answered(counters: RunCounters): number {
  return counters.programs['client0']?.['requests'] ?? 0;
}

export function describePoint({ name, load, backend }: Point): string {
  return `${name}: ${load.requestBytes / KIB} KiB, depth ${load.depth}, ${backend}`;
}
