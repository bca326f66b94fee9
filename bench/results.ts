/**
 * The JSON that every benchmark prints: flat rows, and on what they were measured. And the way
 * back.
 */

import { availableParallelism, cpus, loadavg, release, type } from 'node:os';
import { UserMistake } from '../host/problem.ts';

export interface BenchRow {
  /** Such as `net/echo`. */
  readonly name: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /**
   * This figure divided by that of the C program, `native` or `compared` where the row has it;
   * null where there is none to compare with. Where it is a number, `ratioLow` and `ratioHigh` are
   * the least and the most that a sample had. `undisturbedRatio` is that of the speeds
   * `undisturbed` and `undisturbedNative` (`slices.ts`).
   */
  readonly ratioToNative: number | null;
  /** What else tells rows apart: `path`, `frame`, `batch`, … */
  readonly [parameter: string]: string | number | null;
}

/** How many processes were ready to run in the last minute, on the average: before, and after. */
export type Load = readonly [before: number, after: number];

export interface BenchResults {
  readonly schema: 1;
  readonly node: string;
  readonly cpu: string;
  /** Processors that this process may use. */
  readonly cores?: number;
  readonly os?: string;
  /**
   * How many processes were ready to run in the last minute, on the average: above `cores`, the
   * machine was busy.
   */
  readonly load?: number;
  /** The same before anything was measured. */
  readonly loadBefore?: number;
  /** The same around each part. */
  readonly loads?: Readonly<Record<string, Load>>;
  /** How long samples were: figures of runs of another length differ by that, too. */
  readonly length?: string;
  /** Samples of each figure. */
  readonly samples?: number;
  /** The parts whose rows are here, such as `net/echo`: what need not be measured to go on. */
  readonly parts?: readonly string[];
  readonly results: readonly BenchRow[];
}

const SCHEMA = 1;

export function benchResults(
  results: readonly BenchRow[],
  run: Pick<BenchResults, 'loadBefore' | 'length' | 'samples' | 'parts' | 'loads'> = {},
): BenchResults {
  return {
    schema: SCHEMA,
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    os: `${type()} ${release()}`,
    load: loadNow(),
    ...run,
    results,
  };
}

/** How many processes were ready to run in the last minute, on the average. */
export function loadNow(): number {
  return Number((loadavg()[0] ?? 0).toFixed(2));
}

/** Whether the machine had something else to do, before or after. */
export function wasBusy({
  cores,
  load = 0,
  loadBefore = 0,
}: Pick<BenchResults, 'cores' | 'load' | 'loadBefore'>): boolean {
  return cores !== undefined && Math.max(load, loadBefore) > cores;
}

/** For a terminal: what the figures were measured on, and whether it had something else to do. */
export function machineLine(results: BenchResults): string {
  const { cpu, cores } = results;
  return `${cores ?? '?'} processors (${cpu}), ${runLoad(results)}${busyText(results)}`;
}

/** The machine's load before and after; after alone where results do not say more. */
export function runLoad({ load = 0, loadBefore = load }: BenchResults): string {
  return loadText([loadBefore, load]);
}

/** For a benchmark: the load around its parts; nothing where it is not known. */
export function benchmarkLoad(results: BenchResults, benchmark: string): string | undefined {
  const { cores, loads = {} } = results;
  const own = Object.entries(loads).filter(([part]) => part.startsWith(`${benchmark}/`));
  const [first] = own;
  if (first === undefined) return undefined;
  const loadBefore = first[1][0];
  const load = own.at(-1)?.[1][1] ?? loadBefore;
  const most = Math.max(...own.flatMap(([, each]) => each));
  const busy = busyText({ ...(cores === undefined ? {} : { cores }), load: most });
  return `${loadText([loadBefore, load])}${busy}`;
}

function loadText([before, after]: Load): string {
  if (before === after) return `load ${after.toFixed(1)}`;
  return `load ${before.toFixed(1)} before and ${after.toFixed(1)} after`;
}

function busyText(results: Pick<BenchResults, 'cores' | 'load' | 'loadBefore'>): string {
  return wasBusy(results) ? ': busy, compare ratios and repeat' : '';
}

/**
 * Reads what {@link benchResults} has written.
 *
 * @param where the file's name, for messages
 * @throws UserMistake when the text is cut short, of another schema, or has rows without their
 * figures
 */
export function parseResults(text: string, where: string): BenchResults {
  const value = parseJson(text, where);
  if (!isObject(value) || !('schema' in value) || !Array.isArray(value['results'])) {
    throw new UserMistake(`${where}: no results of \`sddf bench --json\`; name such a file`);
  }
  if (value['schema'] !== SCHEMA) {
    throw new UserMistake(
      `${where}: schema ${JSON.stringify(value['schema'])}, but this program reads schema ${SCHEMA}; measure again`,
    );
  }
  const results = value['results'].map((row: unknown, index) => {
    if (isRow(row)) return row;
    throw new UserMistake(
      `${where}: row ${index} is no result (name, unit, median, min, max); measure again`,
    );
  });
  const { node, cpu, cores, os, load, loadBefore, loads, length, samples, parts } = value;
  return {
    schema: SCHEMA,
    node: typeof node === 'string' ? node : 'unknown',
    cpu: typeof cpu === 'string' ? cpu : 'unknown',
    ...(typeof cores === 'number' ? { cores } : {}),
    ...(typeof os === 'string' ? { os } : {}),
    ...(typeof load === 'number' ? { load } : {}),
    ...(typeof loadBefore === 'number' ? { loadBefore } : {}),
    ...(isObject(loads) ? { loads: readLoads(loads) } : {}),
    ...(typeof length === 'string' ? { length } : {}),
    ...(typeof samples === 'number' ? { samples } : {}),
    ...(Array.isArray(parts) ? { parts: parts.filter((part) => typeof part === 'string') } : {}),
    results,
  };
}

/** Those that are pairs of numbers. */
function readLoads(loads: Readonly<Record<string, unknown>>): Readonly<Record<string, Load>> {
  const isLoad = (pair: unknown): pair is Load =>
    Array.isArray(pair) && pair.length === 2 && pair.every((each) => typeof each === 'number');
  const pairs = Object.entries(loads).flatMap(([part, pair]) =>
    isLoad(pair) ? [[part, pair] as const] : [],
  );
  return Object.fromEntries(pairs);
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    if (!/^\s*(?:\{|$)/.test(text)) {
      throw new UserMistake(`${where}: is not JSON of \`sddf bench --json\`; name such a file`);
    }
    const ending = text.trimEnd().endsWith('}') ? 'is no JSON' : 'has been cut short';
    throw new UserMistake(`${where}: ${ending} (${text.length} characters); measure again`);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isRow(value: unknown): value is BenchRow {
  if (!isObject(value)) return false;
  const { name, unit, median, min, max } = value;
  const figures = [median, min, max];
  const others = Object.values(value).every(
    (each) => each === null || typeof each === 'string' || typeof each === 'number',
  );
  return (
    typeof name === 'string' &&
    typeof unit === 'string' &&
    figures.every((each) => typeof each === 'number' && Number.isFinite(each)) &&
    others
  );
}

/** Measured, and not what tells rows apart. Texts tell rows apart, except {@link REMARKS}. */
export const FIGURES: ReadonlySet<string> = new Set(
  `median min max ratioToNative ratioToQemu ratioToTypeScript cpuMs ratioLow ratioHigh native undisturbed undisturbedNative
   undisturbedRatio undisturbedLow undisturbedHigh compared published error residual
   nsPerPacket nsPerRequest iops mbPerSecond microseconds publishedMicroseconds flushesPerSecond bytesPerOperation ofUntraced shareOfFrames
   cyclesPerPacket publishedCyclesPerPacket roundTripNs answered answeredShare p50Us p99Us busyNs
   copies bytesCopied bytesPerOperation kernelEntries kernelBytes notifications wasted wakeUps interrupts contextSwitches switches
   queueOperations mmio allocations lookups peakBytes pageMappings entitled failed`.split(/\s+/),
);

const REMARKS: ReadonlySet<string> = new Set(['name', 'unit', 'comparedWith', 'note', 'checksums']);

/**
 * The parameters that tell a row from others of its name, in the order in which the row has them.
 */
export function parametersOf(row: BenchRow): readonly (readonly [string, string | number])[] {
  const found: (readonly [string, string | number])[] = [];
  for (const [key, value] of Object.entries(row)) {
    if (value === null || FIGURES.has(key) || REMARKS.has(key)) continue;
    // A rate that is a share of a measured one differs from run to run, and so tells no rows apart.
    if (key === 'offered' && typeof row['load'] === 'number') continue;
    found.push([key, value]);
  }
  return found;
}
