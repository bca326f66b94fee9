/**
 * One trial in the manner of RFC 2544: frames come at a rate for a while, whether answers do or
 * not, and what is not answered is lost. Under the host clock, so the rate is what this machine can
 * do.
 *
 * A frame that finds as many in flight as the NIC has receive buffers is lost, as it is when a
 * hardware ring is full. Whatever else runs on the machine can only add loss: so a trial that loses
 * more than is wanted is made again, and the least loss counts.
 */

import { NetRig } from '../net-rig.ts';

export interface TrialOptions {
  readonly path: string;
  readonly frame: number;
  /** Frames per second. */
  readonly rate: number;
  readonly durationNs: number;
}

export interface Trial {
  readonly offered: number;
  readonly answered: number;
  /** Of those that were offered. */
  readonly lostShare: number;
  /** Round-trip times in ns, by share. */
  readonly percentile: (share: number) => number;
  readonly least: number;
  readonly most: number;
}

/** As many as the NIC has receive buffers. */
export const TRIAL_WINDOW = 512;
const WARM_UP_NS = 60_000_000;
/** Answers that are on their way when sending ends. */
const DRAIN_NS = 20_000_000;
const ATTEMPTS = 3;

export function trial({ path, frame, rate, durationNs }: TrialOptions): Trial {
  const open = { rate, window: TRIAL_WINDOW };
  const rig = new NetRig({ path, frame, batch: 1, open });
  const { generator } = rig;
  rig.runFor(Math.min(WARM_UP_NS, durationNs));
  // What is in flight now is answered within the trial, as much as is in flight at its end: it is
  // drained before.
  generator.clearMeasurements();
  rig.runFor(durationNs);
  generator.stop();
  const { sent, skipped } = generator.counters;
  for (let drained = 0; drained < DRAIN_NS && !generator.over; drained += DRAIN_NS / 10) {
    rig.runFor(DRAIN_NS / 10);
  }
  const offered = sent + skipped;
  const { roundTrip, counters } = generator;
  const lost = skipped + counters.lost + counters.dropped;
  return {
    offered,
    answered: counters.answered,
    lostShare: offered === 0 ? 0 : lost / offered,
    percentile: (share) => roundTrip.percentile(share),
    least: roundTrip.count === 0 ? 0 : roundTrip.min,
    most: roundTrip.max,
  };
}

/** The trial of several that lost least; one is enough if it lost no more than `goal`. */
export function bestTrial(options: TrialOptions, goal: number): Trial {
  let best = trial(options);
  for (let attempt = 1; attempt < ATTEMPTS && best.lostShare > goal; attempt += 1) {
    const again = trial(options);
    if (again.lostShare < best.lostShare) best = again;
  }
  return best;
}
