/**
 * How fast is the block data path, and how far from C? The whole block system, with kernel and
 * board, against the same pipeline written as one C program (`native/blk.c`); on a raw file,
 * against a loop of `fs.readSync` on the same file.
 *
 * Both run on this machine in one go, in turns of some milliseconds, after a warm-up; the figures
 * are medians, and a ratio is that of undisturbed speeds (`slices.ts`). `blk/` has further
 * questions.
 */

import { memoryUsage } from 'node:process';
import { ReadLoop, withDiskFile } from './blk/disk-file.ts';
import {
  answered,
  type Comparison,
  KIB,
  measurePoint,
  PATTERNS,
  type Point,
  RANDOM_READ,
} from './blk/point.ts';
import { BlkRig } from './blk-rig.ts';
import { compileNative, NativeProgram } from './native-program.ts';
import { garbageCollector } from './garbage-collector.ts';
import type { BenchRow } from './results.ts';
import { round, summarise } from './statistics.ts';
import type { BenchLength, BenchSettings } from './suite/benchmark.ts';

/** The points with a target of their own. */
export const BLK_POINTS: readonly Point[] = [
  point('blk/randread', 4, 1),
  point('blk/randread', 4, 32),
  point('blk/randread', 4, 128),
  point('blk/randwrite', 4, 32),
  point('blk/randrw', 4, 32),
  point('blk/seqread', 16, 8),
  point('blk/seqread', 64, 8),
  point('blk/seqread', 128, 8),
  { ...point('blk/randread', 4, 32), backend: 'file' },
];

function point(name: string, blockKib: number, depth: number): Point {
  const pattern = PATTERNS[name];
  if (pattern === undefined) throw new RangeError(`no pattern '${name}'`);
  return { name, load: { ...pattern, requestBytes: blockKib * KIB, depth }, backend: 'memory' };
}

/** Two depths, and two sizes, in memory. */
const QUICK_POINTS = BLK_POINTS.filter(
  ({ name, load: { depth, requestBytes }, backend }) =>
    backend === 'memory' &&
    ((name === 'blk/randread' && depth <= 32) ||
      (name === 'blk/seqread' && requestBytes !== 64 * KIB)),
);

export async function benchBlk(settings: BenchSettings): Promise<readonly BenchRow[]> {
  const native = compileNative('blk');
  if ('reason' in native) settings.onNotice(`no comparison with C: ${native.reason}`);
  const nativePath = 'path' in native ? native.path : undefined;
  const rows = await withDiskFile(async (path) => {
    const found: BenchRow[] = [];
    for (const one of settings.length === 'quick' ? QUICK_POINTS : BLK_POINTS) {
      const comparison = compare(one, { nativePath, file: path });
      try {
        const beside = comparison === undefined ? {} : { comparison };
        found.push(await measurePoint(settings, one, { path, ...beside }));
      } finally {
        await comparison?.worker.close();
      }
    }
    return found;
  });
  settings.onProgress('blk: memory allocated per request');
  return [...rows, await heapGrowth(settings)];
}

interface ClosedComparison extends Comparison {
  readonly worker: ReadLoop | NativeProgram;
}

function compare(
  { load, backend }: Point,
  against: { readonly nativePath: string | undefined; readonly file: string },
): ClosedComparison | undefined {
  if (backend === 'file') {
    // The testbed reads by a thread of its own, so by wall time.
    const worker = new ReadLoop(against.file, load.requestBytes);
    return { with: 'a loop of fs.readSync', worker, by: 'wall' };
  }
  const { nativePath } = against;
  // The C program reads, and does nothing else.
  if (nativePath === undefined || load.readPercent !== 100) return undefined;
  const args = [`${load.requestBytes}`, `${load.depth}`, load.order];
  const worker = new NativeProgram(nativePath, args);
  return { with: 'bench/native/blk.c', worker, by: 'cpu' };
}

const GROWTH_REQUESTS: Readonly<Record<BenchLength, number>> = {
  smoke: 1_000,
  quick: 100_000,
  full: 500_000,
};
const GROWTH_SAMPLES = 3;

/** Bytes by which the heap has grown per request, in steady state. */
async function heapGrowth({ length, sampleNs }: BenchSettings): Promise<BenchRow> {
  const depth = 32;
  const rig = new BlkRig({ loads: [{ ...RANDOM_READ, depth }], backend: { kind: 'memory' } });
  const serve = async (requests: number): Promise<number> => {
    const before = answered(rig.counters());
    while (answered(rig.counters()) < before + requests) await rig.rates(sampleNs);
    return answered(rig.counters()) - before;
  };
  const requests = GROWTH_REQUESTS[length];
  await serve(requests);
  const collect = garbageCollector();
  const grown: number[] = [];
  for (let sample = 0; sample < GROWTH_SAMPLES; sample += 1) {
    collect();
    const before = memoryUsage().heapUsed;
    const served = await serve(requests);
    grown.push(round((memoryUsage().heapUsed - before) / served));
  }
  await rig.close();
  const parameters = { block: RANDOM_READ.requestBytes, depth, backend: 'memory' };
  const unit = 'bytes per request';
  return {
    name: 'blk/heap growth',
    ...parameters,
    unit,
    ...summarise(grown),
    ratioToNative: null,
  };
}
