/** What happened, in order, in plain sentences: at most ten lines. */

import type { ChoicePoint, PointKindName } from '../explore/explorer.ts';
import { worldOptions } from '../failure/replay.ts';
import type { WorldSpec } from '../failure/failure-file.ts';
import { duration } from '../../systems/figures.ts';
import { faultNamed, type ParameterKind, type PointKind, type Strike } from '../points/point.ts';
import type { Violation } from '../traffic/workload.ts';
import { runWorld, type WorldOutcome, type WorldSystem, type WorldWatch } from '../world.ts';

const LINES_MAX = 10;
/** Of what was found wrong. */
const ENDS_MAX = LINES_MAX / 2;

/** What an outcome does not say of its strikes and decisions. */
export interface StoryNotes {
  /** What each strike struck, in their order; empty where there is nothing to say. */
  readonly about: readonly string[];
  readonly decisions: readonly { readonly point: ChoicePoint; readonly ns: number }[];
}

const NO_NOTES: StoryNotes = { about: [], decisions: [] };

/** @returns an observer for a world, and the notes that it takes while that runs */
export function takeNotes(): {
  readonly watch: Required<Pick<WorldWatch, 'onStrike' | 'onDecision'>>;
  readonly notes: StoryNotes;
} {
  const about: string[] = [];
  const decisions: StoryNotes['decisions'][number][] = [];
  return {
    watch: {
      onStrike: (_, __, words) => about.push(words),
      onDecision: (point, ns) => decisions.push({ point, ns }),
    },
    notes: { about, decisions },
  };
}

/** Runs a world once more, and takes down what its outcome leaves out. */
export function noteWorld(world: WorldSpec, target: WorldSystem): StoryNotes {
  const { watch, notes } = takeNotes();
  runWorld({ ...worldOptions(world, target), watch });
  return notes;
}

/** One sentence of it. */
export interface Told {
  readonly timeNs: number;
  readonly text: string;
}

/**
 * @param points of the system
 * @param notes {@link noteWorld} has taken; without them the story does not say which frames were
 *   struck, nor who was slow
 */
export function storyOf(
  outcome: WorldOutcome,
  points: readonly PointKind[],
  notes: StoryNotes = NO_NOTES,
): readonly string[] {
  return tellStory(outcome, points, notes).map(
    ({ timeNs, text }) => `${(timeNs / 1e6).toFixed(3).padStart(9)} ms  ${text}`,
  );
}

/** The same, with the times as numbers. */
export function tellStory(
  outcome: WorldOutcome,
  points: readonly PointKind[],
  notes: StoryNotes = NO_NOTES,
): readonly Told[] {
  const kinds = new Map(points.map((point) => [point.name, point]));
  const strikes = outcome.strikes.map((strike, index): Told => ({
    timeNs: strike.timeNs,
    text: strikeWords(strike, kinds.get(strike.at), notes.about[index] ?? ''),
  }));
  const slow = slowWords(outcome, notes);
  const ends = endsOf(outcome).slice(0, ENDS_MAX);
  const found = [...strikes, ...slow].toSorted((one, other) => one.timeNs - other.timeNs);
  const causes = found.length === 0 && ends.length > 0 ? [TRAFFIC_ALONE] : found;
  return [...shortened(causes, LINES_MAX - ends.length), ...ends].toSorted(
    (one, other) => one.timeNs - other.timeNs,
  );
}

function slowWords({ decisions }: WorldOutcome, notes: StoryNotes): readonly Told[] {
  if (notes.decisions.length === 0 && decisions.length > 0) {
    return [{ timeNs: 0, text: `${decisions.length} times a program takes longer than usual` }];
  }
  return notes.decisions.map(({ point, ns }) => ({
    timeNs: point.timeNs,
    text: `${point.domain} takes ${duration(ns)} longer ${BEFORE[point.kind]}`,
  }));
}

const TRAFFIC_ALONE: Told = {
  timeNs: 0,
  text: 'nothing is broken on purpose: the traffic alone shows it',
};

/** What was found wrong; of what is said again and again, the first. */
function endsOf({ violations }: WorldOutcome): readonly Told[] {
  const kinds = new Map<string, Violation[]>();
  for (const each of violations) {
    const form = `${each.oracle} ${each.what.replaceAll(/\d+/g, 'N')}`;
    kinds.set(form, [...(kinds.get(form) ?? []), each]);
  }
  return [...kinds.values()].map(([first, ...others]) => {
    const { timeNs, oracle, where, what } = first as Violation;
    const isNamed = NOBODYS.includes(where) || what.includes(where);
    const who = isNamed ? '' : `${where}: `;
    const more = others.length === 0 ? '' : ` (and ${others.length} more like this)`;
    return { timeNs, text: `${oracle}: ${who}${what}${more}` };
  });
}

/** Named where it is no domain's. */
const NOBODYS: readonly string[] = ['sddf', 'the system', 'kernel'];

const BEFORE: Readonly<Record<PointKindName, string>> = {
  publish: 'before or after it publishes something in a queue',
  look: 'before it looks at what another domain has published',
  register: 'before it touches a register',
  kernel: 'before it calls the kernel',
};

function strikeWords(strike: Strike, point: PointKind | undefined, about: string): string {
  const { at, fault, opportunity, parameters } = strike;
  const kind = point === undefined ? undefined : faultNamed(point, fault);
  const values = Object.entries(parameters).map(([name, value]) =>
    parameterWords(name, value, kind?.parameters[name]),
  );
  const which =
    opportunity === 0
      ? []
      : [`${ordinal(opportunity)} time that ${point?.opportunity || 'it can'}`];
  const where = [at, ...which, ...(about === '' ? [] : [about])].join(', ');
  return [`${where}: ${kind?.what ?? fault}`, ...values].join('; ');
}

function parameterWords(name: string, value: number, kind: ParameterKind | undefined): string {
  const what = kind?.what ?? name;
  return `${what}: ${kind?.unit === 'ns' ? duration(value) : value}`;
}

/** The first and the last of many. */
function shortened(told: readonly Told[], room: number): readonly Told[] {
  if (told.length <= room) return told;
  const half = Math.floor((room - 1) / 2);
  const [first, last] = [told.slice(0, half), told.slice(told.length - half)];
  const left = {
    timeNs: first.at(-1)?.timeNs ?? 0,
    text: `… ${told.length - 2 * half} more of this …`,
  };
  return [...first, left, ...last];
}

function ordinal(number: number): string {
  const tens = number % 100;
  const ending = tens > 10 && tens < 14 ? 'th' : (['th', 'st', 'nd', 'rd'][number % 10] ?? 'th');
  return `the ${number}${ending}`;
}
