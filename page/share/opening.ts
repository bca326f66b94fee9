/** How a link opens: whether time passes by itself, or stands at the moment that it leads to. */

import type { WorldView } from '../engine/world-view.ts';
import type { Shared } from './link.ts';

/** Virtual seconds in a second, and how that is written. */
export const SPEEDS = [
  [0.0001, '1/10,000'],
  [0.001, '1/1,000'],
  [0.01, '1/100'],
  [0.1, '1/10'],
  [1, '1'],
] as const;

export const STANDARD_SPEED = 0.001;

/**
 * A link that was made while time passed goes on, and so does one that leads to no moment in
 * particular. A moment that somebody has gone to is what he wants to show: there it stands.
 *
 * @param first what is seen when it has come to its moment
 * @returns virtual seconds in a second; undefined where it stands
 */
export function speedAtOpening(
  { moment, speed }: Pick<Shared, 'moment' | 'speed'>,
  { timeNs, bootNs }: Pick<WorldView, 'timeNs' | 'bootNs'>,
): number | undefined {
  if (speed !== undefined) return SPEEDS.find(([value]) => value === speed)?.[0] ?? STANDARD_SPEED;
  const isBeginning = moment === undefined || (moment.kind === 'time' && timeNs <= bootNs);
  return isBeginning ? STANDARD_SPEED : undefined;
}

/** What a link is to say of the moment that is shown; nothing of the beginning. */
export function momentToShare(view: WorldView | undefined): Pick<Shared, 'moment'> {
  if (view === undefined) return {};
  const { stands, timeNs, bootNs, counts } = view;
  if (stands === 'middle') {
    return { moment: { kind: 'entry', count: Math.max(1, counts.entry) } };
  }
  return timeNs <= bootNs ? {} : { moment: { kind: 'time', timeNs } };
}
