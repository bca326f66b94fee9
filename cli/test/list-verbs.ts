/** `sddf test --verbs`: what a step may be. */

import { connectionsOf } from '../../testing/unit/make-bench.ts';
import { benchVerbs } from '../../testing/unit/bench-verbs.ts';
import { SYSTEM_VERBS } from '../../testing/verbs/verbs.ts';
import type { Terminal } from '../terminal.ts';

/**
 * @param of 'true' for those of every system, or a role
 * @throws UserMistake when there is no such role
 */
export function listVerbs(of: string | true, terminal: Terminal): void {
  const verbs = of === true ? SYSTEM_VERBS : benchVerbs(connectionsOf(of));
  for (const { what, example } of verbs) terminal.print(`${example}\n    ${what}`);
}
