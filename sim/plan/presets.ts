/**
 * Plans by name, `preset:GROUP/SEVERITY`: every fault of a group of points, as often as the
 * severity says. `preset:net` is `preset:net/moderate`, `preset:all/rough` is everything at once.
 */

import type { FaultKind, PointKind } from '../points/point.ts';
import { PLAN_SCHEMA } from './plan.ts';

/** Chance of an opportunity; moments come at equal distances, this many in 10 ms. */
const SEVERITIES: Readonly<Record<string, { readonly chance: number; readonly moments: number }>> =
  {
    mild: { chance: 0.001, moments: 1 },
    moderate: { chance: 0.01, moments: 2 },
    rough: { chance: 0.1, moments: 5 },
  };
const STANDARD = 'moderate';
const SPAN_NS = 10_000_000;
const LASTING_NS = 200_000;

export type PresetResult =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly problem: string };

/** @returns the preset's plan as JSON, for the points of one system */
export function presetText(name: string, points: readonly PointKind[]): PresetResult {
  const [group = '', severity = STANDARD] = name.split('/');
  const groups = [...new Set(points.map((point) => point.group))];
  const chosen = points.filter((point) => group === 'all' || point.group === group);
  const amounts = SEVERITIES[severity];
  if (chosen.length === 0 || amounts === undefined) {
    const known = ['all', ...groups].join(', ');
    const problem = `no preset '${name}': GROUP/SEVERITY, of ${known} and ${Object.keys(SEVERITIES).join(', ')}`;
    return { ok: false, problem };
  }
  const rules = chosen.flatMap((point) =>
    point.faults.flatMap((fault) => rulesOf(point, fault, amounts)),
  );
  return { ok: true, text: JSON.stringify({ schema: PLAN_SCHEMA, rules }) };
}

function rulesOf(
  point: PointKind,
  fault: FaultKind,
  { chance, moments }: { readonly chance: number; readonly moments: number },
): readonly object[] {
  const common = { at: point.name, fault: fault.name, optional: true };
  if (fault.trigger === 'opportunity') return [{ ...common, when: { probability: chance } }];
  return Array.from({ length: moments }, (_, index) => ({
    ...common,
    when: { time: Math.floor((SPAN_NS * (index + 1)) / (moments + 1)) },
    for: { duration: LASTING_NS },
  }));
}
