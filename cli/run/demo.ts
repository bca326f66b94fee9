/**
 * What `npm start` shows: the system's topology, two seconds of its own traffic, figures, and how
 * to try it.
 */

import { duration, groupDigits, significant } from '../../systems/figures.ts';
import { perPacket } from '../../systems/run-report.ts';
import type { Ending } from '../../systems/virtual-slice.ts';
import { after } from '../../host/event-loop.ts';
import { driveLive, type LiveRun } from './drive.ts';
import { showCounters } from './live-line.ts';
import type { NetAttachment } from '../net/attachment.ts';
import { workText } from './report.ts';
import type { Terminal } from '../terminal.ts';
import { drawTopology } from './topology.ts';

export interface DemoOptions extends Omit<LiveRun, 'input'> {
  readonly attachment: NetAttachment;
  readonly terminal: Terminal;
  readonly forNs: number | undefined;
  /** Bytes of the frames of each generator, in order. */
  readonly frames: readonly number[];
}

/** All the generators together. */
const TRAFFIC_NS = 2_000_000_000;
/**
 * Of a short demo's time; the rest is for what comes after the traffic, and for timers that are
 * late.
 */
const TRAFFIC_SHARE_MAX = 0.75;
/** Left out of the figures: the code is compiled meanwhile. */
const WARM_UP_SHARE = 0.25;

export function runDemo(options: DemoOptions): Promise<Ending> {
  const { terminal, testbed } = options;
  terminal.print('');
  for (const line of drawTopology(testbed.system)) terminal.print(`  ${line}`);
  terminal.print('');
  const trafficNs = Math.min(TRAFFIC_NS, (options.forNs ?? Infinity) * TRAFFIC_SHARE_MAX);
  sendTraffic(options, trafficNs / options.frames.length, 0);
  return driveLive({ ...options, input: () => 'more' });
}

/**
 * Lets one generator after the other send, measures each, and then leaves the board to the host.
 */
function sendTraffic(options: DemoOptions, eachNs: number, index: number): void {
  const { terminal, testbed, attachment } = options;
  const generator = attachment.generators[index];
  const frame = options.frames[index];
  if (generator === undefined || frame === undefined) {
    explain(options);
    return;
  }
  terminal.live(`sending frames of ${String(frame)} bytes …`);
  generator.start();
  after((eachNs * WARM_UP_SHARE) / 1e6, () => {
    generator.roundTrip.clear();
    const answeredBefore = generator.counters.answered;
    const before = testbed.counters();
    after((eachNs * (1 - WARM_UP_SHARE)) / 1e6, () => {
      const results = testbed.counters();
      const answered = generator.counters.answered - answeredBefore;
      const trip = generator.roundTrip;
      generator.stop();
      const tookNs = results.timeNs - before.timeNs;
      // Where timers come late, a short demo has no time left for the phase: then there is nothing
      // to say about it.
      if (answered > 0 && tookNs > 0) {
        const perSecond = (answered * 1e9) / tookNs;
        const gigabits = significant((perSecond * frame * 8) / 1e9);
        terminal.print(
          `  ${String(frame).padStart(4)} bytes   ${groupDigits(Math.round(perSecond))} packets/s   ${gigabits} Gb/s   ` +
            `round trip p50 ${duration(trip.percentile(0.5))}, p99 ${duration(trip.percentile(0.99))}`,
        );
      }
      const work = perPacket(before, results, answered);
      if (work !== undefined) terminal.print(`               ${workText(work)}`);
      sendTraffic(options, eachNs, index + 1);
    });
  });
}

function explain(options: DemoOptions): void {
  const { terminal, attachment, testbed } = options;
  terminal.print('');
  for (const { host, port } of attachment.listening) {
    terminal.print(
      `  Your turn: the board listens on ${host}:${String(port)}/udp. In a second terminal:`,
    );
    terminal.print(`      echo hi | nc -u -w1 ${host} ${String(port)}`);
  }
  terminal.print(
    '  See it pass: npx sddf run echo --wireshark   Others: npx sddf list   End: Ctrl-C',
  );
  showCounters(terminal, testbed);
}
