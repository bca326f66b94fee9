/**
 * What a session shows: a world that goes forwards only. One that was left in the middle of
 * something is over, and is made anew.
 */

import type { Instrument } from '../../systems/trace/observer.ts';
import type { WireParts, Wires } from '../../systems/testbed.ts';
import type { ReceivedFrame } from './hand-station.ts';
import type { ConsoleText, ShownDisk } from './plugs.ts';
import type { Pulse } from './protocol.ts';
import type { Moment } from './scenario.ts';
import { Halted, type WorldWatch } from './world-watch.ts';
import type { WorldView } from './world-view.ts';

export interface ShownWorld {
  readonly watch: WorldWatch;
  /** It was left in the middle of something. */
  readonly isOver: boolean;
  /** Nothing will ever happen in it again, unless somebody does something. */
  readonly isQuiet: boolean;
  /** Its time has an end, and that has come. */
  readonly isFinished: boolean;
  readonly disks: readonly ShownDisk[];
  now(): number;
  /** Runs one slice. @param untilNs where it ends at the latest */
  runSlice(untilNs: number, sliceNs?: number): void;
  /** @returns whether nothing is left to happen before `untilNs` */
  isAtEnd(untilNs: number): boolean;
  leave(): void;
  view(digest: 'digest' | 'no digest'): WorldView;
  takeConsoles(): readonly ConsoleText[];
  takeFrames(): readonly ReceivedFrame[];
}

export interface WorldListener {
  log(pd: string, line: string, timeNs: number): void;
}

/** Says little, and is made at once: see `Pulse`. */
export function pulseOf({ watch }: ShownWorld, timeNs: number): Pulse {
  const { counts, entries, signals } = watch;
  return { timeNs, counts: { ...counts }, entries: entries.slice(), signals: signals.slice() };
}

/** Who else looks at a world: a recording, a packet's path. */
export interface Onlooker {
  readonly instrument?: (inner: Instrument | undefined) => Instrument;
  readonly wires?: (wires: Wires, parts: WireParts) => Wires;
}

/**
 * Runs a world to a moment.
 *
 * @param limitNs where it gives up
 * @param onSlice told after each slice how far it has come
 * @returns what is seen there when the moment lies in the middle of something: the world is over
 * then
 */
export function runToMoment(
  world: ShownWorld,
  moment: Moment,
  limitNs: number,
  onSlice: (nowNs: number) => void = () => undefined,
): WorldView | undefined {
  let middle: WorldView | undefined;
  const endNs = moment.kind === 'time' ? moment.timeNs : limitNs;
  if (moment.kind !== 'time') {
    world.watch.haltAt(moment.kind, moment.count, () => {
      middle = world.view('digest');
    });
  }
  try {
    // Time passes up to a time that was asked for, also when nothing happens any more.
    const isThere =
      moment.kind === 'time' ? () => world.now() >= endNs : () => world.isAtEnd(endNs);
    while (!isThere() && !world.isFinished) {
      world.runSlice(endNs);
      onSlice(world.now());
    }
  } catch (error) {
    if (!(error instanceof Halted)) throw error;
    world.leave();
    return middle;
  }
  world.watch.haltNowhere();
  return undefined;
}
