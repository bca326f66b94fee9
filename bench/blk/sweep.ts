/**
 * How do pattern, size and depth of requests act on the block data path? All combinations on a disk
 * in memory, some in a file.
 */

import type { BenchRow } from '../results.ts';
import type { BenchLength, BenchSettings } from '../suite/benchmark.ts';
import { withDiskFile } from './disk-file.ts';
import { KIB, measurePoint, PATTERNS, type Point } from './point.ts';

interface Grid {
  readonly blocks: readonly number[];
  readonly depths: readonly number[];
  readonly fileDepths: readonly number[];
}

const GRIDS: Readonly<Record<BenchLength, Grid>> = {
  smoke: { blocks: [4], depths: [1], fileDepths: [] },
  quick: { blocks: [4, 128], depths: [1, 8, 32, 128], fileDepths: [1, 32] },
  full: {
    blocks: [4, 16, 64, 128],
    depths: [1, 2, 4, 8, 16, 32, 64, 128],
    fileDepths: [1, 8, 32, 128],
  },
};

/** Many points: each has shorter samples, and the code is warm from the one before. */
const SAMPLE_SHARE = 0.15;
const SAMPLE_NS_MIN = 20_000_000;
const WARM_UP_REQUESTS = 2_000;

/** What compiles the code for all points: requests one by one, and in batches. */
const WARM_UP_POINTS: readonly Point[] = [1, 32].map((depth) => ({
  name: 'blk/randrw',
  load: { order: 'random', readPercent: 70, requestBytes: 4 * KIB, depth },
  backend: 'memory',
}));

/** @param already points that have been measured with more care */
export async function benchBlkSweep(
  settings: BenchSettings,
  already: readonly Point[],
): Promise<readonly BenchRow[]> {
  const sampleNs = Math.max(
    Math.min(settings.sampleNs, SAMPLE_NS_MIN),
    settings.sampleNs * SAMPLE_SHARE,
  );
  const points = sweepPoints(settings.length, already);
  return withDiskFile(async (path) => {
    const short = { ...settings, sampleNs, repeat: Math.min(settings.repeat, 3) };
    for (const point of WARM_UP_POINTS)
      await measurePoint({ ...short, repeat: 1 }, point, { path });
    const rows: BenchRow[] = [];
    for (const point of points) {
      rows.push(await measurePoint(short, point, { path, warmUp: WARM_UP_REQUESTS }));
    }
    return rows;
  });
}

export function sweepPoints(length: BenchLength, already: readonly Point[]): readonly Point[] {
  const { blocks, depths, fileDepths } = GRIDS[length];
  const known = new Set(already.map(keyOf));
  const points: Point[] = [];
  const add = (name: string, block: number, depth: number, backend: Point['backend']): void => {
    const pattern = PATTERNS[name];
    if (pattern === undefined) return;
    const point = { name, load: { ...pattern, requestBytes: block * KIB, depth }, backend };
    if (!known.has(keyOf(point))) points.push(point);
  };
  for (const name of Object.keys(PATTERNS)) {
    for (const block of blocks) for (const depth of depths) add(name, block, depth, 'memory');
    for (const depth of fileDepths) add(name, 4, depth, 'file');
  }
  return points;
}

function keyOf({ name, load, backend }: Point): string {
  return `${name} ${load.requestBytes} ${load.depth} ${backend}`;
}
