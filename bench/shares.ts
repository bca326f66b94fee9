/**
 * What limits a figure: the share of time of each domain, the kernel, the board and whoever is at
 * its wires, sampled in runs of their own beside the throughput of the same points.
 *
 *     net/shares     frame, batch (path 5pd), part: % of the time
 *     blk/shares     pattern, block, depth, part
 *     serial/shares  uart, part
 *     code/shares    frame, batch, part: the echo of images, translated
 *     bridge/shares  over, bytes, window, part
 *     sim/shares     system, explore, part
 */

import { hostNow } from '../host/host-time.ts';
import { UARTS } from '../systems/serial-devices.ts';
import { type Point, PATTERNS } from './blk/point.ts';
import { BlkRig } from './blk-rig.ts';
import { sampleBridge } from './bridge.ts';
import { IN_C, withImages } from './code/systems.ts';
import { NetRig } from './net-rig.ts';
import { netPoints } from './net/sweeps.ts';
import { warmUpPackets } from './net/settings.ts';
import type { BenchRow } from './results.ts';
import { CountingWire, flood, makeSerialRig } from './serial-rig.ts';
import { sampleTimes, type Times } from './shares/sampling.ts';
import { makeWorlds, ORDERS } from './sim.ts';
import { once, round } from './statistics.ts';
import type { BenchLength, BenchSettings } from './suite/benchmark.ts';

/** Whose a file is; the first that fits. All else counts for whoever calls it. */
const OWNERS: readonly (readonly [RegExp, string])[] = [
  [/^drivers\//, 'driver'],
  [/^virtualisers\/network\/copy\//, 'copier'],
  [/^virtualisers\/\w+\/rx\//, 'receive virtualiser'],
  [/^virtualisers\/\w+\/tx\//, 'transmit virtualiser'],
  [/^virtualisers\/blk\//, 'virtualiser'],
  [/^clients\/|^bench\/serial-rig/, 'client'],
  [/^kernel\//, 'kernel'],
  [/^riscv\//, 'machine code'],
  [/^sim\//, 'oracles and faults'],
  [/^host\/net\//, 'bridge'],
  [/^microkit\//, 'runtime'],
  [/^board\/links\//, 'generator'],
  [/^board\//, 'board'],
  [/^(?:bench|systems|host)\//, 'host loop'],
];

const SAMPLED_NS: Readonly<Record<BenchLength, number>> = { smoke: 2e7, quick: 4e8, full: 8e8 };
const WARM_UP_NS: Readonly<Record<BenchLength, number>> = { smoke: 1e7, quick: 3e8, full: 8e8 };
const SLICE_NS = 2_000_000;
const NET_POINTS = [
  [64, 1],
  [64, 64],
  [1500, 64],
] as const;
const KIB = 1024;
const BLK_POINTS: readonly Pick<Point, 'name' | 'load'>[] = [
  blkPoint('blk/randread', 4, 1),
  blkPoint('blk/randread', 4, 32),
  blkPoint('blk/seqread', 64, 8),
];

function blkPoint(name: string, kib: number, depth: number): Pick<Point, 'name' | 'load'> {
  const pattern = PATTERNS[name];
  if (pattern === undefined) throw new RangeError(`no pattern '${name}'`);
  return { name, load: { ...pattern, requestBytes: kib * KIB, depth } };
}

/** A process for each point: the engine compiles otherwise what several have used. */
export function netSharesPieces(settings: BenchSettings): readonly BenchSettings[] {
  const points = settings.length === 'smoke' ? NET_POINTS.slice(1, 2) : NET_POINTS;
  return points.map(([frame, batch]) => ({
    ...settings,
    net: { path: '5pd', frames: [frame], batches: [batch] },
  }));
}

export async function benchNetShares(settings: BenchSettings): Promise<readonly BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const { path, frames, batches } of netPoints(settings)) {
    const [frame = 64, batch = 64] = [frames[0], batches[0]];
    settings.onProgress(`net: whose time, frames of ${frame} bytes, batch ${batch}`);
    const rig = await NetRig.boot({ path, frame, batch, roundTrips: 'unmeasured' });
    await rig.warmUp(warmUpPackets(settings));
    const work = (): void => void rig.runFor(SAMPLED_NS[settings.length]);
    const point = { path, frame, batch };
    rows.push(...sharesOf('net/shares', point, await sampleTimes(work, ownerOf)));
  }
  return rows;
}

export async function benchBlkShares(settings: BenchSettings): Promise<readonly BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const { name, load } of settings.length === 'smoke' ? BLK_POINTS.slice(1, 2) : BLK_POINTS) {
    settings.onProgress(`blk: whose time, ${name}, depth ${load.depth}`);
    const rig = new BlkRig({ loads: [load], backend: { kind: 'memory' } });
    await rig.rates(WARM_UP_NS[settings.length]);
    const work = async (): Promise<void> => void (await rig.rates(SAMPLED_NS[settings.length]));
    const times = await sampleTimes(work, ownerOf);
    await rig.close();
    const pattern = name.slice('blk/'.length);
    const point = { pattern, block: load.requestBytes, depth: load.depth };
    rows.push(...sharesOf('blk/shares', point, times));
  }
  return rows;
}

export async function benchSerialShares(settings: BenchSettings): Promise<readonly BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const uart of settings.length === 'smoke' ? UARTS.slice(0, 1) : UARTS) {
    settings.onProgress(`serial: whose time, ${uart}`);
    const wire = new CountingWire();
    const rig = makeSerialRig({ uart, program: flood, clock: 'host', wire: () => wire });
    const run = (ns: number): void => {
      const startedAt = hostNow();
      while (hostNow() - startedAt < ns) rig.runSlice(SLICE_NS);
    };
    run(WARM_UP_NS[settings.length]);
    const times = await sampleTimes(() => run(SAMPLED_NS[settings.length]), ownerOf);
    rows.push(...sharesOf('serial/shares', { uart }, times));
  }
  return rows;
}

/** Of machine code, translated, it is not known which domain's it is. */
export function benchCodeShares(settings: BenchSettings): Promise<readonly BenchRow[]> {
  return withImages(settings, async () => {
    const { frame, batch } = IN_C;
    settings.onProgress(`code: whose time, frames of ${frame} bytes, batch ${batch}`);
    const rig = await NetRig.boot(IN_C);
    await rig.warmUp(warmUpPackets(settings));
    const work = (): void => void rig.runFor(SAMPLED_NS[settings.length]);
    return sharesOf('code/shares', { frame, batch }, await sampleTimes(work, ownerOf));
  });
}

export async function benchBridgeShares(settings: BenchSettings): Promise<readonly BenchRow[]> {
  const rows: BenchRow[] = [];
  await sampleBridge(settings, SAMPLED_NS[settings.length], async (point, work) => {
    rows.push(...sharesOf('bridge/shares', point, await sampleTimes(work, ownerOf)));
  });
  return rows;
}

export async function benchSimShares(settings: BenchSettings): Promise<readonly BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const explore of ORDERS) {
    settings.onProgress(`sim: whose time, orders explored: ${explore}`);
    const worlds = await makeWorlds('echo', explore, settings);
    const work = (): void => void worlds.rate(SAMPLED_NS[settings.length]);
    const point = { system: 'echo', explore };
    rows.push(...sharesOf('sim/shares', point, await sampleTimes(work, ownerOf)));
  }
  return rows;
}

function ownerOf(path: string): string | undefined {
  return OWNERS.find(([pattern]) => pattern.test(path))?.[1];
}

/** The greatest first. */
function sharesOf(
  name: string,
  point: Readonly<Record<string, string | number>>,
  times: Times,
): readonly BenchRow[] {
  const all = [...times.values()].reduce((sum, each) => sum + each, 0);
  return [...times]
    .toSorted(([, one], [, other]) => other - one)
    .map(([part, ns]) => ({
      name,
      ...point,
      part,
      unit: '% of the time',
      ...once(round((100 * ns) / all)),
    }));
}
