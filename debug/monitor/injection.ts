/**
 * `monitor inject`: something goes wrong from here on, as a rule of a plan says. The parts in which
 * things can go wrong are built into a world when it is made; so it is made anew, runs to here
 * again, and then has the fault.
 */

import type { SystemDescription } from '../../microkit/model.ts';
import { PLAN_SCHEMA, type Rule } from '../../sim/plan/plan.ts';
import { readPlan } from '../../sim/plan/read-plan.ts';
import { type FaultKind, type PointKind, faultNamed } from '../../sim/points/point.ts';
import { pointsOf } from '../../sim/points/system-points.ts';
import type { Debugger } from '../debugger.ts';

export interface Injection {
  readonly debugger: Debugger;
  readonly system: SystemDescription;
  /** Rules that worlds are made with from now on. */
  readonly injected: Rule[];
}

const USAGE =
  'inject takes POINT FAULT, and what a plan says besides: times=3, for=5ms, or parameters by name';

/** @param words POINT FAULT [NAME=VALUE…]; of none, and of a point alone, what there is */
export function inject(to: Injection, words: readonly string[]): readonly string[] {
  const [at, fault, ...more] = words;
  const points = pointsOf(to.system);
  if (at === undefined) {
    return [USAGE, ...points.map(({ name, what }) => `  ${name.padEnd(32)} ${what}`)];
  }
  const point = points.find(({ name }) => name === at);
  const kind = point && fault !== undefined ? faultNamed(point, fault) : undefined;
  if (point !== undefined && fault === undefined) return point.faults.map(faultLine);
  const why = to.debugger.whyNotBack;
  if (why !== undefined) return [`cannot inject, which runs again to here: ${why}`];
  const read = ruleOf({ at, fault: fault ?? '', trigger: kind?.trigger, more }, to, points);
  if (typeof read === 'string') return [read];
  to.injected.push(...read);
  to.debugger.changeCourse();
  return [`${at}: ${fault ?? ''} from here on; the world runs to here again`];
}

function faultLine({ name, what, parameters }: FaultKind): string {
  const names = Object.keys(parameters).map((each) => ` ${each}=…`);
  return `  ${`${name}${names.join('')}`.padEnd(32)} ${what}`;
}

interface Asked {
  readonly at: string;
  readonly fault: string;
  readonly trigger: FaultKind['trigger'] | undefined;
  readonly more: readonly string[];
}

/** @returns why not, as a text */
function ruleOf(
  { at, fault, trigger, more }: Asked,
  { debugger: debug }: Injection,
  points: readonly PointKind[],
): readonly Rule[] | string {
  const pairs = more.map((each) => each.split('='));
  if (pairs.some(({ length }) => length !== 2)) return USAGE;
  const given = Object.fromEntries(pairs) as Readonly<Record<string, string>>;
  const { for: duration, times, ...parameters } = given;
  const from = `${Math.ceil(debug.nowNs())}ns`;
  const lasts = duration === undefined ? {} : { duration };
  const counted = trigger === 'moment' || (duration !== undefined && times === undefined);
  const rule = {
    at,
    fault,
    when: trigger === 'moment' ? { time: from } : { from },
    for: { ...lasts, ...(counted ? {} : { times: Number(times ?? 1) }) },
    parameters: Object.fromEntries(
      Object.entries(parameters).map(([name, value]) => [name, numberOr(value)]),
    ),
    optional: true,
  };
  const text = JSON.stringify({ schema: PLAN_SCHEMA, rules: [rule] });
  const include = (): string => 'nothing is included here';
  const result = readPlan({ name: 'inject', text }, { points, include });
  return result.ok ? result.plan.rules : result.problems.map(withoutPlace).join('\n');
}

/** Nobody has written the text that a place is in. */
function withoutPlace(problem: string): string {
  return problem.replace(/^inject:\d+:\d+: /, 'inject: ');
}

function numberOr(text: string): number | string {
  return /^-?\d+$/.test(text) ? Number(text) : text;
}
