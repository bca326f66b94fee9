/**
 * How packets bunch: `net/batch-size`, how many packets a wake-up of each program finds, and
 * `net/queue-depth`, how many wait between two programs, over time. At offered loads of the
 * published figure, under the virtual clock with its board's cost table.
 */

import type { ClockEvent } from '../../board/clock.ts';
import { publishedBoardCosts } from '../../systems/costs/read-costs.ts';
import { FRAME_BYTES, packetsPerSecond } from '../cost/published.ts';
import { outOfStep } from '../cost/simulate.ts';
import { NetRig } from '../net-rig.ts';
import type { BenchRow } from '../results.ts';
import { once, round } from '../statistics.ts';
import { forLength, type NetSettings } from './settings.ts';
import { TRIAL_WINDOW } from './trial.ts';

const PATH = '5pd';
/** Of the published figure: half of the wire, and all of it. Megabits of payload per second. */
const LOADS = [500, 957];
const WARM_UP_NS = 3_000_000;
const SAMPLE_NS = 10_000;

/** Each program on the way, and the counter that says how many packets have passed it. */
const STAGES = [
  ['ethernet_driver', 'rxPackets', 'driver, received'],
  ['net_virt_rx', 'packets', 'receive virtualiser'],
  ['client0_net_copier', 'packets', 'copier'],
  ['client0', 'txPackets', 'client'],
  ['net_virt_tx', 'packets', 'transmit virtualiser'],
  ['ethernet_driver', 'txPackets', 'driver, sent'],
] as const;

export function benchNetQueues(settings: NetSettings): readonly BenchRow[] {
  return LOADS.flatMap((megabits) => [
    ...batchSizes(megabits, settings),
    ...queueDepths(megabits, settings),
  ]);
}

function loadedRig(megabits: number): NetRig {
  const rate = packetsPerSecond(megabits);
  const rig = new NetRig({
    path: PATH,
    frame: FRAME_BYTES,
    batch: 1,
    open: { rate, window: TRIAL_WINDOW },
    clock: 'virtual',
    costs: publishedBoardCosts(),
    wrap: outOfStep(rate),
  });
  rig.runFor(WARM_UP_NS);
  return rig;
}

/** Packets that each program has passed on so far, in the order of {@link STAGES}. */
function passed(rig: NetRig): readonly number[] {
  const { programs } = rig.counters();
  return STAGES.map(([domain, counter]) => programs[domain]?.[counter] ?? 0);
}

/**
 * Looks at the end of every kernel entry: a program has woken up again when its count of wake-ups
 * has grown, and what it has passed on since the time before is the batch of the wake-up that has
 * ended. A row for each power of two.
 */
function batchSizes(megabits: number, settings: NetSettings): readonly BenchRow[] {
  settings.onProgress(`net/batch-size: ${megabits} Mb/s`);
  const durationNs = forLength(settings, { smoke: 1e6, quick: 20e6, full: 200e6 });
  const rig = loadedRig(megabits);
  const sizes = STAGES.map(() => new Map<number, number>());
  const wakeUps = STAGES.map(() => 0);
  const packets = [...passed(rig)];
  rig.testbed.kernel.state.onExit = () => {
    const { pds } = rig.counters();
    const now = passed(rig);
    for (const [stage, [domain]] of STAGES.entries()) {
      const woken = pds[domain]?.wakeUps ?? 0;
      if (woken === wakeUps[stage]) continue;
      wakeUps[stage] = woken;
      const size = (now[stage] ?? 0) - (packets[stage] ?? 0);
      packets[stage] = now[stage] ?? 0;
      const bucket = size === 0 ? 0 : 2 ** Math.floor(Math.log2(size));
      const seen = sizes[stage] as Map<number, number>;
      seen.set(bucket, (seen.get(bucket) ?? 0) + 1);
    }
  };
  rig.runFor(durationNs);
  rig.testbed.kernel.state.onExit = null;
  return STAGES.flatMap(([, , program], stage) =>
    sizeRows(sizes[stage] ?? new Map(), program, megabits),
  );
}

function sizeRows(
  sizes: ReadonlyMap<number, number>,
  program: string,
  megabits: number,
): readonly BenchRow[] {
  const total = [...sizes.values()].reduce((sum, count) => sum + count, 0);
  return [...sizes.entries()]
    .toSorted(([one], [other]) => one - other)
    .map(([bucket, count]) => ({
      name: 'net/batch-size',
      path: PATH,
      program,
      offered: megabits,
      /** At least so many packets, and less than twice as many. */
      packets: bucket,
      unit: 'share of wake-ups',
      ...once(round(count / total)),
      wakeUps: count,
    }));
}

function queueDepths(megabits: number, settings: NetSettings): readonly BenchRow[] {
  settings.onProgress(`net/queue-depth: ${megabits} Mb/s`);
  const samples = forLength(settings, { smoke: 3, quick: 30, full: 60 });
  const rig = loadedRig(megabits);
  const { clock } = rig.testbed.board;
  const startNs = clock.now();
  const rows: BenchRow[] = [];
  const look: ClockEvent = {
    fire: (nowNs) => {
      const counts = passed(rig);
      for (let stage = 1; stage < STAGES.length; stage += 1) {
        const from = STAGES[stage - 1]?.[2] ?? '';
        rows.push({
          name: 'net/queue-depth',
          path: PATH,
          queue: `${from} to ${STAGES[stage]?.[2] ?? ''}`,
          offered: megabits,
          timeUs: Math.round((nowNs - startNs) / 1e3),
          unit: 'packets',
          ...once((counts[stage - 1] ?? 0) - (counts[stage] ?? 0)),
        });
      }
      if (rows.length < samples * (STAGES.length - 1)) clock.schedule(look, nowNs + SAMPLE_NS);
    },
  };
  clock.schedule(look, startNs + SAMPLE_NS);
  rig.runFor((samples + 1) * SAMPLE_NS);
  return rows;
}
