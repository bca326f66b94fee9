/** Makes what is shown of a testbed that is watched: of one in the page, and of a live run. */

import type { Strike } from '../../sim/points/point.ts';
import { diagnose } from '../../systems/diagnosis.ts';
import { perPacket } from '../../systems/run-report.ts';
import type { RunCounters, Testbed } from '../../systems/testbed.ts';
import type { DomainView, QueueView, SignalView, WorldView } from './world-view.ts';
import type { WorldWatch } from './world-watch.ts';

export interface Shown {
  readonly testbed: Testbed;
  readonly watch: WorldWatch;
  /** When the system had booted. */
  readonly before: RunCounters;
  readonly packets: number;
  readonly roundTripNs: number;
  readonly strikes: readonly Strike[];
  /** Domains that a fault has stopped. */
  readonly faulted: readonly string[];
  /** Whether something is to come from outside. */
  readonly awaits: 'nothing' | 'an input';
}

export function viewOf(shown: Shown): WorldView {
  const { testbed, watch, before, packets } = shown;
  const counters = testbed.counters();
  const isMiddle = watch.isHalted;
  const work = perPacket(before, counters, packets);
  const { kernel } = counters;
  return {
    timeNs: counters.timeNs,
    bootNs: before.timeNs,
    stands: isMiddle ? 'middle' : 'rest',
    ...(watch.underWay === undefined ? {} : { underWay: watch.underWay }),
    counts: { ...watch.counts },
    isQuiet: !isMiddle && shown.awaits === 'nothing' && testbed.isQuiet,
    packets,
    ...(work === undefined ? {} : { perPacket: work }),
    roundTripNs: shown.roundTripNs,
    contextSwitches: kernel.contextSwitches,
    notifications: kernel.notificationsSent,
    copies: counters.copies,
    bytesCopied: counters.bytesCopied,
    domains: domainsOf(watch, counters),
    queues: queuesOf(watch, testbed),
    signals: signalsOf(watch),
    strikes: [...shown.strikes],
    findings: isMiddle ? [] : diagnose(testbed, shown.faulted).map(({ text }) => text),
  };
}

function domainsOf({ names, entries }: WorldWatch, { pds }: RunCounters): readonly DomainView[] {
  // The monitor is the last.
  return names.pds.slice(0, -1).map((name, pd) => ({
    name,
    entries: entries[pd] ?? 0,
    wakeUps: pds[name]?.wakeUps ?? 0,
    wasted: pds[name]?.wastedWakeUps ?? 0,
    faults: pds[name]?.exceptions ?? 0,
  }));
}

function queuesOf({ probes }: WorldWatch, { board }: Testbed): readonly QueueView[] {
  const depths = probes.depths(board.ram);
  return probes.all.map(({ name, capacity, carries }, queue) => ({
    name,
    capacity,
    carries,
    depth: depths[queue] ?? 0,
  }));
}

function signalsOf({ names, signals }: WorldWatch): readonly SignalView[] {
  const size = names.pds.length;
  return [...signals].flatMap((count, at) =>
    count === 0 ? [] : [{ from: names.pd(Math.floor(at / size)), to: names.pd(at % size), count }],
  );
}
