/** What a page asks of a run of `sddf`, as text: `read-request.ts` reads it. */

import { ruleJson } from '../../sim/plan/write-plan.ts';
import type { Request } from '../engine/protocol.ts';

export function requestText(request: Request): string {
  if (request.kind !== 'break') return JSON.stringify(request);
  return JSON.stringify({ ...request, rule: ruleJson(request.rule) });
}
