/**
 * `net/counters`: what one packet costs, counted, on every path and at several batches. Under the
 * virtual clock with the cost table of the published board, so it is the same on every machine. The
 * counts of the first rows are derived by hand in `counters.test.ts`.
 */

import type { RunCounters } from '../../systems/testbed.ts';
import { publishedBoardCosts } from '../../systems/costs/read-costs.ts';
import { NetRig } from '../net-rig.ts';
import { workPerPacket } from '../net.ts';
import type { BenchRow } from '../results.ts';
import { once, round } from '../statistics.ts';
import { forLength, type NetSettings } from './settings.ts';

const FRAME = 64;
const BATCHES = [1, 8, 64];
/** Whole batches of any size. */
const WARM_UP_PACKETS = 64;

export function benchNetCounters(settings: NetSettings): readonly BenchRow[] {
  const packets = forLength(settings, { smoke: 64, quick: 640, full: 6_400 });
  return ['5pd', 'dummy', '4pd', '2pd'].flatMap((path) =>
    BATCHES.map((batch) => {
      settings.onProgress(`net/counters: ${path}, batch ${batch}`);
      return countersRow(path, batch, packets);
    }),
  );
}

/** @param packets a multiple of the batch */
export function countersRow(path: string, batch: number, packets: number): BenchRow {
  const costs = publishedBoardCosts();
  const rig = new NetRig({ path, frame: FRAME, batch, clock: 'virtual', costs });
  const { counters } = rig.generator;
  // Whole batches: what each has caused ends before the next one comes.
  const runTo = (answered: number): RunCounters => {
    while (counters.answered < answered) rig.runFor(STEP_NS);
    return rig.counters();
  };
  const before = runTo(WARM_UP_PACKETS);
  const answeredBefore = counters.answered;
  const after = runTo(answeredBefore + packets);
  const answered = counters.answered - answeredBefore;
  const per = (pick: (counted: RunCounters) => number): number =>
    round((pick(after) - pick(before)) / answered);
  const work = workPerPacket(before, after, answered);
  return {
    name: 'net/counters',
    path,
    frame: FRAME,
    batch,
    costs: costs.name,
    unit: 'kernel entries',
    ...once(per(({ kernel }) => kernel.kernelEntries)),
    ...work,
    bytesCopied: per(({ bytesCopied }) => bytesCopied),
    interrupts: per(({ kernel }) => kernel.interrupts),
    wakeUps: per(({ pds }) => sumOf(pds, (pd) => pd.wakeUps)),
    wasted: per(({ pds }) => sumOf(pds, (pd) => pd.wastedWakeUps)),
    mmio: per((counted) => counted.work?.mmioAccesses ?? 0),
    queueOperations: per((counted) => counted.work?.queueOperations ?? 0),
    busyNs: per((counted) => counted.busyNs ?? 0),
  };
}

const STEP_NS = 1_000;

function sumOf<T>(record: Readonly<Record<string, T>>, pick: (value: T) => number): number {
  return Object.values(record).reduce((sum, value) => sum + pick(value), 0);
}
