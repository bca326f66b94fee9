/**
 * One point of the published figure under the virtual clock: a path, an offered load, a cost table.
 */

import { ImpairedWire } from '../../board/links/impair.ts';
import { NetRig, type NetRigOptions } from '../net-rig.ts';
import type { RunCosts } from '../../systems/run-costs.ts';
import type { RunCounters } from '../../systems/testbed.ts';
import { FRAME_BYTES, packetsPerSecond } from './published.ts';

export interface LoadPoint {
  readonly path: string;
  /** Of payload, per second. */
  readonly megabits: number;
}

/** What was counted for each packet that was answered, and what it took. */
export interface LoadResult {
  /** Share of one core. */
  readonly cpu: number;
  readonly busyNsPerPacket: number;
  /** Answered, of those that were sent. */
  readonly answeredShare: number;
  readonly roundTripNs: number;
  /** Per packet, by name: what cost tables price. */
  readonly counts: Readonly<Record<CountName, number>>;
}

export const COUNT_NAMES = [
  'kernelEntries',
  'interrupts',
  'contextSwitches',
  'invocations',
  'wakeUps',
  'queueOperations',
  'mmioAccesses',
  'copies',
  'bytesCopied',
  'checksumBytes',
  'datagrams',
] as const;
export type CountName = (typeof COUNT_NAMES)[number];

/** Interrupts and budgets have found their rhythm by then. */
const WARM_UP_PACKETS = 200;
/** Frames in flight at most; the driver has as many buffers. */
const WINDOW = 512;

export function simulateLoad(point: LoadPoint, costs: RunCosts, packets: number): LoadResult {
  const rate = packetsPerSecond(point.megabits);
  const rig = new NetRig({
    path: point.path,
    frame: FRAME_BYTES,
    batch: 1,
    open: { rate, window: WINDOW },
    clock: 'virtual',
    costs,
    wrap: outOfStep(rate),
  });
  const { counters, roundTrip } = rig.generator;
  rig.runFor((WARM_UP_PACKETS / rate) * 1e9);
  rig.generator.clearMeasurements();
  const before = rig.counters();
  const tookNs = rig.runFor((packets / rate) * 1e9);
  const after = rig.counters();
  const answered = counters.answered;
  const busyNs = (after.busyNs ?? 0) - (before.busyNs ?? 0);
  return {
    cpu: busyNs / tookNs,
    busyNsPerPacket: busyNs / answered,
    answeredShare: answered / (counters.sent + counters.skipped),
    roundTripNs: roundTrip.percentile(0.5),
    counts: perPacket(before, after, answered),
  };
}

/**
 * The published figures are of four machines that send out of step: each frame comes at a random
 * moment of its interval.
 */
export function outOfStep(rate: number): NonNullable<NetRigOptions['wrap']> {
  return (wire, { ram, board, random }) =>
    new ImpairedWire({
      wire,
      ram,
      clock: board.clock,
      random,
      toNic: { jitterNs: Math.round(1e9 / rate) },
    });
}

function perPacket(
  before: RunCounters,
  after: RunCounters,
  packets: number,
): Record<CountName, number> {
  const [first, last] = [totals(before), totals(after)];
  const counts = COUNT_NAMES.map((name) => [name, (last[name] - first[name]) / packets]);
  return Object.fromEntries(counts) as Record<CountName, number>;
}

function totals({ kernel, pds, programs, work }: RunCounters): Record<CountName, number> {
  const acknowledged = Object.values(pds).reduce((sum, pd) => sum + pd.irqAcks, 0);
  return {
    // An interrupt is a kernel entry, but one that is charged for as an interrupt.
    kernelEntries: kernel.kernelEntries - kernel.interrupts,
    interrupts: kernel.interrupts,
    contextSwitches: kernel.contextSwitches,
    invocations: acknowledged,
    wakeUps: work?.wakeUps ?? 0,
    queueOperations: work?.queueOperations ?? 0,
    mmioAccesses: work?.mmioAccesses ?? 0,
    copies: work?.copies ?? 0,
    bytesCopied: work?.bytesCopied ?? 0,
    checksumBytes: work?.checksumBytes ?? 0,
    datagrams: programs['client0']?.['udpEchoed'] ?? 0,
  };
}
