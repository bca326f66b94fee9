/** `sddf sim SYSTEM --list-faults`: every point of a system, its faults and their parameters. */

import type { SystemDescription } from '../../microkit/model.ts';
import type { ParameterKind, PointKind } from '../../sim/points/point.ts';
import { pointsOf } from '../../sim/points/system-points.ts';
import { jsonText } from '../../systems/json-text.ts';
import { withoutControls } from '../terminal.ts';

export function listFaults(system: SystemDescription, as: 'text' | 'json'): void {
  const points = pointsOf(system);
  const text = as === 'json' ? jsonText(points) : points.flatMap(linesOf).join('\n');
  process.stdout.write(`${withoutControls(text)}\n`);
}

function linesOf(point: PointKind): readonly string[] {
  const when = point.opportunity === '' ? '' : `; an opportunity: ${point.opportunity}`;
  const states = point.states.length === 0 ? '' : `; states: ${point.states.join(', ')}`;
  const faults = point.faults.flatMap(({ name, what, trigger, parameters }) => [
    `  ${name.padEnd(12)} ${what}${trigger === 'moment' ? ' (at a time)' : ''}`,
    ...Object.entries(parameters).map(([key, kind]) => `    ${key}: ${parameterText(kind)}`),
  ]);
  return [`${point.name}: ${point.what}${when}${states}`, ...faults];
}

function parameterText({ what, unit, min, max, standard }: ParameterKind): string {
  const usual = typeof standard === 'number' ? `${standard}` : `${standard.min} to ${standard.max}`;
  return `${what}, ${unit}, ${min} to ${max}; ${usual} unless told`;
}
