/**
 * What does a message cost, and what for? seL4's own ways (shared memory with notifications, call
 * and reply) beside models of POSIX message queues, Mach ports, L4 and QNX that run on the same
 * threads, scheduler, clock and RAM; and beside what the host has itself.
 *
 * Times are of kernels and models in this process. They say what the testbed takes, not what the
 * systems of these names do. Counters are exact: they are of one message, and the same on every
 * machine.
 */

import { hostNow } from '../host/host-time.ts';
import { HOST_MECHANISMS, type HostMechanism, makeHostPair } from './ipc/host.ts';
import { l4Rig } from './ipc/l4.ts';
import { machRig } from './ipc/mach.ts';
import { posixMqRig } from './ipc/posix-mq.ts';
import { qnxRig } from './ipc/qnx.ts';
import { type IpcCounts, type IpcRig, type MakeRig, type Workload, WORKLOADS } from './ipc/rig.ts';
import { sel4CallRig } from './ipc/sel4-call.ts';
import { sel4RingRig } from './ipc/sel4-ring.ts';
import type { BenchRow } from './results.ts';
import { summarise } from './statistics.ts';
import type { BenchSettings } from './suite/benchmark.ts';
import { indented, rowsTable } from './suite/rows-table.ts';

/** The mechanisms whose counters are known. */
export const MECHANISMS = {
  'sel4-ring': sel4RingRig,
  'sel4-call': sel4CallRig,
  'posix-mq': posixMqRig,
  mach: machRig,
  l4: l4Rig,
  qnx: qnxRig,
} as const satisfies Readonly<Record<string, MakeRig>>;
export type Mechanism = keyof typeof MECHANISMS;

const NAMES = Object.keys(MECHANISMS) as readonly Mechanism[];
const QUICK_WORKLOADS = WORKLOADS.filter((workload) => ['64 B', '64 KiB'].includes(workload));
/** Eight figures each of five workloads: longer samples would not tell more. */
const SAMPLE_NS_MAX = 150_000_000;
/**
 * Before the first sample, all mechanisms run several rounds, because V8 specialises the kernel for
 * one mechanism and has to undo that for the next. A round is counted in messages, since V8
 * compiles late on a busy machine, but it ends after a while in any case.
 */
const WARM_UP = { rounds: 3, messages: 10_000, limitNs: 200_000_000 };
/**
 * Messages before the counters are looked at, and in between; multiples of the depth of a stream.
 */
const WARM_UP_MESSAGES = 64;
const COUNTED_MESSAGES = 64;
const ROUNDS_MAX = 100_000;
const ROUND_NS = 100_000;

export async function benchIpc(settings: BenchSettings): Promise<readonly BenchRow[]> {
  settings.onNotice(
    'ipc: times are of models in this process, not of the systems they are named after; counters are exact',
  );
  const timed: Timed[] = [];
  const workloads = settings.length === 'quick' ? QUICK_WORKLOADS : WORKLOADS;
  for (const workload of workloads) timed.push(...(await timeWorkload(settings, workload)));
  // Counted last: another clock in the same process would slow down what is timed after it.
  return timed.map(({ mechanism, workload, figures }) => ({
    name: `ipc/${mechanism}`,
    unit: 'ns',
    ...summarise(figures),
    mechanism,
    workload,
    ...(isModel(mechanism) ? countMessage(mechanism, workload) : {}),
    ratioToNative: null,
  }));
}

function isModel(mechanism: Mechanism | HostMechanism): mechanism is Mechanism {
  return Object.hasOwn(MECHANISMS, mechanism);
}

/** @returns lines for people: for each workload the mechanisms below each other */
export function ipcTable(rows: readonly BenchRow[]): readonly string[] {
  const workloads = [...new Set(rows.map((row) => row['workload']))];
  return workloads.flatMap((workload) => {
    const found = rows
      .filter((row) => row['workload'] === workload)
      .map((row) => ({ ...row, name: 'ipc', workload: null }));
    const { header, lines } = rowsTable(found);
    const title = `ipc/* ${String(workload)}, each message`;
    const table = { header: header.map((key) => HEADINGS[key] ?? key), lines };
    return ['', title, ...indented(table)];
  });
}

const HEADINGS: Readonly<Record<string, string>> = {
  kernelBytes: 'kernel bytes',
  peakBytes: 'at most',
  pageMappings: 'page mappings',
};

/** What one message costs, averaged over a number of them. */
export interface MessageCosts extends IpcCounts {
  /** Most kernel memory in use at one time. */
  readonly peakBytes: number;
}

/** Exact: under the virtual clock, from one message boundary to another. */
export function countMessage(mechanism: Mechanism, workload: Workload): MessageCosts {
  const rig = MECHANISMS[mechanism]('virtual', workload);
  const [before, after] = countsAt(rig, [WARM_UP_MESSAGES, WARM_UP_MESSAGES + COUNTED_MESSAGES]);
  const each = (key: keyof IpcCounts): number => (after[key] - before[key]) / COUNTED_MESSAGES;
  return {
    copies: each('copies'),
    bytesCopied: each('bytesCopied'),
    kernelBytes: each('kernelBytes'),
    kernelEntries: each('kernelEntries'),
    switches: each('switches'),
    lookups: each('lookups'),
    pageMappings: each('pageMappings'),
    peakBytes: rig.peakBytes(),
  };
}

/** @param marks two numbers of messages. @returns the totals when so many were done */
function countsAt(rig: IpcRig, marks: readonly [number, number]): readonly [IpcCounts, IpcCounts] {
  let first: IpcCounts | undefined;
  let second: IpcCounts | undefined;
  rig.meter.callAt(marks[0], () => {
    first = rig.counts();
    rig.meter.callAt(marks[1], () => (second = rig.counts()));
  });
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    rig.run(rig.now() + ROUND_NS);
    if (first !== undefined && second !== undefined) return [first, second];
  }
  throw new Error(`message ${marks[1]} does not come`);
}

// -------------------------------------------------------------------------------------------- time

/**
 * One mechanism under one workload, with the figures that it has so far: nanoseconds for each
 * message.
 */
interface Timed {
  readonly mechanism: Mechanism | HostMechanism;
  readonly workload: Workload;
  readonly figures: number[];
}

interface Contestant extends Timed {
  readonly measure: (sampleNs: number) => number | Promise<number>;
  readonly close: () => void | Promise<void>;
}

/** Samples of all mechanisms alternate, so that all meet the same machine. */
async function timeWorkload(
  settings: BenchSettings,
  workload: Workload,
): Promise<readonly Timed[]> {
  const contestants = await gather(settings, workload);
  const sampleNs = Math.min(settings.sampleNs, SAMPLE_NS_MAX);
  try {
    const rounds = settings.length === 'smoke' ? 0 : WARM_UP.rounds;
    for (let round = 0; round < rounds; round += 1) {
      for (const { mechanism, measure } of contestants) {
        settings.onProgress(`ipc/${mechanism} ${workload}: warm-up`);
        await warmUp(measure, Math.min(sampleNs, WARM_UP.limitNs / 4));
      }
    }
    for (let sample = 0; sample < settings.repeat; sample += 1) {
      for (const { mechanism, measure, figures } of contestants) {
        settings.onProgress(`ipc/${mechanism} ${workload}`);
        figures.push(await measure(sampleNs));
      }
    }
  } finally {
    for (const { close } of contestants) await close();
  }
  return contestants;
}

async function warmUp(measure: Contestant['measure'], sampleNs: number): Promise<void> {
  let messages = 0;
  for (let passedNs = 0; passedNs < WARM_UP.limitNs; passedNs += sampleNs) {
    messages += sampleNs / (await measure(sampleNs));
    if (messages >= WARM_UP.messages) return;
  }
}

async function gather(settings: BenchSettings, workload: Workload): Promise<readonly Contestant[]> {
  const contestants: Contestant[] = NAMES.map((mechanism) => {
    const rig = MECHANISMS[mechanism]('host', workload);
    return {
      mechanism,
      workload,
      measure: (sampleNs) => timeRig(rig, sampleNs),
      close: () => undefined,
      figures: [],
    };
  });
  for (const mechanism of HOST_MECHANISMS) {
    const pair = await makeHostPair(mechanism, workload);
    if (pair === undefined) {
      settings.onNotice(`${mechanism} is not installed here: it is not measured`);
      continue;
    }
    contestants.push({
      mechanism,
      workload,
      measure: (sampleNs) => pair.measure(sampleNs),
      close: () => pair.close(),
      figures: [],
    });
  }
  return contestants;
}

/** @returns nanoseconds for each message */
function timeRig(rig: IpcRig, sampleNs: number): number {
  const before = rig.meter.messages;
  const startedAt = hostNow();
  do {
    rig.run(rig.now() + sampleNs);
  } while (rig.meter.messages === before);
  return (hostNow() - startedAt) / (rig.meter.messages - before);
}
