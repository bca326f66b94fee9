/**
 * Fits a cost table on six published points, and says how well it predicts all others.
 * Reproducible: the same table comes out on every machine.
 *
 *     node --import tsx/esm bench/cost/fit.ts [systems/costs/imx8mm.json]
 *
 * Three numbers are fitted: a factor for everything that a wake-up costs (kernel entry, switch,
 * interrupt, the program's cold caches), the client's protocol stack for each datagram, and the
 * NIC's interrupt moderation, which decides how many packets a wake-up finds. The other prices are
 * given (`GIVEN`), because the row with a copier alone cannot tell them apart from the client's
 * stack.
 *
 * For a given moderation the busy time per packet is linear in the other two, with what the
 * simulation counts as coefficients; but how many packets a wake-up finds depends on the prices.
 * So: simulate, solve, simulate again, until the prices stay. The moderation is searched around
 * that.
 */

import { writeFileSync } from 'node:fs';
import { argv } from 'node:process';
import { pathToFileURL } from 'node:url';
import { parseCosts, type RunCosts } from '../../systems/run-costs.ts';
import { predictionLines, predictAll, predictionSummary } from './predict.ts';
import { CYCLES_PER_NS, isFitted, PUBLISHED, type PublishedRow } from './published.ts';
import { simulateLoad } from './simulate.ts';
import { type Equation, solveNonNegative } from './solve.ts';

/** What is fitted. */
export interface Fitted {
  /** Of {@link GIVEN}'s prices of kernel and wake-up. */
  readonly overhead: number;
  /** Nanoseconds of the client for each datagram. */
  readonly datagram: number;
  readonly deviceLatencyNs: number;
}

/**
 * Given, in cycles. Kernel: in the proportions of seL4's published figures (send 851 and call 284
 * cycles on this board under MCS; an interrupt about as much as a send; sDDF's documentation: a
 * context switch 400 to 500). A queue operation: some fifty instructions on an in-order core and a
 * share of a cache line. A register: an uncached access. A byte of a copy: sDDF's documentation has
 * the copy of 1472 bytes at 1000 cycles at wire speed. A checksum: sixteen bits a cycle, over the
 * IPv4 header alone, because the board's NIC does the others.
 */
const GIVEN = {
  kernelEntry: 400,
  contextSwitch: 450,
  invocation: 300,
  interrupt: 850,
  fault: 850,
  wakeUp: 450,
  queueOperation: 80,
  mmio: 100,
  copy: 0,
  copyPerByte: 0.67,
  checksumPerByte: 0.5,
} as const;
const IPV4_HEADER_BYTES = 20;

const START: Omit<Fitted, 'deviceLatencyNs'> = { overhead: 1, datagram: 4_000 };
const LATENCY_NS = { least: 10_000, most: 300_000 };
const SEARCH_STEPS = 8;
const ROUNDS_MAX = 8;
/** Prices that change by less than this have been found. */
const SETTLED = 0.002;

export interface FitOptions {
  /** Simulated at each point. */
  readonly packets: number;
  readonly onProgress: (line: string) => void;
}

export function fitCosts(options: FitOptions): Fitted {
  const rows = PUBLISHED.filter((row) => isFitted(row));
  let best: { readonly fitted: Fitted; readonly error: number } | undefined;
  const errorAt = (logLatency: number): number => {
    const attempt = fitPrices(rows, Math.round(Math.exp(logLatency)), options.packets);
    const { deviceLatencyNs } = attempt.fitted;
    options.onProgress(
      `interrupts held back ${(deviceLatencyNs / 1000).toFixed(1)} us: ` +
        `error ${(attempt.error * 100).toFixed(2)} %`,
    );
    if (best === undefined || attempt.error < best.error) best = attempt;
    return attempt.error;
  };
  searchLeast(errorAt, Math.log(LATENCY_NS.least), Math.log(LATENCY_NS.most));
  if (best === undefined) throw new Error('nothing was fitted');
  return rounded(best.fitted);
}

/** Golden-section search: the least value of a function with one valley. */
function searchLeast(valueAt: (at: number) => number, from: number, to: number): void {
  const golden = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [from, to];
  let left = high - golden * (high - low);
  let right = low + golden * (high - low);
  let [atLeft, atRight] = [valueAt(left), valueAt(right)];
  for (let step = 0; step < SEARCH_STEPS; step += 1) {
    if (atLeft < atRight) {
      [high, right, atRight] = [right, left, atLeft];
      left = high - golden * (high - low);
      atLeft = valueAt(left);
    } else {
      [low, left, atLeft] = [left, right, atRight];
      right = low + golden * (high - low);
      atRight = valueAt(right);
    }
  }
}

/** @returns the prices for this moderation, and the root mean square of the relative errors */
function fitPrices(
  rows: readonly PublishedRow[],
  deviceLatencyNs: number,
  packets: number,
): { readonly fitted: Fitted; readonly error: number } {
  let fitted: Fitted = { ...START, deviceLatencyNs };
  let error = Infinity;
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const costs = costsOf(fitted);
    const equations = rows.map((row) => equation(row, costs, fitted.overhead, packets));
    const [overhead = 0, datagram = 0] = solveNonNegative(equations);
    const next: Fitted = { overhead, datagram, deviceLatencyNs };
    error = rootMeanSquare(equations, [overhead, datagram]);
    const isSettled = hasSettled(fitted, next);
    fitted = next;
    if (isSettled) break;
  }
  return { fitted, error };
}

/**
 * What the simulation counts at this point, as an equation for the three prices; its error is
 * relative.
 */
function equation(
  row: PublishedRow,
  costs: RunCosts,
  overheadNow: number,
  packets: number,
): Equation {
  const { counts } = simulateLoad(row, costs, packets);
  const { kernel, work } = costs;
  const overhead =
    counts.kernelEntries * kernel.kernelEntry +
    counts.contextSwitches * kernel.contextSwitch +
    counts.invocations * kernel.invocation +
    counts.interrupts * kernel.interrupt +
    counts.wakeUps * work.wakeUp;
  const given =
    counts.queueOperations * work.queueOperation +
    counts.mmioAccesses * work.mmio +
    counts.bytesCopied * work.copyPerByte +
    counts.checksumBytes * work.checksumPerByte;
  const published = row.cyclesPerPacket / CYCLES_PER_NS;
  return {
    coefficients: [overhead / overheadNow, counts.datagrams],
    target: published - given,
    weight: 1 / published,
  };
}

function rootMeanSquare(equations: readonly Equation[], found: readonly number[]): number {
  const squares = equations.map(({ coefficients, target, weight }) => {
    const sum = coefficients.reduce((total, each, index) => total + each * (found[index] ?? 0), 0);
    return ((sum - target) * weight) ** 2;
  });
  return Math.sqrt(squares.reduce((total, each) => total + each, 0) / squares.length);
}

function hasSettled(one: Fitted, other: Fitted): boolean {
  const names = ['overhead', 'datagram'] as const;
  return names.every(
    (name) => Math.abs(one[name] - other[name]) <= SETTLED * Math.abs(other[name]),
  );
}

function rounded({ overhead, datagram, deviceLatencyNs }: Fitted): Fitted {
  return {
    overhead: Number(overhead.toFixed(3)),
    datagram: Math.round(datagram),
    deviceLatencyNs: Math.round(deviceLatencyNs / 100) * 100,
  };
}

/** The table's file as JSON: see `systems/run-costs.ts`. */
export function costsFile({ overhead, datagram, deviceLatencyNs }: Fitted): string {
  const ns = (cycles: number): number => Number((cycles / CYCLES_PER_NS).toFixed(1));
  const scaled = (cycles: number): number => ns(cycles * overhead);
  const table = {
    schema: 1,
    name: 'imx8mm',
    about: ABOUT,
    unit: 'ns',
    kernel: {
      kernelEntry: scaled(GIVEN.kernelEntry),
      contextSwitch: scaled(GIVEN.contextSwitch),
      invocation: scaled(GIVEN.invocation),
      interrupt: scaled(GIVEN.interrupt),
      fault: scaled(GIVEN.fault),
    },
    work: {
      wakeUp: scaled(GIVEN.wakeUp),
      queueOperation: ns(GIVEN.queueOperation),
      mmio: ns(GIVEN.mmio),
      copy: ns(GIVEN.copy),
      copyPerByte: Number((GIVEN.copyPerByte / CYCLES_PER_NS).toFixed(3)),
      checksumPerByte: ns(GIVEN.checksumPerByte),
    },
    deviceLatencyNs,
    events: [
      { domain: 'client*', counter: 'udpEchoed', cost: datagram, checksumBytes: IPV4_HEADER_BYTES },
      { domain: 'ethernet_driver', counter: 'rxPackets', queueOperations: 2 },
      { domain: 'ethernet_driver', counter: 'txPackets', queueOperations: 2 },
    ],
  };
  return `${JSON.stringify(table, undefined, 2)}\n`;
}

const ABOUT =
  'i.MX8M Mini (Cortex-A53) running the echo of sDDF, fitted by bench/cost/fit.ts on six published points of the 5-PD rows';

function costsOf(fitted: Fitted): RunCosts {
  const read = parseCosts(costsFile(fitted));
  if (!read.ok) throw new Error(read.problem);
  return read.costs;
}

const PACKETS = 600;

function main(output: string | undefined): void {
  const fitted = fitCosts({ packets: PACKETS, onProgress: (line) => console.error(line) });
  console.log(JSON.stringify(fitted));
  if (output !== undefined) writeFileSync(output, costsFile(fitted));
  const rows = predictAll(costsOf(fitted), { packets: PACKETS, onProgress: () => undefined });
  for (const line of [...predictionLines(rows), '', ...predictionSummary(rows)]) console.log(line);
}

if (import.meta.url === pathToFileURL(argv[1] ?? '').href) main(argv[2]);
