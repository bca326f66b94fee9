/**
 * The targets of the issues, as data: which row has the figure, and what it should be. The report
 * says of each whether it was reached, not reached, or not measured in this run. Where an issue
 * asks for something but gives no number, `what` says that the limit is our own.
 */

import { type BenchRow } from '../results.ts';

export interface Target {
  /** Number of the issue that asks for it. */
  readonly issue: number;
  readonly what: string;
  /** Name and parameters of the rows; where several match, the worst of them counts. */
  readonly row: Readonly<Record<string, string | number>> & { readonly name: string };
  /** The median unless told. */
  readonly figure?: string;
  /**
   * The figure is divided by the same one of this row: by that of the least disturbed sample,
   * because disturbances slow the two unequally.
   */
  readonly over?: Target['row'];
  /** Multiplied by this, to come to the unit. */
  readonly scale?: number;
  readonly unit: string;
  readonly atLeast?: number;
  readonly atMost?: number;
  /** Asked only of machines where this figure of the row is at least so much. */
  readonly where?: { readonly figure: string; readonly atLeast: number };
}

const ECHO = { name: 'net/echo', path: '5pd' } as const;
const RANDOM_READ = { name: 'blk/randread', block: 4096, backend: 'memory' } as const;
const MB = 1e-6;

/** What the cost of an operation must not grow with. */
const CROWDS = [
  { among: 'objects', few: 10, many: 50_000 },
  { among: 'threads', few: 10, many: 10_000 },
  { among: 'priorities', few: 1, many: 99 },
] as const;

export const TARGETS: readonly Target[] = [
  ...(
    [
      ['pipeline-64', 0.32],
      ['pipeline-1500', 0.45],
    ] as const
  ).map(([kernel, atLeast]): Target => ({
    issue: 14,
    what: `machine code, translated: ${kernel}, beside C without vector instructions`,
    row: { name: `code/${kernel}`, engine: 'translator' },
    figure: 'ratioToNative',
    unit: 'of C',
    atLeast,
  })),
  {
    issue: 14,
    what: 'machine code, translated: geometric mean of five kernels, beside QEMU',
    row: { name: 'code/mean' },
    unit: 'of QEMU',
    atLeast: 1,
  },
  {
    issue: 14,
    what: 'memcpy of an image, 1500 B, done at once, beside the same function in C without vector instructions',
    row: { name: 'code/bulk', engine: 'translator' },
    figure: 'ratioToNative',
    unit: 'of C',
    atLeast: 0.8,
  },
  {
    issue: 14,
    what: 'machine code, interpreted: the slowest kernel',
    row: { name: 'code/slowest', engine: 'interpreter' },
    unit: 'million instructions/s',
    atLeast: 25,
  },
  {
    issue: 14,
    what: 'the whole echo path in C, 64 B, batch 64, beside the one in TypeScript',
    row: { name: 'code/echo', frame: 64, batch: 64 },
    figure: 'ratioToTypeScript',
    unit: 'of TypeScript',
    atLeast: 0.5,
  },
  {
    issue: 14,
    what: 'echo of images, from power-on to the first packet, translation included',
    row: { name: 'code/start' },
    unit: 'ms',
    atMost: 400,
  },
  {
    issue: 14,
    what: 'echo of images: memory beyond theirs',
    row: { name: 'code/memory' },
    scale: MB,
    unit: 'MB',
    atMost: 60,
  },
  {
    issue: 14,
    what: 'a character typed beside a loop of machine code that never ends, 99 of 100',
    row: { name: 'code/typed', beside: 'loop' },
    figure: 'p99Us',
    scale: 1e-3,
    unit: 'ms',
    atMost: 2,
  },
  {
    issue: 15,
    what: 'worlds of echo, 500 packets, standard chaos, in a second of one core (60 of two asked)',
    row: { name: 'sim/worlds', system: 'echo', explore: 'none' },
    unit: 'worlds/s',
    atLeast: 30,
  },
  {
    issue: 15,
    what: 'what exploring orders costs, echo',
    row: { name: 'sim/cost of exploring', system: 'echo' },
    unit: 'times',
    atMost: 3,
  },
  ...(
    [
      [64, 64, 0.7],
      [1500, 64, 0.8],
      [64, 1, 0.15],
    ] as const
  ).map(([frame, batch, atLeast]): Target => ({
    issue: 21,
    what: `${frame} B, batch ${batch}, plain median beside that of C`,
    row: { ...ECHO, frame, batch },
    figure: 'ratioToNative',
    unit: 'of C',
    atLeast,
  })),
  {
    issue: 21,
    what: 'echo in a fresh process, from power-on to the first packet',
    row: { name: 'net/boot' },
    unit: 'ms',
    atMost: 80,
  },
  {
    issue: 2,
    what: '64 B, batch 64, beside the same pipeline in C',
    row: { ...ECHO, frame: 64, batch: 64 },
    figure: 'ratioToNative',
    unit: 'of C',
    atLeast: 0.45,
  },
  {
    issue: 2,
    what: '1500 B, batch 64, beside C',
    row: { ...ECHO, frame: 1500, batch: 64 },
    figure: 'ratioToNative',
    unit: 'of C',
    atLeast: 0.5,
  },
  {
    issue: 2,
    what: '64 B, batch 1, beside C',
    row: { ...ECHO, frame: 64, batch: 1 },
    figure: 'ratioToNative',
    unit: 'of C',
    atLeast: 0.08,
  },
  {
    issue: 2,
    what: '64 B, batch 64, on a machine where C does 14 million packets/s',
    row: { ...ECHO, frame: 64, batch: 64 },
    unit: 'packets/s',
    atLeast: 4e6,
    where: { figure: 'native', atLeast: 14e6 },
  },
  {
    issue: 2,
    what: 'heap growth over a million packets',
    row: { name: 'net/heap growth' },
    unit: 'bytes',
    atMost: 1e6,
  },
  {
    issue: 2,
    what: 'major garbage collections over a million packets',
    row: { name: 'net/major collections' },
    unit: 'collections',
    atMost: 0,
  },
  {
    issue: 2,
    what: 'minor garbage collections over a million packets (our own limit: the issue has major ones)',
    row: { name: 'net/minor collections' },
    unit: 'collections',
    atMost: 0,
  },
  {
    issue: 2,
    what: 'boot to the first echoed packet',
    row: { name: 'net/boot' },
    unit: 'ms',
    atMost: 300,
  },
  {
    issue: 2,
    what: 'memory of the whole process',
    row: { name: 'net/memory' },
    scale: MB,
    unit: 'MB',
    atMost: 200,
  },
  {
    issue: 3,
    what: 'client to a sink in memory, slowest UART',
    row: { name: 'serial/to memory' },
    scale: MB,
    unit: 'MB/s',
    atLeast: 20,
  },
  {
    issue: 3,
    what: 'client to a reader of a pseudo-terminal, slowest UART',
    row: { name: 'serial/to pty reader' },
    scale: MB,
    unit: 'MB/s',
    atLeast: 5,
  },
  {
    issue: 3,
    what: '115200 8N1 at its real rate, 11,520 B/s less 1 %',
    row: { name: 'serial/line rate' },
    unit: 'B/s',
    atLeast: 11_520 * 0.99,
  },
  {
    issue: 3,
    what: '115200 8N1 at its real rate, 11,520 B/s and 1 %',
    row: { name: 'serial/line rate' },
    unit: 'B/s',
    atMost: 11_520 * 1.01,
  },
  {
    issue: 3,
    what: 'echo of a character typed on a pseudo-terminal',
    row: { name: 'serial/echo on a pty' },
    unit: 'ms',
    atMost: 5,
  },
  {
    issue: 3,
    what: 'heap for each character (an object would be 12 bytes or more)',
    row: { name: 'serial/heap growth' },
    scale: MB,
    unit: 'bytes',
    atMost: 1,
  },
  {
    issue: 4,
    what: '4 KiB random read in memory, depth 32',
    row: { ...RANDOM_READ, depth: 32 },
    unit: 'IOPS',
    atLeast: 300_000,
  },
  {
    issue: 4,
    what: 'the same, beside C',
    row: { ...RANDOM_READ, depth: 32 },
    figure: 'ratioToNative',
    unit: 'of C',
    atLeast: 0.3,
  },
  {
    issue: 4,
    what: '4 KiB random read in memory, depth 1',
    row: { ...RANDOM_READ, depth: 1 },
    unit: 'IOPS',
    atLeast: 60_000,
  },
  {
    issue: 4,
    what: '128 KiB sequential read in memory',
    row: { name: 'blk/seqread', block: 131_072, depth: 8, backend: 'memory' },
    figure: 'mbPerSecond',
    scale: 1e-3,
    unit: 'GB/s',
    atLeast: 4,
  },
  {
    issue: 4,
    what: 'raw file, 4 KiB random read, depth 32, beside a loop of fs.readSync',
    row: { name: 'blk/randread', block: 4096, depth: 32, backend: 'file' },
    figure: 'ratioToNative',
    unit: 'of the loop',
    atLeast: 0.5,
  },
  {
    issue: 4,
    what: 'over NBD with fio, 4 KiB random read, depth 32',
    row: { name: 'blk/randread', block: 4096, depth: 32, backend: 'nbd', client: 'fio' },
    unit: 'IOPS',
    atLeast: 40_000,
  },
  {
    issue: 4,
    what: 'heap for each request (an object would be 12 bytes or more)',
    row: { name: 'blk/heap growth' },
    unit: 'bytes',
    atMost: 12,
  },
  {
    issue: 4,
    what: 'copies between client and device, per request',
    row: { ...RANDOM_READ, depth: 32 },
    figure: 'copies',
    unit: 'copies',
    atMost: 0,
  },
  {
    issue: 5,
    what: 'call and reply',
    row: { name: 'kernel/call-reply', objects: 10 },
    unit: 'round trips/s',
    atLeast: 4e6,
  },
  {
    issue: 5,
    what: 'signal to a waiting thread of higher priority, and back',
    row: { name: 'kernel/signal', objects: 10 },
    unit: 'round trips/s',
    atLeast: 4e6,
  },
  {
    issue: 5,
    what: 'retype of a page',
    row: { name: 'kernel/retype' },
    unit: 'per second',
    atLeast: 500_000,
  },
  {
    issue: 5,
    what: 'copy and delete of a capability',
    row: { name: 'kernel/copy-delete' },
    unit: 'per second',
    atLeast: 1e6,
  },
  {
    issue: 5,
    what: 'revoke of 10,000 children',
    row: { name: 'kernel/revoke-10000' },
    unit: 'ms',
    atMost: 20,
  },
  {
    issue: 5,
    what: 'revoke is linear: 50 times the children (50,000 beside 1,000) in at most 75 times the time (75 is our own limit)',
    row: { name: 'kernel/revoke', children: 50_000 },
    over: { name: 'kernel/revoke', children: 1000 },
    figure: 'min',
    unit: 'times',
    atMost: 75,
  },
  {
    issue: 5,
    what: 'boot of 64 protection domains',
    row: { name: 'kernel/boot-64pd' },
    unit: 'ms',
    atMost: 200,
  },
  ...(['call-reply', 'signal'] as const).flatMap((operation) =>
    CROWDS.map(({ among, few, many }): Target => ({
      issue: 5,
      what: `${operation} among ${many.toLocaleString('en')} ${among}, beside ${few} (0.5 is our own limit)`,
      row: { name: `kernel/${operation}`, [among]: many },
      over: { name: `kernel/${operation}`, [among]: few },
      figure: 'max',
      unit: 'of it',
      atLeast: 0.5,
    })),
  ),
  ...(['call-reply', 'signal', 'interrupt'] as const).map((operation): Target => ({
    issue: 5,
    what: `${operation}: heap for each (an object would be 12 bytes or more)`,
    row: { name: `kernel/${operation}` },
    figure: 'bytesPerOperation',
    unit: 'bytes',
    atMost: 1,
  })),
  {
    issue: 6,
    what: 'parse and validate 62 protection domains and 1,000 regions',
    row: { name: 'description/parse-62pd' },
    unit: 'ms',
    atMost: 50,
  },
  {
    issue: 6,
    what: 'boot the same description',
    row: { name: 'description/boot-62pd' },
    unit: 'ms',
    atMost: 200,
  },
  {
    issue: 6,
    what: 'sddf check, from start to end',
    row: { name: 'description/check-process' },
    unit: 'ms',
    atMost: 600,
  },
  {
    issue: 7,
    what: 'the cost table: median error against the published points',
    row: { name: 'net/cpu-error', path: 'all' },
    unit: '%',
    atMost: 10,
  },
  {
    issue: 7,
    what: 'throughput while a trace is recorded, beside none',
    row: { name: 'net/traced' },
    figure: 'ofUntraced',
    unit: 'of it',
    atLeast: 0.9,
  },
  {
    issue: 7,
    what: 'all benchmarks with --quick',
    row: { name: 'suite/time', length: 'quick', scope: 'all' },
    unit: 's',
    atMost: 180,
  },
  {
    issue: 7,
    what: 'all benchmarks in full',
    row: { name: 'suite/time', length: 'full', scope: 'all' },
    unit: 's',
    atMost: 1200,
  },
];

export interface TargetOutcome {
  readonly target: Target;
  readonly outcome: 'reached' | 'not reached' | 'not measured';
  readonly measured?: number;
}

export function checkTargets(
  rows: readonly BenchRow[],
  targets: readonly Target[] = TARGETS,
): readonly TargetOutcome[] {
  return targets.map((target) => {
    const measured = measuredFor(target, rows);
    if (measured === undefined) return { target, outcome: 'not measured' };
    const { atLeast = -Infinity, atMost = Infinity } = target;
    const isReached = measured >= atLeast && measured <= atMost;
    return { target, measured, outcome: isReached ? 'reached' : 'not reached' };
  });
}

/** @returns nothing where no row has the figure, or the machine is not one of which it is asked */
function measuredFor(target: Target, rows: readonly BenchRow[]): number | undefined {
  const { figure = 'median', over, scale = 1, where } = target;
  const asked = rows.filter((row) => {
    if (!matches(row, target.row)) return false;
    const condition = where === undefined ? undefined : row[where.figure];
    return where === undefined || (typeof condition === 'number' && condition >= where.atLeast);
  });
  const values = asked.flatMap((row) => numbersOf(row, figure));
  if (values.length === 0) return undefined;
  const value = target.atLeast === undefined ? Math.max(...values) : Math.min(...values);
  if (over === undefined) return value * scale;
  const [beside] = rows
    .filter((row) => matches(row, over))
    .flatMap((row) => numbersOf(row, figure));
  return beside === undefined || beside === 0 ? undefined : (value / beside) * scale;
}

function matches(row: BenchRow, wanted: Target['row']): boolean {
  return Object.entries(wanted).every(([key, value]) => row[key] === value);
}

function numbersOf(row: BenchRow, figure: string): number[] {
  const value = row[figure];
  return typeof value === 'number' && Number.isFinite(value) ? [value] : [];
}
