/** One child as its supervisor sees it. */

import type { ReadonlyRegion } from '../../memory/region.ts';
import type { SupervisedChild } from '../../queues/restart/config.ts';

/**
 *     up ──dies──▶ down ──neighbours have let go, and it is time──▶ starting ──has said so──▶ up
 *                   ▲ └──too many deaths──▶ given up                   │
 *                   └──────────────────────dies again──────────────────┘
 */
export type ChildState = 'up' | 'down' | 'starting' | 'given up';

export interface Child {
  readonly config: SupervisedChild;
  /** The child's own page; of one that speaks the protocol. */
  readonly answers: ReadonlyRegion | undefined;
  state: ChildState;
  /** The last epoch for which it has said that it runs again. */
  saidEpoch: number;
  /** Times of its last deaths, oldest first, ns. */
  deathsNs: readonly number[];
  /** Times of its last hangs, oldest first, ns: these are deaths, too. */
  hangsNs: readonly number[];
  /** Since when it is down, and from when on it may be started, ns. */
  downSinceNs: number;
  startsAtNs: number;
  /** When it was last started, ns. */
  startedAtNs: number;
}

export function makeChild(config: SupervisedChild, answers: ReadonlyRegion | undefined): Child {
  const times = { downSinceNs: 0, startsAtNs: 0, startedAtNs: 0, deathsNs: [], hangsNs: [] };
  return { config, answers, state: 'up', saidEpoch: 0, ...times };
}
