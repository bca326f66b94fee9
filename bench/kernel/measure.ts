/**
 * What the kernel's benchmarks share: samples of rates, the bytes that an operation allocates, and
 * rows.
 */

import { memoryUsage } from 'node:process';
import { hostNow } from '../../host/host-time.ts';
import type { BenchRow } from '../results.ts';
import { round, summarise } from '../statistics.ts';

export interface KernelBenchOptions {
  readonly repeat: number;
  /** How long each sample of a rate is. */
  readonly sampleNs: number;
  readonly onProgress: (line: string) => void;
}

export const WARM_UP_SAMPLES = 3;
/** Operations between two looks at the clock. */
export const CHUNK = 1000;
const ALLOCATION_CHUNKS = 300;
const ALLOCATION_LOOKS = 5;

/**
 * Cycles that seL4's own benchmarks publish for a SiFive HiFive U540 at 1.5 GHz (RISC-V 64, MCS),
 * as microseconds: to be printed beside ours. A call there is one way and a reply the other; a
 * signal and an interrupt are one way, ours include the way back.
 */
const PUBLISHED_US: Readonly<Record<string, number>> = {
  'kernel/call-reply': (712 + 828) / 1500,
  'kernel/signal': 3960 / 1500,
  'kernel/interrupt': 3596 / 1500,
};

/**
 * Calls `chunk`, which does {@link CHUNK} operations, for about this long.
 * @returns operations per second
 */
export function sampleRate(durationNs: number, chunk: () => void): number {
  const startedAt = hostNow();
  let operations = 0;
  let passedNs = 0;
  while (passedNs < durationNs) {
    chunk();
    operations += CHUNK;
    passedNs = hostNow() - startedAt;
  }
  return (operations / passedNs) * 1e9;
}

/**
 * Bytes of heap that one operation takes: the median of a few looks, for the compiler allocates at
 * times, too.
 *
 * The kernel's paths allocate nothing. A quarter of a byte is what the host's clock takes: a number
 * of 16 bytes at each reading, which serves 256 kernel entries (`HostClock.CALLS_PER_READ`; with a
 * hundred times as many, 0.01 to 0.02 bytes).
 */
export function bytesPerOperation(chunk: () => void): number {
  const grown: number[] = [];
  for (let look = 0; look < ALLOCATION_LOOKS; look += 1) {
    const before = memoryUsage().heapUsed;
    for (let i = 0; i < ALLOCATION_CHUNKS; i += 1) chunk();
    grown.push(memoryUsage().heapUsed - before);
  }
  return round(summarise(grown).median / (ALLOCATION_CHUNKS * CHUNK));
}

export function rateRow(
  name: string,
  rates: readonly number[],
  parameters: Readonly<Record<string, number>>,
): BenchRow {
  const summary = summarise(rates);
  return {
    name,
    unit: 'operations/s',
    ...summary,
    ...parameters,
    microseconds: round(1e6 / summary.median),
    publishedMicroseconds: PUBLISHED_US[name] ?? null,
    ratioToNative: null,
  };
}
