/**
 * `net/burst`: RFC 2544 26.4, back to back. Frames come as close together as a Gigabit link lets
 * them, for as long as none is lost: how many is that? Under the virtual clock with the cost table
 * of the published board, because on this machine a generator that shares the processor with the
 * system is never faster than it for long.
 */

import type { ClockEvent } from '../../board/clock.ts';
import type { RunCosts } from '../../systems/run-costs.ts';
import { publishedBoardCosts } from '../../systems/costs/read-costs.ts';
import { NetRig } from '../net-rig.ts';
import type { BenchRow } from '../results.ts';
import { once } from '../statistics.ts';
import { forLength, type NetSettings } from './settings.ts';
import { TRIAL_WINDOW } from './trial.ts';

const LINE_BITS_PER_SECOND = 1e9;
/** Check sequence, preamble, start of frame, and the gap between two frames. */
const BESIDE_THE_FRAME_BYTES = 4 + 8 + 12;
const PATH = '5pd';
/** Between two looks at whether it is over. */
const LOOKS = 32;

export function benchNetBurst(settings: NetSettings): readonly BenchRow[] {
  const frames = forLength(settings, {
    smoke: [64],
    quick: [64],
    full: [64, 128, 256, 512, 1024, 1280, 1514],
  });
  const limit = forLength(settings, { smoke: 600, quick: 3_000, full: 10_000 });
  const costs = publishedBoardCosts();
  return frames.map((frame) => {
    settings.onProgress(`net/burst: frames of ${frame} bytes`);
    const rate = lineRate(frame);
    const longest = longestBurst(frame, { rate, limit, costs });
    return {
      name: 'net/burst',
      path: PATH,
      frame,
      lineRate: Math.round(rate),
      costs: costs.name,
      /** Longer ones were not tried. */
      limit,
      unit: 'frames',
      ...once(longest),
    };
  });
}

interface BurstOptions {
  readonly rate: number;
  /** Frames. */
  readonly limit: number;
  readonly costs: RunCosts;
}

/** @returns frames before the first that is lost, at most `limit` */
function longestBurst(frame: number, { rate, limit, costs }: BurstOptions): number {
  const open = { rate, window: TRIAL_WINDOW };
  const rig = new NetRig({ path: PATH, frame, batch: 1, open, clock: 'virtual', costs });
  const { clock } = rig.testbed.board;
  const intervalNs = 1e9 / rate;
  let whole = 0;
  let ended = false;
  // Half an interval after each frame has come, or been lost.
  const look: ClockEvent = {
    fire: (nowNs) => {
      ended = rig.generator.counters.skipped > 0 || whole === limit;
      if (ended) return;
      whole += 1;
      clock.schedule(look, nowNs + intervalNs);
    },
  };
  clock.schedule(look, clock.now() + intervalNs / 2);
  while (!ended) rig.runFor(LOOKS * intervalNs);
  return whole;
}

/** @returns frames of this size per second that a Gigabit link carries */
export function lineRate(frame: number): number {
  return LINE_BITS_PER_SECOND / (8 * (frame + BESIDE_THE_FRAME_BYTES));
}
