/** What happened, in order, in plain sentences: at most ten lines. */

import { faultNamed, type PointKind } from '../points/point.ts';
import type { WorldOutcome } from '../world.ts';

const LINES_MAX = 10;

/** One sentence of it. */
export interface Told {
  readonly timeNs: number;
  readonly text: string;
}

export function storyOf(outcome: WorldOutcome, points: readonly PointKind[]): readonly string[] {
  return tellStory(outcome, points).map(
    ({ timeNs, text }) => `${(timeNs / 1e6).toFixed(3).padStart(9)} ms  ${text}`,
  );
}

/** The same, with the times as numbers. */
export function tellStory(outcome: WorldOutcome, points: readonly PointKind[]): readonly Told[] {
  const kinds = new Map(points.map((point) => [point.name, point]));
  const strikes = outcome.strikes.map(({ timeNs, at, fault, opportunity, parameters }): Told => {
    const point = kinds.get(at);
    const what = point === undefined ? fault : (faultNamed(point, fault)?.what ?? fault);
    const which =
      opportunity === 0
        ? ''
        : ` (${ordinal(opportunity)} time that ${point?.opportunity ?? 'it can'})`;
    const values = Object.entries(parameters).map(([name, value]) => `${name} ${value}`);
    const how = values.length === 0 ? '' : `, ${values.join(', ')}`;
    return { timeNs, text: `${at}: ${what}${how}${which}` };
  });
  const moments = outcome.decisions.length;
  const slow: Told[] =
    moments === 0
      ? []
      : [
          {
            timeNs: 0,
            text: `${moments} times a program takes longer than usual between two steps`,
          },
        ];
  const ends = outcome.violations.map(({ timeNs, oracle, what }): Told => ({
    timeNs,
    text: `${oracle}: ${what}`,
  }));
  const room = LINES_MAX - Math.min(ends.length, LINES_MAX / 2) - slow.length;
  const shown = [...slow, ...shortened(strikes, room), ...ends.slice(0, LINES_MAX / 2)];
  return shown.toSorted((one, other) => one.timeNs - other.timeNs);
}

/** The first and the last of many. */
function shortened(told: readonly Told[], room: number): readonly Told[] {
  if (told.length <= room) return told;
  const half = Math.floor((room - 1) / 2);
  const [first, last] = [told.slice(0, half), told.slice(told.length - half)];
  const left = {
    timeNs: first.at(-1)?.timeNs ?? 0,
    text: `… ${told.length - 2 * half} more faults …`,
  };
  return [...first, left, ...last];
}

function ordinal(number: number): string {
  const tens = number % 100;
  const ending = tens > 10 && tens < 14 ? 'th' : (['th', 'st', 'nd', 'rd'][number % 10] ?? 'th');
  return `the ${number}${ending}`;
}
