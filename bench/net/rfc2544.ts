/**
 * The tests of RFC 2544 that need a rate: `net/ndr`, the highest rate at which nothing is lost
 * (26.1, "throughput"); `net/pdr`, the highest at which at most 0.5 % is; `net/latency` at 10, 50
 * and 90 % of PDR (26.2); `net/loss` by offered rate (26.3). Trials are shorter than the 60 s that
 * the RFC asks for.
 */

import { NetRig } from '../net-rig.ts';
import type { BenchRow } from '../results.ts';
import { once, round } from '../statistics.ts';
import { searchHighest } from './search.ts';
import { forLength, type NetSettings, warmUpPackets } from './settings.ts';
import { bestTrial, trial, TRIAL_WINDOW } from './trial.ts';

const PATH = '5pd';
const PDR_LOSS = 0.005;
/**
 * Of the closed loop's rate: where the search begins. It goes further up as long as nothing is
 * lost.
 */
const HEADROOM = 1.2;
const LOADS = [10, 50, 90];
const PERCENTILES = [
  ['p50', 0.5],
  ['p90', 0.9],
  ['p99', 0.99],
  ['p99.9', 0.999],
] as const;

export function benchNetRfc2544(settings: NetSettings): readonly BenchRow[] {
  const frames = forLength(settings, {
    smoke: [64],
    quick: [64],
    full: [64, 256, 1024, 1514],
  });
  const rows: BenchRow[] = [];
  for (const [index, frame] of frames.entries()) {
    const { ndr, pdr } = searchRates(frame, settings);
    rows.push(ndr, pdr);
    if (index > 0) continue;
    rows.push(...latencies(frame, pdr.median, settings), ...losses(frame, pdr.median, settings));
  }
  return rows;
}

interface Rates {
  readonly ndr: BenchRow;
  readonly pdr: BenchRow;
}

function searchRates(frame: number, settings: NetSettings): Rates {
  const steps = forLength(settings, { smoke: 2, quick: 5, full: 8 });
  const limit = closedLoopRate(frame, settings) * HEADROOM;
  const search = (name: string, goal: number, low: number, high: number): BenchRow => {
    const passes = (rate: number): boolean => {
      settings.onProgress(`${name}: frames of ${frame} bytes at ${Math.round(rate)} a second`);
      const options = { path: PATH, frame, rate, durationNs: trialNs(settings) };
      return bestTrial(options, goal).lostShare <= goal;
    };
    const { passed, failed } = searchHighest({ low, high, steps, passes });
    return {
      name,
      path: PATH,
      frame,
      loss: goal,
      unit: 'packets/s',
      median: Math.round(passed),
      // Between the highest that passed and the lowest that failed.
      min: Math.round(passed),
      max: Math.round(failed),
      ratioToNative: null,
      window: TRIAL_WINDOW,
    };
  };
  const pdr = search('net/pdr', PDR_LOSS, 0, limit);
  const ndr = search('net/ndr', 0, 0, pdr.median);
  // On a busy machine the second search may find more than the first. Where nothing is lost, no
  // more than 0.5 % is.
  const raised = { median: ndr.median, min: ndr.min, max: Math.max(ndr.max, pdr.max) };
  return { pdr: ndr.median > pdr.median ? { ...pdr, ...raised } : pdr, ndr };
}

function closedLoopRate(frame: number, settings: NetSettings): number {
  settings.onProgress(`net/ndr: frames of ${frame} bytes: the closed loop's rate`);
  const rig = new NetRig({ path: PATH, frame, batch: 256 });
  rig.run(warmUpPackets(settings));
  return Math.max(rig.rate(settings.sampleNs), rig.rate(settings.sampleNs));
}

function trialNs(settings: NetSettings): number {
  return forLength(settings, { smoke: 5e6, quick: 40e6, full: 400e6 });
}

/**
 * One row for each percentile: of each load one trial, all of its round trips in a histogram of 32
 * buckets an octave.
 */
function latencies(frame: number, pdr: number, settings: NetSettings): readonly BenchRow[] {
  return LOADS.flatMap((load) => {
    settings.onProgress(`net/latency: frames of ${frame} bytes at ${load} % of PDR`);
    const rate = Math.max(1_000, (pdr * load) / 100);
    const result = trial({ path: PATH, frame, rate, durationNs: 2 * trialNs(settings) });
    return PERCENTILES.map(([percentile, share]) => ({
      name: 'net/latency',
      path: PATH,
      frame,
      load,
      percentile,
      offered: Math.round(rate),
      unit: 'µs',
      median: round(result.percentile(share) / 1e3),
      min: round(result.least / 1e3),
      max: round(result.most / 1e3),
      ratioToNative: null,
    }));
  });
}

function losses(frame: number, pdr: number, settings: NetSettings): readonly BenchRow[] {
  const loads = forLength(settings, {
    smoke: [100, 200],
    quick: [90, 100, 130, 200],
    full: [10, 30, 50, 70, 80, 90, 95, 100, 105, 110, 120, 130, 150, 175, 200],
  });
  return loads.map((load) => {
    settings.onProgress(`net/loss: frames of ${frame} bytes at ${load} % of PDR`);
    const rate = Math.max(1_000, (pdr * load) / 100);
    const options = { path: PATH, frame, rate, durationNs: trialNs(settings) };
    const { lostShare, answered, offered } = bestTrial(options, 0);
    return {
      name: 'net/loss',
      path: PATH,
      frame,
      load,
      offered: Math.round(rate),
      unit: 'share',
      ...once(round(lostShare)),
      answered: offered === 0 ? 0 : Math.round((rate * answered) / offered),
    };
  });
}
