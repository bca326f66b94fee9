/**
 * What does durability cost? Random writes of 4 KiB with a FLUSH after every 1, 16 or 64 of them,
 * and without any: on a disk in memory, where a flush is nothing but the round trip, and in a file,
 * where it is an fdatasync. The variants alternate.
 */

import { copyFileSync } from 'node:fs';
import { BlkRig } from '../blk-rig.ts';
import type { BenchRow } from '../results.ts';
import { round, summarise } from '../statistics.ts';
import type { BenchSettings } from '../suite/benchmark.ts';
import { withDiskFile } from './disk-file.ts';
import { KIB } from './point.ts';

/** 0: never. */
const EVERY = [0, 64, 16, 1];
const BACKENDS = ['memory', 'file'] as const;
const BLOCK_BYTES = 4 * KIB;
const DEPTH = 32;
const WARM_UP_SAMPLES = 2;

interface Case {
  readonly every: number;
  readonly backend: (typeof BACKENDS)[number];
  readonly rig: BlkRig;
  readonly writes: number[];
  readonly flushes: number[];
}

export function benchBlkFlush(settings: BenchSettings): Promise<readonly BenchRow[]> {
  return withDiskFile(async (path) => {
    const cases = BACKENDS.flatMap((backend) =>
      EVERY.map((every) => makeCase(backend, every, path)),
    );
    for (let sample = -WARM_UP_SAMPLES; sample < settings.repeat; sample += 1) {
      for (const one of cases) {
        settings.onProgress(`blk: a flush after ${one.every} writes, ${one.backend}`);
        const before = counted(one.rig);
        await one.rig.rates(settings.sampleNs);
        const after = counted(one.rig);
        if (sample < 0) continue;
        const seconds = (after.at - before.at) / 1e9;
        one.writes.push((after.blocks - before.blocks) / seconds);
        one.flushes.push((after.flushes - before.flushes) / seconds);
      }
    }
    for (const { rig } of cases) await rig.close();
    return cases.map(rowOf);
  });
}

function makeCase(backend: Case['backend'], every: number, path: string): Case {
  const load = {
    order: 'random',
    readPercent: 0,
    requestBytes: BLOCK_BYTES,
    depth: DEPTH,
  } as const;
  // Each has an image of its own: one that somebody writes is locked.
  const own = `${path}-${every}`;
  if (backend === 'file') copyFileSync(path, own);
  const rig = new BlkRig({
    loads: [every === 0 ? load : { ...load, flushEvery: every }],
    backend: backend === 'memory' ? { kind: 'memory' } : { kind: 'file', path: own },
  });
  return { every, backend, rig, writes: [], flushes: [] };
}

/** Blocks written, flushes asked for, and the board's time. */
function counted(rig: BlkRig): { blocks: number; flushes: number; at: number } {
  const client = rig.counters().programs['client0'] ?? {};
  return { blocks: client['blocks'] ?? 0, flushes: client['flushes'] ?? 0, at: rig.testbed.now() };
}

function rowOf({ every, backend, writes, flushes }: Case): BenchRow {
  const { median, min, max } = summarise(writes);
  return {
    name: 'blk/flush',
    block: BLOCK_BYTES,
    depth: DEPTH,
    backend,
    every: every === 0 ? 'never' : every,
    unit: 'writes/s',
    median: Math.round(median),
    min: Math.round(min),
    max: Math.round(max),
    flushesPerSecond: round(summarise(flushes).median),
    ratioToNative: null,
  };
}
