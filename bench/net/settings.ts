/**
 * What the network's measurements are told: see `bench/suite/benchmark.ts`, whose settings these
 * are.
 */

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

/**
 * How many packets a rig answers before it is measured. By packets and not by time: on a loaded
 * machine a time may pass in which the engine has compiled nothing.
 */
export function warmUpPackets(settings: NetSettings): number {
  return forLength(settings, { smoke: 500, quick: 60_000, full: 200_000 });
}
