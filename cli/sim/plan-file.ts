/** Reads a plan of faults from a file, for a system that is known; also what it includes. */

import { dirname, isAbsolute, join, normalize } from 'node:path';
import { readBounded } from '../../host/bounded-file.ts';
import { UserMistake } from '../../host/problem.ts';
import type { SystemDescription } from '../../microkit/model.ts';
import type { Plan } from '../../sim/plan/plan.ts';
import {
  PLAN_BYTES_MAX,
  type PlanResult,
  type PlanSource,
  readPlan,
} from '../../sim/plan/read-plan.ts';
import { presetText } from '../../sim/plan/presets.ts';
import { pointsOf } from '../../sim/points/system-points.ts';

/** @throws UserMistake with every problem, a line each */
export function loadPlan(path: string, system: SystemDescription): Plan {
  const source = readSource(normalize(path));
  if (typeof source === 'string') throw new UserMistake(source);
  const result = checkPlan(source, system);
  if (result.ok) return result.plan;
  throw new UserMistake(result.problems.join('\n'));
}

export function checkPlan(source: PlanSource, system: SystemDescription): PlanResult {
  const points = pointsOf(system);
  return readPlan(source, {
    points,
    include: (from, reference) => {
      if (!reference.startsWith('preset:')) return readSource(besides(from, reference));
      const preset = presetText(reference.slice('preset:'.length), points);
      return preset.ok ? { name: reference, text: preset.text } : preset.problem;
    },
  });
}

/** A file has one name, however it is reached: so a circle is seen where it closes. */
function besides(from: string, reference: string): string {
  return isAbsolute(reference) ? normalize(reference) : join(dirname(from), reference);
}

/** @returns why it cannot be read, as a text */
function readSource(path: string): PlanSource | string {
  try {
    const read = readBounded(path, PLAN_BYTES_MAX);
    if (read.kind === 'too long') return `${path}: is larger than 1 MiB, which no plan needs`;
    return { name: path, text: new TextDecoder().decode(read.bytes) };
  } catch (error) {
    if (error instanceof UserMistake) return error.message;
    throw error;
  }
}
