/** The block data path. */

import { type BenchRow } from '../results.ts';
import { rowsTable } from '../suite/rows-table.ts';
import { answer, best, groupsOf, numberOf, select, seriesOf, valuesOf } from './section.ts';
import { sharesPlot } from './answers-load.ts';
import { change, list, percent, say, times } from './words.ts';

const PATTERNS: Readonly<Record<string, string>> = {
  'blk/randread': 'random read',
  'blk/randwrite': 'random write',
  'blk/randrw': 'random, 70 % read',
  'blk/seqread': 'sequential read',
  'blk/seqwrite': 'sequential write',
};
const KIB = 1024;
/** The block size and depth at which the others are compared. */
const BLOCK = 4 * KIB;
const DEPTH = 32;

/** Rows of requests on a memory disk, whatever their pattern. */
function onMemory(rows: readonly BenchRow[]): readonly BenchRow[] {
  return Object.keys(PATTERNS).flatMap((name) => select(rows, name, { backend: 'memory' }));
}

function patternOf(name: string | number): string {
  return PATTERNS[String(name)] ?? String(name);
}

export const byDepth = answer({
  shares: 'blk/shares',
  rows(rows: readonly BenchRow[]) {
    const found = onMemory(rows).filter((row) => row['block'] === BLOCK);
    const reads = found
      .filter((row) => row.name === 'blk/randread')
      .toSorted((a, b) => numberOf(a, 'depth') - numberOf(b, 'depth'));
    const [one] = reads;
    if (one === undefined) return undefined;
    const top = reads.reduce((most, row) => (iops(row) > iops(most) ? row : most));
    const compared = reads.find((row) => row['depth'] === DEPTH)?.ratioToNative ?? null;
    const ofNative =
      compared === null ? '' : `; at depth ${DEPTH}, ${percent(compared)} of the same in C`;
    const ticks = valuesOf(found, 'depth').filter((value) => typeof value === 'number');
    return { found, one, top, ofNative, ticks };
  },
  sentence: ({ one, top, ofNative }) =>
    `Random reads: ${say(iops(one))} per second at depth ${one['depth']}, ${say(iops(top))} at depth ${top['depth']}${ofNative}.`,
  plots: ({ found, ticks }) => [
    {
      plot: {
        kind: 'lines',
        x: { label: 'requests in flight', scale: 'log', ticks },
        y: { label: 'requests/s', scale: 'linear' },
        series: seriesOf(found, { x: 'depth', y: 'iops', by: 'name', name: patternOf }),
      },
      takes: {
        names: Object.keys(PATTERNS),
        unit: 'IOPS',
        x: 'depth',
        where: { block: BLOCK, backend: 'memory' },
      },
    },
  ],
  table: ({ found }) => rowsTable(found),
});

function iops(row: BenchRow): number {
  return numberOf(row, 'iops');
}

export const bySize = answer({
  shares: 'blk/shares',
  rows(rows: readonly BenchRow[]) {
    const all = onMemory(rows);
    // The depth at which most sizes were measured.
    const depth = valuesOf(all, 'depth').toSorted(
      (a, b) => sizesAt(all, b) - sizesAt(all, a) || Number(b) - Number(a),
    )[0];
    const found = all.filter((row) => row['depth'] === depth);
    if (depth === undefined || valuesOf(found, 'block').length < 2) return undefined;
    const top = found.reduce((most, row) => (megabytes(row) > megabytes(most) ? row : most));
    const ticks = valuesOf(found, 'block').map(Number);
    return { depth, found, top, ticks };
  },
  sentence: ({ depth, top }) =>
    `At depth ${depth}, at most ${say(megabytes(top) / 1e3)} GB/s: ${patternOf(top.name)}, requests of ${numberOf(top, 'block') / KIB} KiB.`,
  plots: ({ found, ticks, depth }) => [
    {
      plot: {
        kind: 'lines',
        x: {
          label: 'KiB of a request',
          scale: 'log',
          ticks,
          format: (bytes) => String(bytes / KIB),
        },
        y: { label: 'MB/s', scale: 'linear' },
        series: seriesOf(found, { x: 'block', y: 'mbPerSecond', by: 'name', name: patternOf }),
      },
      takes: {
        names: Object.keys(PATTERNS),
        unit: 'MB/s',
        x: 'block',
        where: { depth, backend: 'memory' },
      },
    },
  ],
  table: ({ found }) => rowsTable(found),
});

function sizesAt(rows: readonly BenchRow[], depth: string | number): number {
  return new Set(rows.filter((row) => row['depth'] === depth).map((row) => row['block'])).size;
}

function megabytes(row: BenchRow): number {
  return numberOf(row, 'mbPerSecond');
}

export const byBackend = answer({
  rows(rows: readonly BenchRow[]) {
    const found = ['blk/randread', 'blk/randwrite'].flatMap((name) =>
      select(rows, name, { block: BLOCK, depth: DEPTH }),
    );
    const backends = valuesOf(found, 'backend').map(String);
    const memory = found.find((row) => row['backend'] === 'memory');
    if (memory === undefined || backends.length < 2) return undefined;
    const said = backends
      .filter((backend) => backend !== 'memory')
      .flatMap((backend) => {
        const row = found.find((each) => each['backend'] === backend && each.name === memory.name);
        return row === undefined ? [] : [`${backend} ${percent(row.median / memory.median)}`];
      });
    return { found, backends, memory, said };
  },
  sentence: ({ memory, said }) =>
    `Of the requests that a disk in memory answers (${say(memory.median)}/s), others answer: ${list(said)}.`,
  plots: ({ found, backends }) => [
    {
      plot: {
        kind: 'bars',
        axis: { label: `requests/s, 4 KiB, depth ${DEPTH}`, scale: 'linear' },
        series: backends,
        groups: groupsOf(found, {
          group: (row) => patternOf(row.name),
          series: backends,
          bar: (row) => String(row['backend']),
        }),
      },
    },
  ],
  table: ({ found }) => rowsTable(found),
});

export const policies = answer({
  rows(rows: readonly BenchRow[]) {
    const share = select(rows, 'blk/share');
    const fairness = select(rows, 'blk/fairness');
    if (fairness.length === 0) return undefined;
    const said = fairness.map((row) => `${row['policy']} ${row.median.toFixed(2)}`);
    const fairest = best(fairness);
    return { share, fairness, said, fairest };
  },
  sentence: ({ said, fairest }) =>
    `Jain's index (1: everybody gets what he is entitled to): ${list(said)}; fairest is ${fairest['policy']}.`,
  plots: ({ share }) => (share.length === 0 ? [] : [sharesPlot(share)]),
  table: ({ share, fairness }) => rowsTable([...fairness, ...share]),
});

export const flush = answer({
  rows(rows: readonly BenchRow[]) {
    const found = select(rows, 'blk/flush');
    const backends = valuesOf(found, 'backend').map(String);
    const said = backends.flatMap((backend) => {
      const of = (every: string | number): number =>
        found.find((row) => row['backend'] === backend && row['every'] === every)?.median ??
        Number.NaN;
      const share = of(1) / of('never');
      return Number.isFinite(share)
        ? [`${backend}: ${share < 1 ? `${times(1 / share)} fewer writes` : change(share)}`]
        : [];
    });
    if (said.length === 0) return undefined;
    return { found, backends, said };
  },
  sentence: ({ said }) => `With a flush after every write of 4 KiB instead of none, ${list(said)}.`,
  plots: ({ found, backends }) => [
    {
      plot: {
        kind: 'bars',
        axis: { label: 'writes/s', scale: 'log' },
        series: backends,
        groups: groupsOf(found, {
          group: (row) => (row['every'] === 'never' ? 'no flush' : `a flush after ${row['every']}`),
          series: backends,
          bar: (row) => String(row['backend']),
        }),
      },
    },
  ],
  table: ({ found }) => rowsTable(found),
});
