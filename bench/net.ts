/**
 * How fast is the network data path, and how far from C? The whole echo system, with kernel and
 * board, against the same pipeline written as one C program (`native/pipeline.c`): same queues,
 * stages and copies, no isolation.
 *
 * Both run on this machine in one go, in turns of some milliseconds, after a warm-up; the figures
 * are medians, with their quotient; beside them stand undisturbed speeds, with theirs
 * (`slices.ts`).
 *
 * The files of `bench/net/` measure the rest. Which rows each gives, and what tells them apart
 * (frames are in bytes without check sequence; `net-costs.ts` has memory and boot):
 *
 *     sweeps     net/echo         path 5pd, frame, batch: packets/s against C, and counters for each packet
 *     paths      net/echo         path 5pd, dummy, 4pd, 2pd (frame 64 and 1514, batch 16): the ablation, alternating
 *     clients    net/clients      path 4pd, clients 1, 2, 8, 32 (frame, batch 64): packets/s of all together
 *     rfc2544    net/ndr, net/pdr frame, loss (the goal), window: packets/s; min passed, max failed
 *                net/latency      load (% of PDR), percentile (p50 … p99.9), offered: microseconds there and back
 *                net/loss         load (% of PDR), offered: share lost; answered (packets/s)
 *     burst      net/burst        frame, lineRate (of 1 Gb/s), limit: frames back to back until the first is lost
 *     cpu-use    net/cpu-use      path, offered (Mb/s of payload), fitted yes or no: % of a core; published, error (% of the
 *                                 published cycles per packet; null where fitted), residual, both cycles per packet
 *                net/round-trip   path, offered: median in microseconds, predicted like the above
 *                net/cpu-error    path, or all: median error in % over the points that were not fitted
 *     isolation  net/isolation    path, neighbour: share of what it is sent that the good client answers; p50Us, p99Us
 *     tx-policy  net/tx-policy    policy, client: share of the bytes sent; p50Us, offered
 *     restart    net/restart      role: microseconds from a domain's fault to when it runs again (`restart.ts`)
 *     counters   net/counters     path, batch: kernel entries; copies, bytesCopied, notifications, wasted, wakeUps,
 *                                 contextSwitches, interrupts, mmio, queueOperations, busyNs; all for each packet
 *     queues     net/batch-size   program, offered (Mb/s), packets (at least; less than twice as many): share of wake-ups
 *                net/queue-depth  queue, offered (Mb/s), timeUs: packets that wait
 *
 * Under the virtual clock, with `systems/costs/imx8mm.json`, and so the same on every machine:
 * burst, cpu-use, isolation, tx-policy, counters, queues. Under the host clock: the others.
 */

import type { RunCounters } from '../systems/testbed.ts';
import { compileNative, NativeProgram } from './native-program.ts';
import { NetRig } from './net-rig.ts';
import { warmUpPackets } from './net/settings.ts';
import type { BenchRow } from './results.ts';
import { alternate, comparisonFields, type SliceSeries } from './slices.ts';
import { round, summarise } from './statistics.ts';
import type { BenchLength } from './suite/benchmark.ts';

export interface NetBenchOptions {
  readonly path: string;
  /** Bytes of a frame, without its check sequence. */
  readonly frames: readonly number[];
  readonly batches: readonly number[];
  /** Samples of each figure. */
  readonly repeat: number;
  /** How long each sample is. */
  readonly sampleNs: number;
  /** Decides how many packets a warm-up has; two samples unless told. */
  readonly length?: BenchLength;
  /** Called before each sample, with a line that says what it is. */
  readonly onProgress: (line: string) => void;
  /** Called once when there is nothing to compare with. */
  readonly onNotice: (line: string) => void;
}

export async function benchNet(options: NetBenchOptions): Promise<readonly BenchRow[]> {
  const native = compileNative('pipeline');
  if ('reason' in native) options.onNotice(`no comparison with C: ${native.reason}`);
  // The C program is the whole pipeline: a ratio of a shorter path to it would compare different
  // work.
  const isSameWork = options.path === '5pd';
  const nativePath = 'path' in native && isSameWork ? native.path : undefined;
  options.onNotice('UDP checksums: the device vouches for them (GUEST_CSUM), as a NIC does');
  const rows: BenchRow[] = [];
  for (const frame of options.frames) {
    for (const batch of options.batches) {
      rows.push(await measure(options, { frame, batch }, nativePath));
    }
  }
  return rows;
}

interface Point {
  readonly frame: number;
  readonly batch: number;
}

/**
 * By packets and not by time: on a loaded machine a time may pass in which the engine has compiled
 * nothing. More of them in batches, where each code runs once for many.
 */
function warmUp({ length, ...options }: NetBenchOptions, batch: number): number {
  return (batch === 1 ? 2 : 8) * warmUpPackets({ ...options, length: length ?? 'smoke' });
}

async function measure(
  options: NetBenchOptions,
  point: Point,
  nativePath: string | undefined,
): Promise<BenchRow> {
  const { path, sampleNs } = options;
  const rig = await NetRig.boot({ path, ...point, roundTrips: 'unmeasured' });
  options.onProgress(progress(point, 'warming up'));
  await rig.warmUp(warmUp(options, point.batch));
  rig.rate(sampleNs);
  const before = rig.counters();
  const answeredBefore = rig.generator.counters.answered;
  const { series, rates } = await takeSeries(options, point, rig, nativePath);
  const answered = rig.generator.counters.answered - answeredBefore;
  const summary = summarise(rates);
  return {
    name: 'net/echo',
    path,
    ...point,
    checksums: rig.checksums,
    unit: 'packets/s',
    median: Math.round(summary.median),
    min: Math.round(summary.min),
    max: Math.round(summary.max),
    nsPerPacket: round(1e9 / summary.median),
    ...(series === undefined ? { native: null, ratioToNative: null } : besideNative(series, rates)),
    ...workPerPacket(before, rig.counters(), answered),
  };
}

function besideNative(
  series: SliceSeries,
  rates: readonly number[],
): ReturnType<typeof comparisonFields> & { readonly native: number } {
  const native = Math.round(summarise(series.otherRates).median);
  const ours = Math.round(summarise(rates).median);
  return { native, ...comparisonFields(series, { ours, other: native }, Math.round) };
}

/** Samples of the rig, in turns with the C program where there is one. */
async function takeSeries(
  { repeat, sampleNs, onProgress }: NetBenchOptions,
  point: Point,
  rig: NetRig,
  nativePath: string | undefined,
): Promise<{ readonly rates: readonly number[]; readonly series: SliceSeries | undefined }> {
  const onSample = (sample: number): void =>
    onProgress(progress(point, `${String(sample)} of ${String(repeat)}`));
  if (nativePath === undefined) {
    const rates: number[] = [];
    for (let sample = 1; sample <= repeat; sample += 1) {
      onSample(sample);
      rates.push(rig.rate(sampleNs));
    }
    return { rates, series: undefined };
  }
  const native = new NativeProgram(nativePath, [String(point.frame), String(point.batch)]);
  try {
    const series = await alternate(rig, native, { repeat, sampleNs, onSample });
    return { rates: series.rates, series };
  } finally {
    await native.close();
  }
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
