/**
 * Drives a testbed to its end: in slices of virtual time, or live.
 */

import {
  after,
  breathe,
  type Drivable,
  type HostTimer,
  LiveLoop,
  type LoopPort,
} from '../../host/event-loop.ts';
import { hostNow } from '../../host/host-time.ts';
import type { OutsideRecord, RunUntil } from '../../host/record/outside-record.ts';
import type { Testbed } from '../../systems/testbed.ts';
import {
  type Ending,
  VIRTUAL_SLICE_NS,
  virtualEnding,
  virtualSliceEnd,
} from '../../systems/virtual-slice.ts';

/** A wish to end, from Ctrl-C or a closed terminal. */
export interface Interrupt {
  readonly requested: boolean;
  /** Calls `action` when the wish comes. */
  onRequest(action: () => void): void;
}

export interface VirtualRun {
  readonly testbed: Testbed;
  /** The testbed's, which somebody may take note of. */
  readonly runUntil: RunUntil;
  readonly port: LoopPort;
  /** End of the run, in the testbed's time; `Infinity`: until all is quiet. */
  readonly untilNs: number;
  readonly interrupt: Interrupt;
  /** Called after each slice. */
  readonly onSlice: () => void;
}

/** How long a live run whose input is over may take to bring out what it has to say. */
const DRAIN_NS = 1_000_000_000;

/** Virtual time: until `untilNs`, or until nothing is left to happen. */
export async function driveVirtual(run: VirtualRun): Promise<Ending> {
  const { testbed, port, untilNs } = run;
  for (;;) {
    run.runUntil(virtualSliceEnd(testbed, untilNs));
    port.flush();
    run.onSlice();
    const ending = virtualEnding(testbed, untilNs);
    if (ending !== undefined) return ending;
    if (run.interrupt.requested) return 'interrupted';
    await breathe();
  }
}

/** A run that is begun again: what has been done to it is done again. */
export interface RepeatedRun extends Pick<VirtualRun, 'testbed' | 'interrupt'> {
  readonly record: OutsideRecord;
  /** Called after each turn. */
  readonly look: () => void;
}

/** While a run is repeated, the host has its turn this often. */
const BREATH_NS = 50_000_000;

/** Up to where the record ends, as fast as it goes. */
export async function driveAgain(run: RepeatedRun): Promise<'interrupted' | 'goes on'> {
  const { testbed, record } = run;
  let breathedAt = hostNow();
  for (const _turn of record.replay((atNs) => testbed.runUntil(atNs))) {
    run.look();
    if (run.interrupt.requested) return 'interrupted';
    if (hostNow() - breathedAt < BREATH_NS) continue;
    await breathe();
    breathedAt = hostNow();
  }
  return 'goes on';
}

export interface LiveRun {
  readonly testbed: Testbed;
  /** See {@link VirtualRun}. */
  readonly runUntil: RunUntil;
  /** For how long a debugger has held it so far: that time does not count. */
  readonly heldNs: () => number;
  readonly port: LoopPort;
  readonly loop: LiveLoop;
  /** How long; `undefined`: until interrupted. */
  readonly forNs?: number | undefined;
  readonly interrupt: Interrupt;
  /**
   * What the host may still bring: 'more', nothing after an input that is 'over', or 'none' because
   * nothing is attached. With 'none' the run ends when nothing can happen any more; with
   * 'over', unless a length was told, also when the board is idle after it has had time to say what
   * it has to say.
   */
  readonly input: () => 'more' | 'over' | 'none';
}

/**
 * The loop for a testbed; made before the run, so that bridges can wake it.
 *
 * @param forNs how long it will run; the virtual clock goes no further
 */
export function makeLoop(
  run: Pick<LiveRun, 'testbed' | 'runUntil' | 'heldNs' | 'forNs'>,
  clock: 'virtual' | 'host',
): LiveLoop {
  return new LiveLoop(clock === 'host' ? run.testbed : new PacedTestbed(run));
}

/**
 * Real time: until interrupted, or `forNs` are over, or the input is over and everything has been
 * answered.
 */
export async function driveLive(run: LiveRun): Promise<Ending> {
  let ending = 'interrupted' as Ending; // set by callbacks, which the compiler does not follow
  const { loop, testbed } = run;
  const untilNs = testbed.now() + (run.forNs ?? Infinity);
  let overAt: number | undefined;
  // A slice of the virtual clock is no time of the host's.
  const { sliceNs = Infinity } = testbed.board.clock.kind === 'host' ? run.port : {};
  loop.addPort({
    sliceNs,
    flush: () => {
      run.port.flush();
      const input = run.input();
      // Who says how long it is to last may still be waiting for what comes by itself.
      if (input === 'more' || (input === 'over' && run.forNs !== undefined)) return;
      overAt ??= hostNow();
      // Characters may still be on their way out; a device that never rests does not keep the run
      // going.
      const isDrained = input === 'over' && testbed.isIdle && hostNow() - overAt > DRAIN_NS;
      if (testbed.isQuiet || isDrained) {
        ending = 'quiet';
        loop.stop();
      }
    },
  });
  if (run.interrupt.requested) return ending;
  run.interrupt.onRequest(() => loop.stop());
  const timer = afterRun(run, () => {
    ending = 'time';
    loop.stop();
  });
  try {
    await loop.run();
  } finally {
    timer.cancel();
  }
  if (ending !== 'time' || testbed.board.clock.kind === 'host') return ending;
  return runOn(run, untilNs);
}

/** Calls `action` when the run has lasted as long as it is to, without what it was held for. */
function afterRun({ forNs, heldNs }: LiveRun, action: () => void): HostTimer {
  if (forNs === undefined) return { cancel: () => undefined };
  const since = heldNs();
  let allowedNs = 0;
  let timer: HostTimer;
  const begin = (inNs: number): void => {
    timer = after(inNs / 1e6, () => {
      const moreNs = heldNs() - since - allowedNs;
      allowedNs += moreNs;
      if (moreNs > 0) begin(moreNs);
      else action();
    });
  };
  begin(forNs);
  return { cancel: () => timer.cancel() };
}

/**
 * The virtual clock has stood still since the last event, or is late: on to the time at which the
 * run ends.
 */
async function runOn(run: LiveRun, untilNs: number): Promise<Ending> {
  const { testbed, port, interrupt } = run;
  while (testbed.now() < untilNs) {
    if (interrupt.requested) return 'interrupted';
    const nextNs = Math.max(testbed.now() + VIRTUAL_SLICE_NS, testbed.nextEventAt());
    run.runUntil(Math.min(nextNs, untilNs));
    port.flush();
    await breathe();
  }
  return 'time';
}

/** Of a paced testbed's time, in which it does not look at the host's. */
const STEP_NS = 200_000;

/**
 * A testbed under the virtual clock whose time keeps to the host's: it may run behind while it
 * works, never ahead.
 */
class PacedTestbed implements Drivable {
  readonly #testbed: Testbed;
  readonly #runUntil: RunUntil;
  readonly #heldNs: () => number;
  readonly #offsetNs: number;
  readonly #untilNs: number;

  constructor({ testbed, runUntil, heldNs, forNs }: Parameters<typeof makeLoop>[0]) {
    this.#testbed = testbed;
    this.#runUntil = runUntil;
    this.#heldNs = heldNs;
    this.#offsetNs = hostNow() - heldNs() - testbed.now();
    this.#untilNs = testbed.now() + (forNs ?? Infinity);
  }

  /**
   * The slice is of the host's time: how long that takes is not what the testbed's own says, and a
   * testbed that is behind while others keep bringing something would never catch up.
   */
  runSlice(sliceNs: number): 'idle' | 'busy' {
    const endsAt = hostNow() + sliceNs;
    for (;;) {
      const from = this.#testbed.now();
      const behindNs = this.now() - from;
      if (behindNs <= 0) return 'idle';
      const pauseNs = this.#testbed.nextEventAt() - from;
      const stepNs = Math.max(pauseNs, STEP_NS);
      this.#runUntil(from + Math.min(behindNs, stepNs));
      if (behindNs <= stepNs) return 'idle';
      if (hostNow() >= endsAt) return 'busy';
    }
  }

  /** What the testbed's time ought to be. */
  now(): number {
    return Math.min(hostNow() - this.#heldNs() - this.#offsetNs, this.#untilNs);
  }

  /** Its time stands still while it sleeps: what is ahead would have to be made up for. */
  nextNeededAt(): number {
    return this.#testbed.nextEventAt();
  }
}
