/**
 * The line of counters that a terminal shows while a live run goes on, renewed every half second.
 */

import { every, hostNow, type HostTimer } from '../../host/event-loop.ts';
import type { Testbed } from '../../systems/testbed.ts';
import type { Attachment } from './attachment.ts';
import { groupDigits, significant } from '../figures.ts';
import type { Terminal } from '../terminal.ts';

const PERIOD_MS = 500;

/** Shows nothing where the output is no terminal. @returns what ends it */
export function showCounters(
  terminal: Terminal,
  testbed: Testbed,
  attachments: readonly Attachment[],
): HostTimer {
  if (!terminal.isLive) return { cancel: () => undefined };
  const sum = (): number => attachments.reduce((total, each) => total + each.packets, 0);
  // The board's own clock stands still while it sleeps.
  const startedAt = hostNow() - testbed.now();
  let packetsBefore = sum();
  let entriesBefore = testbed.kernel.counters.kernelEntries;
  return every(PERIOD_MS, () => {
    const packets = sum();
    const { kernelEntries } = testbed.kernel.counters;
    const seconds = PERIOD_MS / 1000;
    const perSecond = (packets - packetsBefore) / seconds;
    const entriesPerSecond = (kernelEntries - entriesBefore) / seconds;
    packetsBefore = packets;
    entriesBefore = kernelEntries;
    terminal.live(
      `  ${significant((hostNow() - startedAt) / 1e9)} s · ${groupDigits(packets)} packets, ` +
        `${groupDigits(perSecond)}/s · ${groupDigits(entriesPerSecond)} kernel entries/s`,
    );
  });
}
