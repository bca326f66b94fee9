/**
 * How fast is the block data path, and how far from C? The whole block system, with kernel and board, against the same
 * pipeline written as one C program (`native/blk.c`); on a raw file, against a loop of `fs.readSync` on the same file.
 *
 * Both run on this machine in one go, alternating, after a warm-up; the figures are medians.
 */

import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostNow } from '../host/event-loop.ts';
import type { RunCounters } from '../systems/testbed.ts';
import { jainIndex } from '../virtualisers/blk/policy/fairness.ts';
import { type BlkLoad, BlkRig, type BlkRigOptions } from './blk-rig.ts';
import { compileNative, runNative } from './native-program.ts';
import type { BenchRow } from './results.ts';
import { summarise } from './statistics.ts';

export interface BlkBenchOptions {
  /** Samples of each figure. */
  readonly repeat: number;
  /** How long each sample is. */
  readonly sampleNs: number;
  /** Called before each sample, with a line that says what it is. */
  readonly onProgress: (line: string) => void;
  /** Called once when there is nothing to compare with. */
  readonly onNotice: (line: string) => void;
}

interface Point {
  readonly name: string;
  readonly load: BlkLoad;
  readonly backend: 'memory' | 'file';
  /** Requests, or bytes, per second. */
  readonly unit: 'IOPS' | 'MB/s';
}

const KIB = 1024;
const FILE_BYTES = 64 * KIB * KIB;
/** On a busy machine the engine compiles late: a warm-up is over when enough has been done, not when time has passed. */
const WARM_UP_REQUESTS = 100_000;
const WARM_UP_SAMPLES_MAX = 20;
const POLICY_SAMPLES = 2;

const RANDOM = { order: 'random', readPercent: 100, requestBytes: 4 * KIB } as const;

const POINTS: readonly Point[] = [
  point('blk/randread', { ...RANDOM, depth: 1 }, 'memory'),
  point('blk/randread', { ...RANDOM, depth: 32 }, 'memory'),
  point('blk/randread', { ...RANDOM, depth: 128 }, 'memory'),
  point('blk/randwrite', { ...RANDOM, readPercent: 0, depth: 32 }, 'memory'),
  point('blk/randrw', { ...RANDOM, readPercent: 70, depth: 32 }, 'memory'),
  point(
    'blk/seqread',
    { ...RANDOM, order: 'sequential', requestBytes: 16 * KIB, depth: 8 },
    'memory',
  ),
  point(
    'blk/seqread',
    { ...RANDOM, order: 'sequential', requestBytes: 64 * KIB, depth: 8 },
    'memory',
  ),
  point(
    'blk/seqread',
    { ...RANDOM, order: 'sequential', requestBytes: 128 * KIB, depth: 8 },
    'memory',
  ),
  point('blk/randread', { ...RANDOM, depth: 32 }, 'file'),
];

function point(name: string, load: BlkLoad, backend: Point['backend']): Point {
  return { name, load, backend, unit: name === 'blk/seqread' ? 'MB/s' : 'IOPS' };
}

export async function benchBlk(options: BlkBenchOptions): Promise<readonly BenchRow[]> {
  const native = compileNative('blk');
  if ('reason' in native) options.onNotice(`no comparison with C: ${native.reason}`);
  const nativePath = 'path' in native ? native.path : undefined;
  const folder = mkdtempSync(join(tmpdir(), 'sddf-blk-'));
  const file = join(folder, 'disk.img');
  const rows: BenchRow[] = [];
  try {
    makeFile(file);
    for (const one of POINTS) rows.push(await measure(options, one, { nativePath, file }));
    rows.push(...(await benchPolicies(options)));
  } finally {
    rmSync(folder, { recursive: true });
  }
  return rows;
}

async function measure(
  options: BlkBenchOptions,
  one: Point,
  against: { readonly nativePath: string | undefined; readonly file: string },
): Promise<BenchRow> {
  const { load, name, unit } = one;
  const { repeat, sampleNs } = options;
  const backend: BlkRigOptions['backend'] =
    one.backend === 'memory' ? { kind: 'memory' } : { kind: 'file', path: against.file };
  const rig = new BlkRig({ loads: [load], backend });
  const say = (what: string): void => options.onProgress(`${describe(one)}: ${what}`);
  for (let sample = 0; sample < WARM_UP_SAMPLES_MAX; sample += 1) {
    say('warming up');
    await rig.rates(sampleNs);
    if (answered(rig.counters()) >= WARM_UP_REQUESTS) break;
  }
  const before = rig.counters();
  const rates: number[] = [];
  const compared: number[] = [];
  for (let sample = 1; sample <= repeat; sample += 1) {
    say(`${sample} of ${repeat}`);
    const other = compare(one, against, sampleNs);
    if (other !== undefined) compared.push(other);
    rates.push((await rig.rates(sampleNs))[0] as number);
  }
  const after = rig.counters();
  await rig.close();
  const scale = unit === 'IOPS' ? 1 : load.requestBytes / 1e6;
  const summary = summarise(rates);
  const other = compared.length === 0 ? undefined : summarise(compared).median;
  return {
    name,
    block: load.requestBytes,
    depth: load.depth,
    backend: one.backend,
    unit,
    median: Math.round(summary.median * scale),
    min: Math.round(summary.min * scale),
    max: Math.round(summary.max * scale),
    nsPerRequest: round(1e9 / summary.median),
    comparedWith: one.backend === 'memory' ? 'bench/native/blk.c' : 'a loop of fs.readSync',
    compared: other === undefined ? null : Math.round(other * scale),
    ratioToNative: other === undefined ? null : round(summary.median / other),
    ...work(before, after),
  };
}

/** @returns requests per second of what the point is compared with */
function compare(
  one: Point,
  against: { readonly nativePath: string | undefined; readonly file: string },
  sampleNs: number,
): number | undefined {
  const { load } = one;
  if (one.backend === 'file') return readLoop(against.file, load.requestBytes, sampleNs);
  if (against.nativePath === undefined || load.readPercent !== 100) return undefined;
  const ms = Math.round(sampleNs / 1e6);
  const args = [`${load.requestBytes}`, `${load.depth}`, load.order, `${ms}`];
  const rate = Number(runNative(against.nativePath, args));
  if (!(rate > 0)) throw new Error(`${against.nativePath} ${args.join(' ')} printed no rate`);
  return rate;
}

/** A bare loop of reads at random places of the same file. */
function readLoop(path: string, requestBytes: number, durationNs: number): number {
  const fd = openSync(path, 'r');
  const buffer = new Uint8Array(requestBytes);
  const places = FILE_BYTES / requestBytes;
  const startedAt = hostNow();
  let now = startedAt;
  let reads = 0;
  let random = 1;
  while (now < startedAt + durationNs) {
    for (let i = 0; i < 256; i += 1) {
      random = (Math.imul(random, 1_664_525) + 1_013_904_223) | 0;
      readSync(fd, buffer, 0, requestBytes, ((random >>> 8) % places) * requestBytes);
    }
    reads += 256;
    now = hostNow();
  }
  closeSync(fd);
  return (reads * 1e9) / (now - startedAt);
}

/** Who gets how much when three clients with requests of different sizes share a disk; Jain's index over their bytes. */
async function benchPolicies(options: BlkBenchOptions): Promise<readonly BenchRow[]> {
  const loads: readonly BlkLoad[] = [
    { ...RANDOM, depth: 32 },
    { ...RANDOM, requestBytes: 16 * KIB, depth: 32 },
    { ...RANDOM, requestBytes: 64 * KIB, depth: 32 },
  ];
  const policies: readonly NonNullable<BlkRigOptions['policy']>[] = [
    { kind: 'strict' },
    { kind: 'round-robin' },
    { kind: 'drr', quantumBytes: 64 * KIB },
  ];
  const rows: BenchRow[] = [];
  for (const policy of policies) {
    options.onProgress(`blk: fairness under ${policy.kind}`);
    const rig = new BlkRig({ loads, backend: { kind: 'memory' }, policy, window: 16 });
    const indices: number[] = [];
    for (let sample = 0; sample < POLICY_SAMPLES; sample += 1) {
      const rates = await rig.rates(options.sampleNs);
      indices.push(jainIndex(rates.map((rate, i) => rate * (loads[i] as BlkLoad).requestBytes)));
    }
    await rig.close();
    const { median, min, max } = summarise(indices);
    const name = 'blk/fairness';
    const figures = { median: round(median), min: round(min), max: round(max) };
    rows.push({ name, policy: policy.kind, unit: "Jain's index", ...figures, ratioToNative: null });
  }
  return rows;
}

function work(before: RunCounters, after: RunCounters): Record<string, number> {
  const requests = answered(after) - answered(before);
  const each = (from: number, to: number): number => round((to - from) / requests);
  return {
    copies: each(before.copies, after.copies),
    kernelEntries: each(before.kernel.kernelEntries, after.kernel.kernelEntries),
    notifications: each(before.kernel.notificationsSent, after.kernel.notificationsSent),
    contextSwitches: each(before.kernel.contextSwitches, after.kernel.contextSwitches),
  };
}

function answered(counters: RunCounters): number {
  return counters.programs['client0']?.['requests'] ?? 0;
}

function makeFile(path: string): void {
  const fd = openSync(path, 'w');
  const chunk = new Uint8Array(KIB * KIB).fill(7);
  for (let at = 0; at < FILE_BYTES; at += chunk.length) writeSync(fd, chunk, 0, chunk.length, at);
  closeSync(fd);
}

function describe({ name, load, backend }: Point): string {
  return `${name}: ${load.requestBytes / KIB} KiB, depth ${load.depth}, ${backend}`;
}

/** Four significant digits: more than any of these measurements has. */
function round(value: number): number {
  return Number(value.toPrecision(4));
}

/** The rows as a table for people. */
export function blkTable(rows: readonly BenchRow[]): readonly string[] {
  const header = ['what', 'KiB', 'depth', 'backend', 'figure', 'unit', 'compared', 'ratio'];
  const cells = rows.map((row) => [
    row.name,
    typeof row['block'] === 'number' ? String(row['block'] / KIB) : '-',
    String(row['depth'] ?? '-'),
    String(row['backend'] ?? row['policy'] ?? '-'),
    row.median.toLocaleString('en'),
    row.unit,
    typeof row['compared'] === 'number' ? row['compared'].toLocaleString('en') : '-',
    row.ratioToNative === null ? '-' : row.ratioToNative.toFixed(3),
  ]);
  const widths = header.map((title, column) =>
    Math.max(title.length, ...cells.map((line) => line[column]?.length ?? 0)),
  );
  return [header, ...cells].map((line) =>
    line.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  '),
  );
}
