/**
 * `net/isolation`: what is left for a good client beside none, a slow and a hostile one? Both are
 * sent the same; the figure is the share of its datagrams that the good one answers. Under the
 * virtual clock with the cost table of the published board, so it is the same on every machine.
 *
 * The slow one takes one packet each time it wakes up, so that its queue fills up
 * (`slow-client.ts`); once more without copiers, where the packets that it does not take lie in the
 * buffers that the device needs. The hostile one overwrites its queues and signals at random
 * whenever it runs (`test/support/hostile-client.ts`). One that computes without end is not here: a
 * program is not interrupted between two system calls.
 */

import { TrafficGenerator } from '../../board/links/generator.ts';
import type { Station } from '../../board/links/udp-frame.ts';
import type { EchoConfig } from '../../clients/echo/echo.ts';
import type { Program } from '../../microkit/pd.ts';
import { hostileClient } from '../../test/support/hostile-client.ts';
import { publishedBoardCosts } from '../../systems/costs/read-costs.ts';
import { clientStation, NetRig, SOURCE } from '../net-rig.ts';
import type { BenchRow } from '../results.ts';
import { once, round } from '../statistics.ts';
import { forLength, type NetSettings } from './settings.ts';
import { withProgram } from './replace.ts';
import { slowClient } from './slow-client.ts';
import { TRIAL_WINDOW } from './trial.ts';
import { TwoStations } from './two-stations.ts';

const FRAME = 1514;
/** Datagrams a second for each client: together six tenths of what the board can do. */
const OFFERED = 25_000;
/** Time enough for an answer, so that what a client swallows does not hold up the generator. */
const TIMEOUT_NS = 20_000_000;
const SEED = 1;
const NEIGHBOUR = 'client1';
const NEIGHBOUR_SOURCE: Station = {
  mac: Uint8Array.of(0x52, 0x54, 0, 0, 0, 0x64),
  ip: SOURCE.ip + 1,
  port: 40_001,
};

interface Neighbour {
  readonly name: string;
  readonly path: '5pd' | '4pd';
  /** Instead of the echo client; none when nothing is sent to it. */
  readonly program?: Program<EchoConfig>;
}

export function benchNetIsolation(settings: NetSettings): readonly BenchRow[] {
  const durationNs = forLength(settings, { smoke: 5e6, quick: 150e6, full: 1_000e6 });
  const neighbours: readonly Neighbour[] = [
    { name: 'none', path: '5pd' },
    { name: 'slow', path: '5pd', program: slowClient },
    { name: 'hostile', path: '5pd', program: hostileClient(SEED, { count: 0 }) },
    { name: 'slow (no copiers)', path: '4pd', program: slowClient },
  ];
  return neighbours.map((neighbour) => {
    settings.onProgress(`net/isolation: neighbour ${neighbour.name}`);
    return measure(neighbour, durationNs);
  });
}

function measure({ name, path, program }: Neighbour, durationNs: number): BenchRow {
  const costs = publishedBoardCosts();
  let other: TrafficGenerator | undefined;
  const rig = new NetRig({
    path,
    frame: FRAME,
    batch: 1,
    open: { rate: OFFERED, window: TRIAL_WINDOW },
    timeoutNs: TIMEOUT_NS,
    clock: 'virtual',
    costs,
    change: (system) => (program === undefined ? system : withProgram(system, NEIGHBOUR, program)),
    wrap: (generator, { ram, board, random }) => {
      other = new TrafficGenerator({
        ram,
        clock: board.clock,
        random: random.fork('neighbour'),
        source: NEIGHBOUR_SOURCE,
        targets: [clientStation(1)],
        frameBytes: FRAME,
        window: TRIAL_WINDOW,
        burst: 1,
        rate: OFFERED,
        timeoutNs: TIMEOUT_NS,
      });
      const first = { generator, mac: SOURCE.mac };
      return new TwoStations(ram, first, { generator: other, mac: NEIGHBOUR_SOURCE.mac });
    },
  });
  if (program !== undefined) other?.start();
  rig.runFor(durationNs);
  // What is on its way at the end is waited for.
  rig.generator.stop();
  rig.runFor(TIMEOUT_NS);
  const { sent, skipped, answered } = rig.generator.counters;
  const offered = sent + skipped;
  return {
    name: 'net/isolation',
    path,
    neighbour: name,
    frame: FRAME,
    offered: OFFERED,
    costs: costs.name,
    unit: 'share',
    ...once(round(answered / offered)),
    p50Us: round(rig.generator.roundTrip.percentile(0.5) / 1e3),
    p99Us: round(rig.generator.roundTrip.percentile(0.99) / 1e3),
  };
}
