/**
 * Two programs in turns of some milliseconds, over and over: what a ratio of their speeds rests on.
 *
 * The speed of a machine that others use changes by half from one second to the next. Slices beside
 * each other give both programs the same chances; which goes first changes from pair to pair, so
 * that a machine that gets slower favours neither.
 *
 * A ratio is that of undisturbed speeds: what each does in its fastest slice of a sample. A
 * neighbour takes caches and execution units, which can only make a slice slower, and it slows the
 * two unequally: the testbed, whose code is larger, by up to 1.6 where C loses 1.1. A median of
 * ratios says how busy the neighbours were; with fastest slices, the same programs give the same
 * ratio. What a program does rarely (collecting garbage) is not in such a ratio; the median rate
 * has it. So a row has both, each beside the two speeds that it is the quotient of.
 *
 * Slices are counted in processor time: one that others have interrupted goes on until it has had
 * its time, and for the ratio it counts by the time it had.
 */

import { cpuUsage } from 'node:process';
import { hostNow } from '../host/host-time.ts';
import { assert } from '../memory/assert.ts';
import { round, summarise } from './statistics.ts';

/** What has been done in a slice: packets, requests. */
export interface Slice {
  readonly done: number;
  readonly wallNs: number;
  /** Processor time of the process that worked, all of its threads. */
  readonly cpuNs: number;
}

export interface Worker {
  /** Works for about this long. */
  slice(sliceNs: number): Promise<Slice>;
}

export interface SlicePlan {
  /** Samples of each figure. */
  readonly repeat: number;
  /** How long each sample is, about: see {@link slicesOf}. */
  readonly sampleNs: number;
  /**
   * By which time the ratio is taken; `wall` where one of the two has work done by other threads or
   * processes. `cpu` unless told.
   */
  readonly ratioBy?: 'cpu' | 'wall';
  /** Called before each sample, from 1. */
  readonly onSample: (sample: number) => void;
}

export interface SliceSeries {
  /** Done in a second of wall time, one for each sample. */
  readonly rates: readonly number[];
  /** The same of processor time: what a busy machine bends less. */
  readonly cpuRates: readonly number[];
  readonly otherRates: readonly number[];
  /** Of undisturbed speeds, one for each sample; and those speeds, done in a second. */
  readonly ratios: readonly number[];
  readonly undisturbed: readonly number[];
  readonly otherUndisturbed: readonly number[];
  /** One for each pair of slices. */
  readonly pairRatios: readonly number[];
}

/** Long enough for thousands of packets, short enough to fall between two disturbances. */
const SLICE_NS = { min: 5_000_000, max: 10_000_000 };
/** Enough for some of them to be undisturbed. */
const SLICES_MIN = 20;
/** Runs before each slice and is not counted: the other one has had the caches. */
const LEAD_SHARE = 0.1;
/** As in native/slices.h. */
const STRETCH_MAX = 8;
const MISSING_MAX = 0.1;
/** A worker that does nothing is our bug, and must not hang whoever measures. */
const PATIENCE_NS = 300_000_000_000;

/**
 * @returns how long a slice is, and how many a sample has: more than fit into it where it is short,
 * but one in a smoke run
 */
export function slicesOf(sampleNs: number): { readonly sliceNs: number; readonly count: number } {
  if (sampleNs < SLICE_NS.min) return { sliceNs: sampleNs, count: 1 };
  const sliceNs = Math.min(Math.max(sampleNs / SLICES_MIN, SLICE_NS.min), SLICE_NS.max);
  return { sliceNs, count: Math.max(SLICES_MIN, Math.round(sampleNs / sliceNs)) };
}

export async function alternate(
  ours: Worker,
  other: Worker,
  plan: SlicePlan,
): Promise<SliceSeries> {
  const samples: Pairs[] = [];
  for (let sample = 1; sample <= plan.repeat; sample += 1) {
    plan.onSample(sample);
    samples.push(await takePairs(ours, other, plan.sampleNs));
  }
  const by = plan.ratioBy ?? 'cpu';
  return {
    rates: samples.map((pairs) => meanRate(ofSide(pairs, 0), 'wall')),
    cpuRates: samples.map((pairs) => meanRate(ofSide(pairs, 0), 'cpu')),
    otherRates: samples.map((pairs) => meanRate(ofSide(pairs, 1), 'wall')),
    ratios: samples.map((pairs) => undisturbedRatio(pairs, by)),
    undisturbed: samples.map((pairs) => fastest(pairs, 0, by) * 1e9),
    otherUndisturbed: samples.map((pairs) => fastest(pairs, 1, by) * 1e9),
    pairRatios: samples.flat().map(([one, another]) => speed(one, by) / speed(another, by)),
  };
}

/** Two slices beside each other, ours first. */
export type Pairs = readonly (readonly [Slice, Slice])[];

async function takePairs(ours: Worker, other: Worker, sampleNs: number): Promise<Pairs> {
  const { sliceNs, count } = slicesOf(sampleNs);
  const pairs: (readonly [Slice, Slice])[] = [];
  for (let pair = 0; pair < count; pair += 1) {
    if (pair % 2 === 0) {
      pairs.push(await takeTurns([ours, other], sliceNs));
    } else {
      const [first, second] = await takeTurns([other, ours], sliceNs);
      pairs.push([second, first]);
    }
  }
  return pairs;
}

async function takeTurns(
  [first, second]: readonly [Worker, Worker],
  sliceNs: number,
): Promise<readonly [Slice, Slice]> {
  return [await warmSlice(first, sliceNs), await warmSlice(second, sliceNs)];
}

async function warmSlice(worker: Worker, sliceNs: number): Promise<Slice> {
  await worker.slice(sliceNs * LEAD_SHARE);
  return worker.slice(sliceNs);
}

function ofSide(pairs: Pairs, side: 0 | 1): readonly Slice[] {
  return pairs.map((pair) => pair[side]);
}

function meanRate(slices: readonly Slice[], by: 'cpu' | 'wall'): number {
  const sum = (figure: (slice: Slice) => number): number =>
    slices.reduce((total, slice) => total + figure(slice), 0);
  const ns = sum(({ cpuNs, wallNs }) => (by === 'cpu' ? cpuNs : wallNs));
  return (sum(({ done }) => done) * 1e9) / ns;
}

/** How much the first does in the time in which the second does one, each in its fastest slice. */
export function undisturbedRatio(pairs: Pairs, by: 'cpu' | 'wall'): number {
  return fastest(pairs, 0, by) / fastest(pairs, 1, by);
}

function fastest(pairs: Pairs, side: 0 | 1, by: 'cpu' | 'wall'): number {
  return Math.max(...pairs.map((pair) => speed(pair[side], by)));
}

function speed({ done, cpuNs, wallNs }: Slice, by: 'cpu' | 'wall'): number {
  return done / (by === 'cpu' ? cpuNs : wallNs);
}

/**
 * Has this process work for a slice.
 *
 * @param run works for about this long by wall time
 * @param done how much has been done since the start
 */
export async function timeSlice(
  sliceNs: number,
  run: (ns: number) => unknown,
  done: () => number,
): Promise<Slice> {
  const before = done();
  const cpuBefore = cpuNow();
  const startedAt = hostNow();
  for (let missing = sliceNs; missing > 0;) {
    await run(missing);
    const lacks = sliceNs - (cpuNow() - cpuBefore);
    const isOver = lacks <= sliceNs * MISSING_MAX || hostNow() - startedAt >= sliceNs * STRETCH_MAX;
    assert(hostNow() - startedAt < PATIENCE_NS, 'something is done in a slice');
    missing = isOver && done() > before ? 0 : Math.max(lacks, sliceNs * MISSING_MAX);
  }
  return { done: done() - before, wallNs: hostNow() - startedAt, cpuNs: cpuNow() - cpuBefore };
}

function cpuNow(): number {
  const { user, system } = cpuUsage();
  return (user + system) * 1e3;
}

/**
 * The fields of a row that tell of a comparison: each ratio is the quotient of two figures of the
 * row.
 *
 * @param figure the row's, and the other one's: medians over the samples
 * @param inUnit from things done in a second to the row's unit
 */
export function comparisonFields(
  series: SliceSeries,
  figure: { readonly ours: number; readonly other: number },
  inUnit: (rate: number) => number,
): Readonly<Record<string, number>> & { readonly ratioToNative: number } {
  const quotients = series.rates.map((rate, sample) => rate / (series.otherRates[sample] ?? 0));
  const spread = summarise(quotients);
  const ratio = figure.ours / figure.other;
  const undisturbed = inUnit(summarise(series.undisturbed).median);
  const undisturbedNative = inUnit(summarise(series.otherUndisturbed).median);
  const undisturbedSpread = summarise(series.ratios);
  return {
    ratioToNative: round(ratio),
    ratioLow: round(Math.min(spread.min, ratio)),
    ratioHigh: round(Math.max(spread.max, ratio)),
    undisturbed,
    undisturbedNative,
    undisturbedRatio: round(undisturbed / undisturbedNative),
    undisturbedLow: round(undisturbedSpread.min),
    undisturbedHigh: round(undisturbedSpread.max),
  };
}

/**
 * Of a row without the rates that it would be the quotient of.
 *
 * @param ratios one for each sample
 */
export function ratioFields(ratios: readonly number[]): {
  readonly ratioToNative: number;
  readonly ratioLow: number;
  readonly ratioHigh: number;
} {
  const { median, min, max } = summarise(ratios);
  return { ratioToNative: round(median), ratioLow: round(min), ratioHigh: round(max) };
}
