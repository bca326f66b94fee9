/** Test support: which processes another one has started, by Linux' `/proc`. */

import { readdirSync, readFileSync } from 'node:fs';

/** @returns ids of those that any of its threads has started, and that nobody has waited for */
export function childrenOf(pid: number): readonly string[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
  );
}
