/**
 * What a page asks of a run of `sddf`, as it comes over the wire: all of it is checked. It may look
 * at a world from all sides, and break it; which world that is, whoever runs `sddf` has said.
 */

import { PLAN_SCHEMA, type Rule } from '../../sim/plan/plan.ts';
import { readPlan } from '../../sim/plan/read-plan.ts';
import type { PointKind } from '../../sim/points/point.ts';
import type { Request } from '../engine/protocol.ts';
import { STEP_UNITS } from '../engine/scenario.ts';
import { type Fields, fields, integer, LinkProblem, oneOf, speedOf, textOf } from './checks.ts';
import { readMoment } from './link.ts';

const KINDS = [
  ...['play', 'pause', 'step', 'seek', 'break', 'path', 'trace', 'timeline'],
  ...['capabilities', 'blocks', 'files', 'open'],
] as const;
const SECOND_NS = 1e9;
const SEED_MAX = 0xffff_ffff;

/**
 * @param text as it came
 * @param points of the system that is shown
 * @throws LinkProblem
 */
export function readRequest(text: string, points: readonly PointKind[]): Request {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new LinkProblem('what was asked is no JSON');
  }
  const given = fields(value, 'request');
  const kind = oneOf<(typeof KINDS)[number]>(given['kind'], 'request', KINDS);
  switch (kind) {
    case 'play':
      return { kind, speed: speedOf(given['speed']) };
    case 'step': {
      const unit = oneOf(given['unit'], 'unit', STEP_UNITS);
      return { kind, unit, by: given['by'] === -1 ? -1 : 1 };
    }
    case 'seek':
      return { kind, moment: readMoment(given['moment']) };
    case 'break':
      return { kind, rule: readRule(given['rule'], points) };
    case 'path':
      return { kind, packet: integer(given['packet'], 'packet', 1, 1e9) };
    case 'timeline':
      return { kind, lastNs: integer(given['lastNs'], 'lastNs', 1, SECOND_NS) };
    case 'capabilities':
      return { kind, pd: textOf(given['pd'], 'domain') };
    case 'blocks':
      return { kind, disk: diskOf(given), block: integer(given['block'], 'block', 0, 1e9) };
    case 'files':
      return { kind, disk: diskOf(given), path: textOf(given['path'], 'path') };
    case 'open':
      return { kind, seed: integer(given['seed'], 'seed', 0, SEED_MAX) };
    case 'pause':
    case 'trace':
      return { kind };
    default:
      return kind satisfies never;
  }
}

function diskOf(given: Fields): number {
  return integer(given['disk'], 'disk', 0, 15);
}

/** A rule is read as one of a plan is. */
function readRule(value: unknown, points: readonly PointKind[]): Rule {
  const text = JSON.stringify({ schema: PLAN_SCHEMA, rules: [fields(value, 'rule')] });
  const include = (): string => 'a page has no files';
  const read = readPlan({ name: 'the rule', text }, { points, include });
  const [rule] = read.ok ? read.plan.rules : [];
  if (rule !== undefined) return rule;
  throw new LinkProblem(read.ok ? 'there is no rule' : (read.problems[0] ?? 'there is no rule'));
}
