/**
 * The line of counters that a terminal shows while a live run goes on, renewed every half second.
 */

import { every, type HostTimer } from '../../host/event-loop.ts';
import { hostNow } from '../../host/host-time.ts';
import { groupDigits, significant } from '../../systems/figures.ts';
import type { Testbed } from '../../systems/testbed.ts';
import type { Terminal } from '../terminal.ts';
import { liveTraffic } from './counter-lines.ts';

const PERIOD_MS = 500;

/** Shows nothing where the output is no terminal. @returns what ends it */
export function showCounters(terminal: Terminal, testbed: Testbed): HostTimer {
  if (!terminal.isLive) return { cancel: () => undefined };
  // The board's own clock stands still while it sleeps.
  const startedAt = hostNow() - testbed.now();
  let movedBefore = testbed.traffic();
  let entriesBefore = testbed.kernel.counters.kernelEntries;
  return every(PERIOD_MS, () => {
    const moved = testbed.traffic();
    const { kernelEntries } = testbed.kernel.counters;
    const seconds = PERIOD_MS / 1000;
    const entriesPerSecond = (kernelEntries - entriesBefore) / seconds;
    const parts = [
      `${significant((hostNow() - startedAt) / 1e9)} s`,
      ...liveTraffic(movedBefore, moved, seconds),
      `${groupDigits(entriesPerSecond)} kernel entries/s`,
    ];
    movedBefore = moved;
    entriesBefore = kernelEntries;
    terminal.live(`  ${parts.join(' · ')}`);
  });
}
