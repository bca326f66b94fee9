/** What the network's measurements are told: see `bench/suite/benchmark.ts`, whose settings these are. */

import type { BenchRow } from '../results.ts';
import type { BenchSettings } from '../suite/benchmark.ts';

export type NetSettings = Pick<
  BenchSettings,
  'length' | 'repeat' | 'sampleNs' | 'costs' | 'onProgress' | 'onNotice'
>;

/** The value for this length. */
export function forLength<T>(
  { length }: NetSettings,
  values: Readonly<Record<NetSettings['length'], T>>,
): T {
  return values[length];
}

/** A figure that is counted, or the same in every run: no spread. */
export function once(value: number): Pick<BenchRow, 'median' | 'min' | 'max' | 'ratioToNative'> {
  return { median: value, min: value, max: value, ratioToNative: null };
}

/** Four significant digits: more than any of these measurements has. */
export function round(value: number): number {
  return Number(value.toPrecision(4));
}

/**
 * How many packets a rig answers before it is measured. By packets and not by time: on a loaded machine a time may pass in which
 * the engine has compiled nothing.
 */
export function warmUpPackets(settings: NetSettings): number {
  return forLength(settings, { smoke: 500, quick: 60_000, full: 200_000 });
}
