/**
 * Throughput in closed loop: by frame size and batch (against C), by number of clients, by path.
 * What is compared in one table is measured in one run, alternating.
 */

import { NetRig, type NetRigOptions } from '../net-rig.ts';
import { workPerPacket } from '../net.ts';
import type { BenchRow } from '../results.ts';
import { round, summarise } from '../statistics.ts';
import type { BenchSettings, NetPoints } from '../suite/benchmark.ts';
import { forLength, type NetSettings, warmUpPackets } from './settings.ts';

/**
 * Bytes without the check sequence. The last is RFC 2544's 1518, which counts that sequence; the
 * others are four bytes larger than that RFC's, so that all of our tables have the same sizes.
 */
const FRAMES = [64, 128, 256, 512, 1024, 1280, 1514];
const BATCHES = [1, 8, 32, 64, 256];
const FRAME = 64;
const BATCH = 64;
/** What an Ethernet of the usual MTU carries of IP. */
const IP_MTU_FRAME = 1500;
/** Of the ablation: not one of the sweep's, so that no point is measured twice. */
const ABLATION_BATCH = 16;
/**
 * Samples of `net/echo` last so many times as long as others: what disturbs a machine lasts for a
 * second or two.
 */
const LONGER = 3;
const PATHS = ['5pd', 'dummy', '4pd', '2pd'];

/**
 * The points of `net/echo`, one at a time: those asked for, or by frame at one batch and by batch
 * at one frame. Each is for a process of its own, as a system is when it is used: the engine
 * compiles code for all kinds of objects that it has seen.
 */
export function netPoints(settings: Pick<BenchSettings, 'net' | 'length'>): readonly NetPoints[] {
  const { net, length } = settings;
  if (net !== undefined) return single(net.path, net.frames, net.batches);
  if (length === 'quick') {
    return [...single('5pd', [FRAME], [1, 8, BATCH]), ...single('5pd', [IP_MTU_FRAME], [BATCH])];
  }
  const frames = length === 'smoke' ? [FRAME, 1514] : FRAMES;
  const batches = length === 'smoke' ? [1, BATCH] : BATCHES;
  return [
    ...single('5pd', frames, [BATCH]),
    ...single(
      '5pd',
      [FRAME],
      batches.filter((batch) => batch !== BATCH),
    ),
    ...single('5pd', [IP_MTU_FRAME], [BATCH]),
  ];
}

/**
 * What one process measures of `net/echo`: a point; in full length one sample of it, for the engine
 * compiles the same program a little differently each time, and the system places its memory
 * differently. Samples of a point are as far apart as can be.
 */
export function netPieces(settings: BenchSettings): readonly BenchSettings[] {
  const { length, repeat } = settings;
  const sampleNs = settings.sampleNs * (length === 'full' ? LONGER : 1);
  const points = netPoints(settings).map((net) => ({ ...settings, sampleNs, net }));
  if (length !== 'full') return points;
  const samples = Array.from({ length: repeat }, () => points);
  return samples.flat().map((point) => ({ ...point, repeat: 1 }));
}

function single(
  path: string,
  frames: readonly number[],
  batches: readonly number[],
): readonly NetPoints[] {
  return frames.flatMap((frame) =>
    batches.map((batch) => ({ path, frames: [frame], batches: [batch] })),
  );
}

/**
 * `net/clients`: the same traffic for one client, or spread over many. Without copiers, for
 * Microkit has 63 domains at most.
 */
export async function benchNetClients(settings: NetSettings): Promise<readonly BenchRow[]> {
  const counts = forLength(settings, { smoke: [1, 2], quick: [1, 8], full: [1, 2, 8, 32] });
  const points = counts.map((clients) => ({
    path: '4pd',
    frame: FRAME,
    batch: BATCH,
    clients,
    targets: clients,
  }));
  return alternate('net/clients', points, settings);
}

/** `net/echo` on every path. */
export async function benchNetPaths(settings: NetSettings): Promise<readonly BenchRow[]> {
  const frames = settings.length === 'full' ? [FRAME, 1514] : [FRAME];
  const rows: BenchRow[] = [];
  for (const frame of frames) {
    const points = PATHS.map((path) => ({ path, frame, batch: ABLATION_BATCH }));
    rows.push(...(await alternate('net/echo', points, settings)));
  }
  return rows;
}

type Point = Pick<NetRigOptions, 'path' | 'frame' | 'batch' | 'clients' | 'targets'>;

interface Series {
  readonly point: Point;
  readonly rig: NetRig;
  readonly rates: number[];
}

async function alternate(
  name: string,
  points: readonly Point[],
  settings: NetSettings,
): Promise<readonly BenchRow[]> {
  const { repeat, sampleNs, onProgress } = settings;
  const all: Series[] = [];
  for (const point of points) {
    const rig = await NetRig.boot({ ...point, roundTrips: 'unmeasured' });
    all.push({ point, rig, rates: [] });
  }
  const sayWhat = ({ point }: Series, what: string): void =>
    onProgress(
      `net: ${point.path}, ${point.clients ?? 2} clients, frames of ${point.frame} bytes, ` +
        `batch ${point.batch}: ${what}`,
    );
  for (const series of all) {
    sayWhat(series, 'warming up');
    await series.rig.warmUp(warmUpPackets(settings));
  }
  const before = all.map(({ rig }) => ({
    counters: rig.counters(),
    answered: rig.generator.counters.answered,
  }));
  for (let sample = 1; sample <= repeat; sample += 1) {
    for (const series of all) {
      sayWhat(series, `${sample} of ${repeat}`);
      series.rates.push(series.rig.rate(sampleNs));
    }
  }
  return all.map(({ point, rig, rates }, index) => {
    const first = before[index] as (typeof before)[number];
    const answered = rig.generator.counters.answered - first.answered;
    const { targets: _, ...parameters } = point;
    const { median, min, max } = summarise(rates);
    return {
      name,
      ...parameters,
      checksums: rig.checksums,
      unit: 'packets/s',
      median: Math.round(median),
      min: Math.round(min),
      max: Math.round(max),
      nsPerPacket: round(1e9 / median),
      ratioToNative: null,
      ...workPerPacket(first.counters, rig.counters(), answered),
    };
  });
}
